package offline

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
)

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		yaml string
		want []string
	}{
		"nothing to say": {`
			strategy: one_for_all
			children:
			  - {id: a, command: [a], restart: transient, backoff: {min: 1s}}
			  - id: b
			    children: [{id: c, command: [c], restart: temporary}]`, nil},
		"transient supervisor": {`
			children:
			  - {id: a, restart: transient, children: [{id: b, command: [b]}]}
			  - {id: c, restart: temporary, children: [{id: d, command: [d]}]}`,
			[]string{"t/a: it is transient, and so is not restarted when it gives up, for giving up is no crash; make it permanent if its parent is to restart it"}},
		"transient supervisor that is significant": {`
			auto_shutdown: any_significant
			children:
			  - {id: a, restart: transient, significant: true, children: [{id: b, command: [b]}]}`, nil},
		"auto_shutdown of nobody": {`
			auto_shutdown: any_significant
			children: [{id: a, command: [a], restart: transient}]`,
			[]string{"t: it has auto_shutdown, but no significant child, and so never ends by itself; give a child significant: true"}},
		"temporary in a group": {`
			strategy: rest_for_one
			children:
			  - {id: a, command: [a], restart: temporary}
			  - {id: b, command: [b], restart: temporary}`,
			[]string{"t/b: it is temporary under rest_for_one: stopped when a sibling is restarted, and not started again with it"}},
		"temporary that needs": {`
			strategy: dependents
			children:
			  - {id: a, command: [a], ready: {notify: true}}
			  - {id: b, command: [b], restart: temporary}
			  - {id: c, command: [c], restart: temporary, needs: [a]}`,
			[]string{"t/c: it is temporary under dependents: stopped when a sibling is restarted, and not started again with it"}},
		"alone": {`
			strategy: one_for_all
			children: [{id: a, command: [a], restart: temporary}]`, nil},
		"never too often": {`
			intensity: {max: 3, within: 5s}
			children:
			  - {id: a, command: [a], backoff: {min: 2s}}
			  - {id: b, command: [b], backoff: {min: 1s, max: 2s}}
			  - {id: c, command: [c], backoff: {min: 2s}, restart: temporary}`,
			[]string{"t/a: it may crash for ever: with the pauses of its backoff there are never more than 3 restarts within 5s, so t does not give up because of it; make max smaller or within longer if it should"}},
		"others wait for it": {`
			strategy: rest_for_one
			children:
			  - {id: a, command: [a]}
			  - {id: b, command: [b], ready: {notify: true}}
			  - {id: c, command: [c], restart: transient}
			  - {id: d, children: [{id: e, command: [e]}]}
			  - {id: f, command: [f]}`,
			[]string{"t/a: b is started after it, but it counts as started as soon as it runs; say with ready when it is of use"}},
		"others need it": {`
			strategy: dependents
			children:
			  - {id: a, command: [a]}
			  - {id: b, command: [b]}
			  - {id: c, command: [c], needs: [b]}`,
			[]string{"t/b: c needs it, but it counts as started as soon as it runs; say with ready when it is of use"}},
	} {
		var got []string
		for _, w := range treeOf(t, c.yaml).warnings() {
			got = append(got, w.Path+": "+w.Message)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// A warning about backoff is right exactly when the tree's own decisions, run for
// thousands of crashes, come to no end.
func TestNeverExhausts(t *testing.T) {
	never := 0
	for _, b := range []strategies.Backoff{
		{}, {Min: 1}, {Min: time.Second}, {Min: time.Second, Factor: 1}, {Min: time.Second, Max: 3 * time.Second}, {Min: time.Second, Max: time.Hour, Factor: 1.5},
	} {
		for _, most := range []int{strategies.NoRestarts, 1, 2, 4} {
			for _, within := range []time.Duration{time.Second, 3 * time.Second, 3*time.Second - 1} {
				limit := strategies.Intensity{Max: most, Within: within}
				tree := &strategies.Tree{Name: "t", Config: strategies.Config{Intensity: limit, Children: []strategies.ChildSpec{{ID: "a", Backoff: b}}}}
				x, err := strategies.Explain(tree, "t/a")
				if err != nil {
					t.Fatal(err)
				}
				want := len(x.Escalation) == 0
				if got := neverExhausts(b, limit.OrDefault()); got != want {
					t.Errorf("%+v within %+v: %v, want %v", b, limit, got, want)
				}
				if want {
					never++
				}
			}
		}
	}
	if never < 10 {
		t.Errorf("only %d of the cases come to no end", never)
	}
}

// Jitter may make each pause shorter.
func TestNeverExhaustsWithJitter(t *testing.T) {
	limit := strategies.Intensity{Max: 2, Within: 5 * time.Second}
	for jitter, want := range map[float64]bool{0: true, 0.1: true, 0.2: false, 1: false} {
		if got := neverExhausts(strategies.Backoff{Min: 3 * time.Second, Jitter: jitter}, limit); got != want {
			t.Errorf("jitter %v: %v", jitter, got)
		}
	}
}

// What is said of temporary children is what the tree does.
func TestGrouped(t *testing.T) {
	for strategy := strategies.OneForOne; strategy <= strategies.Dependents; strategy++ {
		needs := ""
		if strategy == strategies.Dependents {
			needs = ", needs: [a]"
		}
		tree := treeOf(t, fmt.Sprintf("strategy: %v\nchildren: [{id: a, command: [a]}, {id: b, command: [b], restart: temporary%s}]", strategy, needs))
		x, err := tree.explain("t/a")
		if err != nil {
			t.Fatal(err)
		}
		stopped := len(x.Stops) == 1 && len(x.Starts) == 1 && x.Stops[0] == "t/b" && x.Starts[0] == "t/a"
		if got := grouped(&tree.root.Config, tree.find("t/b")); got != stopped {
			t.Errorf("%v: %v, but stops %v, starts %v", strategy, got, x.Stops, x.Starts)
		}
	}
}
