package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/treetest"
)

func wait(ctx context.Context) error { <-ctx.Done(); return nil }

// shop is a tree whose branch web allows so many restarts.
func shop(webMax int) tree.Spec {
	return tree.Spec{Children: []tree.Child{
		{ID: "db", Start: tree.Func(wait)},
		{ID: "web", Start: tree.Sub(tree.Spec{
			Strategy:  strategies.OneForAll,
			Intensity: strategies.Intensity{Max: webMax, Within: time.Minute},
			Children: []tree.Child{
				{ID: "api", Start: tree.Func(wait)},
				{ID: "cache", Start: tree.Func(wait)},
			},
		})},
	}}
}

// crash is an error with output, as that of a process.
type crash struct{ tail []string }

func (c crash) Error() string        { return "exit status 3" }
func (c crash) OutputTail() []string { return c.tail }

// watched runs a tree in a bubble, and a Book of it.
func watched(t *testing.T, s tree.Spec, f func(*testing.T, *treetest.Tree, *Book)) {
	synctest.Test(t, func(t *testing.T) {
		tt := treetest.Start(t, "shop", s)
		b := New(Limits{})
		b.Watch(tt.Supervisor)
		defer b.Close()
		f(t, tt, b)
	})
}

func why(t *testing.T, b *Book, path string) Why {
	t.Helper()
	w, known, err := b.Why(t.Context(), path)
	if err != nil || !known {
		t.Fatalf("why %s: known %v, %v", path, known, err)
	}
	return w
}

// TestWhyJSON: what is told of a child that crashed under one_for_all, in the
// form that clients get.
func TestWhyJSON(t *testing.T) {
	watched(t, shop(3), func(t *testing.T, tt *treetest.Tree, b *Book) {
		time.Sleep(time.Second) // of the bubble: so that the times differ
		tt.Crash("shop/web/cache", crash{[]string{"out of cheese"}})
		tt.Settle()
		w := why(t, b, "shop/web/cache")
		w.Status = nil // described by tree/JSON.md
		w.Exits[0].Time, w.Budget.Refill = w.Exits[0].Time.UTC(), w.Budget.Refill.UTC()
		got, err := json.MarshalIndent(w, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		const want = `{
  "v": "v1",
  "path": "shop/web/cache",
  "budget": {
    "supervisor": "shop/web",
    "max": 3,
    "within_ms": 60000,
    "spent": 1,
    "left": 2,
    "refill": "2000-01-01T00:01:01.000000001Z"
  },
  "exits": [
    {
      "time": "2000-01-01T00:00:01Z",
      "kind": "exited",
      "incarnation": 1,
      "class": "crash",
      "reason": "exit status 3",
      "output": [
        "out of cheese"
      ],
      "cascade": {
        "origin": "shop/web/cache",
        "n": 1
      },
      "restart": {
        "supervisor": "shop/web",
        "spent": 1,
        "max": 3,
        "group": [
          "shop/web/api",
          "shop/web/cache"
        ]
      },
      "follows": {
        "stopped": [
          "shop/web/api"
        ],
        "started": [
          "shop/web/api",
          "shop/web/cache"
        ]
      }
    }
  ]
}`
		if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(got), "\n")); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		var back Why
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(w, back); d != "" {
			t.Errorf("read again (-want +got):\n%s", d)
		}
	})
}

// brief is an exit in one line.
func brief(e Exit) string {
	s := fmt.Sprintf("%v %d %v", e.Kind, e.Incarnation, e.Class)
	if e.Told {
		s += ", told"
	}
	if e.Cascade != nil {
		s += ", of " + e.Cascade.String()
	}
	if r := e.Restart; r != nil {
		s += fmt.Sprintf(", restart %d of %d", r.Spent, r.Max)
		if r.GaveUp {
			s += " refused"
		}
	}
	if e.AfterMS > 0 {
		s += fmt.Sprintf(", after %v ms", e.AfterMS)
	}
	if f := e.Follows; f != nil {
		s += fmt.Sprintf(", stopped %v, started %v", f.Stopped, f.Started)
		for _, g := range f.GaveUp {
			s += fmt.Sprintf(", %s gave up over %s (%d of %d)", g.Supervisor, g.Child, g.Spent, g.Max)
		}
	}
	return s
}

