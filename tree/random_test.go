package tree

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

// TestRandomTrees lives through random trees of children that fail to start,
// crash, panic, are slow to stop, at random moments, with a stop or cancellation
// somewhere in between, and calls from goroutines and children all the while.
// Whatever happens: never two live incarnations of a child, every event in its
// place, an answer to every call, an end within its deadlines, and nothing that
// runs afterwards; the bubble sees to it that no goroutine is left. What a call
// answers is for TestAPI to judge.
func TestRandomTrees(t *testing.T) {
	trees := 400
	if testing.Short() {
		trees = 100
	}
	for seed := range trees {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wilderness{T: t, random: rand.New(rand.NewPCG(uint64(seed), 1)), live: map[string]int{}}
				w.calls = seed%4 != 0
				w.run()
			})
		})
	}
}

type wilderness struct {
	*testing.T
	root  *Supervisor // of those that calls are put to; nil if there are none
	calls bool

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	live   map[string]int
	events []Event
}

// n returns a random number below max.
func (w *wilderness) n(max int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(max)
}

func (w *wilderness) pause(max time.Duration) time.Duration { return time.Duration(w.n(int(max))) }

func (w *wilderness) run() {
	spec := w.spec(3)
	spec.Sink = func(e Event) { w.events = append(w.events, e) }
	root, err := New("t", spec)
	if err != nil {
		w.Fatal(err)
	}
	stop := make(chan struct{})
	var callers sync.WaitGroup
	if w.calls {
		w.root = root
		for range 1 + w.n(8) {
			callers.Go(func() { w.call(stop) })
		}
	}
	for range 1 + w.n(2) { // a root may be served again
		ctx, cancel := context.WithCancel(w.Context())
		done := make(chan error, 1)
		go func() { done <- root.Serve(ctx) }()
		time.Sleep(w.pause(20 * time.Second))
		if w.n(2) == 0 {
			go func() { _ = root.Stop(context.Background(), errBoom) }()
			time.Sleep(w.pause(time.Second))
		}
		cancel()
		select {
		case <-done:
		case <-time.After(10 * time.Minute):
			w.Fatal("Serve does not return")
		}
		synctest.Wait()
		for st := range root.Walk() {
			if st.State != strategies.Down || st.PID != 0 {
				w.Errorf("after the end: %+v", st)
			}
		}
	}
	close(stop)
	callers.Wait()
	for path, n := range w.live {
		if n != 0 {
			w.Errorf("%s: %d incarnations live after the end", path, n)
		}
	}
	started := map[string]uint64{}
	for i, e := range w.events {
		if e.Seq != uint64(i+1) {
			w.Fatalf("event %d has number %d", i+1, e.Seq)
		}
		if e.Kind == EventStarting {
			if e.Incarnation <= started[e.Path] {
				w.Fatalf("%s#%d starts after #%d", e.Path, e.Incarnation, started[e.Path])
			}
			started[e.Path] = e.Incarnation
		}
	}
}

func (w *wilderness) spec(depth int) Spec {
	s := Spec{
		Strategy:  strategies.Strategy(w.n(4)),
		Intensity: strategies.Intensity{Max: w.n(6) - 1, Within: time.Duration(1 + w.n(int(5*time.Second)))},
	}
	if w.n(3) == 0 {
		s.AutoShutdown = strategies.AutoShutdown(1 + w.n(2))
	}
	if w.n(5) == 0 {
		s.Strategy = strategies.OneForOne
		c := w.child(s, depth)
		s.Dynamic = &c
	}
	if s.Strategy == strategies.OneForOne || s.Strategy == strategies.Dependents {
		s.Parallel = w.n(4)
	}
	if s.Dynamic != nil {
		return s
	}
	for i := range w.n(5) {
		c := w.child(s, depth)
		c.ID = fmt.Sprint(i)
		if s.Strategy == strategies.Dependents {
			for n := range i {
				if w.n(3) == 0 {
					c.Needs = append(c.Needs, fmt.Sprint(n))
				}
			}
		}
		s.Children = append(s.Children, c)
	}
	return s
}

// child describes a random child of a supervisor, but for its id.
func (w *wilderness) child(s Spec, depth int) Child {
	c := Child{Restart: strategies.Restart(w.n(3))}
	if s.AutoShutdown != strategies.Never && c.Restart != strategies.Permanent {
		c.Significant = w.n(2) == 0
	}
	if w.n(4) == 0 {
		c.StartLimit = 1 + w.pause(time.Second)
	}
	if w.n(4) == 0 {
		c.Backoff = strategies.Backoff{Min: 1 + w.pause(2*time.Second), Max: 3 * time.Second, Jitter: 0.5}
	}
	switch {
	case depth > 1 && w.n(3) == 0:
		c.Start = Sub(w.spec(depth - 1))
	case w.n(2) == 0:
		c.Start = Func(w.serve)
	default:
		c.Start = w.wild()
		c.Shutdown = []Shutdown{0, BrutalKill, Timeout(0), Timeout(time.Millisecond), Timeout(time.Second)}[w.n(5)]
	}
	return c
}

func (w *wilderness) wild() Starter {
	return Of(func() (*wild, error) { return &wild{w, make(chan struct{}), sync.Once{}}, nil })
}

// call puts random calls to random supervisors.
func (w *wilderness) call(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(w.pause(time.Second)):
			ctx, cancel := context.Background(), context.CancelFunc(func() {})
			if w.n(4) == 0 {
				ctx, cancel = context.WithTimeout(ctx, w.pause(time.Second))
			}
			w.callOnce(ctx)
			cancel()
		}
	}
}

