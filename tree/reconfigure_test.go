package tree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

// lines are changes in words.
func lines(changes []Change) (all []string) {
	for _, c := range changes {
		all = append(all, c.String())
	}
	return all
}

// reconfigure gives the root another Spec, and holds what was done against the plan.
func (s *stage) reconfigure(spec Spec, renew ...string) (done []string, err error) {
	s.Helper()
	plan, planErr := s.root.PlanReconfigure(spec, renew...)
	changes, err := s.root.Reconfigure(s.Context(), spec, renew...)
	synctest.Wait()
	if planErr == nil {
		s.want(lines(changes), lines(plan)...)
	} else if err == nil || planErr.Error() != err.Error() {
		s.Errorf("the plan failed: %v; the deed: %v", planErr, err)
	}
	return lines(changes), err
}

// What is in both keeps running; what is said of it holds at once.
func TestReconfigure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		s := on(t, Spec{Children: []Child{
			quiet("a"),
			{ID: "web", Start: Sub(Spec{Strategy: strategies.RestForOne, Children: []Child{x.child("api"), quiet("old"), quiet("cache"), quiet("log")}})},
			quiet("gone"),
		}})
		s.seen()
		web := Sub(Spec{
			Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 7, Within: time.Minute},
			Children: []Child{quiet("new"), {ID: "api", Restart: strategies.Transient, Start: Func(x.Serve)}, quiet("log")},
		})
		if err := s.root.Supervisor("t/web").TerminateChild(t.Context(), "log"); err != nil {
			t.Fatal(err)
		}
		s.seen()
		done, err := s.reconfigure(Spec{Children: []Child{{ID: "web", Start: web}, quiet("a"), quiet("cache")}}, "t/web/log")
		if err != nil {
			t.Fatal(err)
		}
		s.want(done, "t/gone removed", "t/cache added", "t/web/cache removed", "t/web/old removed", "t/web/new added")
		s.want(s.seen(EventStopping, EventProgress, EventRemoved, EventReconfigured),
			"stopping t/gone", "removed t/gone", "reconfigured t", "progress t/cache",
			"stopping t/web/cache", "stopping t/web/old", "removed t/web/cache", "removed t/web/old", "reconfigured t/web", "progress t/web/new")
		var all []string
		for st := range s.root.Walk() {
			all = append(all, fmt.Sprintf("%s %v#%d", st.Path, st.State, st.Incarnation))
		}
		s.want(all, "t up#1", "t/web up#1", "t/web/new up#1", "t/web/api up#1", "t/web/log down#1", "t/a up#1", "t/cache up#1")
		st, _ := s.root.Find("t/web")
		if sup := st.Supervisor; sup.Strategy != strategies.OneForAll || sup.Intensity.Max != 7 || sup.Left != 7 {
			t.Errorf("%+v", sup)
		}
		x <- errBoom // one_for_all now
		synctest.Wait()
		s.want(s.seen(EventRestarting, EventStopping, EventProgress),
			"restarting t/web/api", "stopping t/web/new", "progress t/web/new", "progress t/web/api", "progress t/web/log")
		x <- nil // transient now
		synctest.Wait()
		if got := s.state("t/web/api"); got != "down#2" {
			t.Errorf("api is %s", got)
		}
		_ = s.stop()
	})
}

