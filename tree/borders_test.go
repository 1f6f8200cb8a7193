package tree

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

// nilTrap is an error whose methods panic on a nil pointer, Go's classic slip.
type nilTrap struct{ inner error }

func (e *nilTrap) Error() string { return "trap" }
func (e *nilTrap) Unwrap() error { return e.inner }

// What a child returns is the child's code. Where it panics the child has
// crashed, and its supervisor has not.
func TestErrorThatPanics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var live, most atomic.Int32
		b := Child{ID: "b", Start: Func(func(ctx context.Context) error {
			most.Store(max(most.Load(), live.Add(1)))
			defer live.Add(-1)
			return untilCancelled(ctx)
		})}
		x := make(puppet)
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Children: []Child{b, x.child("x")}})}}})
		var trap *nilTrap
		x <- trap
		synctest.Wait()
		st, _ := s.root.Find("t/s/x")
		if _, ok := errors.AsType[*PanicError](st.Last.Exit.Err); !ok || st.Last.Exit.Class != strategies.Crash || st.Incarnation != 2 {
			t.Errorf("%+v, last exit %v", st, st.Last.Exit)
		}
		_ = s.stop()
		if most.Load() != 1 || live.Load() != 0 {
			t.Errorf("%d incarnations of b at once, %d left", most.Load(), live.Load())
		}
	})
}

// A panic is a crash, whatever its value says of itself.
func TestPanicWithAnErrorOfMeaning(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, v := range []error{suture.ErrDoNotRestart, suture.ErrTerminateSupervisorTree, strategies.WithClass(strategies.Normal, nil), &ExhaustedError{}, ErrIgnore} {
			starts := 0
			s := on(t, Spec{Children: []Child{{ID: "a", Restart: strategies.Transient, Start: Func(func(ctx context.Context) error {
				if starts++; starts == 1 {
					panic(v)
				}
				return untilCancelled(ctx)
			})}}})
			if starts != 2 {
				t.Errorf("panic(%v): %d starts", v, starts)
			}
			_ = s.stop()
		}
		s := on(t, Spec{Children: []Child{{ID: "a", Start: withInit(func(context.Context) error { panic(ErrIgnore) })}}})
		if _, ok := errors.AsType[*PanicError](s.ended()); !ok {
			t.Error("a panic in Init was taken for an ignore")
		}
	})
}

// bound is a Killer whose Init heeds its context alone, and whose Kill ends
// only what Serve runs.
type bound struct{ killed chan struct{} }

func (b bound) Init(ctx context.Context) error { return untilCancelled(ctx) }
func (b bound) Serve(context.Context) error    { <-b.killed; return nil }
func (b bound) Kill()                          { close(b.killed) }

func TestBrutalKillCancelsInit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "a", Shutdown: BrutalKill, Start: Of(func() (bound, error) { return bound{make(chan struct{})}, nil })}}})
		if err := s.stop(); err != context.Canceled {
			t.Error(err)
		}
	})
}

// badKiller's Kill panics: it is asked instead.
type badKiller struct{ puppet }

func (badKiller) Kill() { panic("kill") }

func TestKillThatPanics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "a", Shutdown: BrutalKill, Start: Of(func() (badKiller, error) { return badKiller{make(puppet)}, nil })}}})
		if err := s.stop(); err != context.Canceled {
			t.Error(err)
		}
	})
}

// A goroutine is given time to end, also where it was meant to have none: what
// follows if it does not is too harsh.
func TestTimeoutZeroOfAGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "a", Shutdown: Timeout(0), Start: Func(func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			return nil
		})}}})
		if err := s.stop(); err != context.Canceled {
			t.Error(err)
		}
	})
}

// A Killer that is still being made when its time is up is killed once made.
func TestKillerInTheMaking(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "a", Shutdown: Timeout(time.Millisecond), Start: Of(func() (*killable, error) {
			time.Sleep(time.Second)
			return &killable{make(chan struct{})}, nil
		})}}})
		if err := s.stop(); err != context.Canceled {
			t.Error(err)
		}
	})
}

// looker looks at its tree from its PID method.
type looker struct {
	puppet
	root chan *Supervisor
}

func (l looker) PID() int {
	_, _ = (<-l.root).Find("t")
	return 1
}

func TestPIDMayLookAtTheTree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		roots := make(chan *Supervisor, 1)
		s := on(t, Spec{Children: []Child{{ID: "a", Start: Of(func() (looker, error) { return looker{make(puppet), roots}, nil })}}})
		roots <- s.root
		synctest.Wait()
		if st, _ := s.root.Find("t/a"); st.PID != 1 || st.State != strategies.Up {
			t.Errorf("%+v", st)
		}
		_ = s.stop()
	})
}

func TestRemovedWhileStartingIsDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		starts := 0
		s := on(t, Spec{Children: []Child{
			{ID: "a", Start: withInit(func(context.Context) error {
				if starts++; starts > 1 {
					return errBoom
				}
				return nil
			})},
			{ID: "b", Start: withInit(func(context.Context) error { return suture.ErrDoNotRestart })},
		}})
		_ = s.stop()
		s.serve() // does not get as far as b
		_ = s.ended()
		if st, ok := s.root.Find("t/b"); !ok || st.State != strategies.Down {
			t.Errorf("%+v", st)
		}
	})
}

