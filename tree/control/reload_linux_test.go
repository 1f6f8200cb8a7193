package control_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
)

// TestReload: what the program says goes to the client, and a plan is asked for as
// such. Lists are lists also when they are empty.
func TestReload(t *testing.T) {
	want := control.Reload{
		File: "shop.yaml", Changes: []tree.Change{{Path: "shop/web", Change: strategies.ChildRenewed, With: "shop/db"}},
		Differences: []control.Difference{{Path: "shop/db", Key: "command", Old: "a", New: "b", Restart: true}},
		Failed:      []string{"shop/web did not start"},
	}
	var fail error
	_, r, c := start(t, func(cfg *control.Config) {
		cfg.Reload = func(ctx context.Context, plan bool) (control.Reload, error) {
			if plan {
				return control.Reload{DryRun: true}, ctx.Err()
			}
			return want, fail
		}
	})
	got, err := c.Reload(t.Context())
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	got, err = c.PlanReload(t.Context())
	if d := cmp.Diff(control.Reload{DryRun: true, Changes: []tree.Change{}, Differences: []control.Difference{}}, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	fail = &control.Error{Code: control.BadFile, Message: "shop.yaml:3:1: no"}
	if _, err := c.Reload(t.Context()); code(err) != control.BadFile || err.Error() != "shop.yaml:3:1: no" {
		t.Errorf("%v", err)
	}
	fail = errors.New("disk full")
	if _, err := c.Reload(t.Context()); code(err) != control.Failed {
		t.Errorf("%v", err)
	}
	if info, err := c.Info(t.Context()); err != nil || info.Chaos {
		t.Errorf("%+v, %v", info, err)
	}
	r.Server.AllowChaos(true)
	if info, err := c.Info(t.Context()); err != nil || !info.Chaos {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestNoReload: without a description that could be read again there is none.
func TestNoReload(t *testing.T) {
	_, _, c := start(t)
	if _, err := c.Reload(t.Context()); code(err) != control.Unsupported {
		t.Errorf("%v", err)
	}
}
