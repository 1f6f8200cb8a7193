package strategies_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
)

func TestClassify(t *testing.T) {
	oops := errors.New("oops")
	wrapped := fmt.Errorf("serving: %w", context.Canceled)
	shutdown := strategies.WithClass(strategies.Shutdown, oops)
	for _, c := range []struct {
		err                     error
		unasked, toStop, killed strategies.Class
	}{
		{nil, strategies.Normal, strategies.Shutdown, strategies.Killed},
		{oops, strategies.Crash, strategies.Crash, strategies.Killed},
		{context.Canceled, strategies.Crash, strategies.Shutdown, strategies.Killed},
		{wrapped, strategies.Crash, strategies.Shutdown, strategies.Killed},
		{context.DeadlineExceeded, strategies.Crash, strategies.Shutdown, strategies.Killed},
		{shutdown, strategies.Shutdown, strategies.Shutdown, strategies.Shutdown},
		{fmt.Errorf("serving: %w", shutdown), strategies.Shutdown, strategies.Shutdown, strategies.Shutdown},
	} {
		for asked, want := range map[strategies.Asked]strategies.Class{
			strategies.Unasked: c.unasked, strategies.ToldStop: c.toStop, strategies.ToldDie: c.killed,
		} {
			got := strategies.Classify(c.err, asked)
			if got.Class != want || !errors.Is(got.Err, c.err) {
				t.Errorf("Classify(%v, asked %d) is %v, want %v", c.err, asked, got, want)
			}
		}
	}
}

func TestWithClass(t *testing.T) {
	oops := errors.New("oops")
	e := strategies.WithClass(strategies.Killed, oops)
	if !errors.Is(e, oops) || e.Error() != "oops" {
		t.Errorf("WithClass hides its error: %v", e)
	}
	if bare := strategies.WithClass(strategies.Killed, nil); bare.Error() != "killed" || errors.Unwrap(bare) != nil {
		t.Errorf("WithClass of no error: %v", bare)
	}
}

// The window refills at the first instant at which its oldest restart does not
// count any more, and not a nanosecond earlier.
func TestWindowRefill(t *testing.T) {
	w := strategies.NewWindow(strategies.Intensity{Max: 2, Within: time.Minute})
	now := time.Unix(1000, 0)
	if at := w.Refill(now); !at.IsZero() {
		t.Errorf("an empty window refills at %v", at)
	}
	w.Add(now)
	w.Add(now.Add(time.Second))
	at := w.Refill(now.Add(2 * time.Second))
	if left := w.Left(at.Add(-1)); left != 0 {
		t.Errorf("just before the refill %d are left", left)
	}
	if left := w.Left(at); left != 1 {
		t.Errorf("at the refill %d are left", left)
	}
	if next := w.Refill(at); next != at.Add(time.Second) {
		t.Errorf("the second refill is at %v, a second after %v it should be", next, at)
	}
}

// Values have names, those out of range too; where they are written down as
// JSON, the names are what is written.
func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		fmt.Sprint(strategies.RestForOne):                   "rest_for_one",
		fmt.Sprint(strategies.Strategy(99)):                 "Strategy(99)",
		fmt.Sprint(strategies.AllSignificant):               "all_significant",
		fmt.Sprint(strategies.OpCannotKill):                 "cannot_kill",
		fmt.Sprint(strategies.ShutdownLimit(0)):             "default",
		fmt.Sprint(strategies.Timeout(time.Minute)):         "1m0s",
		fmt.Sprint(strategies.Timeout(0)):                   "0s",
		fmt.Sprint(strategies.Infinity):                     "infinity",
		fmt.Sprint(strategies.BrutalKill):                   "brutal_kill",
		fmt.Sprint(strategies.Timeout(-1)):                  "ShutdownLimit(-4)",
		fmt.Sprint(strategies.Cascade{}):                    "",
		fmt.Sprint(strategies.Cascade{Origin: "a/b", N: 3}): "a/b#3",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	b, err := json.Marshal([]any{
		strategies.OneForAll, strategies.Transient, strategies.ShutdownTerm, strategies.Supervisor, strategies.Waiting,
		strategies.Intensity{Max: 3, Within: 1500 * time.Microsecond},
	})
	if want := `["one_for_all","transient","shutdown_term","supervisor","waiting",{"max":3,"within_ms":1.5}]`; err != nil || string(b) != want {
		t.Errorf("%s (%v), want %s", b, err, want)
	}
}