// What runs something else is restarted with who shares its fate by the new Spec, and
// does so from then on. Of what is as it was there is no event.
func TestReconfigureRenews(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var ran []string
		says := func(id, word string) Child {
			return Child{ID: id, Start: Func(func(ctx context.Context) error {
				ran = append(ran, word)
				<-ctx.Done()
				return nil
			})}
		}
		spec := func(word string) Spec {
			return Spec{Strategy: strategies.RestForOne, Children: []Child{
				quiet("a"), {ID: "s", Start: Sub(Spec{Children: []Child{says("b", word), quiet("c")}})}, quiet("d"),
			}}
		}
		s := on(t, spec("one"))
		s.seen()
		rev := s.root.Rev()
		if done, err := s.reconfigure(spec("two")); err != nil || done != nil || s.root.Rev() != rev {
			t.Errorf("%v, %v, %d events", done, err, s.root.Rev()-rev)
		}
		if done, err := s.reconfigure(spec("three"), "t/s/b"); err != nil || !slices.Equal(done, []string{"t/s/b renewed"}) {
			t.Errorf("%v, %v", done, err)
		}
		done, err := s.reconfigure(spec("four"), "t/s/b", "t/s")
		if err != nil {
			t.Error(err)
		}
		s.want(done, "t/s renewed", "t/d renewed with t/s")
		s.want(s.seen(EventReconfiguring, EventStopping, EventReconfigured, EventProgress),
			"reconfiguring t/s", "stopping t/s/b", "reconfigured t/s", "progress t/s/b",
			"reconfiguring t", "stopping t/d", "stopping t/s", "stopping t/s/c", "stopping t/s/b",
			"reconfigured t", "progress t/s/b", "progress t/s/c", "progress t/s", "progress t/d")
		if want := []string{"one", "three", "four"}; !slices.Equal(ran, want) {
			t.Errorf("it ran %v, want %v", ran, want)
		}
		if _, err := s.reconfigure(spec("five")); err != nil {
			t.Error(err)
		}
		_ = s.stop()
		s.serve() // with the latest
		synctest.Wait()
		if ran[len(ran)-1] != "five" {
			t.Errorf("it ran %v", ran)
		}
		if started := s.seen(EventStarting); len(started) != 6 {
			t.Errorf("of the second run the sink has seen %v", started)
		}
		_ = s.stop()
	})
}

// A wrong Spec changes nothing, and all that is wrong is told.
func TestReconfigureRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		good := Spec{Children: []Child{quiet("a"), {ID: "s", Start: Sub(Spec{Children: []Child{quiet("b")}})}}}
		s := on(t, good)
		nested := s.root.Supervisor("t/s")
		before := toText(t, s.root.Snapshot().Root)
		bad := Spec{Children: []Child{quiet("a"), quiet("a"), {ID: "s", Start: Sub(Spec{Intensity: strategies.Intensity{Max: -3}, Children: []Child{{ID: "b"}}})}}}
		_, err := s.reconfigure(bad, "t/nobody", "else/a", "t/a/b", "t/s/x")
		for _, want := range []string{
			"t/a: duplicate id", "t/s: invalid intensity", "t/s/b: ", "t/nobody: no such child", "else/a: no such child", "t/a/b: no such child", "t/s/x: no such child",
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\ndoes not say %q", err, want)
			}
		}
		for _, dynamic := range []Spec{{Dynamic: &Child{Start: Func(untilCancelled)}}, {Dynamic: &Child{}, Strategy: strategies.OneForAll}} {
			if _, err := s.reconfigure(dynamic); !errors.Is(err, strategies.ErrTemplate) {
				t.Errorf("%v", err)
			}
		}
		if d := cmp.Diff(before, toText(t, s.root.Snapshot().Root)); d != "" {
			t.Errorf("it changed something: %s", d)
		}
		_ = s.stop()
		if _, err := nested.PlanReconfigure(Spec{}); !errors.Is(err, ErrNotRunning) {
			t.Errorf("of a supervisor that does not run: %v", err)
		}
		if _, err := nested.Reconfigure(t.Context(), Spec{}); !errors.Is(err, ErrNotRunning) {
			t.Errorf("of a supervisor that does not run: %v", err)
		}
	})
}

