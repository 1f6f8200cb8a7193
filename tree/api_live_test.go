package tree

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

// anyCall is one call on a supervisor, about the child "x" if it is about one.
type anyCall struct {
	name string
	do   func(s *Supervisor, ctx context.Context) error
}

var anyCalls = []anyCall{
	{"StartChild", func(s *Supervisor, ctx context.Context) error { _, err := s.StartChild(ctx, quiet("x")); return err }},
	{"TerminateChild", func(s *Supervisor, ctx context.Context) error { return s.TerminateChild(ctx, "x") }},
	{"RestartChild", func(s *Supervisor, ctx context.Context) error { _, err := s.RestartChild(ctx, "x"); return err }},
	{"RenewChild", func(s *Supervisor, ctx context.Context) error { _, err := s.RenewChild(ctx, "x"); return err }},
	{"DeleteChild", func(s *Supervisor, ctx context.Context) error { return s.DeleteChild(ctx, "x") }},
	{"TerminateInstance", func(s *Supervisor, ctx context.Context) error {
		return s.TerminateInstance(ctx, strategies.ChildRef{Path: s.Path() + "/x"})
	}},
	{"InstanceSpec", func(s *Supervisor, ctx context.Context) error {
		_, err := s.InstanceSpec(ctx, strategies.ChildRef{Path: s.Path() + "/x"})
		return err
	}},
	{"WhichChildren", func(s *Supervisor, ctx context.Context) error { _, err := s.WhichChildren(ctx); return err }},
	{"CountChildren", func(s *Supervisor, ctx context.Context) error { _, err := s.CountChildren(ctx); return err }},
	{"ChildSpec", func(s *Supervisor, ctx context.Context) error { _, err := s.ChildSpec(ctx, "x"); return err }},
}

// failing is a child whose starts fail.
func failing(id string) Child {
	return Child{ID: id, Start: withInit(func(context.Context) error { return errBoom })}
}

// moody is a child whose starts fail while it says so.
func moody(id string, fails *atomic.Bool) Child {
	return Child{ID: id, Start: withInit(func(context.Context) error {
		if fails.Load() {
			return errBoom
		}
		return nil
	})}
}

// ignoring is a child whose starts say ErrIgnore.
func ignoring(id string) Child {
	return Child{ID: id, Start: withInit(func(context.Context) error { return ErrIgnore })}
}

// slowly is a child whose starts take d.
func slowly(id string, d time.Duration) Child {
	return Child{ID: id, Start: withInit(func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})}
}

// lazy is a child that takes d to stop.
func lazy(id string, d time.Duration) Child {
	return Child{ID: id, Shutdown: Infinity, Start: Func(func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(d)
		return nil
	})}
}

// never is a Backoff that nobody waits for.
var never = strategies.Backoff{Min: 1000 * time.Hour}

// state returns what a child is doing, and its incarnation.
func (s *stage) state(path string) string {
	st, ok := s.root.Find(path)
	if !ok {
		return "gone"
	}
	return fmt.Sprintf("%v#%d", st.State, st.Incarnation)
}

// Each call, and each of its results and errors, as package and rules have them.
func TestCallResults(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		waiting := x.child("waiting")
		waiting.Backoff = never
		s := on(t, Spec{AutoShutdown: strategies.AnySignificant, Children: []Child{quiet("up"), quiet("down"), waiting, ignoring("ignored")}})
		d := on(t, Spec{Dynamic: &Child{Start: quiet("").Start, Restart: strategies.Temporary}})
		ctx := t.Context()
		if err := s.root.TerminateChild(ctx, "down"); err != nil {
			t.Fatal(err)
		}
		x <- errBoom
		synctest.Wait()

		start := func(c Child) func() (any, error) {
			return func() (any, error) { ref, err := s.root.StartChild(ctx, c); return ref, err }
		}
		startD := func(c Child) func() (any, error) {
			return func() (any, error) { ref, err := d.root.StartChild(ctx, c); return ref, err }
		}
		restart := func(id string) func() (any, error) {
			return func() (any, error) { ref, err := s.root.RestartChild(ctx, id); return ref, err }
		}
		no := func(f func() error) func() (any, error) { return func() (any, error) { return nil, f() } }
		child := func(change func(*Child)) Child { c := quiet("new"); change(&c); return c }
		ref := func(path string, n uint64) strategies.ChildRef {
			return strategies.ChildRef{Path: path, Incarnation: n}
		}

		for _, c := range []struct {
			what string
			do   func() (any, error)
			want any
			err  error
		}{
			{"a child that is new", start(quiet("a")), ref("t/a", 1), nil},
			{"one that runs", start(quiet("up")), ref("t/up", 1), ErrAlreadyStarted},
			{"one that does not", start(quiet("down")), nil, ErrAlreadyPresent},
			{"one that waits", start(quiet("waiting")), nil, ErrAlreadyPresent},
			{"a start that is ignored", start(ignoring("b")), ref("t/b", 0), nil},
			{"a start that fails", start(failing("c")), ref("t/c", 0), errBoom},
			{"no id", start(child(func(c *Child) { c.ID = "" })), nil, strategies.ErrID},
			{"an id with a slash", start(child(func(c *Child) { c.ID = "a/b" })), nil, strategies.ErrID},
			{"no Start", start(child(func(c *Child) { c.Start = nil })), nil, ErrNoStart},
			{"no such restart type", start(child(func(c *Child) { c.Restart = 9 })), nil, strategies.ErrRestart},
			{"no such time", start(child(func(c *Child) { c.Shutdown = Timeout(-1) })), nil, strategies.ErrShutdown},
			{"no such limit", start(child(func(c *Child) { c.StartLimit = -1 })), nil, strategies.ErrBadStartLimit},
			{"no such backoff", start(child(func(c *Child) { c.Backoff.Max = 1 })), nil, strategies.ErrBackoff},
			{"significant and permanent", start(child(func(c *Child) { c.Significant = true })), nil, strategies.ErrSignificant},
			{"needs without the strategy", start(child(func(c *Child) { c.Needs = []string{"up"} })), nil, strategies.ErrNeeds},
			{"something wrong far below", start(child(func(c *Child) {
				c.Start = Sub(Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Children: []Child{quiet("a"), quiet("a")}})}}})
			})), nil, strategies.ErrDuplicate},

			{"RestartChild of one that runs", restart("up"), nil, ErrChildRunning},
			{"of one that waits", restart("waiting"), nil, ErrRestarting},
			{"of one that is not there", restart("nobody"), nil, ErrNotFound},
			{"of one that does not run", restart("down"), ref("t/down", 2), nil},
			{"of one that is ignored again", restart("ignored"), ref("t/ignored", 0), nil},

			{"DeleteChild of one that runs", no(func() error { return s.root.DeleteChild(ctx, "up") }), nil, ErrChildRunning},
			{"of one that waits", no(func() error { return s.root.DeleteChild(ctx, "waiting") }), nil, ErrRestarting},
			{"of one that is not there", no(func() error { return s.root.DeleteChild(ctx, "nobody") }), nil, ErrNotFound},
			{"of one that does not run", no(func() error { return s.root.DeleteChild(ctx, "ignored") }), nil, nil},

			{"TerminateChild of one that runs", no(func() error { return s.root.TerminateChild(ctx, "up") }), nil, nil},
			{"of one that does not", no(func() error { return s.root.TerminateChild(ctx, "up") }), nil, nil},
			{"of one that waits", no(func() error { return s.root.TerminateChild(ctx, "waiting") }), nil, nil},
			{"of one that is not there", no(func() error { return s.root.TerminateChild(ctx, "nobody") }), nil, ErrNotFound},

			{"TerminateInstance, but not dynamic", no(func() error { return s.root.TerminateInstance(ctx, ref("t/a", 1)) }), nil, ErrNotFound},
			{"InstanceSpec, but not dynamic", no(func() error { _, err := s.root.InstanceSpec(ctx, ref("t/a", 1)); return err }), nil, ErrNotFound},
			{"ChildSpec of one that is not there", no(func() error { _, err := s.root.ChildSpec(ctx, "nobody"); return err }), nil, ErrNotFound},

			{"under a dynamic supervisor", startD(Child{}), ref("t/1", 1), nil},
			{"with an id", startD(Child{ID: "a"}), ref("t/a", 1), nil},
			{"with an id that is taken", startD(Child{ID: "a"}), ref("t/a", 1), ErrAlreadyStarted},
			{"with a number for an id", startD(Child{ID: "7"}), nil, strategies.ErrID},
			{"with a slash in the id", startD(Child{ID: "a/b"}), nil, strategies.ErrID},
			{"with a Start of its own that fails", startD(Child{Start: failing("").Start}), ref("t/2", 0), errBoom},
			{"with one that is ignored", startD(Child{Start: ignoring("").Start}), ref("t/3", 0), nil},
			{"with what is the template's", startD(Child{Restart: strategies.Transient}), nil, strategies.ErrTemplate},
			{"of another kind", startD(Child{Start: Sub(Spec{})}), nil, strategies.ErrKind},
			{"TerminateChild, but dynamic", no(func() error { return d.root.TerminateChild(ctx, "a") }), nil, ErrDynamic},
			{"RestartChild, but dynamic", no(func() error { _, err := d.root.RestartChild(ctx, "a"); return err }), nil, ErrDynamic},
			{"DeleteChild, but dynamic", no(func() error { return d.root.DeleteChild(ctx, "a") }), nil, ErrDynamic},
			{"ChildSpec, but dynamic", no(func() error { _, err := d.root.ChildSpec(ctx, "a"); return err }), nil, ErrDynamic},
			{"TerminateInstance of one that is dead", no(func() error { return d.root.TerminateInstance(ctx, ref("t/a", 9)) }), nil, nil},
			{"of one that lives elsewhere", no(func() error { return d.root.TerminateInstance(ctx, ref("t", 1)) }), nil, ErrNotFound},
			{"of whichever of those that are not there", no(func() error { return d.root.TerminateInstance(ctx, ref("t/b", 0)) }), nil, ErrNotFound},
			{"of one that lives", no(func() error { return d.root.TerminateInstance(ctx, ref("t/a", 1)) }), nil, nil},
			{"of whichever lives", no(func() error { return d.root.TerminateInstance(ctx, ref("t/1", 0)) }), nil, nil},
		} {
			got, err := c.do()
			if !errors.Is(err, c.err) || err != nil && c.err == nil {
				t.Errorf("%s: error %v, want %v", c.what, err, c.err)
			}
			if c.want != nil && got != c.want {
				t.Errorf("%s: %v, want %v", c.what, got, c.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "t/") {
				t.Errorf("%s: the error does not say what it is about: %v", c.what, err)
			}
		}
		n, _ := d.root.CountChildren(ctx)
		if want := (strategies.Counts{Specs: 1}); n != want {
			t.Errorf("in the end there are %+v", n)
		}
		_, _ = s.stop(), d.stop()
	})
}

