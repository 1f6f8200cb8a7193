package tree_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// The tree of an application with several parts: a process that everything
// else depends on, a nested supervisor with a goroutine service and a second
// process. If the store dies, web is restarted after it; if the mailer dies,
// nothing else is touched.
func Example_application() {
	api := func(ctx context.Context) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { l.Close() })
		if err = http.Serve(l, http.NotFoundHandler()); ctx.Err() != nil {
			return nil // told to stop, and did
		}
		return err
	}
	root, err := tree.New("shop", tree.Spec{
		Strategy:  strategies.RestForOne,
		Intensity: strategies.Intensity{Max: 3, Within: 10 * time.Second},
		Logger:    hclog.New(&hclog.LoggerOptions{Output: os.Stderr}),
		Children: []tree.Child{
			{ID: "store", Start: tree.Of(worker.Command{Path: "sleep", Args: []string{"60"}}.Process)},
			{ID: "web", Start: tree.Sub(tree.Spec{
				Children: []tree.Child{
					{ID: "api", Start: tree.Func(api)},
					{ID: "mailer", Start: tree.Of(worker.Command{Path: "sleep", Args: []string{"60"}}.Process), Restart: strategies.Transient},
				},
			})},
		},
	})
	if err != nil {
		log.Fatal(err) // nothing was started
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	time.AfterFunc(100*time.Millisecond, stop) // for the example's sake
	fmt.Println(root.Serve(ctx))
	// Output: context canceled
}

// serve runs a tree until f returns.
func serve(root *tree.Supervisor, f func()) error {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- root.Serve(ctx) }()
	f()
	cancel()
	return <-done
}

var idle = tree.Func(func(ctx context.Context) error { <-ctx.Done(); return nil })

func ExampleNew() {
	_, err := tree.New("shop", tree.Spec{Children: []tree.Child{
		{ID: "api", Start: idle},
		{ID: "api", Start: idle},
		{ID: "web", Start: tree.Sub(tree.Spec{Children: []tree.Child{{ID: "cache"}}})},
	}})
	fmt.Println(err)
	// Output:
	// shop/api: duplicate id
	// shop/web/cache: nothing to start: Start is missing
}

func ExampleSpec() {
	// The sink sees what happens, in order.
	root, _ := tree.New("shop", tree.Spec{
		Strategy:  strategies.OneForAll,
		Intensity: strategies.Intensity{Max: tree.NoRestarts},
		Sink:      func(e tree.Event) { fmt.Println(e) },
		Children: []tree.Child{
			{ID: "db", Start: idle},
			{ID: "api", Start: tree.Func(func(context.Context) error { return errors.New("no disk") })},
		},
	})
	_ = root.Serve(context.Background())
	// Output:
	// shop: starting
	// shop/db: starting
	// shop/db: started
	// shop/api: starting
	// shop/api: started
	// shop: started
	// shop/api: exited: crash: no disk
	// shop/api: terminated: crash: no disk
	// shop/api: not restarted: that would be restart 1 of 0 allowed, its supervisor gives up
	// shop/db: stopping, within 5s
	// shop/db: exited: shutdown
	// shop: exited: shutdown: shop gave up: shop/api needed restart 1 within 5s, 0 allowed: no disk
}

func ExampleSupervisor() {
	root, _ := tree.New("shop", tree.Spec{Children: []tree.Child{
		{ID: "db", Start: idle},
		{ID: "api", Start: idle},
	}})
	if err := root.Init(context.Background()); err != nil {
		log.Fatal(err)
	}
	// All children are up.
	err := serve(root, func() {
		children, _ := root.WhichChildren(context.Background())
		for _, c := range children {
			fmt.Println(c.ID, c.State)
		}
	})
	fmt.Println(err)
	// Output:
	// api up
	// db up
	// context canceled
}

func ExampleSupervisor_Walk() {
	root, _ := tree.New("shop", tree.Spec{Children: []tree.Child{
		{ID: "db", Start: idle},
		{ID: "web", Start: tree.Sub(tree.Spec{Children: []tree.Child{{ID: "api", Start: idle}}})},
	}})
	_ = root.Init(context.Background())
	_ = serve(root, func() {
		for st := range root.Walk() {
			fmt.Println(st.Path, st.Kind, st.State)
		}
	})
	// Output:
	// shop supervisor up
	// shop/db worker up
	// shop/web supervisor up
	// shop/web/api worker up
}

