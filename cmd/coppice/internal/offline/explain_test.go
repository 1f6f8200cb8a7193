package offline

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
)

func TestExplain(t *testing.T) {
	for name, c := range map[string]struct{ yaml, path, want string }{
		"levels": {nested, "shop/web/api", `
shop/web/api dies:
  stops   shop/web/deep/leaf
  starts  shop/web/api, shop/web/deep/leaf  (in this order)
  2 deaths within 5s: shop/web gives up (at most 1 restart within 5s)
    stops   shop/web/deep/leaf, shop/report  (in this order)
    starts  shop/web/api, shop/web/deep/leaf, shop/report  (in this order)
  6 deaths in a row: shop gives up (at most 2 restarts within 5s); that is the end of the tree, with exit status 1
`},
		"several at once": {`
			children:
			  - id: a
			    intensity: {max: none}
			    children: [{id: b, command: [b], restart: transient}]
			  - {id: c, command: [c]}`, "t/a/b", `
t/a/b dies:
  stops   nothing
  starts  t/a/b
  1 death: t/a gives up (no restarts)
  2 deaths in a row: t gives up (at most 1 restart within 5s); that is the end of the tree, with exit status 1
`},
		"all at once": {`
			intensity: {max: 0}
			children:
			  - {id: a, intensity: {max: 0}, children: [{id: b, command: [b]}]}
			  - {id: c, command: [c]}`, "t/a/b", `
t/a/b dies:
  stops   t/c
  starts  nothing
  1 death: t/a gives up (no restarts); with it t gives up (no restarts); that is the end of the tree, with exit status 1
`},
		"temporary": {`
			children: [{id: a, command: [a], restart: temporary}]`, "t/a", `
t/a dies:
  stops   nothing
  starts  nothing
  it is temporary: the rest of the tree runs on without it
`},
		"transient supervisor": {`
			children:
			  - {id: a, restart: transient, children: [{id: b, command: [b]}]}
			  - {id: c, command: [c]}`, "t/a/b", `
t/a/b dies:
  stops   nothing
  starts  t/a/b
  2 deaths within 5s: t/a gives up (at most 1 restart within 5s)
    stops   nothing
    starts  nothing
  the rest of the tree runs on without them
`},
		"auto_shutdown": {`
			auto_shutdown: any_significant
			children:
			  - {id: a, command: [a]}
			  - {id: b, command: [b], restart: temporary, significant: true}`, "t/b", `
t/b dies:
  stops   t/a
  starts  nothing
  1 death: t ends, for its auto_shutdown says so; that is the end of the tree
`},
		"backoff": {`
			children: [{id: a, command: [a], backoff: {min: 10s}}]`, "t/a", `
t/a dies:
  stops   nothing
  starts  t/a
  however often it dies, no supervisor gives up: its backoff keeps the restarts too far apart
`},
		"large intensity": {`
			intensity: {max: 1000000}
			children: [{id: a, command: [a]}]`, "t/a", `
t/a dies:
  stops   nothing
  starts  t/a
  thousands of deaths in a row make no supervisor give up
`},
		"large intensity above": {`
			intensity: {max: 1000000}
			children: [{id: a, children: [{id: b, command: [b]}]}]`, "t/a/b", `
t/a/b dies:
  stops   nothing
  starts  t/a/b
  2 deaths within 5s: t/a gives up (at most 1 restart within 5s)
    stops   nothing
    starts  t/a/b
  thousands of deaths in a row make no other supervisor give up
`},
	} {
		var b strings.Builder
		if err := treeOf(t, c.yaml).Explain(&b, []string{c.path}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want[1:], b.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// What ends, and after how many deaths, is what package strategies says.
func TestClimbs(t *testing.T) {
	tree := treeOf(t, nested)
	for path := range tree.root.Workers() {
		want, err := strategies.Explain(tree.root, path)
		if err != nil {
			t.Fatal(err)
		}
		x, err := tree.explain(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []strategies.Escalation
		for _, c := range x.Climbs {
			for _, e := range c.Ends {
				got = append(got, strategies.Escalation{Path: e.Path, Crashes: c.Deaths, Why: strategies.Exhausted, Within: e.Intensity})
			}
		}
		if d := cmp.Diff(want.Escalation, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
		if last := x.Climbs[len(x.Climbs)-1]; len(last.Starts) > 0 || len(last.Stops) == 0 {
			t.Errorf("%s: at the end of the tree %v stop and %v start", path, last.Stops, last.Starts)
		}
	}
}