func TestErrorsOfStarts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{quiet("a")}})
		_, err := s.root.StartChild(t.Context(), quiet("a"))
		if there, ok := errors.AsType[*AlreadyStartedError](err); !ok || there.Ref != (strategies.ChildRef{Path: "t/a", Incarnation: 1}) {
			t.Errorf("of one that runs: %v", err)
		}
		_, err = s.root.StartChild(t.Context(), failing("b"))
		if failed, ok := errors.AsType[*StartError](err); !ok || failed.Path != "t/b" || failed.Err != errBoom {
			t.Errorf("of one that fails: %v", err)
		}
		if got := s.state("t/b"); got != "gone" {
			t.Errorf("it left behind %s", got)
		}
		_, err = s.root.StartChild(t.Context(), Child{ID: "c", Start: Sub(Spec{Intensity: strategies.Intensity{Max: -2}})})
		if wrong, ok := errors.AsType[*SpecError](err); !ok || wrong.Path != "t/c" {
			t.Errorf("of one that is described wrongly: %v", err)
		}
		_ = s.stop()
	})
}

// Rule A9: what a child was not told it has by default.
func TestChildSpecHasDefaults(t *testing.T) {
	bubble(t, func(t *testing.T) {
		needs := []string{"b"}
		s := on(t, Spec{Strategy: strategies.Dependents, Children: []Child{quiet("b"), {ID: "s", Start: Sub(Spec{})}}})
		c := quiet("a")
		c.Needs, c.Backoff = needs, strategies.Backoff{Min: time.Second}
		if _, err := s.root.StartChild(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		needs[0] = "changed"
		for id, want := range map[string]strategies.ChildSpec{
			"a": {ID: "a", Shutdown: Timeout(5 * time.Second), Incarnation: 1, Needs: []string{"b"},
				Backoff: strategies.Backoff{Min: time.Second, Max: time.Second, Factor: 2, Reset: time.Second}},
			"s": {ID: "s", Kind: strategies.Supervisor, Shutdown: Infinity, Incarnation: 1},
		} {
			got, err := s.root.ChildSpec(t.Context(), id)
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, d)
			}
		}
		_ = s.stop()
	})
}

// A child may call its supervisors from Serve, with the context it was given.
func TestCallsFromServe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		roots := make(chan *Supervisor, 1)
		answers := make(chan error, len(anyCalls))
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Children: []Child{{ID: "a", Start: Func(func(ctx context.Context) error {
			root := <-roots
			for _, c := range anyCalls {
				for _, sup := range []*Supervisor{root, root.Supervisor("t/s")} {
					if err := c.do(sup, ctx); errors.Is(err, ErrNotRunning) || errors.Is(err, ErrFromInit) {
						t.Errorf("%s of %v: %v", c.name, sup, err)
					}
				}
				answers <- nil
			}
			<-ctx.Done()
			return nil
		})}}})}}})
		roots <- s.root
		for range anyCalls {
			<-answers
		}
		if got := s.state("t/s/a"); got != "up#1" {
			t.Errorf("the child that calls is %s", got)
		}
		_ = s.stop()
	})
}

