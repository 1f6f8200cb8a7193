package control

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/coppice-go/coppice/tree"
)

// What can be asked for, and what the answer is when it cannot be done.
func TestActions(t *testing.T) {
	spec := tree.Spec{Children: []tree.Child{
		quiet("a"), {ID: "s", Start: tree.Sub(tree.Spec{Children: []tree.Child{quiet("x")}})},
	}}
	live(t, spec, func(t *testing.T, root *tree.Supervisor) {
		ended := 0
		a := actions{root, func() { ended++ }, "t.yaml"}
		ctx := t.Context()
		refused := func(what string, err error, want string) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", what, err, want)
			}
		}
		_, err := a.start(ctx, "t/a")
		if !errors.Is(err, tree.ErrChildRunning) {
			t.Errorf("start of what runs: %v", err)
		}
		if _, err = a.stop(ctx, "t/s"); err != nil {
			t.Error(err)
		}
		_, err = a.start(ctx, "t/s/x")
		refused("start below what does not run", err, "t/s does not run")
		done, err := a.start(ctx, "t/s")
		if err != nil || done.Incarnation != 2 {
			t.Errorf("%+v, %v", done, err)
		}
		for path, f := range map[string]func() error{
			"t/nosuch": func() error { _, err := a.restart(ctx, "t/nosuch"); return err },
			"t/x":      func() error { _, err := a.signal("t/x", syscall.SIGHUP); return err },
			"t/a/b":    func() error { _, err := a.plan(Stop, "t/a/b"); return err },
		} {
			if err := f(); !errors.Is(err, tree.ErrNotFound) {
				t.Errorf("%s: %v", path, err)
			}
		}
		_, err = a.signal("t/a", syscall.SIGHUP)
		refused("signal to a goroutine", err, "t/a has no process: it is up")
		_, err = a.signal("t/s", syscall.SIGHUP)
		refused("signal to a supervisor", err, "t/s is a supervisor, and no process; name one of the processes below it")
		_, err = a.restart(ctx, "t")
		refused("restart of the root", err, "restart is not for the root of the tree; stop it, and run the file again")
		if _, err = a.start(ctx, "t"); !errors.Is(err, tree.ErrChildRunning) {
			t.Errorf("start of the root: %v", err)
		}
		if done, err := a.stop(ctx, "t"); err != nil || ended != 1 || len(done.Radius.Stops) != 4 {
			t.Errorf("stop of the root: %+v, %v; the end was asked for %d times", done, err, ended)
		}
		// The same of a tree that is part of a program.
		a = actions{root: root}
		_, err = a.restart(ctx, "t")
		refused("restart of the root", err, "restart is not for the root of the tree; stop it, and start its program again")
		_, err = a.stop(ctx, "t")
		refused("stop of a root that cannot be stopped", err, fmt.Sprint("stop is not for the root of the tree; end its program, pid ", os.Getpid()))
		_, err = a.plan(Stop, "t")
		refused("plan of that", err, "stop is not for the root of the tree")
	})
}
