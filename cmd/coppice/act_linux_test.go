package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/controltest"
)

func TestAct(t *testing.T) {
	startShop(t)
	// Those after it in the list share its fate.
	const restart = "restart shop/db: stops shop/web, shop/web/cache, shop/web/api, shop/db; starts shop/db, shop/web, shop/web/api, shop/web/cache; not counted against the budget of shop\n"
	for _, c := range []struct {
		args           []string
		stdout, stderr string
	}{
		{[]string{"stop", "shop/db"}, "stopped shop/db\n", "stop shop/db: stops shop/db\n"},
		{[]string{"start", "shop/db"}, "started shop/db, incarnation 2\n", "start shop/db: starts shop/db\n"},
		{[]string{"restart", "shop/db"}, "restarted shop/db, incarnation 3\n", restart},
		{[]string{"restart", "shop/db", "--dry-run"}, restart, ""},
		{
			[]string{"restart", "shop/db", "-o", "json"}, `{"path":"shop/db","radius":{"stops":["shop/web","shop/web/cache","shop/web/api","shop/db"],"starts":["shop/db","shop/web","shop/web/api","shop/web/cache"]},"incarnation":4}` + "\n",
			restart,
		},
		{[]string{"stop", "shop/db", "--dry-run", "-o", "json"}, `{"path":"shop/db","radius":{"stops":["shop/db"],"starts":[]}}` + "\n", ""},
	} {
		if d := cmp.Diff(result{c.stdout, c.stderr, exit.Clean}, command(c.args...), cmp.AllowUnexported(result{})); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.args, d)
		}
	}
	refusedWith(t, exit.Failed, "it runs already", "start", "shop/db")
	refusedWith(t, exit.Usage, "did you mean shop/db?", "stop", "shop/bd")
	refusedWith(t, exit.Failed, "shop/db has no process: it is up", "signal", "shop/db", "HUP")
}

func TestSignal(t *testing.T) {
	s := &shop{Run: controltest.StartIn(t, socketDir(t), "shop", tree.Spec{
		Intensity: strategies.Intensity{Max: 3},
		Children:  []tree.Child{{ID: "db", Start: tree.Of(controltest.StartProcess)}},
	})}
	for i, name := range []string{"USR1", "SIGUSR1", "10"} {
		before := s.Root.Snapshot().Rev
		want := result{
			fmt.Sprintf("signalled shop/db with %s, incarnation %d\n", name, i+1),
			"signal shop/db: sends its process " + name + "; whatever follows counts as its own doing\n", exit.Clean,
		}
		got := command("signal", "shop/db", name)
		got.stdout = regexp.MustCompile(`, pid \d+\n`).ReplaceAllString(got.stdout, "\n") // told if it has not ended yet
		if d := cmp.Diff(want, got, cmp.AllowUnexported(result{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		s.await(t, before, tree.EventProgress, "shop/db")
		s.settle(t)
		if st, _ := s.Root.Find("shop/db"); !strings.Contains(st.Last.Exit.String(), "user defined signal 1") {
			t.Errorf("%s: it ended: %v", name, st.Last.Exit)
		}
	}
	before := s.Root.Snapshot().Rev
	if got := stdoutOf(t, "signal", "--dry-run", "shop/db", "HUP"); !strings.Contains(got, "sends its process HUP") || s.Root.Snapshot().Rev != before {
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