// Its supervisor waits for a child that it terminates, so a child that has
// itself terminated must not wait for the answer longer than it lives.
func TestChildTerminatesItself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		roots, answer := make(chan *Supervisor, 1), make(chan error, 1)
		s := on(t, Spec{Children: []Child{{ID: "a", Start: Func(func(ctx context.Context) error {
			answer <- (<-roots).TerminateChild(ctx, "a")
			return nil
		})}}})
		begin := time.Now()
		roots <- s.root
		if err := <-answer; err != context.Canceled || time.Since(begin) != 0 {
			t.Errorf("after %v it was told %v", time.Since(begin), err)
		}
		synctest.Wait()
		if got := s.state("t/a"); got != "down#1" {
			t.Errorf("it is %s", got)
		}
		_ = s.stop()
	})
}

// No supervisor that waits for a start can answer a call from it.
func TestEveryCallFromInit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		roots := make(chan *Supervisor, 1)
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Children: []Child{{ID: "a", Start: withInit(func(ctx context.Context) error {
			root := <-roots
			calls := append(slices.Clone(anyCalls), anyCall{"Stop", func(s *Supervisor, ctx context.Context) error { return s.Stop(ctx, nil) }})
			for _, c := range calls {
				for _, sup := range []*Supervisor{root, root.Supervisor("t/s")} {
					if err := c.do(sup, ctx); !errors.Is(err, ErrFromInit) {
						t.Errorf("%s of %v: %v", c.name, sup, err)
					}
				}
			}
			root.Snapshot() // is no call
			return nil
		})}}})}}})
		roots <- s.root
		synctest.Wait()
		if got := s.state("t/s/a"); got != "up#1" {
			t.Errorf("the child that called is %s", got)
		}
		_ = s.stop()
	})
}

// Another tree does not wait for that start.
func TestCallFromInitIntoAnotherTree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		other := on(t, Spec{Children: []Child{quiet("a")}})
		s := on(t, Spec{Children: []Child{{ID: "a", Start: withInit(func(ctx context.Context) error {
			return other.root.TerminateChild(ctx, "a")
		})}}})
		if got := other.state("t/a"); got != "down#1" {
			t.Errorf("the child of the other tree is %s", got)
		}
		_, _ = s.stop(), other.stop()
	})
}

// Rule D8: calls wait until a group restart is done, and then see what is so.
func TestCallsDuringACascade(t *testing.T) {
	for _, c := range anyCalls {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				boom := make(puppet)
				s := on(t, Spec{Strategy: strategies.OneForAll, Children: []Child{lazy("x", time.Second), boom.child("a"), slowly("b", time.Second)}})
				time.Sleep(2 * time.Second) // b is up
				boom <- errBoom
				synctest.Wait()
				begin := time.Now()
				if got := s.state("t/x"); got != "stopping#1" || time.Since(begin) != 0 {
					t.Errorf("Find waited for the restart, or x is %s", got)
				}
				wait, b := 2*time.Second, "up#2"
				if c.name == "RenewChild" { // which is another
					wait, b = 2*wait, "up#3"
				}
				err := c.do(s.root, t.Context())
				if d := time.Since(begin); d < wait || d > wait+time.Second {
					t.Errorf("answered %v after %v", err, d)
				}
				if got := s.state("t/b"); got != b {
					t.Errorf("b is %s by then", got)
				}
				_ = s.stop()
			})
		})
	}
}

// While a supervisor ends, and when it has, the answer comes at once: to calls
// that wait, too.
func TestCallsDuringTheEnd(t *testing.T) {
	for _, c := range anyCalls {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				boom := make(puppet)
				s := on(t, Spec{Strategy: strategies.OneForAll, Children: []Child{lazy("x", time.Minute), boom.child("a")}})
				boom <- errBoom
				synctest.Wait()
				waits := make(chan error, 1)
				go func() { waits <- c.do(s.root, context.Background()) }()
				synctest.Wait()
				s.cancel()
				synctest.Wait()
				begin := time.Now()
				for i, err := range []error{<-waits, c.do(s.root, context.Background())} {
					if !errors.Is(err, ErrNotRunning) || time.Since(begin) != 0 {
						t.Errorf("%d: %v after %v", i, err, time.Since(begin))
					}
				}
				if err := s.ended(); err != context.Canceled || time.Since(begin) == 0 {
					t.Errorf("Serve returned %v after %v", err, time.Since(begin))
				}
				if err := c.do(s.root, context.Background()); !errors.Is(err, ErrNotRunning) {
					t.Errorf("when it had ended: %v", err)
				}
			})
		})
	}
}

func TestCallBeforeTheFirstServe(t *testing.T) {
	root, err := New("t", Spec{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range anyCalls {
		if err := c.do(root, t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A call whose context ends gives up waiting. What it asked for is done all the
// same, if it had been asked.
func TestCallIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{quiet("x"), slowly("a", time.Minute)}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if err := s.root.TerminateChild(ctx, "x"); err != context.DeadlineExceeded || time.Since(begin) != time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		time.Sleep(time.Hour)
		if got := s.state("t/x"); got != "down#1" {
			t.Errorf("x is %s", got)
		}
		for _, c := range anyCalls { // ended before it began: done or not, but no hang
			if err := c.do(s.root, ctx); errors.Is(err, ErrNotRunning) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		_ = s.stop()
	})
}

func TestCallsFromManyGoroutines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{})
		const n = 50
		var all sync.WaitGroup
		won := make(chan strategies.ChildRef, n)
		for i := range n {
			all.Go(func() {
				ctx, id := context.Background(), fmt.Sprint("c", i)
				ref, err := s.root.StartChild(ctx, quiet("same"))
				if err == nil {
					won <- ref
				} else if !errors.Is(err, ErrAlreadyStarted) {
					t.Errorf("%d: %v", i, err)
				}
				_, err1 := s.root.StartChild(ctx, quiet(id))
				err2 := s.root.TerminateChild(ctx, id)
				_, err3 := s.root.RestartChild(ctx, id)
				_, err4 := s.root.WhichChildren(ctx)
				err5 := s.root.TerminateChild(ctx, id)
				err6 := s.root.DeleteChild(ctx, id)
				if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Errorf("%d have started the same child", len(won))
		}
		if got, err := s.root.CountChildren(t.Context()); got != (strategies.Counts{Specs: 1, Active: 1, Workers: 1}) {
			t.Errorf("%+v, %v", got, err)
		}
		_ = s.stop()
	})
}

// A dynamic supervisor of supervisors: the template's Start is what a child
// without one runs, and what a child brings instead is a supervisor, too.
func TestDynamicSupervisors(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Dynamic: &Child{Start: Sub(Spec{Children: []Child{quiet("worker")}})}})
		ctx := t.Context()
		for _, c := range []Child{{}, {ID: "b"}, {ID: "c", Start: Sub(Spec{})}, {}} {
			if _, err := s.root.StartChild(ctx, c); err != nil {
				t.Error(err)
			}
		}
		var paths []string
		for st := range s.root.Walk() {
			paths = append(paths, st.Path)
		}
		s.want(paths, "t", "t/1", "t/1/worker", "t/b", "t/b/worker", "t/c", "t/2", "t/2/worker")
		if n, _ := s.root.CountChildren(ctx); n != (strategies.Counts{Specs: 1, Active: 4, Supervisors: 4}) {
			t.Errorf("%+v", n)
		}
		got, err := s.root.InstanceSpec(ctx, strategies.ChildRef{Path: "t/1", Incarnation: 1})
		if d := cmp.Diff(strategies.ChildSpec{Kind: strategies.Supervisor, Shutdown: Infinity, Incarnation: 1}, got); d != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
		_ = s.stop()
	})
}

