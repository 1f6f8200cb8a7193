package show

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/record"
	"github.com/coppice-go/coppice/tree/treetest"
)

// What another description of the tree stops says so, be it for its own sake or with
// what is above it; what that does not have is gone because of it, but for what a call
// deletes; what it adds never ended.
func TestWhyReloaded(t *testing.T) {
	child := func(id string) tree.Child {
		return tree.Child{ID: id, Start: tree.Func(func(ctx context.Context) error { <-ctx.Done(); return nil })}
	}
	shop := func(web []tree.Child, others ...tree.Child) tree.Spec {
		sub := tree.Child{ID: "web", Start: tree.Sub(tree.Spec{Strategy: strategies.OneForAll, Children: web})}
		return tree.Spec{Children: append([]tree.Child{sub}, others...)}
	}
	synctest.Test(t, func(t *testing.T) {
		tt := treetest.Start(t, "shop", shop([]tree.Child{child("api"), child("cache")}, child("db"), child("mail"), child("log")))
		book := record.New(record.Limits{})
		book.Watch(tt.Supervisor)
		defer book.Close()
		if _, err := tt.Reconfigure(t.Context(), shop([]tree.Child{child("api")}, child("search"), child("db"), child("log")), "shop/db", "shop/web"); err != nil {
			t.Fatal(err)
		}
		for _, call := range []func(context.Context, string) error{tt.TerminateChild, tt.DeleteChild} {
			if err := call(t.Context(), "log"); err != nil {
				t.Fatal(err)
			}
		}
		for path, want := range map[string]string{
			"shop/db": `
shop/db  up for 0s, incarnation 2

just now, at 00:00:00.000  stopped as told (incarnation 1)
  because     it was restarted because the tree's description changed (reload)
  decision    started again, and counted against no budget
`,
			"shop/web/api": `
  because     shop/web was restarted because the tree's description changed (reload), and this with it
  decision    started again, and counted against no budget
`,
			"shop/web/cache": `
shop/web/cache  is not in the tree any more

just now, at 00:00:00.000  stopped as told (incarnation 1)
  because     shop/web was stopped because the tree's description changed (reload), and this with it
  decision    not restarted for this, and nothing was counted
`,
			"shop/mail": `
shop/mail  is not in the tree any more because the tree's description changed (reload)

just now, at 00:00:00.000  stopped as told (incarnation 1)
  because     it was stopped because the tree's description changed (reload)
  decision    not restarted for this, and nothing was counted
`,
			"shop/log": `
shop/log  is not in the tree any more

just now, at 00:00:00.000  stopped as told (incarnation 1)
  because     it was told to stop: no failure came before
`,
			"shop/search": `
shop/search  up for 0s, incarnation 1
It never ended.
`,
		} {
			w, _, err := book.Why(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			r := Report{Why: w, With: NewAbove(path)}
			for events := book.Events(0); events.Seq() < book.Rev(); {
				e, err := events.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				r.With.See(&e)
			}
			if got := (Look{Now: time.Now().UTC()}).Why(r); !strings.Contains("\n"+got, want) {
				t.Errorf("%s: got\n%swhich lacks%s", path, got, want)
			}
		}
	})
}