// callOnce puts one call to a supervisor that runs, and waits for the answer.
func (w *wilderness) callOnce(ctx context.Context) {
	var sups []*Supervisor
	for st := range w.root.Walk() {
		if s := w.root.Supervisor(st.Path); s != nil {
			sups = append(sups, s)
		}
	}
	if sups == nil {
		return
	}
	s := sups[w.n(len(sups))]
	id := fmt.Sprint(w.n(6))
	if s.description().Dynamic != nil && w.n(2) == 0 {
		id = "x" + id
	}
	answered := make(chan struct{})
	go func() {
		select {
		case <-answered:
		case <-time.After(10 * time.Minute):
			w.Errorf("%v does not answer", s)
		}
	}()
	defer close(answered)
	ref := strategies.ChildRef{Path: s.Path() + "/" + id, Incarnation: uint64(w.n(4))}
	switch w.n(14) {
	case 0, 1, 2:
		_, _ = s.StartChild(ctx, w.newChild(s.description(), id))
	case 3:
		_ = s.TerminateChild(ctx, id)
	case 4:
		_, _ = s.RestartChild(ctx, id)
	case 5:
		_ = s.DeleteChild(ctx, id)
	case 6:
		_ = s.TerminateInstance(ctx, ref)
	case 7:
		_, _ = s.WhichChildren(ctx)
		_, _ = s.CountChildren(ctx)
	case 8:
		_, _ = s.ChildSpec(ctx, id)
		_, _ = s.InstanceSpec(ctx, ref)
	case 9, 10:
		_, _ = s.RenewChild(ctx, id)
	case 11, 12:
		w.reconfigure(ctx, s)
	case 13:
		if s != w.root && w.n(4) == 0 {
			_ = s.Stop(ctx, w.reason())
		}
	}
}

// reconfigure gives a supervisor another description, seldom one that it refuses.
func (w *wilderness) reconfigure(ctx context.Context, s *Supervisor) {
	old := s.description()
	spec := w.spec(2)
	if w.n(8) > 0 {
		for (spec.Dynamic == nil) != (old.Dynamic == nil) {
			spec = w.spec(2)
		}
	}
	if w.n(2) == 0 { // much as before
		spec.Strategy, spec.Dynamic, spec.AutoShutdown, spec.Parallel = old.Strategy, old.Dynamic, old.AutoShutdown, old.Parallel
		spec.Children = slices.Clone(old.Children)
		if n := len(spec.Children); n > 0 && w.n(2) == 0 && spec.Strategy != strategies.Dependents {
			spec.Children = slices.Delete(spec.Children, w.n(n), n)
		}
	}
	var renew []string
	for _, c := range spec.Children {
		if w.n(3) == 0 {
			renew = append(renew, s.Path()+"/"+c.ID)
		}
	}
	_, _ = s.PlanReconfigure(spec, renew...)
	_, _ = s.Reconfigure(ctx, spec, renew...)
}

// newChild is a child to be added to a supervisor, seldom one that it refuses.
func (w *wilderness) newChild(up *Spec, id string) Child {
	if d := up.Dynamic; d != nil {
		c := Child{ID: id}
		if generated(id) {
			c.ID = ""
		}
		if d.kind() == strategies.Worker && w.n(2) == 0 {
			c.Start = w.wild()
		}
		return c
	}
	c := w.child(*up, 2)
	if c.ID = id; up.Strategy == strategies.Dependents && w.n(2) == 0 {
		c.Needs = []string{fmt.Sprint(w.n(6))}
	}
	return c
}

// wild is a child with an Init, that can be killed.
type wild struct {
	*wilderness
	killed chan struct{}
	once   sync.Once
}

func (c *wild) Kill() { c.once.Do(func() { close(c.killed) }) }

func (c *wild) Init(ctx context.Context) error {
	select {
	case <-time.After(c.pause(2 * time.Second)):
	case <-c.killed:
		return errBoom
	case <-ctx.Done():
		return ctx.Err()
	}
	switch c.n(12) {
	case 0:
		return errBoom
	case 1:
		return ErrIgnore
	case 2:
		panic("init")
	}
	return nil
}

func (c *wild) Serve(ctx context.Context) error {
	defer c.enter(ctx)()
	select {
	case <-c.killed:
		return errBoom
	case <-time.After(c.pause(10 * time.Second)):
		return c.end()
	case <-ctx.Done():
	}
	select { // slow to stop, and not always polite
	case <-c.killed:
	case <-time.After(c.pause(3 * time.Second)):
	}
	return c.end()
}

func (w *wilderness) serve(ctx context.Context) error {
	defer w.enter(ctx)()
	if w.root != nil && w.n(8) == 0 {
		w.callOnce(ctx)
	}
	select {
	case <-time.After(w.pause(10 * time.Second)):
		return w.end()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter notes that an incarnation lives, until the function returned is called.
func (w *wilderness) enter(ctx context.Context) func() {
	ref, _ := strategies.ChildFrom(ctx)
	change := func(by int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.live[ref.Path] += by; w.live[ref.Path] > 1 {
			w.Errorf("%s: two live incarnations", ref.Path)
		}
	}
	change(1)
	return func() { change(-1) }
}

// end is a random way to end.
func (w *wilderness) end() error {
	err := w.reason()
	if err == errPanic {
		panic(err)
	}
	return err
}

func (w *wilderness) reason() error {
	ends := slices.Repeat([]error{nil, errBoom, errPanic, strategies.WithClass(strategies.ShutdownTerm, nil)}, 8)
	ends = append(ends, suture.ErrDoNotRestart, suture.ErrTerminateSupervisorTree)
	return ends[w.n(len(ends))]
}