// Rule J6: the number of the incarnation that died still means the child that
// waits to be started again; to terminate it is to give that up.
func TestTerminateInstanceThatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		s := on(t, Spec{Dynamic: &Child{Start: Func(x.Serve), Backoff: never}})
		ref, err := s.root.StartChild(t.Context(), Child{ID: "a"})
		if err != nil {
			t.Fatal(err)
		}
		x <- errBoom
		synctest.Wait()
		if got := s.state("t/a"); got != "waiting#1" {
			t.Errorf("it is %s", got)
		}
		if err := s.root.TerminateInstance(t.Context(), ref); err != nil {
			t.Error(err)
		}
		synctest.Wait() // the answer may be there a moment before the rest
		if got := s.state("t/a"); got != "gone" || !s.root.Idle() {
			t.Errorf("it is %s", got)
		}
		_ = s.stop()
	})
}

// numbered takes note of the number of each start, and sees to it that none
// comes twice under a path.
type numbered struct {
	*testing.T
	mu   sync.Mutex
	last map[string]uint64
}

func (n *numbered) sink(e Event) {
	if e.Kind != EventStarting {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.Incarnation <= n.last[e.Path] {
		n.Errorf("%s: incarnation %d comes after %d", e.Path, e.Incarnation, n.last[e.Path])
	}
	n.last[e.Path] = e.Incarnation
}

// A path and the number of an incarnation name one process for the life of a
// root, whatever is removed and comes back under the path.
func TestIncarnationsNeverRepeat(t *testing.T) {
	nested := func(children ...Child) Child { return Child{ID: "s", Start: Sub(Spec{Children: children})} }
	type world struct {
		*stage
		boom puppet // a child that crashes on order
	}
	remove := func(w world, ids ...string) {
		for _, id := range ids {
			if err := errors.Join(w.root.TerminateChild(w.Context(), id), w.root.DeleteChild(w.Context(), id)); err != nil {
				w.Error(err)
			}
		}
	}
	start := func(w world, sup string, c Child) {
		w.Helper()
		if _, err := w.root.Supervisor(sup).StartChild(w.Context(), c); err != nil {
			w.Error(err)
		}
	}
	for _, c := range []struct {
		name string
		spec func(boom Child) Spec
		do   func(w world)
		want map[string]uint64
	}{
		{"removed and added again", nil, func(w world) {
			for range 3 {
				start(w, "t", quiet("a"))
				remove(w, "a")
			}
		}, map[string]uint64{"t/a": 3}},
		{"whose id is a number", nil, func(w world) {
			for range 3 {
				start(w, "t", quiet("1"))
				remove(w, "1")
			}
		}, map[string]uint64{"t/1": 3}},
		{"whose start failed", nil, func(w world) {
			for range 2 {
				_, _ = w.root.StartChild(w.Context(), failing("a"))
			}
		}, map[string]uint64{"t/a": 2}},
		{"whose start failed while the next call waited", nil, func(w world) {
			bad := Child{ID: "a", Start: withInit(func(context.Context) error { time.Sleep(time.Second); return errBoom })}
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { _, _ = w.root.StartChild(context.Background(), bad) })
			}
			all.Wait()
		}, map[string]uint64{"t/a": 3}},
		{"of the Spec, in whose place was another",
			func(boom Child) Spec {
				return Spec{Children: []Child{{ID: "p", Start: Sub(Spec{
					Intensity: strategies.Intensity{Max: NoRestarts}, Children: []Child{nested(quiet("a")), boom},
				})}}}
			}, func(w world) {
				p := world{&stage{T: w.T, root: w.root.Supervisor("t/p")}, nil}
				remove(p, "s")
				for range 2 {
					start(w, "t/p", nested(quiet("a"), quiet("b")))
					remove(p, "s")
				}
				w.boom <- errBoom // p is restarted, and s is that of the Spec again
			}, map[string]uint64{"t/p": 2, "t/p/s": 4, "t/p/s/a": 4, "t/p/s/b": 3}},
		{"below a supervisor that was removed", nil, func(w world) {
			start(w, "t", nested(quiet("a"), Child{ID: "s", Start: Sub(Spec{Children: []Child{quiet("a")}})}))
			start(w, "t/s", quiet("b"))
			remove(w, "s")
			start(w, "t", quiet("s"))
			remove(w, "s")
			start(w, "t", nested(quiet("a"), quiet("b"), Child{ID: "s", Start: Sub(Spec{Children: []Child{quiet("a")}})}))
		}, map[string]uint64{"t/s": 3, "t/s/a": 2, "t/s/b": 2, "t/s/s": 2, "t/s/s/a": 2}},
		{"of a dynamic supervisor that was removed", nil, func(w world) {
			for range 2 {
				start(w, "t", Child{ID: "s", Start: Sub(Spec{Dynamic: &Child{Start: quiet("").Start}})})
				for _, id := range []string{"", "", "a"} {
					start(w, "t/s", Child{ID: id})
				}
				remove(w, "s")
			}
		}, map[string]uint64{"t/s/1": 1, "t/s/2": 1, "t/s/3": 1, "t/s/4": 1}},
		{"more than are remembered", func(Child) Spec { return Spec{Dynamic: &Child{Start: quiet("").Start, Restart: strategies.Temporary}} }, func(w world) {
			for round := range 3 {
				for i := range 3000 >> (2 * round) {
					start(w, "t", Child{ID: fmt.Sprint("c", i)})
					_ = w.root.TerminateInstance(w.Context(), strategies.ChildRef{Path: fmt.Sprint("t/c", i)})
				}
			}
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				n := &numbered{T: t, last: map[string]uint64{}}
				boom := make(puppet)
				var spec Spec
				if c.spec != nil {
					spec = c.spec(boom.child("boom"))
				}
				spec.Sink = n.sink
				s := on(t, spec)
				c.do(world{s, boom})
				synctest.Wait()
				_ = s.stop()
				for path, want := range c.want {
					if n.last[path] != want {
						t.Errorf("%s: the last start was number %d, want %d", path, n.last[path], want)
					}
				}
			})
		})
	}
}

// A number tells apart what has the same path, so that a stale reference
// terminates nothing.
func TestStaleReference(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{quiet("a")}})
		pool := Child{ID: "pool", Start: Sub(Spec{Dynamic: &Child{Start: quiet("").Start}})}
		ctx := t.Context()
		var old strategies.ChildRef
		for round := range 2 {
			if _, err := s.root.StartChild(ctx, pool); err != nil {
				t.Fatal(err)
			}
			ref, err := s.root.Supervisor("t/pool").StartChild(ctx, Child{ID: "conn"})
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				old = ref
				_, _ = s.root.TerminateChild(ctx, "pool"), s.root.DeleteChild(ctx, "pool")
			}
		}
		if err := s.root.Supervisor("t/pool").TerminateInstance(ctx, old); err != nil {
			t.Error(err)
		}
		if st, _ := s.root.Find("t/pool/conn"); st.State != strategies.Up || st.Incarnation == old.Incarnation {
			t.Errorf("%+v, and %v was terminated", st, old)
		}
		_ = s.stop()
	})
}