func ExampleSnapshot() {
	root, _ := tree.New("shop", tree.Spec{
		Intensity: strategies.Intensity{Max: 5, Within: time.Minute},
		Children:  []tree.Child{{ID: "api", Start: idle}},
	})
	var sup *tree.SupervisorStatus = root.Snapshot().Root.Supervisor
	fmt.Printf("%v: %d of %d restarts left\n", sup.Strategy, sup.Left, sup.Intensity.Max)
	// Output: one_for_one: 5 of 5 restarts left
}

func ExampleStatus() {
	root, _ := tree.New("shop", tree.Spec{
		Intensity: strategies.Intensity{Max: tree.NoRestarts},
		Children:  []tree.Child{{ID: "api", Start: tree.Func(func(context.Context) error { return errors.New("no disk") })}},
	})
	_ = root.Serve(context.Background())
	st, _ := root.Find("shop/api")
	var last *tree.LastExit = st.Last
	fmt.Println(st.State, st.Incarnation, last.Exit)
	// Output: down 1 crash: no disk
}

// A service with two phases: the next sibling is started when the first is done.
type server struct{ listener net.Listener }

func (s *server) Init(ctx context.Context) (err error) {
	s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	return err
}

func (s *server) Serve(ctx context.Context) error {
	context.AfterFunc(ctx, func() { s.listener.Close() })
	return http.Serve(s.listener, nil)
}

func ExampleIniter() {
	root, _ := tree.New("shop", tree.Spec{Children: []tree.Child{
		{ID: "server", Start: tree.Of(func() (*server, error) { return new(server), nil })},
		{ID: "client", Start: idle}, // the port is open by now
	}})
	fmt.Println(root.Init(context.Background()))
	_ = serve(root, func() {})
	// Output: <nil>
}

// A goroutine that can be ended without its consent, because it only waits.
type waiter struct{ killed chan struct{} }

func (w *waiter) Serve(context.Context) error { <-w.killed; return errors.New("killed") }
func (w *waiter) Kill() {
	select {
	case <-w.killed:
	default:
		close(w.killed)
	}
}

func ExampleKiller() {
	root, _ := tree.New("shop", tree.Spec{Children: []tree.Child{{
		ID:       "waiter",
		Start:    tree.Of(func() (*waiter, error) { return &waiter{make(chan struct{})}, nil }),
		Shutdown: tree.BrutalKill,
	}}})
	_ = root.Init(context.Background())
	fmt.Println(serve(root, func() {}))
	// Output: context canceled
}

