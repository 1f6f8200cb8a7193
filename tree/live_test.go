package tree

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
)

// stage runs a tree in a synctest bubble and keeps its events.
type stage struct {
	*testing.T
	root   *Supervisor
	cancel context.CancelFunc
	result chan error

	mu     sync.Mutex // guards events
	events []Event
}

// on serves a tree named "t" with the given Spec and waits until it is at rest.
func on(t *testing.T, spec Spec) *stage {
	t.Helper()
	s := &stage{T: t, result: make(chan error, 1)}
	if spec.Sink == nil {
		spec.Sink = s.sink
	}
	root, err := New("t", spec)
	if err != nil {
		t.Fatal(err)
	}
	s.root = root
	s.serve()
	return s
}

func (s *stage) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() { s.result <- s.root.Serve(ctx) }()
	synctest.Wait()
}

func (s *stage) sink(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// ended waits for Serve to return and gives its error.
func (s *stage) ended() error {
	s.Helper()
	select {
	case err := <-s.result:
		synctest.Wait()
		return err
	case <-time.After(time.Hour):
		s.Fatal("Serve does not return")
		return nil
	}
}

func (s *stage) stop() error {
	s.cancel()
	return s.ended()
}

// seen returns the events of these kinds so far, as "kind path", and forgets
// all events.
func (s *stage) seen(kinds ...EventKind) []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, e := range s.events {
		if slices.Contains(kinds, e.Kind) {
			list = append(list, e.Kind.String()+" "+e.Path)
		}
	}
	s.events = nil
	return list
}

func (s *stage) want(got []string, want ...string) {
	s.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.Errorf("(-want +got):\n%s", d)
	}
}

// puppet is a goroutine child that ends when told what to end with.
type puppet chan error

func (p puppet) child(id string) Child { return Child{ID: id, Start: Func(p.Serve)} }

func (p puppet) Serve(ctx context.Context) error {
	select {
	case err := <-p:
		if err == errPanic {
			panic(err)
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

var (
	errBoom  = errors.New("boom")
	errPanic = errors.New("panic")
)

func quiet(id string) Child { return make(puppet).child(id) }

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestCancelStopsInReverse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{quiet("a"), {ID: "b", Start: Sub(Spec{Children: []Child{quiet("c"), quiet("d")}})}, quiet("e")}})
		s.want(s.seen(EventProgress), "progress t/a", "progress t/b/c", "progress t/b/d", "progress t/b", "progress t/e", "progress t")
		if err := s.stop(); err != context.Canceled {
			t.Errorf("Serve returned %v", err)
		}
		s.want(s.seen(EventStopping, EventExited),
			"stopping t", "stopping t/e", "exited t/e", "stopping t/b", "stopping t/b/d", "exited t/b/d",
			"stopping t/b/c", "exited t/b/c", "exited t/b", "stopping t/a", "exited t/a", "exited t")
	})
}

// Rule H1: each is dead before the next is told. Cancelling the tree's context
// must not reach a child before its turn.
func TestCancelReachesChildrenInTheirTurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var order []string
		slow := func(id string) Child {
			return Child{ID: id, Start: Func(func(ctx context.Context) error {
				<-ctx.Done()
				order = append(order, id+" told")
				time.Sleep(time.Second)
				order = append(order, id+" gone")
				return nil
			})}
		}
		s := on(t, Spec{Children: []Child{slow("a"), slow("b")}})
		_ = s.stop()
		s.want(order, "b told", "b gone", "a told", "a gone")
	})
}

func TestParallelStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		spec := Spec{Parallel: 10}
		for i := range 10 {
			spec.Children = append(spec.Children, Child{ID: fmt.Sprint(i), Start: Func(func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second)
				return nil
			})})
		}
		s := on(t, spec)
		begin := time.Now()
		_ = s.stop()
		if d := time.Since(begin); d != time.Second {
			t.Errorf("ten children that take 1 s to stop, ten at a time, took %v", d)
		}
	})
}