// goroutines counts those that run a function whose name has this in it.
func goroutines(function string) int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), function+"(")
}

// The goroutine of a Sink ends with the supervisor, when that is gone for good.
func TestSinkOfADeletedSupervisor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const loop = "(*subscriber).run"
		s := on(t, Spec{})
		before := goroutines(loop)
		ctx := t.Context()
		var mu sync.Mutex
		var got []string
		sub := Spec{Children: []Child{quiet("a")}, Sink: func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, e.Kind.String()+" "+e.Path)
		}}
		outer := Spec{Children: []Child{{ID: "inner", Start: Sub(sub)}}}
		for range 3 {
			if _, err := s.root.StartChild(ctx, Child{ID: "s", Start: Sub(outer)}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if n := goroutines(loop); n != before+1 {
				t.Errorf("%d goroutines of sinks, there were %d", n, before)
			}
			if err := errors.Join(s.root.TerminateChild(ctx, "s"), s.root.DeleteChild(ctx, "s")); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if n := goroutines(loop); n != before {
				t.Errorf("%d goroutines of sinks are left, there were %d", n, before)
			}
		}
		one := []string{"starting t/s/inner/a", "progress t/s/inner/a", "stopping t/s/inner/a", "exited t/s/inner/a"}
		s.want(got, slices.Repeat(one, 3)...)
		_ = s.stop()
	})
}

// The end of a supervisor whose work is done is deliberate: suture does not
// serve it again.
func TestAutoShutdownUnderSuture(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		c := x.child("job")
		c.Restart, c.Significant = strategies.Transient, true
		root, cancel, result := underSuture(t, Spec{AutoShutdown: strategies.AnySignificant, Children: []Child{c, quiet("a")}}, suture.Spec{})
		x <- nil
		time.Sleep(time.Hour)
		if st := root.Snapshot().Root; st.State != strategies.Down || st.Incarnation != 1 {
			t.Errorf("%+v", st)
		}
		cancel()
		<-result
	})
}

// To a coppice parent the same end is a shutdown, and nothing else (rule K8): one
// that is permanent is restarted, whose own parent does not hear of suture.
func TestAutoShutdownOfANested(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		c := x.child("job")
		c.Restart, c.Significant = strategies.Transient, true
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{AutoShutdown: strategies.AllSignificant, Children: []Child{c}})}}})
		x <- nil
		synctest.Wait()
		st, _ := s.root.Find("t/s")
		if st.State != strategies.Up || st.Incarnation != 2 {
			t.Errorf("%+v", st)
		}
		err := st.Last.Exit.Err
		if !errors.Is(err, ErrAutoShutdown) || errors.Is(err, suture.ErrDoNotRestart) || st.Last.Exit.Class != strategies.Shutdown {
			t.Errorf("it ended with %v", st.Last.Exit)
		}
		if want := "t/s ended: significant children have finished, the last was t/s/job"; err.Error() != want {
			t.Errorf("error reads %q, want %q", err, want)
		}
		_ = s.stop()
	})
}

// With Parallel a start that is under way can be called off.
func TestTerminateWhatIsStarting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx := t.Context()
		never := Child{ID: "x", Start: withInit(untilCancelled)}
		s := on(t, Spec{Parallel: 2})
		d := on(t, Spec{Parallel: 2, Dynamic: &Child{Start: never.Start}})
		started := make(chan error, 3)
		go func() { _, err := s.root.StartChild(context.Background(), never); started <- err }()
		synctest.Wait()
		if got := s.state("t/x"); got != "starting#1" {
			t.Errorf("it is %s", got)
		}
		if _, err := s.root.StartChild(ctx, quiet("other")); err != nil { // it need not wait
			t.Error(err)
		}
		if err := s.root.TerminateChild(ctx, "x"); err != nil {
			t.Error(err)
		}
		if err := <-started; !errors.Is(err, ErrCancelled) {
			t.Errorf("StartChild: %v", err)
		}
		if got := s.state("t/x"); got != "gone" {
			t.Errorf("it left behind %s", got)
		}

		// One that had been added before stays, and can be started again.
		slow := slowly("y", time.Minute)
		if _, err := s.root.StartChild(ctx, slow); err != nil {
			t.Error(err)
		}
		if err := s.root.TerminateChild(ctx, "y"); err != nil {
			t.Error(err)
		}
		go func() { _, err := s.root.RestartChild(context.Background(), "y"); started <- err }()
		synctest.Wait()
		if err := s.root.TerminateChild(ctx, "y"); err != nil {
			t.Error(err)
		}
		if err := <-started; !errors.Is(err, ErrCancelled) || s.state("t/y") != "down#2" {
			t.Errorf("RestartChild: %v, it is %s", err, s.state("t/y"))
		}

		go func() { _, err := d.root.StartChild(context.Background(), Child{ID: "x"}); started <- err }()
		synctest.Wait()
		if err := d.root.TerminateInstance(ctx, strategies.ChildRef{Path: "t/x", Incarnation: 1}); err != nil {
			t.Error(err)
		}
		if err := <-started; !errors.Is(err, ErrCancelled) || d.state("t/x") != "gone" {
			t.Errorf("StartChild of a dynamic one: %v, it is %s", err, d.state("t/x"))
		}
		_, _ = s.stop(), d.stop()
	})
}

// Without Parallel there is one thing at a time: TerminateChild waits.
func TestTerminateWaitsForTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{})
		started := make(chan error, 1)
		go func() { _, err := s.root.StartChild(context.Background(), slowly("x", time.Minute)); started <- err }()
		synctest.Wait()
		begin := time.Now()
		if err := s.root.TerminateChild(t.Context(), "x"); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		if err := <-started; err != nil || s.state("t/x") != "down#1" {
			t.Errorf("StartChild: %v, it is %s", err, s.state("t/x"))
		}
		_ = s.stop()
	})
}

func needs(c Child, ids ...string) Child { c.Needs = ids; return c }

