package show

import (
	"strings"
	"testing"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
)

func TestReload(t *testing.T) {
	r := control.Reload{
		File: "shop.yaml",
		Changes: []tree.Change{
			{Path: "shop/old", Change: strategies.ChildRemoved},
			{Path: "shop/db", Change: strategies.ChildRenewed},
			{Path: "shop/web", Change: strategies.ChildRenewed, With: "shop/db"},
			{Path: "shop/late", Change: strategies.ChildRenewed},
			{Path: "shop/new", Change: strategies.ChildAdded},
		},
		Differences: []control.Difference{
			{Path: "shop", Key: "intensity.max", New: "5"},
			{Path: "shop/db", Key: "command", Old: strings.Repeat("x", 50), New: "y", Restart: true},
			{Path: "shop/db", Key: "env.A", New: "set", Restart: true},
			{Path: "shop/db", Key: "env.B", Old: "set", Restart: true},
			{Path: "shop/db", Key: "env.C", Old: "set", New: "changed", Restart: true},
			{Path: "shop/web", Key: "restart", Old: "transient"},
			{Path: "shop/web/api", Key: "command", Old: "a", New: "b", Restart: true},
		},
		Failed: []string{"shop/new did not start: no"},
	}
	want := strings.TrimPrefix(`
removed    shop/old
restarted  shop/db       command: `+strings.Repeat("x", 39)+`… → y; env.A is set; env.B is not set any more; env.C is changed
restarted  shop/web      shares the fate of shop/db; restart: transient → (not set)
restarted  shop/late     could not be started before
added      shop/new
changed    shop          intensity.max: (not set) → 5
restarted  shop/web/api  is below shop/web; command: a → b
`, "\n")
	if got := Reload(r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got, want := ReloadSummary(r), "shop.yaml: 1 added, 1 removed, 3 restarted, 1 changed without a restart, 1 could not be started"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := ReloadSummary(control.Reload{File: "shop.yaml", Down: true}), "shop.yaml: the tree does not run now, and will be started with this"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := ReloadSummary(control.Reload{File: "shop.yaml", DryRun: true}), "shop.yaml: nothing has changed (dry run: nothing was done)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