func ExampleStarter() {
	var starters = []tree.Starter{
		tree.Func(func(ctx context.Context) error { <-ctx.Done(); return nil }),  // a goroutine
		tree.Of(worker.Command{Path: "sleep", Args: []string{"60"}}.Process),     // a process
		tree.Sub(tree.Spec{Children: []tree.Child{{ID: "nested", Start: idle}}}), // a supervisor
		tree.Suture(func() *suture.Supervisor { return suture.NewSimple("guest") }),
	}
	var spec tree.Spec
	for i, s := range starters {
		spec.Children = append(spec.Children, tree.Child{ID: fmt.Sprint(i), Start: s})
	}
	root, err := tree.New("mixed", spec)
	if err == nil {
		err = root.Init(context.Background())
	}
	_ = serve(root, func() {})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleChild() {
	migrated := tree.Child{
		ID:         "migrate",
		Start:      tree.Func(func(context.Context) error { return nil }),
		Restart:    strategies.Transient, // done is done, but a crash is tried again
		Shutdown:   tree.Timeout(30 * time.Second),
		StartLimit: time.Minute,
	}
	fmt.Println(migrated.ID, migrated.Restart, migrated.Shutdown)
	// Output: migrate transient 30s
}

func ExampleExhaustedError() {
	crash := tree.Func(func(context.Context) error { return errors.New("no disk") })
	root, _ := tree.New("shop", tree.Spec{
		Intensity: strategies.Intensity{Max: tree.NoRestarts},
		Children: []tree.Child{{ID: "web", Start: tree.Sub(tree.Spec{
			Children: []tree.Child{{ID: "api", Start: crash}},
		})}},
	})
	err := root.Serve(context.Background())
	var exhausted *tree.ExhaustedError
	for errors.As(err, &exhausted) {
		fmt.Printf("%s gave up over %s\n", exhausted.Path, exhausted.Child)
		err = exhausted.Cause
	}
	fmt.Println(err)
	// Output:
	// shop gave up over shop/web
	// shop/web gave up over shop/web/api
	// no disk
}

func ExampleStartError() {
	root, _ := tree.New("shop", tree.Spec{Children: []tree.Child{
		{ID: "api", Start: tree.Of(worker.Command{Path: "no-such-program"}.Process)},
	}})
	var start *tree.StartError
	fmt.Println(errors.As(root.Serve(context.Background()), &start), start.Path)
	// Output: true shop/api
}

func ExampleStoppedError() {
	root, _ := tree.New("shop", tree.Spec{Children: []tree.Child{{ID: "api", Start: idle}}})
	_ = root.Init(context.Background())
	err := serve(root, func() { _ = root.Stop(context.Background(), errors.New("maintenance")) })
	var stopped *tree.StoppedError
	fmt.Println(errors.As(err, &stopped), err)
	// Output: true shop was stopped: maintenance
}

func ExampleStuckError() {
	// What Serve returns where a goroutine ignored its context.
	var err error = &tree.StuckError{Path: "shop/deaf"}
	fmt.Println(err)
	fmt.Println(errors.Is(err, tree.ErrStuck), errors.Is(err, suture.ErrTerminateSupervisorTree))
	// Output:
	// shop/deaf: a child does not stop and cannot be killed
	// true true
}

func ExamplePanicError() {
	root, _ := tree.New("shop", tree.Spec{
		Intensity: strategies.Intensity{Max: tree.NoRestarts},
		Children:  []tree.Child{{ID: "api", Start: tree.Func(func(context.Context) error { panic("no disk") })}},
	})
	var p *tree.PanicError
	if errors.As(root.Serve(context.Background()), &p) {
		var stack tree.Stack = p.Stack
		first, _, _ := strings.Cut(stack.String(), "\n")
		fmt.Println(p, "in", first[strings.LastIndex(first, "/")+1:])
	}
	// Output: panic: no disk in tree_test.ExamplePanicError.func1
}

func ExampleEvent() {
	e := tree.Event{Kind: tree.EventRestarting, Path: "shop/web/api", Group: []string{"api", "cache"}, Spent: 2, Max: 3}
	var kind tree.EventKind = e.Kind
	fmt.Println(kind)
	fmt.Println(e)
	// Output:
	// restarting
	// shop/web/api: restarting, and with it 1 of its siblings (2 of 3 allowed)
}

func ExampleLogSink() {
	logger := hclog.New(&hclog.LoggerOptions{Output: os.Stdout, DisableTime: true})
	sink := tree.LogSink(logger)
	sink(tree.Event{Kind: tree.EventProgress, Path: "shop/api", Incarnation: 2, PID: 4711})
	// Output: [INFO]  shop/api: started: incarnation=2 pid=4711
}

func ExampleShutdown() {
	for _, s := range []tree.Shutdown{tree.Timeout(time.Minute), tree.Infinity, tree.BrutalKill} {
		fmt.Println(s)
	}
	// Output:
	// 1m0s
	// infinity
	// brutal_kill
}

func ExampleService() {
	// Whatever has suture's Serve method is a Service, a coppice tree included.
	var s tree.Service
	s, _ = tree.New("shop", tree.Spec{})
	fmt.Println(s)
	// Output: shop
}

func ExampleSpecError() {
	_, err := tree.New("shop", tree.Spec{Children: []tree.Child{{ID: "api"}}})
	var wrong *tree.SpecError
	fmt.Println(errors.As(err, &wrong), wrong.Path, errors.Is(err, tree.ErrNoStart))
	// Output: true shop/api true
}

func ExampleGuard() {
	root, _ := tree.New("shop", tree.Spec{Children: []tree.Child{{ID: "api", Start: idle}}})
	guard := tree.Guard(root, suture.Spec{FailureBackoff: 15 * time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	done := guard.ServeBackground(ctx)
	cancel()
	fmt.Println(<-done)
	// Output: context canceled
}
