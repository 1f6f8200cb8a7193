package record

import (
	"testing"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/treetest"
)

// TestWhyReconfigured: what another Spec stops, or restarts, was told to stop, and is
// part of no cascade; what it adds has not ended, also where a supervisor was a worker.
func TestWhyReconfigured(t *testing.T) {
	child := func(id string) tree.Child { return tree.Child{ID: id, Start: tree.Func(wait)} }
	next := tree.Spec{Intensity: strategies.Intensity{Max: 5}, Children: []tree.Child{
		child("mail"),
		{ID: "db", Start: tree.Sub(tree.Spec{Children: []tree.Child{child("one")}})},
		child("web"),
	}}
	watched(t, shop(3), func(t *testing.T, tt *treetest.Tree, b *Book) {
		say(b, "shop/web/api", 1, "bye")
		if _, err := tt.Reconfigure(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		const told = "exited 1 shutdown, told"
		for _, path := range []string{"shop/db", "shop/web", "shop/web/api", "shop/web/cache"} {
			wantExits(t, b, path, told)
		}
		for _, path := range []string{"shop", "shop/mail", "shop/db/one"} {
			wantExits(t, b, path)
		}
		if w := why(t, b, "shop/mail"); w.Status.State != strategies.Up || w.Budget.Max != 5 {
			t.Errorf("it is %v, under a budget of %d", w.Status.State, w.Budget.Max)
		}
		if w := why(t, b, "shop/web/api"); w.Status != nil || len(w.Exits[0].Output) != 1 {
			t.Errorf("it is gone, and has %q said; got %+v", "bye", w)
		}
		if len(b.deaths.told) > 0 || len(b.deaths.cascades) > 0 {
			t.Errorf("%v are to stop still, %v follows", b.deaths.told, b.deaths.cascades)
		}
	})
}