func TestExhaustionClimbs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		s := on(t, Spec{
			Intensity: strategies.Intensity{Max: NoRestarts},
			Children: []Child{quiet("db"), {ID: "web", Start: Sub(Spec{
				Children: []Child{x.child("api"), quiet("cache")},
			})}},
		})
		x <- errBoom
		synctest.Wait()
		x <- errBoom
		err := s.ended()
		var outer, inner *ExhaustedError
		if !errors.As(err, &outer) || !errors.As(outer.Cause, &inner) || !errors.Is(err, errBoom) || !errors.Is(err, ErrExhausted) {
			t.Fatalf("Serve returned %v", err)
		}
		cascade := strategies.Cascade{Origin: "t/web/api", N: 2}
		want := ExhaustedError{Path: "t/web", Child: "t/web/api", Restarts: 2,
			Intensity: strategies.Intensity{Max: 1, Within: 5 * time.Second}, Cascade: cascade, Cause: errBoom}
		if d := cmp.Diff(want, *inner, cmp.Comparer(func(x, y error) bool { return x == y })); d != "" {
			t.Errorf("inner error (-want +got):\n%s", d)
		}
		const text = "t gave up: t/web needed restart 1 within 5s, 0 allowed: t/web gave up: t/web/api needed restart 2 within 5s, 1 allowed: boom"
		if err.Error() != text {
			t.Errorf("error reads\n%s\nwant\n%s", err, text)
		}
		if outer.Cascade != cascade {
			t.Errorf("the root's cascade is %v, the failure that began it was %v", outer.Cascade, cascade)
		}
	})
}

func TestCascadeGoesUpAndDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		s := on(t, Spec{
			Strategy: strategies.OneForAll,
			Children: []Child{quiet("db"), {ID: "web", Start: Sub(Spec{
				Intensity: strategies.Intensity{Max: NoRestarts},
				Children:  []Child{x.child("api")},
			})}},
		})
		s.seen()
		x <- errBoom
		synctest.Wait()
		s.mu.Lock()
		for _, e := range s.events {
			if e.Cascade.String() != "t/web/api#1" {
				t.Errorf("%v: cascade %q", e, e.Cascade)
			}
			if e.Kind == EventRestarting && !slices.Equal(e.Group, []string{"db", "web"}) {
				t.Errorf("blast radius %v", e.Group)
			}
		}
		n := len(s.events)
		s.mu.Unlock()
		if n < 10 {
			t.Errorf("only %d events", n)
		}
		_ = s.stop()
	})
}

func TestFailedStartRollsBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{quiet("a"), {ID: "b", Start: Sub(Spec{Children: []Child{
			quiet("c"),
			{ID: "d", Start: Of(func() (puppet, error) { return nil, errBoom })},
		}})}, quiet("e")}})
		err := s.ended()
		var start *StartError
		if !errors.As(err, &start) || start.Path != "t/b" || !errors.Is(err, errBoom) {
			t.Errorf("Serve returned %v", err)
		}
		if want := "t/b did not start: t/b/d did not start: boom"; err.Error() != want {
			t.Errorf("error reads %q, want %q", err, want)
		}
		s.want(s.seen(EventStarting, EventStartError, EventExited),
			"starting t", "starting t/a", "starting t/b", "starting t/b/c", "starting t/b/d", "start_error t/b/d",
			"exited t/b/c", "start_error t/b", "exited t/a", "exited t")
	})
}

// initer is a service whose Init does as told.
type initer struct {
	puppet
	init func(context.Context) error
}

func (i initer) Init(ctx context.Context) error { return i.init(ctx) }

func withInit(init func(context.Context) error) Starter {
	return Of(func() (initer, error) { return initer{make(puppet), init}, nil })
}

