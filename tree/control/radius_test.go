package control

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

func quiet(id string, needs ...string) tree.Child {
	return tree.Child{ID: id, Needs: needs, Start: tree.Func(func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})}
}

// live serves a tree in a bubble.
func live(t *testing.T, spec tree.Spec, f func(t *testing.T, root *tree.Supervisor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		root, err := tree.New("t", spec)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- root.Serve(ctx) }()
		synctest.Wait()
		f(t, root)
		cancel()
		<-served
	})
}

// Who is stopped and started by an action, in order, and that a restart does just
// that.
func TestRadius(t *testing.T) {
	below := tree.Child{ID: "s", Start: tree.Sub(tree.Spec{Children: []tree.Child{quiet("x"), quiet("y")}})}
	for _, test := range []struct {
		name          string
		spec          tree.Spec
		do            Action
		path          string
		stops, starts string
	}{
		{"one for one", tree.Spec{Children: []tree.Child{quiet("a"), quiet("b")}}, Restart, "t/a", "t/a", "t/a"},
		{"one for all", tree.Spec{Strategy: strategies.OneForAll, Children: []tree.Child{quiet("a"), below, quiet("b")}},
			Restart, "t/b", "t/b t/s t/s/y t/s/x t/a", "t/a t/s t/s/x t/s/y t/b"},
		{"rest for one", tree.Spec{Strategy: strategies.RestForOne, Children: []tree.Child{quiet("a"), quiet("b"), quiet("c")}},
			Restart, "t/b", "t/c t/b", "t/b t/c"},
		{"dependents", tree.Spec{Strategy: strategies.Dependents, Children: []tree.Child{quiet("web", "db"), quiet("other"), quiet("db")}},
			Restart, "t/db", "t/web t/db", "t/db t/web"},
		{"a supervisor", tree.Spec{Children: []tree.Child{below}}, Restart, "t/s", "t/s t/s/y t/s/x", "t/s t/s/x t/s/y"},
		{"stop", tree.Spec{Strategy: strategies.OneForAll, Children: []tree.Child{quiet("a"), below}}, Stop, "t/s", "t/s t/s/y t/s/x", ""},
		{"start", tree.Spec{Strategy: strategies.OneForAll, Children: []tree.Child{quiet("a"), below}}, Start, "t/s", "", "t/s t/s/x t/s/y"},
	} {
		t.Run(test.name, func(t *testing.T) {
			live(t, test.spec, func(t *testing.T, root *tree.Supervisor) {
				a := actions{root: root}
				r, err := a.plan(test.do, test.path)
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(r.Stops, " "); got != test.stops {
					t.Errorf("stops %q, want %q", got, test.stops)
				}
				if got := strings.Join(r.Starts, " "); got != test.starts {
					t.Errorf("starts %q, want %q", got, test.starts)
				}
				if test.do != Restart {
					return
				}
				sub := root.Subscribe(tree.Lossless)
				if _, err := a.restart(t.Context(), test.path); err != nil {
					t.Fatal(err)
				}
				sub.Close()
				var stops, starts []string
				for e := range sub.All(t.Context()) {
					switch e.Kind {
					case tree.EventStopping:
						stops = append(stops, e.Path)
					case tree.EventStarting:
						starts = append(starts, e.Path)
					}
				}
				if got := strings.Join(stops, " "); got != test.stops {
					t.Errorf("it stopped %q", got)
				}
				if got := strings.Join(starts, " "); got != test.starts {
					t.Errorf("it started %q", got)
				}
			})
		})
	}
}