// Under Dependents what is independent starts at the same time, up to Parallel,
// and everything after what it needs.
func TestDependentsBoot(t *testing.T) {
	for parallel, want := range map[int]time.Duration{1: 5 * time.Second, 2: 3 * time.Second, 5: 2 * time.Second} {
		bubble(t, func(t *testing.T) {
			child := func(id string) Child { return slowly(id, time.Second) }
			root, err := New("t", Spec{Strategy: strategies.Dependents, Parallel: parallel, Children: []Child{
				child("a"), child("b"), child("c"), needs(child("d"), "a"), needs(child("e"), "a", "b"),
			}})
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			if err := root.Init(t.Context()); err != nil || time.Since(begin) != want {
				t.Errorf("%d at a time: up after %v, want %v: %v", parallel, time.Since(begin), want, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_ = root.Serve(ctx)
		})
	}
}

// A failure takes with it what needs the child that failed, and nothing else.
func TestDependentsRadius(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		s := on(t, Spec{Strategy: strategies.Dependents, Parallel: 4, Children: []Child{
			quiet("a"), needs(x.child("b"), "a"), quiet("c"), needs(quiet("d"), "b"), needs(quiet("e"), "c", "d"), needs(quiet("f"), "c"),
		}})
		s.seen()
		x <- errBoom
		synctest.Wait()
		s.mu.Lock()
		for _, e := range s.events {
			if e.Kind == EventRestarting && !slices.Equal(e.Group, []string{"b", "d", "e"}) {
				t.Errorf("blast radius %v", e.Group)
			}
		}
		s.mu.Unlock()
		s.want(s.seen(EventStopping, EventProgress),
			"stopping t/e", "stopping t/d", "progress t/b", "progress t/d", "progress t/e")
		_ = s.stop()
		// What is needed stops last; what is independent stops at the same time.
		s.want(s.seen(EventStopping)[:3], "stopping t", "stopping t/f", "stopping t/e")
	})
}

// Whoever had a path before, and under whatever description, no incarnation at it
// has the number of another, a root that is served again included.
func TestNumbersAreUsedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx := t.Context()
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{})}}})
		seen := map[uint64]bool{}
		start := func(sup *Supervisor, c Child) {
			t.Helper()
			ref, err := sup.StartChild(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if st, ok := s.root.Find("t/s/x"); ok {
				if n := st.Incarnation; n == 0 || seen[n] {
					t.Errorf("t/s/x is incarnation %d once more; %v was started", n, ref)
				} else {
					seen[n] = true
				}
			}
		}
		remove := func(sup *Supervisor, id string) {
			t.Helper()
			if err := errors.Join(sup.TerminateChild(ctx, id), sup.DeleteChild(ctx, id)); err != nil {
				t.Fatal(err)
			}
		}
		start(s.root.Supervisor("t/s"), quiet("x"))
		remove(s.root.Supervisor("t/s"), "x")
		remove(s.root, "s")
		start(s.root, Child{ID: "s", Start: Sub(Spec{Children: []Child{quiet("x")}})})
		_ = s.stop()
		s.serve()
		synctest.Wait()
		start(s.root.Supervisor("t/s"), quiet("x"))
		_ = s.stop()
	})
}

// What a nested supervisor stops because a failure elsewhere has it stopped is
// part of that failure's cascade.
func TestCascadeGoesDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		below := Child{ID: "s", Start: Sub(Spec{Children: []Child{quiet("y"), {ID: "r", Start: Sub(Spec{Children: []Child{quiet("z")}})}}})}
		s := on(t, Spec{Strategy: strategies.RestForOne, Children: []Child{x.child("a"), below}})
		s.seen()
		x <- errBoom
		synctest.Wait()
		want := strategies.Cascade{Origin: "t/a", N: 1}
		n := 0
		s.mu.Lock()
		for _, e := range s.events {
			if strings.HasPrefix(e.Path, "t/s") && (e.Kind == EventStopping || e.Kind == EventExited || e.Kind == EventStarting && e.Incarnation == 2) {
				if n++; e.Cascade != want {
					t.Errorf("%v is part of %v, want %v", e, e.Cascade, want)
				}
			}
		}
		s.mu.Unlock()
		if n != 12 {
			t.Errorf("%d events of four children", n)
		}
		_ = s.stop()
	})
}

// A restart by request stops and starts whom a failure would, is not counted, and
// brings back who does not run or waits for the end of a pause.
func TestRenewChild(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		paused := x.child("b")
		paused.Backoff = strategies.Backoff{Min: time.Hour}
		s := on(t, Spec{
			Strategy: strategies.RestForOne, Intensity: strategies.Intensity{Max: 1, Within: 5 * time.Second},
			Children: []Child{quiet("a"), paused, quiet("c")},
		})
		renew := func(incarnation uint64, want ...string) {
			t.Helper()
			s.seen()
			ref, err := s.root.RenewChild(t.Context(), "b")
			if err != nil || ref != (strategies.ChildRef{Path: "t/b", Incarnation: incarnation}) {
				t.Errorf("%v, %v", ref, err)
			}
			synctest.Wait()
			s.want(s.seen(EventRenewing, EventStopping, EventCancelled, EventProgress), want...)
		}
		for n := range uint64(3) { // more than the intensity allows
			renew(2+n, "renewing t/b", "stopping t/c", "stopping t/b", "progress t/b", "progress t/c")
		}
		x <- errBoom
		synctest.Wait()
		if got := s.state("t/b"); got != "waiting#4" {
			t.Errorf("it is %s", got)
		}
		renew(5, "renewing t/b", "cancelled t/b", "progress t/b", "progress t/c")
		if err := s.root.TerminateChild(t.Context(), "b"); err != nil {
			t.Error(err)
		}
		renew(6, "renewing t/b", "stopping t/c", "progress t/b", "progress t/c")
		s.mu.Lock()
		for _, e := range s.events {
			if e.Kind == EventRenewing && !slices.Equal(e.Group, []string{"b", "c"}) {
				t.Errorf("group %v", e.Group)
			}
		}
		s.mu.Unlock()
		if sup := s.root.Snapshot().Root.Supervisor; sup.Spent != 1 {
			t.Errorf("%d restarts are counted, want that of the failure", sup.Spent)
		}
		_ = s.stop()
	})
}

// A child that is added while what it needs waits is started with that.
func TestStartChildWhoseNeedWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		a := x.child("a")
		a.Backoff = strategies.Backoff{Min: time.Minute}
		s := on(t, Spec{Strategy: strategies.Dependents, Children: []Child{a, quiet("b")}})
		sub := s.root.Subscribe(Lossless)
		defer sub.Close()
		x <- errBoom
		synctest.Wait()
		for _, id := range []string{"c", "d"} {
			ref, err := s.root.StartChild(t.Context(), needs(quiet(id), "a"))
			if err != nil || ref != (strategies.ChildRef{Path: "t/" + id}) {
				t.Errorf("%v, %v", ref, err)
			}
			if got := s.state("t/" + id); got != "down#0" {
				t.Errorf("%s is %s", id, got)
			}
		}
		if _, err := s.root.StartChild(t.Context(), quiet("c")); !errors.Is(err, ErrAlreadyPresent) {
			t.Errorf("a second c: %v", err)
		}
		if err := s.root.DeleteChild(t.Context(), "d"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		var states []string
		for st := range s.root.Walk() {
			states = append(states, fmt.Sprintf("%s %v", st.Path, st.State))
		}
		s.want(states, "t up", "t/a up", "t/b up", "t/c up")
		if d := diffReplay(t, sub, s.root.Snapshot()); d != "" {
			t.Errorf("what the events add up to (-snapshot +events):\n%s", d)
		}
		_ = s.stop()
	})
}