func untilCancelled(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestCancelDuringInit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{quiet("a"), {ID: "b", Start: withInit(untilCancelled)}, quiet("c")}})
		if err := s.stop(); err != context.Canceled {
			t.Errorf("Serve returned %v", err)
		}
		s.want(s.seen(EventStarting, EventStopping, EventExited),
			"starting t", "starting t/a", "starting t/b", "stopping t", "stopping t/b", "stopping t/a", "exited t/a", "exited t")
	})
}

func TestStartLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "a", StartLimit: time.Minute, Start: withInit(untilCancelled)}}})
		begin := time.Now()
		err := s.ended()
		if !errors.Is(err, strategies.ErrStartLimit) || time.Since(begin) != time.Minute {
			t.Errorf("after %v Serve returned %v", time.Since(begin), err)
		}
	})
}

func TestIgnore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ignore := func(context.Context) error { return ErrIgnore }
		s := on(t, Spec{Children: []Child{
			{ID: "a", Start: withInit(ignore)},
			{ID: "b", Start: withInit(ignore), Restart: strategies.Temporary},
			quiet("c"),
		}})
		n, err := s.root.CountChildren(t.Context())
		if want := (strategies.Counts{Specs: 2, Active: 1, Workers: 2}); n != want || err != nil {
			t.Errorf("counts %+v, %v", n, err)
		}
		_ = s.stop()
	})
}

// What a child's end means, seen from the reason of the child_terminated report.
func TestExitsOfGoroutines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ends := map[string]func(context.Context) error{
			"nil":       func(context.Context) error { return nil },
			"error":     func(context.Context) error { return errBoom },
			"cancelled": func(context.Context) error { return context.Canceled },
			"panic":     func(context.Context) error { panic(errBoom) },
			"goexit":    func(context.Context) error { runtime.Goexit(); return nil },
			"class":     func(context.Context) error { return strategies.WithClass(strategies.ShutdownTerm, errBoom) },
		}
		want := map[string]strategies.Class{
			"nil": strategies.Normal, "error": strategies.Crash, "cancelled": strategies.Crash,
			"panic": strategies.Crash, "goexit": strategies.Crash, "class": strategies.ShutdownTerm,
		}
		for name, end := range ends {
			s := on(t, Spec{Intensity: strategies.Intensity{Max: NoRestarts}, Children: []Child{{ID: "x", Start: Func(end)}}})
			err := s.ended()
			var exhausted *ExhaustedError
			if !errors.As(err, &exhausted) {
				t.Fatalf("%s: Serve returned %v", name, err)
			}
			st, _ := s.root.Find("t/x")
			if st.Last == nil || st.Last.Exit.Class != want[name] {
				t.Errorf("%s: last exit %+v, want class %v", name, st.Last, want[name])
			}
			switch name {
			case "panic":
				var p *PanicError
				if !errors.As(err, &p) || !errors.Is(err, errBoom) || !strings.Contains(p.Stack.String(), "TestExitsOfGoroutines") {
					t.Errorf("panic: %v\n%v", err, p.Stack)
				}
				if first, _, _ := strings.Cut(p.Stack.String(), "\n"); !strings.Contains(first, "TestExitsOfGoroutines") {
					t.Errorf("the stack begins at %s, not where the panic was", first)
				}
			case "goexit":
				if !errors.Is(err, ErrGoexit) {
					t.Errorf("goexit: %v", err)
				}
			}
		}
	})
}

// stubborn is a goroutine that does not end before it is let go.
func stubborn(id string, let <-chan struct{}) Child {
	return Child{ID: id, Shutdown: Timeout(time.Second), Start: Func(func(context.Context) error { <-let; return nil })}
}

