package offline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coppice-go/coppice/strategies"
)

// busy is a tree with everything that a timeline can have.
const busy = `
name: t
strategy: rest_for_one
intensity: {max: 2, within: 3s}
children:
  - {id: a, command: [a], backoff: {min: 200ms, max: 1s}}
  - id: b
    strategy: one_for_all
    children:
      - {id: c, command: [c]}
      - {id: d, command: [d], restart: temporary}
  - id: e
    restart: transient
    children: [{id: f, command: [f]}]
`

// The timeline is that of strategies.Simulate, and the board what it adds up to.
func TestSimulateAddsUp(t *testing.T) {
	tree := treeOf(t, busy)
	paths := slices.Collect(tree.root.Workers())
	rapid.Check(t, func(t *rapid.T) {
		deaths := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Death {
			return Death{rapid.SampledFrom(paths).Draw(t, "path"), time.Duration(rapid.IntRange(0, 50).Draw(t, "at")) * 100 * time.Millisecond}
		}), 1, 12).Draw(t, "deaths")
		r, err := tree.simulate(Scenario{Deaths: deaths})
		if err != nil {
			t.Fatal(err)
		}
		var failures []strategies.Failure
		for _, d := range deaths {
			failures = append(failures, strategies.Failure{Path: d.Path, At: d.At, Exit: strategies.Exit{Class: strategies.Crash}})
		}
		events, err := strategies.Simulate(tree.root, failures...)
		if err != nil {
			t.Fatal(err)
		}
		starts, live := map[string]int{"t": 1}, map[string]bool{"t": true}
		for _, e := range events {
			switch {
			case e.Exited:
				live[e.Path] = false
			case e.Action.Do == strategies.DoStart:
				starts[e.Path]++
				live[e.Path] = true
			}
		}
		for _, c := range r.board.rows {
			path := c.node.path
			if up := c.state == strategies.Up; c.starts != starts[path] || up != live[path] {
				t.Errorf("%s: %v after %d starts; alive: %v after %d", path, c.state, c.starts, live[path], starts[path])
			}
		}
		missed := 0
		for _, s := range r.steps {
			if s.Kind == "missed" {
				missed++
			}
		}
		died := len(slices.Collect(kind(r, "exited", strategies.Crash)))
		if died+missed+r.late != len(deaths) {
			t.Errorf("of %d deaths %d came about, %d were missed, %d too late", len(deaths), died, missed, r.late)
		}
	})
}

func kind(r *run, kind string, class strategies.Class) func(yield func(step) bool) {
	return func(yield func(step) bool) {
		for _, s := range r.steps {
			if s.Kind == kind && s.exit.Class == class && !yield(s) {
				return
			}
		}
	}
}

// What the board says of a budget is what the supervisor counted.
func TestBudget(t *testing.T) {
	tree := treeOf(t, busy)
	deaths := Deaths{{"t/a", time.Second}, {"t/b/c", 2 * time.Second}, {"t/a", 3 * time.Second}, {"t/e/f", 4500 * time.Millisecond}}
	b := newBoard(tree.root)
	r, err := tree.simulate(Scenario{Deaths: deaths})
	if err != nil {
		t.Fatal(err)
	}
	restarts := 0
	for i := range r.steps {
		s := &r.steps[i]
		b.see(s)
		if s.Kind == "restarting" || s.Kind == "giving_up" {
			restarts++
			if got := b.of[parent(s.Path)].window.Spent(epoch.Add(s.at)); got != s.Spent {
				t.Errorf("%v %s: %d are spent, the supervisor counts %d", s.at, s.Path, got, s.Spent)
			}
		}
	}
	if restarts != len(deaths) {
		t.Errorf("%d restarts were counted", restarts)
	}
}