// A start that fails leaves the child down, without an end of the tree; the next call
// tries again.
func TestReconfigureFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fail := true
		flaky := Child{ID: "b", Start: withInit(func(context.Context) error {
			if fail {
				return errBoom
			}
			return nil
		})}
		s := on(t, Spec{Strategy: strategies.RestForOne, Intensity: strategies.Intensity{Max: NoRestarts}, Children: []Child{quiet("a"), quiet("c")}})
		spec := Spec{Strategy: strategies.RestForOne, Intensity: strategies.Intensity{Max: NoRestarts}, Children: []Child{quiet("a"), flaky, quiet("c"), quiet("d")}}
		done, err := s.reconfigure(spec)
		start, _ := errors.AsType[*StartError](err)
		if start == nil || start.Path != "t/b" || !errors.Is(err, errBoom) {
			t.Errorf("%v", err)
		}
		s.want(done, "t/b added", "t/d added")
		s.want([]string{s.state("t/a"), s.state("t/b"), s.state("t/c"), s.state("t/d")}, "up#1", "down#1", "up#1", "down#0")
		fail = false
		done, err = s.reconfigure(spec)
		if err != nil {
			t.Error(err)
		}
		s.want(done, "t/b renewed", "t/c renewed with t/b", "t/d renewed")
		s.want([]string{s.state("t/b"), s.state("t/c"), s.state("t/d")}, "up#2", "up#2", "up#1")
		_ = s.stop()
	})
}

// A child that comes to be of another kind is restarted; below a supervisor that does
// not run the new Spec holds when it starts.
func TestReconfigureKinds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		sub := func(ids ...string) Starter {
			var s Spec
			for _, id := range ids {
				s.Children = append(s.Children, quiet(id))
			}
			return Sub(s)
		}
		guest := Suture(func() *suture.Supervisor { return suture.NewSimple("guest") })
		dynamic := Sub(Spec{Dynamic: &Child{Start: Func(untilCancelled)}})
		worker := Func(untilCancelled)
		s := on(t, Spec{Children: []Child{{ID: "k", Start: worker}}})
		for i, start := range []Starter{sub("1"), guest, dynamic, sub("1", "2"), worker, sub("1")} {
			done, err := s.reconfigure(Spec{Children: []Child{{ID: "k", Start: start}}})
			if err != nil || !slices.Equal(done, []string{"t/k renewed"}) {
				t.Errorf("%d: %v, %v", i, done, err)
			}
			if i == 1 || i == 4 { // which had children
				want := map[int][]string{1: {"removed t/k/1"}, 4: {"removed t/k/2", "removed t/k/1"}}[i]
				s.want(s.seen(EventRemoved), want...)
			}
			s.seen()
			if got, want := s.state("t/k"), fmt.Sprintf("up#%d", i+2); got != want {
				t.Errorf("%d: it is %s, want %s", i, got, want)
			}
			if i == 2 {
				ref, err := s.root.Supervisor("t/k").StartChild(t.Context(), Child{})
				if err != nil || ref != (strategies.ChildRef{Path: "t/k/2", Incarnation: 2}) {
					t.Errorf("%+v, %v: numbers begin above those of t/k/1", ref, err)
				}
			}
		}
		if got := s.state("t/k/1"); got == "up#1" || got == "up#2" {
			t.Errorf("t/k/1 is %s once more", got)
		}
		if err := s.root.TerminateChild(t.Context(), "k"); err != nil {
			t.Error(err)
		}
		if done, err := s.reconfigure(Spec{Children: []Child{{ID: "k", Start: sub("3", "1")}}}); err != nil || done != nil {
			t.Errorf("%v, %v", done, err)
		}
		s.seen()
		if _, err := s.root.RestartChild(t.Context(), "k"); err != nil {
			t.Error(err)
		}
		s.want(s.seen(EventReconfigured, EventProgress), "reconfigured t/k", "progress t/k/3", "progress t/k/1", "progress t/k")
		_ = s.stop()
	})
}

// A supervisor that becomes dynamic, or stops being so, uses no number twice: the names
// that it gives may be ids, and the other way round.
func TestReconfigureDynamic(t *testing.T) {
	for name, becomes := range map[string]bool{"becomes so": true, "stops being so": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				dynamic := Child{ID: "s", Start: Sub(Spec{Dynamic: &Child{Start: Func(untilCancelled)}})}
				order := []Child{dynamic, {ID: "s", Start: Sub(Spec{Children: []Child{quiet("1"), quiet("2")}})}}
				if becomes {
					slices.Reverse(order)
				}
				n := &numbered{T: t, last: map[string]uint64{}}
				s := on(t, Spec{Children: order[:1], Sink: n.sink})
				give := func() {
					for range 2 {
						ref, err := s.root.Supervisor("t/s").StartChild(t.Context(), Child{})
						if err == nil {
							err = s.root.Supervisor("t/s").TerminateInstance(t.Context(), ref)
						}
						if err != nil {
							t.Error(err)
						}
					}
				}
				if !becomes {
					give()
				}
				if _, err := s.root.Reconfigure(t.Context(), Spec{Children: order[1:]}); err != nil {
					t.Error(err)
				}
				if becomes {
					give()
				}
				_ = s.stop()
				if want := map[bool]uint64{true: 2, false: 3}[becomes]; n.last["t/s/1"] != want || n.last["t/s/2"] != want {
					t.Errorf("the latest are %v", n.last)
				}
			})
		})
	}
}