func TestStuckGoroutineEndsTheTree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		let, x := make(chan struct{}), make(puppet)
		s := on(t, Spec{
			Intensity: strategies.Intensity{Max: 100},
			Children: []Child{quiet("a"), {ID: "b", Start: Sub(Spec{
				Strategy: strategies.OneForAll,
				Children: []Child{quiet("c"), stubborn("d", let), x.child("e")},
			})}, quiet("f")},
		})
		s.seen()
		x <- errBoom
		err := s.ended()
		var stuck *StuckError
		if !errors.Is(err, ErrStuck) || !errors.As(err, &stuck) || stuck.Path != "t/b/d" {
			t.Errorf("Serve returned %v", err)
		}
		s.want(s.seen(EventStarting, EventStuck, EventExited),
			"exited t/b/e", "stuck t/b/d", "exited t/b/c", "exited t/b", "exited t/f", "exited t/a", "exited t")
		if err := s.root.Serve(t.Context()); !errors.Is(err, ErrStuck) {
			t.Errorf("served again beside what is stuck: %v", err)
		}
		close(let) // or the bubble would complain of a goroutine
	})
}

func TestBrutalKillOfGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		let := make(chan struct{})
		c := stubborn("a", let)
		c.Shutdown = BrutalKill
		s := on(t, Spec{Children: []Child{c}})
		begin := time.Now()
		if err := s.stop(); !errors.Is(err, ErrStuck) || time.Since(begin) != 5*time.Second {
			t.Errorf("after %v Serve returned %v", time.Since(begin), err)
		}
		close(let)
	})
}

// killable is a goroutine that can be ended, as a process can.
type killable struct{ killed chan struct{} }

func (k *killable) Kill() { close(k.killed) }

func (k *killable) Serve(context.Context) error {
	<-k.killed
	return errBoom
}

func TestKiller(t *testing.T) {
	bubble(t, func(t *testing.T) {
		start := Of(func() (*killable, error) { return &killable{make(chan struct{})}, nil })
		s := on(t, Spec{Children: []Child{
			{ID: "a", Start: start, Shutdown: BrutalKill},
			{ID: "b", Start: start, Shutdown: Timeout(time.Second)},
			{ID: "c", Start: start, Shutdown: Timeout(0)},
		}})
		begin := time.Now()
		if err := s.stop(); err != context.Canceled || time.Since(begin) != time.Second {
			t.Errorf("after %v Serve returned %v", time.Since(begin), err)
		}
		// Killed is what was meant for a, and not for the others (rule H5).
		s.want(s.seen(EventStopping, EventKilling, EventShutdownError),
			"stopping t", "stopping t/c", "killing t/c", "shutdown_error t/c",
			"stopping t/b", "killing t/b", "shutdown_error t/b", "killing t/a")
	})
}

func TestStopWithReason(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "a", Start: Sub(Spec{Children: []Child{quiet("b")}}), Restart: strategies.Transient}}})
		a := s.root.Supervisor("t/a")
		if err := a.Stop(t.Context(), errBoom); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if st, _ := s.root.Find("t/a"); st.Incarnation != 2 || !errors.Is(st.Last.Exit.Err, errBoom) {
			t.Errorf("stopped with an error, a transient supervisor is restarted: %+v", st)
		}
		if err := a.Stop(t.Context(), nil); !errors.Is(err, ErrNotRunning) {
			t.Errorf("Stop of one that has ended: %v", err)
		}
		if err := s.root.Supervisor("t/a").Stop(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if st, _ := s.root.Find("t/a"); st.State != strategies.Down {
			t.Errorf("stopped without a reason, it is not: %+v", st)
		}
		if err := s.root.Stop(t.Context(), errBoom); err != nil {
			t.Fatal(err)
		}
		var stopped *StoppedError
		if err := s.ended(); !errors.As(err, &stopped) || stopped.Reason != errBoom {
			t.Errorf("Serve returned %v", err)
		}
	})
}

func TestServedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		spec := Spec{Intensity: strategies.Intensity{Max: NoRestarts}, Children: []Child{x.child("a"), quiet("b")}}
		spec.Children[1].Restart = strategies.Temporary
		s := on(t, spec)
		if err := s.root.Serve(t.Context()); !errors.Is(err, ErrRunning) {
			t.Errorf("Serve while serving: %v", err)
		}
		if err := s.root.Init(t.Context()); !errors.Is(err, ErrRunning) {
			t.Errorf("Init while serving: %v", err)
		}
		x <- errBoom
		if err := s.ended(); !errors.Is(err, ErrExhausted) {
			t.Fatal(err)
		}
		if _, err := s.root.WhichChildren(t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Errorf("WhichChildren of one that has ended: %v", err)
		}
		s.serve()
		for st := range s.root.Walk() {
			if st.State != strategies.Up || st.Incarnation != 2 {
				t.Errorf("%+v: want everything up again, as second incarnation", st)
			}
		}
		_ = s.stop()
	})
}

func TestSnapshotDoesNotWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slow := func(context.Context) error { time.Sleep(30 * time.Second); return nil }
		s := on(t, Spec{Children: []Child{quiet("a"), {ID: "b", Start: withInit(slow)}}})
		begin := time.Now()
		if st, ok := s.root.Find("t/b"); !ok || st.State != strategies.Starting || time.Since(begin) != 0 {
			t.Errorf("Find: %+v, %v", st, ok)
		}
		if n := len(s.root.Snapshot().Root.Supervisor.Children); n != 2 {
			t.Errorf("Snapshot has %d children", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := s.root.WhichChildren(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("WhichChildren during the boot, given a second: %v", err)
		}
		cancel()
		if list, err := s.root.WhichChildren(t.Context()); err != nil || len(list) != 2 || list[0].ID != "b" {
			t.Errorf("WhichChildren: %v, %v", list, err)
		}
		if d := time.Since(begin); d != 30*time.Second {
			t.Errorf("WhichChildren answered after %v", d)
		}
		for _, path := range []string{"", "x", "t/x", "t/a/b", "tt", "t/"} {
			if _, ok := s.root.Find(path); ok {
				t.Errorf("Find(%q) found something", path)
			}
		}
		_ = s.stop()
	})
}

func TestBudgetRefills(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		s := on(t, Spec{Intensity: strategies.Intensity{Max: 3, Within: time.Minute}, Children: []Child{x.child("a")}})
		x <- errBoom
		synctest.Wait()
		first := time.Now()
		time.Sleep(10 * time.Second)
		x <- errBoom
		synctest.Wait()
		sup := s.root.Snapshot().Root.Supervisor
		if sup.Spent != 2 || sup.Left != 1 || sup.Refill.Sub(first).Round(time.Second) != time.Minute {
			t.Errorf("%+v", sup)
		}
		time.Sleep(time.Minute - 9*time.Second)
		if sup = s.root.Snapshot().Root.Supervisor; sup.Spent != 1 || sup.Left != 2 {
			t.Errorf("a minute after the first restart: %+v", sup)
		}
		_ = s.stop()
	})
}

func TestErrFromInit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &caller{root: make(chan *Supervisor), fromInit: make(chan error, 1), fromServe: make(chan error, 1)}
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Children: []Child{
			{ID: "a", Start: Of(func() (*caller, error) { return c, nil })},
			{ID: "b", Start: withInit(func(context.Context) error { time.Sleep(time.Minute); return nil })},
		}})}}})
		c.root <- s.root
		begin := time.Now()
		if err := <-c.fromInit; !errors.Is(err, ErrFromInit) {
			t.Errorf("a call from Init: %v", err)
		}
		// The boot goes on for a minute, but not because of this call.
		if err := <-c.fromServe; err != nil || time.Since(begin) != time.Minute {
			t.Errorf("a call from Serve: %v after %v", err, time.Since(begin))
		}
		_ = s.stop()
	})
}

// caller calls its root from Init and from Serve.
type caller struct {
	root                chan *Supervisor
	known               *Supervisor
	fromInit, fromServe chan error
}

func (c *caller) Init(ctx context.Context) error {
	c.known = <-c.root
	_, err := c.known.CountChildren(ctx)
	c.fromInit <- err
	return nil
}

func (c *caller) Serve(ctx context.Context) error {
	_, err := c.known.CountChildren(ctx)
	c.fromServe <- err
	<-ctx.Done()
	return nil
}
