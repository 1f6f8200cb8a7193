package show

import (
	"testing"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree/control"
)

func TestPlan(t *testing.T) {
	s := shop()
	for _, c := range []struct {
		order Order
		want  string
	}{
		{
			Order{Do: control.Restart, Path: "shop/web/api", Radius: control.Radius{Stops: []string{"shop/web/cache", "shop/web/api"}, Starts: []string{"shop/web/api", "shop/web/cache"}}},
			"restart shop/web/api: stops shop/web/cache, shop/web/api; starts shop/web/api, shop/web/cache; not counted against the budget of shop/web\n",
		},
		{Order{Do: control.Start, Path: "shop/db", Radius: control.Radius{Starts: []string{"shop/db"}}}, "start shop/db: starts shop/db\n"},
		{Order{Do: control.Signal, Path: "shop/db", Signal: "HUP"}, "signal shop/db: sends its process HUP; whatever follows counts as its own doing\n"},
		{Order{Do: control.Stop, Path: "shop/web/cache"}, "stop shop/web/cache: it does not run; its next start is given up\n"},
		{Order{Do: control.Stop, Path: "shop"}, "stop shop: nothing is stopped or started\n"},
		{ // under dependents, jobs needs web, which needs db
			Order{Do: control.Stop, Path: "shop/db", Radius: control.Radius{Stops: []string{"shop/db"}}},
			"stop shop/db: stops shop/db\nshop/web, shop/jobs will run on without shop/db, which they need (directly or not)\n",
		},
		{
			Order{Do: control.Stop, Path: "shop/web", Radius: control.Radius{Stops: []string{"shop/web", "shop/jobs"}}},
			"stop shop/web: stops shop/web, shop/jobs\n",
		},
	} {
		c.order.Tree = &s
		if got := c.order.Plan(); got != c.want {
			t.Errorf("\n got %swant %s", got, c.want)
		}
	}
	s.Supervisor.Strategy = strategies.RestForOne // where nobody needs anybody
	diff(t, "stop shop/db: stops shop/db\n", Order{Do: control.Stop, Path: "shop/db", Tree: &s, Radius: control.Radius{Stops: []string{"shop/db"}}}.Plan())
}

func TestResult(t *testing.T) {
	s := shop()
	for _, c := range []struct {
		order Order
		done  control.Done
		pid   int
		want  string
	}{
		{Order{Do: control.Start}, control.Done{Path: "shop/db", Incarnation: 2}, 7, "started shop/db, incarnation 2, pid 7\n"},
		{Order{Do: control.Stop}, control.Done{Path: "shop/db"}, 0, "stopped shop/db\n"},
		{Order{Do: control.Stop}, control.Done{Path: "shop"}, 0, "stopping shop, which ends the run\n"},
		{Order{Do: control.Restart}, control.Done{Path: "shop/web", Incarnation: 2}, 0, "restarted shop/web, incarnation 2\n"},
		{Order{Do: control.Signal, Signal: "HUP"}, control.Done{Path: "shop/db", Incarnation: 2}, 7, "signalled shop/db with HUP, incarnation 2, pid 7\n"},
	} {
		if got := c.order.Result(c.done, c.pid); got != c.want {
			t.Errorf("got %swant %s", got, c.want)
		}
	}
	o := Order{Do: control.Start, Path: "shop/db", Tree: &s, Radius: control.Radius{Starts: []string{"shop/db"}}}
	if got := o.Otherwise(control.Done{Radius: control.Radius{Stops: []string{}, Starts: []string{"shop/db"}}}); got != "" {
		t.Errorf("as planned: %s", got)
	}
	const want = "it turned out otherwise: start shop/db: starts shop/db, shop/web\n"
	if got := o.Otherwise(control.Done{Radius: control.Radius{Starts: []string{"shop/db", "shop/web"}}}); got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

// What is for people is bounded.
func TestList(t *testing.T) {
	paths := make([]string, listed+5)
	for i := range paths {
		paths[i] = "x"
	}
	want := "x"
	for range listed - 1 {
		want += ", x"
	}
	if got := list(paths, 2); got != want+" and 7 more" {
		t.Error(got)
	}
}