// Rules E4, I4: a temporary child that is terminated is removed, also before it
// was started for the first time.
func TestTerminateTemporaryThatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		a := x.child("a")
		a.Backoff = never
		s := on(t, Spec{Strategy: strategies.Dependents, Children: []Child{a}})
		x <- errBoom
		synctest.Wait()
		b := needs(quiet("b"), "a")
		b.Restart = strategies.Temporary
		if _, err := s.root.StartChild(t.Context(), b); err != nil {
			t.Error(err)
		}
		if err := s.root.TerminateChild(t.Context(), "b"); err != nil || s.state("t/b") != "gone" {
			t.Errorf("%v, it is %s", err, s.state("t/b"))
		}
		_ = s.stop()
	})
}

// A child that was removed may be needed all the same: what comes back in its
// place must not need those that need it, and they share its fate again.
func TestNeededChildComesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Strategy: strategies.Dependents, Children: []Child{quiet("a"), needs(quiet("b"), "a"), needs(quiet("c"), "b")}})
		ctx := t.Context()
		if err := errors.Join(s.root.TerminateChild(ctx, "a"), s.root.DeleteChild(ctx, "a")); err != nil {
			t.Error(err)
		}
		if got := s.state("t/b"); got != "up#1" {
			t.Errorf("without a, b is %s", got)
		}
		for _, ids := range [][]string{{"c"}, {"a"}, {"nobody"}, {"b", "b"}} {
			if _, err := s.root.StartChild(ctx, needs(quiet("a"), ids...)); !errors.Is(err, strategies.ErrNeeds) {
				t.Errorf("an a that needs %v: %v", ids, err)
			}
		}
		x := make(puppet)
		if _, err := s.root.StartChild(ctx, x.child("a")); err != nil {
			t.Error(err)
		}
		x <- errBoom
		synctest.Wait()
		if a, b, c := s.state("t/a"), s.state("t/b"), s.state("t/c"); a != "up#3" || b != "up#2" || c != "up#2" {
			t.Errorf("a is %s, b is %s, c is %s", a, b, c)
		}
		_ = s.stop()
	})
}

// diffReplay adds up the events of a subscription until now.
func diffReplay(t *testing.T, sub *Subscription, want Snapshot) string {
	t.Helper()
	r := NewReplay(sub.Snapshot())
	for {
		e, ok, err := sub.take()
		if !ok {
			break
		}
		if err = errors.Join(err, r.Apply(e)); err != nil {
			t.Error(err)
		}
	}
	got := r.Snapshot()
	if got.Rev != want.Rev {
		return fmt.Sprintf("-Rev %d\n+Rev %d", want.Rev, got.Rev)
	}
	flat := func(s Snapshot) (list []string) {
		s.Root.walk(func(st Status) bool {
			list = append(list, fmt.Sprintf("%s %v#%d since %v", st.Path, st.State, st.Incarnation, st.Since))
			return true
		})
		return list
	}
	return cmp.Diff(flat(want), flat(got))
}

// backoff begins a tree with a child that waits a minute for its restart.
func backoff(t *testing.T, spec Spec) (*stage, puppet) {
	t.Helper()
	x := make(puppet)
	a := x.child("a")
	a.Backoff = strategies.Backoff{Min: time.Minute, Max: 3 * time.Minute}
	spec.Intensity.Max = 10
	spec.Children = append([]Child{a}, spec.Children...)
	s := on(t, spec)
	x <- errBoom
	synctest.Wait()
	return s, x
}

// The pauses grow with each failure in a row; a snapshot says when one is over.
func TestBackoffPauses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, x := backoff(t, Spec{Strategy: strategies.OneForAll, Children: []Child{quiet("b")}})
		pause := func(want time.Duration) {
			t.Helper()
			st, _ := s.root.Find("t/a")
			if st.State != strategies.Waiting || time.Until(st.RestartAt) != want {
				t.Errorf("%v for %v, want %v", st.State, time.Until(st.RestartAt), want)
			}
			if b, _ := s.root.Find("t/b"); b.State != strategies.Down { // it waits with it
				t.Errorf("b is %v", b.State)
			}
			time.Sleep(want - 1)
			if st, _ = s.root.Find("t/a"); st.State != strategies.Waiting {
				t.Errorf("before it is over it is %v", st.State)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if st, _ = s.root.Find("t/a"); st.State != strategies.Up || !st.RestartAt.IsZero() {
				t.Errorf("after that it is %v, until %v", st.State, st.RestartAt)
			}
		}
		pause(time.Minute)
		for _, want := range []time.Duration{2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
			x <- errBoom
			synctest.Wait()
			pause(want)
		}
		time.Sleep(3 * time.Minute) // long enough to be well
		x <- errBoom
		synctest.Wait()
		pause(time.Minute)
		if n := s.root.Snapshot().Root.Supervisor.Spent; n != 0 { // the window is 5 s
			t.Errorf("%d restarts spent", n)
		}
		_ = s.stop()
	})
}

// How long a child was up counts, not when it was last started: this one was
// stopped with its group at once, and has not been well since.
func TestBackoffOfOneThatWasStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var fails atomic.Bool
		b := moody("b", &fails)
		b.Backoff = strategies.Backoff{Min: time.Second, Max: time.Minute}
		x := make(puppet)
		a := x.child("a")
		a.Backoff = strategies.Backoff{Min: time.Hour}
		s := on(t, Spec{Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 100, Within: time.Hour}, Children: []Child{a, b}})
		wait := func() time.Duration {
			st, _ := s.root.Find("t/b")
			return time.Until(st.RestartAt)
		}
		fails.Store(true)
		x <- errBoom
		time.Sleep(time.Hour)
		synctest.Wait()
		if d := wait(); d != time.Second {
			t.Errorf("the first pause of b is %v", d)
		}
		fails.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		fails.Store(true)
		x <- errBoom // b is stopped as soon as it is up
		time.Sleep(time.Hour)
		synctest.Wait()
		if d := wait(); d != 2*time.Second {
			t.Errorf("the second pause of b is %v", d)
		}
		_ = s.stop()
	})
}

// The end does not wait for a pause, and no timer is left of it: the bubble's
// clock does not move on.
func TestBackoffEndsWithTheTree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _ := backoff(t, Spec{})
		begin := time.Now()
		if err := s.stop(); err != context.Canceled || time.Since(begin) != 0 {
			t.Errorf("after %v Serve returned %v", time.Since(begin), err)
		}
		s.seen()
		time.Sleep(time.Hour)
		if got := s.state("t/a"); got != "down#1" {
			t.Errorf("an hour later it is %s", got)
		}
		s.want(s.seen(EventStarting, EventCancelled))
	})
}

func TestBackoffEndsWithTerminateChild(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _ := backoff(t, Spec{})
		if err := s.root.DeleteChild(t.Context(), "a"); !errors.Is(err, ErrRestarting) {
			t.Errorf("DeleteChild: %v", err)
		}
		s.seen()
		if err := s.root.TerminateChild(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		s.want(s.seen(EventCancelled, EventStopping), "cancelled t/a")
		synctest.Wait() // the answer may be there a moment before the rest
		if got := s.state("t/a"); got != "down#1" || !s.root.Idle() {
			t.Errorf("it is %s, and idle is %v", got, s.root.Idle())
		}
		if n := len(s.root.life.Load().retries); n != 0 {
			t.Errorf("%d timers are left", n)
		}
		time.Sleep(time.Hour)
		s.want(s.seen(EventStarting))
		if ref, err := s.root.RestartChild(t.Context(), "a"); err != nil || ref.Incarnation != 2 {
			t.Errorf("RestartChild: %v, %v", ref, err)
		}
		_ = s.stop()
	})
}

