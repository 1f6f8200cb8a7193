package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
)

// run runs a tree with a control socket in dir, as `coppice run` does, or a program
// of your own. The function returned ends it.
func run(dir, name string) (end func()) {
	root, err := tree.New(name, tree.Spec{Children: []tree.Child{
		{ID: "db", Start: tree.Func(func(ctx context.Context) error { <-ctx.Done(); return nil })},
	}})
	if err != nil {
		log.Fatal(err)
	}
	socket, err := control.Serve(control.Config{Dir: dir, Root: root})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := root.Init(ctx); err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- root.Serve(ctx) }()
	return func() {
		cancel()
		<-served
		if err := socket.Close(); err != nil {
			log.Fatal(err)
		}
	}
}

// sockets makes a directory for sockets. The function returned removes it.
func sockets() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "cop")
	if err != nil {
		log.Fatal(err)
	}
	return dir, func() { os.RemoveAll(dir) }
}

func Example() {
	dir, remove := sockets() // "" in Dial is where `coppice run` has them
	defer remove()
	defer run(dir, "shop")()

	ctx := context.Background()
	c, err := client.Dial(ctx, dir, "") // the only tree that runs
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	done, err := c.Restart(ctx, "shop/db")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Name(), "restarted", done.Radius.Starts, "incarnation", done.Incarnation)
	_, err = c.Why(ctx, "shop/bd")
	fmt.Println(err)
	// Output:
	// shop restarted [shop/db] incarnation 2
	// there is no child "shop/bd"; did you mean shop/db?
}

// A stream that is followed goes on until the tree ends, or the loop is left.
func ExampleClient_Events() {
	dir, remove := sockets()
	defer remove()
	defer run(dir, "shop")()
	ctx := context.Background()
	c, err := client.Dial(ctx, dir, "shop")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for e, err := range c.Events(ctx, control.EventsQuery{Follow: true}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e)
		if e.Kind == tree.EventProgress && e.Path == "shop" {
			break
		}
	}
	// Output:
	// shop: starting
	// shop/db: starting
	// shop/db: started
	// shop: started
}

// Wait has its answer when the child gets there; nothing is polled.
func ExampleClient_Wait() {
	dir, remove := sockets()
	defer remove()
	defer run(dir, "shop")()
	ctx := context.Background()
	c, err := client.Dial(ctx, dir, "shop")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Stop(ctx, "shop/db"); err != nil {
		log.Fatal(err)
	}
	st, err := c.Wait(ctx, control.WaitQuery{Path: "shop/db", State: strategies.Down})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(st.Path, st.State)
	_, err = c.Wait(ctx, control.WaitQuery{Path: "shop/db", State: strategies.Up, Timeout: time.Millisecond})
	fmt.Println(err)
	// Output:
	// shop/db down
	// shop/db is not ready after 1ms, but down
}

func ExampleRunning() {
	dir, remove := sockets()
	defer remove()
	defer run(dir, "shop")()
	defer run(dir, "bank")()
	all, err := client.List(context.Background(), dir)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range all {
		fmt.Println(r.Name, r.PID == os.Getpid())
	}
	// Output:
	// bank true
	// shop true
}

func ExampleNotRunningError() {
	dir, remove := sockets()
	defer remove()
	defer run(dir, "shop")()
	_, err := client.Dial(context.Background(), dir, "bank")
	fmt.Println(errors.Is(err, client.ErrNoTree))
	if not, ok := errors.AsType[*client.NotRunningError](err); ok {
		fmt.Println(not.Name, "does not run, but", not.Running)
	}
	// Output:
	// true
	// bank does not run, but [shop]
}

func ExampleSeveralError() {
	dir, remove := sockets()
	defer remove()
	defer run(dir, "shop")()
	defer run(dir, "bank")()
	_, err := client.Dial(context.Background(), dir, "")
	if several, ok := errors.AsType[*client.SeveralError](err); ok {
		fmt.Println("which?", several.Running)
	}
	// Output: which? [bank shop]
}