func TestRadius(t *testing.T) {
	for strategy, want := range map[strategies.Strategy][]string{
		strategies.OneForOne:  {"b"},
		strategies.OneForAll:  {"a", "b", "c"},
		strategies.RestForOne: {"b", "c"},
		strategies.Dependents: {"b", "d"},
	} {
		cfg := strategies.Config{Strategy: strategy, Children: []strategies.ChildSpec{{ID: "a"}, {ID: "b"}, {ID: "c"}}}
		if strategy == strategies.Dependents {
			cfg.Children = append(cfg.Children, strategies.ChildSpec{ID: "d", Needs: []string{"a", "b"}})
		}
		m, err := strategies.NewMachine(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, m.Radius("b")); d != "" {
			t.Errorf("%v (-want +got):\n%s", strategy, d)
		}
		if r := m.Radius("nobody"); r != nil {
			t.Errorf("%v: the radius of nobody is %v", strategy, r)
		}
	}
}

// News of a child whose record is gone is late, and ignored, though there is
// another of its id.
func TestGoneChild(t *testing.T) {
	m, err := strategies.NewMachine(strategies.Config{Dynamic: &strategies.ChildSpec{}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0)
	m.Step(now, strategies.Boot(strategies.Cascade{}))
	first := m.Step(now, strategies.StartInstance(1, "k", 0, nil))[0]
	m.Step(now, strategies.Ignored("k", 1))
	m.Step(now, strategies.StartInstance(2, "k", 0, nil))
	in := strategies.Started("k", 1)
	in.Child = first.Child
	if actions := m.Step(now, in); len(actions) > 0 {
		t.Errorf("%s", brief(actions))
	}
	if actions := m.Step(now, strategies.TimerFired("", 0, strategies.DrainTimer)); len(actions) > 0 {
		t.Errorf("%s", brief(actions))
	}
}

// Each of several restarts that are decided on at once has its own members.
func TestMembers(t *testing.T) {
	put := strategies.Backoff{Min: time.Second}
	m, err := strategies.NewMachine(strategies.Config{Intensity: strategies.Intensity{Max: 9}, Children: []strategies.ChildSpec{
		{ID: "a", Backoff: put}, {ID: "b", Backoff: put}, {ID: "c"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0)
	crash := strategies.Exit{Class: strategies.Crash}
	var actions []strategies.Action
	for _, in := range []strategies.Input{
		strategies.Boot(strategies.Cascade{}), strategies.Started("a", 1), strategies.Started("b", 1), strategies.Started("c", 1),
		strategies.Exited("c", 1, crash, strategies.Cascade{}), strategies.Exited("a", 1, crash, strategies.Cascade{}),
		strategies.Exited("b", 1, crash, strategies.Cascade{}), strategies.Started("c", 2),
	} {
		actions = m.Step(now, in)
	}
	var got [][]string
	for _, a := range actions {
		if a.Do == strategies.DoReport && a.Report == strategies.Restarting {
			got = append(got, a.Members())
		}
	}
	if d := cmp.Diff([][]string{{"a"}, {"b"}}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestChildFrom(t *testing.T) {
	if ref, ok := strategies.ChildFrom(t.Context()); ok {
		t.Errorf("a context without a child has %+v", ref)
	}
	want := strategies.ChildRef{Path: "shop/db", Incarnation: 2}
	if ref, ok := strategies.ChildFrom(strategies.WithChild(t.Context(), want)); !ok || ref != want {
		t.Errorf("%+v, want %+v", ref, want)
	}
}