// If another start of the group fails when the pause is over, that child is the
// one that waits from then on (rule E6).
func TestBackoffPassesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var fails atomic.Bool
		first := moody("first", &fails)
		first.Backoff = never
		x := make(puppet)
		a := x.child("a")
		a.Backoff = strategies.Backoff{Min: time.Minute}
		s := on(t, Spec{Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 10}, Children: []Child{first, a}})
		sub := s.root.Subscribe(Lossless)
		defer sub.Close()
		fails.Store(true)
		x <- errBoom
		synctest.Wait()
		if got := s.state("t/a"); got != "waiting#1" {
			t.Errorf("a is %s", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if a, first := s.state("t/a"), s.state("t/first"); a != "down#1" || first != "waiting#2" {
			t.Errorf("a is %s, first is %s", a, first)
		}
		if d := diffReplay(t, sub, s.root.Snapshot()); d != "" {
			t.Errorf("what the events add up to (-snapshot +events):\n%s", d)
		}
		_ = s.stop()
	})
}

// The events of a subscription continue its snapshot without a gap, whatever
// happens at the moment when it begins.
func TestSubscriptionContinuesItsSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{})}}})
		stop := make(chan struct{})
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				sup := []*Supervisor{s.root, s.root.Supervisor("t/s")}[i%2]
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					id := fmt.Sprint(i, "-", n%3)
					_, _ = sup.StartChild(context.Background(), quiet(id))
					_ = sup.TerminateChild(context.Background(), id)
					_ = sup.DeleteChild(context.Background(), id)
				}
			})
		}
		var subs []*Subscription
		for range 20 {
			subs = append(subs, s.root.Subscribe(Lossless))
			_, _ = s.root.CountChildren(context.Background())
		}
		close(stop)
		all.Wait()
		synctest.Wait()
		now := s.root.Snapshot()
		for i, sub := range subs {
			next := sub.Snapshot().Rev + 1
			sub.mu.Lock()
			for _, e := range sub.pending {
				if e.Seq != next {
					t.Errorf("subscription %d: event %d comes where %d should", i, e.Seq, next)
				}
				next++
			}
			sub.mu.Unlock()
			if d := diffReplay(t, sub, now); d != "" {
				t.Errorf("subscription %d: what the events add up to (-snapshot +events):\n%s", i, d)
			}
			sub.Close()
		}
		_ = s.stop()
	})
}

// One that falls behind is told how many events it lost; the others lose none.
func TestSubscriptionThatLoses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{})
		ctx := t.Context()
		slow, all, part := s.root.Subscribe(5), s.root.Subscribe(Lossless), s.root.Subscribe(1000)
		for i := range 10 {
			if _, err := s.root.StartChild(ctx, quiet(fmt.Sprint("c", i))); err != nil { // added, starting, progress
				t.Fatal(err)
			}
		}
		read := func(sub *Subscription) (got []uint64, dropped uint64) {
			for {
				e, ok, _ := sub.take()
				switch {
				case !ok:
					return got, dropped
				case e.Kind == EventDropped:
					dropped += e.N
				default:
					got = append(got, e.Seq)
				}
			}
		}
		if got, dropped := read(slow); len(got) != 5 || dropped != 25 {
			t.Errorf("the slow one has %v, and lost %d", got, dropped)
		}
		for _, sub := range []*Subscription{all, part} {
			if got, dropped := read(sub); len(got) != 30 || dropped != 0 {
				t.Errorf("another has %v, and lost %d", got, dropped)
			}
		}
		if err := s.root.TerminateChild(ctx, "c1"); err != nil { // the slow one goes on
			t.Fatal(err)
		}
		if got, dropped := read(slow); len(got) != 2 || dropped != 0 {
			t.Errorf("later the slow one has %v, and lost %d", got, dropped)
		}
		_ = s.stop()
	})
}

// A subscription to a part of the tree has what is told of that part, goes on
// when the root is served again, and ends when it is closed.
func TestSubscriptionOfAPart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{quiet("a"), {ID: "s", Start: Sub(Spec{Children: []Child{quiet("b")}})}, quiet("ss")}})
		sub := s.root.Supervisor("t/s").Subscribe(Lossless)
		done := make(chan []string)
		go func() {
			var got []string
			for e := range sub.All(context.Background()) {
				got = append(got, e.Kind.String()+" "+e.Path)
			}
			done <- got
		}()
		_ = s.stop()
		s.serve()
		synctest.Wait()
		sub.Close()
		_ = s.stop()
		s.want(<-done, "stopping t/s", "stopping t/s/b", "exited t/s/b", "exited t/s",
			"starting t/s", "starting t/s/b", "progress t/s/b", "progress t/s")
		if _, err := sub.Next(t.Context()); err != ErrClosed {
			t.Errorf("Next of one that is closed: %v", err)
		}
	})
}

func TestSubscriptionNext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{})
		sub := s.root.Subscribe(Lossless)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := sub.Next(ctx); err != context.DeadlineExceeded || time.Since(begin) != time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		ended := make(chan error, 3)
		for range cap(ended) { // all of them wait, and all of them hear of it
			go func() { _, err := sub.Next(context.Background()); ended <- err }()
		}
		synctest.Wait()
		sub.Close()
		sub.Close()
		for range cap(ended) {
			if err := <-ended; err != ErrClosed {
				t.Error(err)
			}
		}
		_ = s.stop()
	})
}

// A tree is at rest when nothing is under way anywhere in it: no start, no stop,
// no pause before a restart.
func TestAwaitIdle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		x1 := x.child("a")
		x1.Backoff = strategies.Backoff{Min: time.Minute}
		s := on(t, Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Children: []Child{x1, slowly("b", time.Second)}})}, lazy("c", time.Second)}})
		ctx := t.Context()
		rests := func(after time.Duration, what string) {
			t.Helper()
			synctest.Wait()
			if s.root.Idle() {
				t.Errorf("%s: at rest already", what)
			}
			begin := time.Now()
			if err := s.root.AwaitIdle(ctx); err != nil || time.Since(begin) != after || !s.root.Idle() {
				t.Errorf("%s: at rest after %v, %v", what, time.Since(begin), err)
			}
		}
		rests(time.Second, "boot")
		x <- errBoom
		rests(time.Minute, "a pause")
		go func() { _ = s.root.TerminateChild(context.Background(), "c") }()
		rests(time.Second, "a slow stop")
		x <- errBoom
		synctest.Wait()
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := s.root.AwaitIdle(short); err != context.DeadlineExceeded {
			t.Errorf("AwaitIdle, given a second: %v", err)
		}
		_ = s.stop()
		if err := s.root.AwaitIdle(ctx); err != nil || !s.root.Idle() {
			t.Errorf("one that has ended is not at rest: %v", err)
		}
	})
}