func TestExhaustedIsNoSentinel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Intensity: strategies.Intensity{Max: NoRestarts}, Children: []Child{{ID: "s", Start: Sub(Spec{Children: []Child{quiet("a")}})}}})
		_ = s.root.Supervisor("t/s").Stop(t.Context(), errBoom)
		if err := s.ended(); !errors.Is(err, ErrExhausted) || errors.Is(err, suture.ErrDoNotRestart) {
			t.Error(err)
		}
	})
}

func TestSpecBelongsToItsTree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		inner := Spec{Children: []Child{quiet("b")}}
		spec := Spec{Children: []Child{{ID: "s", Start: Sub(inner)}}}
		root, err := New("t", spec)
		if err != nil {
			t.Fatal(err)
		}
		spec.Children[0].ID, inner.Children[0].ID = "x", "y"
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := root.Serve(ctx); err != context.DeadlineExceeded {
			t.Error(err)
		}
	})
}

// A handle of a nested supervisor is good for the life it was got in.
func TestNestedIsNotServedByOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Children: []Child{quiet("a")}})}}})
		old := s.root.Supervisor("t/s")
		_ = old.Stop(t.Context(), errBoom)
		synctest.Wait()
		if err := old.Serve(t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Error(err)
		}
		_ = s.stop()
	})
}

// The cascade goes up also with the end of the tree.
func TestCascadeOfTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Children: []Child{x.child("a")}})}, quiet("b")}})
		s.seen()
		x <- suture.ErrTerminateSupervisorTree
		_ = s.ended()
		for _, e := range s.events {
			if e.Cascade.String() != "t/s/a#1" {
				t.Errorf("%v: cascade %q", e, e.Cascade)
			}
		}
	})
}

// What becomes of a supervisor is for its parent's sink, its stop included.
func TestStopIsToldToTheParentsSink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Sink: func(e Event) {
			if e.Path == "t/s" {
				t.Errorf("%v went to the supervisor's own sink", e)
			}
		}})}}})
		s.seen()
		_ = s.root.Supervisor("t/s").Stop(t.Context(), strategies.WithClass(strategies.Shutdown, nil))
		s.want(s.seen(EventStopping), "stopping t/s")
		_ = s.stop()
	})
}

// The logger may be used after the end of its incarnation, also while the
// supervisor starts anew.
func TestLoggerOutlivesItsIncarnation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		s := on(t, Spec{Intensity: strategies.Intensity{Max: 100}, Children: []Child{{ID: "s", Start: Sub(Spec{
			Intensity: strategies.Intensity{Max: NoRestarts},
			Children: []Child{{ID: "a", Start: Func(func(ctx context.Context) error {
				context.AfterFunc(ctx, func() { hclog.FromContext(ctx).Debug("bye") })
				return x.Serve(ctx)
			})}},
		})}}})
		for range 20 {
			x <- errBoom
		}
		_ = s.stop()
	})
}

func TestContextPrintsShortly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		printed := make(chan string, 1)
		s := on(t, Spec{Children: []Child{{ID: "a", Start: Func(func(ctx context.Context) error {
			printed <- fmt.Sprint(ctx)
			return untilCancelled(ctx)
		})}}})
		if p := <-printed; !strings.Contains(p, "t/a") || len(p) > 100 {
			t.Errorf("%q", p)
		}
		_ = s.stop()
	})
}

func TestUnknownEventKind(t *testing.T) {
	if got := EventKind(99).String(); got != "EventKind(99)" {
		t.Error(got)
	}
}

// The blast radius names everybody who takes part, also one that is found dead
// and removed at once.
func TestGroupNamesTheDead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x, y, let := make(puppet), make(puppet), make(chan struct{})
		temp := y.child("temp")
		temp.Restart = strategies.Temporary
		s := on(t, Spec{Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 9}, Children: []Child{
			x.child("x"), temp,
			{ID: "z", Start: withInit(func(context.Context) error { <-let; return ErrIgnore })},
		}})
		x <- errBoom // both wait in line until z's first start is over
		synctest.Wait()
		y <- errBoom
		synctest.Wait()
		close(let)
		synctest.Wait()
		var groups [][]string
		s.mu.Lock()
		for _, e := range s.events {
			if e.Kind == EventRestarting {
				groups = append(groups, e.Group)
			}
		}
		s.mu.Unlock()
		if len(groups) != 1 || len(groups[0]) != 3 {
			t.Errorf("%v", groups)
		}
		_ = s.stop()
	})
}

// A Func is up at once: the timer of its StartLimit must not run on.
func TestStartLimitOfAFunc(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "a", StartLimit: time.Second, Start: Func(untilCancelled)}}})
		if s.root.node.sup.children["a"].proc.timer != nil {
			t.Error("it runs")
		}
		_ = s.stop()
	})
}