func wantExits(t *testing.T, b *Book, path string, want ...string) {
	t.Helper()
	var got []string
	for _, e := range why(t, b, path).Exits {
		got = append(got, brief(e))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// TestWhyOfSibling: one that had to go with another points to that one.
func TestWhyOfSibling(t *testing.T) {
	watched(t, shop(3), func(t *testing.T, tt *treetest.Tree, b *Book) {
		tt.Crash("shop/web/cache", errors.New("boom"))
		tt.Settle()
		wantExits(t, b, "shop/web/api",
			"exited 1 shutdown, told, of shop/web/cache#1, stopped [shop/web/api], started [shop/web/api shop/web/cache]")
		wantExits(t, b, "shop/db")
	})
}

// TestWhyEscalated: a restart too many ends the branch, and the root starts it
// again; all of that is one cascade.
func TestWhyEscalated(t *testing.T) {
	watched(t, shop(1), func(t *testing.T, tt *treetest.Tree, b *Book) {
		for range 2 {
			tt.Crash("shop/web/cache", errors.New("boom"))
			tt.Settle()
		}
		const escalation = "stopped [shop/web/api], started [shop/web shop/web/api shop/web/cache], shop/web gave up over shop/web/cache (2 of 1)"
		wantExits(t, b, "shop/web/cache",
			"exited 2 crash, of shop/web/cache#2, restart 2 of 1 refused, "+escalation,
			"exited 1 crash, of shop/web/cache#1, restart 1 of 1, stopped [shop/web/api], started [shop/web/api shop/web/cache]")
		wantExits(t, b, "shop/web", "exited 1 shutdown, of shop/web/cache#2, restart 1 of 1, "+escalation)
		w := why(t, b, "shop/web/cache")
		if w.Budget.Spent != 0 || w.Budget.Left != 1 {
			t.Errorf("the branch began anew, but has spent %d and has %d left", w.Budget.Spent, w.Budget.Left)
		}
	})
}

// TestWhyOrdered: a stop that was asked for is no failure, and nothing follows.
func TestWhyOrdered(t *testing.T) {
	watched(t, shop(1), func(t *testing.T, tt *treetest.Tree, b *Book) {
		web := tt.Supervisor.Supervisor("shop/web")
		if err := web.TerminateChild(t.Context(), "api"); err != nil {
			t.Fatal(err)
		}
		if _, err := web.RestartChild(t.Context(), "api"); err != nil {
			t.Fatal(err)
		}
		wantExits(t, b, "shop/web/api", "exited 1 shutdown, told")
	})
}

// TestWhyStartFails: a start that fails again and again, with pauses, is in one
// cascade, and its list of starts does not grow.
func TestWhyStartFails(t *testing.T) {
	fails := false
	spec := tree.Spec{
		Intensity: strategies.Intensity{Max: 2, Within: time.Second},
		Children: []tree.Child{{
			ID: "a", Backoff: strategies.Backoff{Min: time.Minute, Max: time.Minute, Factor: 1},
			Start: tree.Of(func() (starting, error) {
				if fails {
					return nil, errors.New("no port")
				}
				return wait, nil
			}),
		}},
	}
	watched(t, spec, func(t *testing.T, tt *treetest.Tree, b *Book) {
		fails = true
		tt.Crash("shop/a", errors.New("boom"))
		time.Sleep(150 * time.Second) // of the bubble
		synctest.Wait()
		const follows = ", after 60000 ms, stopped [], started [shop/a]"
		wantExits(t, b, "shop/a",
			"start_error 3 crash, of shop/a#1"+follows, // the next attempt is counted when it is due
			"start_error 2 crash, of shop/a#1, restart 1 of 2"+follows,
			"exited 1 crash, of shop/a#1, restart 1 of 2"+follows)
		w := why(t, b, "shop/a")
		if w.Status.State != strategies.Waiting || w.Exits[0].Reason != "no port" {
			t.Errorf("it is %v because of %q", w.Status.State, w.Exits[0].Reason)
		}
		fails = false
		tt.Settle()
	})
}

type starting func(context.Context) error

func (s starting) Serve(ctx context.Context) error { return s(ctx) }

// TestWhyOutput: the last lines that were heard stand in for an exit that brings
// none.
func TestWhyOutput(t *testing.T) {
	watched(t, shop(3), func(t *testing.T, tt *treetest.Tree, b *Book) {
		for i := range 20 {
			say(b, "shop/db", 1, fmt.Sprint("line ", i))
		}
		tt.Crash("shop/db", errors.New("boom"))
		tt.Settle()
		say(b, "shop/db", 2, "another's")
		out := why(t, b, "shop/db").Exits[0].Output
		if len(out) != outputLines || out[0] != "line 10" || out[9] != "line 19" {
			t.Errorf("the output is %q", out)
		}
	})
}

// TestWhyUnknown: nothing is known of what was never there; of a child that is
// gone there is what was.
func TestWhyUnknown(t *testing.T) {
	watched(t, shop(3), func(t *testing.T, tt *treetest.Tree, b *Book) {
		if _, known, err := b.Why(t.Context(), "shop/nobody"); known || err != nil {
			t.Errorf("known %v, %v", known, err)
		}
		ref, err := tt.StartChild(t.Context(), tree.Child{ID: "once", Restart: strategies.Temporary,
			Start: tree.Func(func(context.Context) error { return errors.New("boom") })})
		if err != nil {
			t.Fatal(err)
		}
		tt.Settle()
		if w := why(t, b, ref.Path); w.Status != nil || len(w.Exits) != 1 || w.Exits[0].Restart != nil {
			t.Errorf("got %+v", w)
		}
		if w := why(t, b, "shop"); w.Budget != nil || w.Status == nil {
			t.Errorf("the root has a status and no budget, but got %+v", w)
		}
	})
}

// TestDeathsAreBounded, of one child and of all.
func TestDeathsAreBounded(t *testing.T) {
	d := newDeaths(Limits{Exits: 2, Deaths: 5})
	die := func(path string, n uint64) {
		d.event(&tree.Event{Kind: tree.EventExited, Path: path, Incarnation: n})
	}
	for n := range uint64(10) {
		die("t/a", n)
	}
	if got := d.of("t/a"); len(got) != 2 || got[0].Incarnation != 9 || got[1].Incarnation != 8 {
		t.Errorf("kept of one: %+v", got)
	}
	for i := range 10 {
		die(fmt.Sprint("t/", i), 1)
	}
	if d.order.Len() != 5 || len(d.children) != 5 || len(d.of("t/9")) != 1 || len(d.of("t/a")) != 0 {
		t.Errorf("%d exits of %d children are kept, want 5 of 5", d.order.Len(), len(d.children))
	}
}

// TestCascadesAreBounded, in number and in what is listed of each.
func TestCascadesAreBounded(t *testing.T) {
	d := newDeaths(Limits{Exits: 1, Deaths: 1})
	for n := range uint64(2 * cascadesKept) {
		d.event(&tree.Event{Kind: tree.EventStarting, Path: "t/a", Cascade: strategies.Cascade{Origin: "t/a", N: n}})
	}
	if len(d.cascades) != cascadesKept || d.begun.len() != cascadesKept {
		t.Errorf("%d cascades are kept", len(d.cascades))
	}
	c := strategies.Cascade{Origin: "t/b", N: 1}
	for i := range pathsKept + 7 {
		d.event(&tree.Event{Kind: tree.EventStopping, Path: fmt.Sprint("t/", i), Cascade: c})
	}
	if f := d.cascades[c]; len(f.Stopped) != pathsKept || f.StoppedMore != 7 {
		t.Errorf("%d stops are listed and %d are not", len(f.Stopped), f.StoppedMore)
	}
}