// A child that is gone for good is not started because the Spec changes, but it comes
// back as it says now when its supervisor begins anew. Of what left nothing is kept.
func TestReconfigureOfWhatIsGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		var ran []string
		job := func(word string) Child {
			return Child{ID: "job", Restart: strategies.Temporary, Start: Func(func(context.Context) error {
				ran = append(ran, word)
				return nil
			})}
		}
		spec := func(word string, more ...Child) Spec {
			sub := Spec{Intensity: strategies.Intensity{Max: NoRestarts}, Children: append(more, job(word), x.child("x"))}
			return Spec{Children: []Child{{ID: "s", Start: Sub(sub)}}}
		}
		s := on(t, spec("one", quiet("a"), quiet("b")))
		if _, err := s.reconfigure(spec("two", quiet("a")), "t/s/job"); err != nil {
			t.Error(err)
		}
		if _, err := s.reconfigure(spec("three")); err != nil {
			t.Error(err)
		}
		s.want(ran, "one")
		if left := s.root.Supervisor("t/s").node.sup.removed; len(left) != 1 {
			t.Errorf("of those removed %v are kept, want the job alone", left)
		}
		x <- errBoom
		synctest.Wait()
		s.want(ran, "one", "three")
		_ = s.stop()
	})
}

// One that a new description adds is one of the group when what it needs is restarted.
func TestReconfigureNeeds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		a, b := x.child("a"), quiet("b")
		b.Needs = []string{"a"}
		spec := Spec{Strategy: strategies.Dependents, Intensity: strategies.Intensity{Max: 9}, Children: []Child{a}}
		s := on(t, spec)
		spec.Children = []Child{a, b}
		if _, err := s.root.Reconfigure(t.Context(), spec, "t/a"); err != nil {
			t.Fatal(err)
		}
		x <- errBoom
		synctest.Wait()
		if got := s.state("t/b"); got != "up#2" {
			t.Errorf("b, which needs a, is %s after a crash of a, want up#2", got)
		}
		_ = s.stop()
	})
}

// Those stopped with one that waits, and who by the new Spec have nothing to do with it,
// do not wait any longer.
func TestReconfigureWhileOneWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		a := x.child("a")
		a.Backoff = strategies.Backoff{Min: time.Second}
		s := on(t, Spec{Strategy: strategies.OneForAll, Children: []Child{a, quiet("b")}})
		x <- errBoom
		synctest.Wait()
		if _, err := s.root.Reconfigure(t.Context(), Spec{Children: []Child{a, quiet("b")}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := s.state("t/b"); got != "up#2" {
			t.Errorf("b is %s a minute later (a is %s), want up#2", got, s.state("t/a"))
		}
		_ = s.stop()
	})
}

// A child that a call had added, and that is gone for good when its turn comes, is not
// on the list although the new Spec has it.
func TestReconfigureOfOneThatDies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slow := Child{ID: "slow", Start: Func(func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); return nil })}
		p := make(puppet)
		x := p.child("x")
		s := on(t, Spec{Children: []Child{slow}})
		if _, err := s.root.StartChild(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = s.root.RenewChild(t.Context(), "slow") }()
		synctest.Wait()
		go func() { _, _ = s.root.Reconfigure(t.Context(), Spec{Children: []Child{slow, x}}) }()
		synctest.Wait()
		p <- suture.ErrDoNotRestart
		time.Sleep(time.Minute)
		synctest.Wait()
		st, listed := s.root.Find("t/x")
		kids, _ := s.root.WhichChildren(t.Context())
		if listed != (len(kids) == 2) {
			t.Errorf("x is in the snapshot: %v (%v#%d); WhichChildren: %v; DeleteChild: %v", listed, st.State, st.Incarnation, kids, s.root.DeleteChild(t.Context(), "x"))
		}
		_ = s.stop()
	})
}

