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
// somewhere in between. Whatever happens: never two live incarnations of a
// child, every event in its place, an end within its deadlines, and nothing
// that runs afterwards; the bubble sees to it that no goroutine is left.
func TestRandomTrees(t *testing.T) {
	trees := 400
	if testing.Short() {
		trees = 100
	}
	for seed := range trees {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wilderness{T: t, random: rand.New(rand.NewPCG(uint64(seed), 1)), live: map[string]int{}}
				w.run()
			})
		})
	}
}

type wilderness struct {
	*testing.T

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
	for path, n := range w.live {
		if n != 0 {
			w.Errorf("%s: %d incarnations live after the end", path, n)
		}
	}
	for i, e := range w.events {
		if e.Seq != uint64(i+1) {
			w.Fatalf("event %d has number %d", i+1, e.Seq)
		}
	}
}

func (w *wilderness) spec(depth int) Spec {
	s := Spec{
		Strategy:  strategies.Strategy(w.n(3)),
		Intensity: strategies.Intensity{Max: w.n(6) - 1, Within: time.Duration(1 + w.n(int(5*time.Second)))},
	}
	if s.Strategy == strategies.OneForOne {
		s.Parallel = w.n(4)
	}
	for i := range w.n(5) {
		c := Child{ID: fmt.Sprint(i), Restart: strategies.Restart(w.n(3))}
		if w.n(4) == 0 {
			c.StartLimit = 1 + w.pause(time.Second)
		}
		switch {
		case depth > 1 && w.n(3) == 0:
			c.Start = Sub(w.spec(depth - 1))
		case w.n(2) == 0:
			c.Start = Func(w.serve)
		default:
			c.Start = Of(func() (*wild, error) { return &wild{w, make(chan struct{}), sync.Once{}}, nil })
			c.Shutdown = []Shutdown{0, BrutalKill, Timeout(0), Timeout(time.Millisecond), Timeout(time.Second)}[w.n(5)]
		}
		s.Children = append(s.Children, c)
	}
	return s
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
	ends := slices.Repeat([]error{nil, errBoom, errPanic, strategies.WithClass(strategies.ShutdownTerm, nil)}, 8)
	ends = append(ends, suture.ErrDoNotRestart, suture.ErrTerminateSupervisorTree)
	err := ends[w.n(len(ends))]
	if err == errPanic {
		panic(err)
	}
	return err
}
