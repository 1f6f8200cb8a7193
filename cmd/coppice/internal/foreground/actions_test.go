package foreground

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/coppice-go/coppice/cmd/coppice/internal/control"
	"github.com/coppice-go/coppice/tree"
)

// What can be asked for, and what the answer is when it cannot be done.
func TestActions(t *testing.T) {
	spec := tree.Spec{Children: []tree.Child{
		quiet("a"), {ID: "s", Start: tree.Sub(tree.Spec{Children: []tree.Child{quiet("x")}})},
	}}
	live(t, spec, func(t *testing.T, root *tree.Supervisor) {
		ended := 0
		a := actions{root, func() { ended++ }}
		ctx := t.Context()
		refused := func(what string, err error, want string) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", what, err, want)
			}
		}
		_, err := a.Start(ctx, "t/a")
		if !errors.Is(err, tree.ErrChildRunning) {
			t.Errorf("start of what runs: %v", err)
		}
		if _, err = a.Stop(ctx, "t/s"); err != nil {
			t.Error(err)
		}
		_, err = a.Start(ctx, "t/s/x")
		refused("start below what does not run", err, "t/s does not run")
		done, err := a.Start(ctx, "t/s")
		if err != nil || done.Incarnation != 2 {
			t.Errorf("%+v, %v", done, err)
		}
		for path, f := range map[string]func() error{
			"t/nosuch": func() error { _, err := a.Restart(ctx, "t/nosuch"); return err },
			"t/x":      func() error { _, err := a.Signal(ctx, "t/x", syscall.SIGHUP); return err },
			"t/a/b":    func() error { _, err := a.Plan(ctx, control.Stop, "t/a/b"); return err },
		} {
			if err := f(); !errors.Is(err, tree.ErrNotFound) {
				t.Errorf("%s: %v", path, err)
			}
		}
		_, err = a.Signal(ctx, "t/a", syscall.SIGHUP)
		refused("signal to a goroutine", err, "t/a has no process: it is up")
		_, err = a.Signal(ctx, "t/s", syscall.SIGHUP)
		refused("signal to a supervisor", err, "t/s is a supervisor, and no process; name one of the processes below it")
		_, err = a.Restart(ctx, "t")
		refused("restart of the root", err, "restart is not for the root of the tree; stop it, and run the file again")
		if _, err = a.Start(ctx, "t"); !errors.Is(err, tree.ErrChildRunning) {
			t.Errorf("start of the root: %v", err)
		}
		if done, err := a.Stop(ctx, "t"); err != nil || ended != 1 || len(done.Radius.Stops) != 4 {
			t.Errorf("stop of the root: %+v, %v; the end was asked for %d times", done, err, ended)
		}
	})
}
