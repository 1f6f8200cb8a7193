package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/cmd/coppice/internal/control"
	"github.com/coppice-go/coppice/cmd/coppice/internal/control/controltest"
	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// signals are Actions that keep what is to be sent.
type signals struct {
	controltest.Actions
	sent chan syscall.Signal
}

func (s signals) Signal(_ context.Context, path string, sig syscall.Signal) (control.Done, error) {
	s.sent <- sig
	return control.Done{Incarnation: 1}, nil
}

func TestAct(t *testing.T) {
	startShop(t)
	for _, c := range []struct {
		args           []string
		stdout, stderr string
	}{
		{[]string{"stop", "shop/db"}, "stopped shop/db\n", "stop shop/db: stops shop/db\n"},
		{[]string{"start", "shop/db"}, "started shop/db, incarnation 2\n", "start shop/db: starts shop/db\n"},
		{[]string{"restart", "shop/db"}, "restarted shop/db, incarnation 3\n", "restart shop/db: stops shop/db; starts shop/db; not counted against the budget of shop\n"},
		{[]string{"restart", "shop/db", "--dry-run"}, "restart shop/db: stops shop/db; starts shop/db; not counted against the budget of shop\n", ""},
		{
			[]string{"restart", "shop/db", "-o", "json"}, `{"path":"shop/db","radius":{"stops":["shop/db"],"starts":["shop/db"]},"incarnation":4}` + "\n",
			"restart shop/db: stops shop/db; starts shop/db; not counted against the budget of shop\n",
		},
		{[]string{"stop", "shop/db", "--dry-run", "-o", "json"}, `{"path":"shop/db","radius":{"stops":["shop/db"],"starts":[]}}` + "\n", ""},
	} {
		if d := cmp.Diff(result{c.stdout, c.stderr, exit.Clean}, command(c.args...), cmp.AllowUnexported(result{})); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.args, d)
		}
	}
	refusedWith(t, exit.Failed, "it runs already", "start", "shop/db")
	refusedWith(t, exit.Usage, "did you mean shop/db?", "stop", "shop/bd")
	refusedWith(t, exit.Failed, "unsupported", "signal", "shop/db", "HUP")
}

func TestSignal(t *testing.T) {
	sent := make(chan syscall.Signal, 1)
	startShop(t, func(c *control.Config) { c.Actions = signals{controltest.Actions{Root: c.Root}, sent} })
	for _, name := range []string{"HUP", "SIGHUP", "1"} {
		want := result{"signalled shop/db with " + name + ", incarnation 1\n", "signal shop/db: sends its process " + name + "; whatever follows counts as its own doing\n", exit.Clean}
		if d := cmp.Diff(want, command("signal", "shop/db", name), cmp.AllowUnexported(result{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if sig := <-sent; sig != syscall.SIGHUP {
			t.Errorf("%s: %v was sent", name, sig)
		}
	}
	if got := stdoutOf(t, "signal", "--dry-run", "shop/db", "HUP"); !strings.Contains(got, "sends its process HUP") || len(sent) > 0 {
		t.Error(got)
	}
}

// Under dependents, what needs a child that is stopped runs on, and that is told.
func TestStopDependents(t *testing.T) {
	controltest.StartIn(t, socketDir(t), "shop", tree.Spec{Strategy: strategies.Dependents, Children: []tree.Child{
		{ID: "db", Start: tree.Func(controltest.Wait)},
		{ID: "api", Start: tree.Func(controltest.Wait), Needs: []string{"db"}},
	}})
	if got := command("stop", "shop/db"); got.stderr != "stop shop/db: stops shop/db\nshop/api will run on without shop/db, which they need (directly or not)\n" {
		t.Errorf("%+v", got)
	}
}

func TestWait(t *testing.T) {
	startShop(t)
	diffText(t, "shop/db  up for SPAN, incarnation 1\n", stable(stdoutOf(t, "wait", "shop/db", "--ready")))
	stdoutOf(t, "stop", "shop/db")
	diffText(t, "shop/db  down for SPAN, incarnation 1\n", stable(stdoutOf(t, "wait", "shop/db", "--stopped")))
	refusedWith(t, exit.Failed, "shop/db is not ready after 20ms, but down", "wait", "shop/db", "--ready", "--timeout", "20ms")
	refusedWith(t, exit.Usage, "did you mean shop/db?", "wait", "shop/bd", "--ready")
	var st tree.Status
	if err := json.Unmarshal([]byte(stdoutOf(t, "wait", "shop/web", "--ready", "-o", "json")), &st); err != nil || st.Path != "shop/web" || st.State != strategies.Up {
		t.Errorf("%+v, %v", st, err)
	}
}

// A wait ends when it is so, not before.
func TestWaitLonger(t *testing.T) {
	startShop(t)
	stdoutOf(t, "stop", "shop/db")
	waiting := follow(t, "wait", "--ready", "shop/db")
	stdoutOf(t, "start", "shop/db")
	text, err := io.ReadAll(waiting)
	if err != nil || !strings.HasPrefix(string(text), "shop/db  up for ") {
		t.Errorf("%q, %v", text, err)
	}
}