func TestSimulate(t *testing.T) {
	for name, c := range map[string]struct {
		yaml     string
		scenario Scenario
		want     string
	}{
		"takes time": {`
			children:
			  - {id: a, command: [a], start_limit: 2s}
			  - {id: b, command: [b], stop: {timeout: 1s}}`,
			Scenario{Deaths: Deaths{{"t/a", 3 * time.Second}, {"t/a", 3500 * time.Millisecond}, {"t/a", 5 * time.Second}}, StartTakes: time.Second, StopTakes: 2 * time.Second}, `
    TIME  PATH  WHAT HAPPENS
  0.000s  t     starting
  0.000s  t/a   starting
  1.000s  t/a   up
  1.000s  t/b   starting
  2.000s  t/b   up
  2.000s  t     up
  3.000s  t/a   DIES
  3.000s  t/a   restarted alone; t has spent 1 of 1 restart within 5s
  3.000s  t/a   starting, incarnation 2
  3.500s  t/a   does not run now: nothing changes
  4.000s  t/a   up, incarnation 2
  5.000s  t/a   DIES
  5.000s  t/a   not restarted: t allows at most 1 restart within 5s, and gives up
  5.000s  t/b   stopping
  6.000s  t/b   killed, for it did not stop in time
  6.000s  t/b   dead
  6.000s  t     ended

t gave up, and the tree ended at 6.000s: ` + "`coppice run`" + ` would exit with status 1.

TREE  STATE    STARTS
t     gave up  1
|- a  down     2
` + "`" + `- b  down     1
`},
		"does not start in time": {`
			children: [{id: a, command: [a], start_limit: 1s}]`,
			Scenario{Deaths: Deaths{{"t/a", 3 * time.Second}}, StartTakes: 2 * time.Second}, `
    TIME  PATH  WHAT HAPPENS
  0.000s  t     starting
  0.000s  t/a   starting
  1.000s  t/a   could not be started: start took longer than its limit of 1s: the child was terminated while it was starting
  1.000s  t     ended

t could not be started, and the tree ended at 1.000s: ` + "`coppice run`" + ` would exit with status 3. 1 death came too late.

TREE  STATE  STARTS
t     down   1
` + "`" + `- a  down   1
`},
		"until, in a pause": {`
			intensity: {max: 3, within: 10s}
			children:
			  - {id: a, command: [a], backoff: {min: 1s}}
			  - {id: b, command: [b]}`,
			Scenario{Deaths: Deaths{{"t/a", 2 * time.Second}}, Until: 2500 * time.Millisecond}, `
    TIME  PATH  WHAT HAPPENS
  0.000s  t/a   up
  0.000s  t/b   up
  0.000s  t     up
  2.000s  t/a   DIES
  2.000s  t/a   restarted alone; t has spent 1 of 3 restarts within 10s
  2.000s  t/a   will be started again in 1s

At 2.500s t runs, and 1 of its 2 programs; not up: t/a.

TREE  STATE    STARTS  RESTARTS SPENT
t     up       1       1 of 3 restarts within 10s, one back at 12.000s
|- a  waiting  1
` + "`" + `- b  up       1
`},
		"until, at the start": {`
			children: [{id: a, command: [a]}]`,
			Scenario{Deaths: Deaths{{"t/a", 0}}, StartTakes: 2 * time.Second, Until: time.Second}, `
    TIME  PATH  WHAT HAPPENS
  0.000s  t     starting
  0.000s  t/a   starting
  0.000s  t/a   does not run now: nothing changes

At 1.000s t is starting, and 0 of its 1 program; not up: t/a.

TREE  STATE     STARTS  RESTARTS SPENT
t     starting  1       0 of 1 restart within 5s
` + "`" + `- a  starting  1
`},
		"until, at the end": {`
			intensity: {max: none}
			children: [{id: a, command: [a]}, {id: b, command: [b]}]`,
			Scenario{Deaths: Deaths{{"t/a", 0}}, StopTakes: 2 * time.Second, Until: time.Second}, `
    TIME  PATH  WHAT HAPPENS
  0.000s  t/a   up
  0.000s  t/b   up
  0.000s  t     up
  0.000s  t/a   DIES
  0.000s  t/a   not restarted: t allows no restarts, and gives up
  0.000s  t/b   stopping

At 1.000s t is ending.

TREE  STATE     STARTS
t     stopping  1
|- a  down      1
` + "`" + `- b  stopping  1
`},
		"auto_shutdown": {`
			auto_shutdown: any_significant
			children:
			  - {id: a, command: [a], restart: temporary, significant: true}
			  - {id: b, command: [b]}`,
			Scenario{Deaths: Deaths{{"t/a", time.Second}}}, `
    TIME  PATH  WHAT HAPPENS
  0.000s  t/a   up
  0.000s  t/b   up
  0.000s  t     up
  1.000s  t/a   DIES
  1.000s  t/a   not started again
  1.000s  t/b   stopped
  1.000s  t     its auto_shutdown ends it, for a has finished
  1.000s  t     ended

The tree ended at 1.000s.

TREE  STATE  STARTS
t     down   1
|- a  down   1
` + "`" + `- b  down   1
`},
	} {
		var b strings.Builder
		if err := treeOf(t, c.yaml).Simulate(&b, ASCII, c.scenario); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want[1:], b.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