// A restart that has left the old window does not come back into a longer one, whether
// somebody looked or not.
func TestReconfigureWindow(t *testing.T) {
	for _, look := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			x := make(puppet)
			spec := func(within time.Duration) Spec {
				return Spec{Intensity: strategies.Intensity{Max: 1, Within: within}, Children: []Child{x.child("a")}}
			}
			s := on(t, spec(time.Second))
			x <- errBoom
			synctest.Wait()
			time.Sleep(3 * time.Second)
			if look {
				s.root.Snapshot()
			}
			if _, err := s.root.Reconfigure(t.Context(), spec(time.Hour)); err != nil {
				t.Fatal(err)
			}
			left := s.root.Snapshot().Root.Supervisor.Left
			x <- errBoom
			synctest.Wait()
			if gaveUp := s.state("t/a") != "up#3"; gaveUp != (left == 0) {
				t.Errorf("looked before: %v; the snapshot said %d left; the supervisor gave up: %v", look, left, gaveUp)
			}
			_ = s.stop()
		})
	}
}

// What a call has added shares the fate of others, and waits for nobody who is removed.
func TestReconfigureOfWhatCallsAdded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		a := x.child("a")
		a.Backoff = strategies.Backoff{Min: time.Second}
		all := func(c ...Child) Spec { return Spec{Strategy: strategies.OneForAll, Children: c} }
		s := on(t, all(a, quiet("b")))
		if _, err := s.root.StartChild(t.Context(), quiet("x")); err != nil {
			t.Fatal(err)
		}
		done, err := s.reconfigure(all(a, quiet("b")), "t/b")
		if err != nil {
			t.Error(err)
		}
		s.want(done, "t/a renewed with t/b", "t/b renewed", "t/x renewed with t/b")
		x <- errBoom
		synctest.Wait()
		_, _ = s.root.Reconfigure(t.Context(), all(quiet("b")))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := s.state("t/x"); got != "up#3" {
			t.Errorf("x is %s a minute later (b is %s)", got, s.state("t/b"))
		}
		_ = s.stop()
	})
}

// From a start that the supervisor waits for it is refused, from a child it is not.
func TestReconfigureFromWithin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var s *stage
		var fromInit, fromServe error
		spec := Spec{Children: []Child{quiet("a")}}
		ask := make(chan struct{})
		spec.Children = append(spec.Children, Child{ID: "b", Start: Of(func() (*phases, error) {
			return &phases{
				init: func(ctx context.Context) error {
					root, _ := ctx.Value(stageKey{}).(func() *Supervisor)
					_, fromInit = root().Reconfigure(ctx, spec)
					return nil
				},
				serve: func(ctx context.Context) error {
					<-ask
					_, fromServe = s.root.Reconfigure(ctx, spec)
					<-ctx.Done()
					return nil
				},
			}, nil
		})})
		root, err := New("t", spec)
		if err != nil {
			t.Fatal(err)
		}
		s = &stage{T: t, root: root}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), stageKey{}, func() *Supervisor { return root }))
		served := make(chan error, 1)
		go func() { served <- root.Serve(ctx) }()
		synctest.Wait()
		close(ask)
		synctest.Wait()
		if !errors.Is(fromInit, ErrFromInit) || fromServe != nil {
			t.Errorf("%v, %v", fromInit, fromServe)
		}
		cancel()
		<-served
	})
}

type stageKey struct{}

type phases struct{ init, serve func(context.Context) error }

func (p *phases) Init(ctx context.Context) error  { return p.init(ctx) }
func (p *phases) Serve(ctx context.Context) error { return p.serve(ctx) }
