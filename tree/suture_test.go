package tree

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

// underSuture serves a coppice root below a suture supervisor.
func underSuture(t *testing.T, spec Spec, above suture.Spec) (root *Supervisor, cancel context.CancelFunc, result chan error) {
	t.Helper()
	root, err := New("t", spec)
	if err != nil {
		t.Fatal(err)
	}
	if above.EventHook == nil {
		above.EventHook = func(suture.Event) {}
	}
	g := Guard(root, above)
	ctx, cancel := context.WithCancel(t.Context())
	result = make(chan error, 1)
	go func() { result <- g.Serve(ctx) }()
	synctest.Wait()
	return root, cancel, result
}

func TestGuardServesAnExhaustedRootAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		spec := Spec{Intensity: strategies.Intensity{Max: NoRestarts}, Children: []Child{x.child("a")}}
		root, cancel, result := underSuture(t, spec, suture.Spec{FailureThreshold: 1, FailureBackoff: time.Minute})
		for range 2 { // the second is above the threshold
			x <- errBoom
			synctest.Wait()
		}
		if st, _ := root.Find("t/a"); st.State != strategies.Down {
			t.Errorf("no backoff: %+v", st)
		}
		time.Sleep(2 * time.Minute) // suture's jitter adds at most half of a backoff
		if st, _ := root.Find("t/a"); st.State != strategies.Up || st.Incarnation != 3 {
			t.Errorf("not served again after the backoff: %+v", st)
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("suture returned %v", err)
		}
	})
}

func TestStopUnderSutureIsForGood(t *testing.T) {
	bubble(t, func(t *testing.T) {
		root, cancel, result := underSuture(t, Spec{Children: []Child{quiet("a")}}, suture.Spec{})
		if err := root.Stop(t.Context(), errBoom); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if st, _ := root.Find("t"); st.State != strategies.Down || st.Incarnation != 1 {
			t.Errorf("%+v", st)
		}
		cancel()
		<-result
	})
}

// End of tree: from a service below suture below coppice below suture.
func TestTerminateTreeClimbsThroughBoth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		spec := Spec{Intensity: strategies.Intensity{Max: 10}, Children: []Child{
			quiet("a"),
			{ID: "s", Start: Sub(Spec{Children: []Child{{ID: "guest", Start: Suture(guest(x))}}})},
		}}
		root, cancel, result := underSuture(t, spec, suture.Spec{})
		defer cancel()
		x <- suture.ErrTerminateSupervisorTree
		if err := <-result; !errors.Is(err, suture.ErrTerminateSupervisorTree) {
			t.Errorf("suture returned %v", err)
		}
		for st := range root.Walk() {
			if st.State != strategies.Down || st.Incarnation != 1 {
				t.Errorf("%+v: want nothing running, nothing restarted", st)
			}
		}
	})
}

// guest makes suture trees with one service.
func guest(p puppet) func() *suture.Supervisor {
	return func() *suture.Supervisor {
		g := suture.New("guest", suture.Spec{EventHook: func(suture.Event) {}})
		g.Add(p)
		return g
	}
}

func TestSutureTreeAsChild(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x, y := make(puppet), make(puppet)
		s := on(t, Spec{Strategy: strategies.OneForAll, Children: []Child{{ID: "guest", Start: Suture(guest(x))}, y.child("y")}})
		x <- errBoom // is suture's to restart
		synctest.Wait()
		if st, _ := s.root.Find("t/guest"); st.Incarnation != 1 || st.Kind != strategies.Supervisor {
			t.Errorf("%+v", st)
		}
		y <- errBoom // restarts both, and needs a fresh suture supervisor
		synctest.Wait()
		if st, _ := s.root.Find("t/guest"); st.Incarnation != 2 || st.State != strategies.Up {
			t.Errorf("%+v", st)
		}
		if err := s.stop(); err != context.Canceled {
			t.Error(err)
		}
	})
}

func TestDoNotRestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x, y := make(puppet), make(puppet)
		s := on(t, Spec{Strategy: strategies.OneForAll, Children: []Child{x.child("x"), y.child("y")}})
		s.seen()
		x <- suture.ErrDoNotRestart
		s.want(s.seen(EventExited, EventStopping, EventStarting, EventRemoved), "exited t/x", "removed t/x")
		y <- errBoom // not even a group restart brings x back
		s.want(s.seen(EventStarting), "starting t/y")
		_ = s.stop()
	})
}

// A child told to stop has no say in restarts, whatever it returns.
func TestSentinelsFromAChildToldToStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		says := func(id string, err error) Child {
			return Child{ID: id, Start: Func(func(ctx context.Context) error { <-ctx.Done(); return err })}
		}
		s := on(t, Spec{Strategy: strategies.OneForAll, Children: []Child{
			says("a", suture.ErrTerminateSupervisorTree), says("b", suture.ErrDoNotRestart), x.child("x"),
		}})
		x <- errBoom
		synctest.Wait()
		for st := range s.root.Walk() {
			if st.State != strategies.Up {
				t.Errorf("%+v", st)
			}
		}
		_ = s.stop()
	})
}

// A suture supervisor never calls Init, so Serve must; and it is called once.
func TestServeRunsInit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var inits atomic.Int32
		spec := Spec{Children: []Child{{ID: "a", Start: withInit(func(context.Context) error { inits.Add(1); return nil })}}}
		_, cancel, result := underSuture(t, spec, suture.Spec{})
		if n := inits.Load(); n != 1 {
			t.Errorf("Init ran %d times", n)
		}
		cancel()
		<-result

		root, err := New("t", spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := root.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := root.Serve(ctx); err != context.Canceled {
			t.Error(err)
		}
		if n := inits.Load(); n != 2 {
			t.Errorf("Init ran %d times", n-1)
		}
	})
}
