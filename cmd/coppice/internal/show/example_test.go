package show_test

import (
	"context"
	"fmt"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/record"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func serve(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func ExampleLook_Tree() {
	root, err := tree.New("shop", tree.Spec{
		Strategy:  strategies.OneForAll,
		Intensity: strategies.Intensity{Max: 3},
		Children: []tree.Child{
			{ID: "db", Start: tree.Func(serve)},
			{ID: "api", Start: tree.Func(serve), Restart: strategies.Transient},
		},
	})
	if err != nil {
		panic(err)
	}
	fmt.Print(show.Look{Now: noon}.Tree(root.Snapshot().Root)) // nothing was started
	// Output:
	// CHILD   STATE  PID  UPTIME  RUN  RULE         RESTARTS   LAST EXIT
	// shop    down   -    -       -    one_for_all  0/3 in 5s  -
	// ├─ db   down   -    -       -    permanent    -          -
	// └─ api  down   -    -       -    transient    -          -
}

func ExampleLogs() {
	logs := show.Logs{Look: show.Look{Now: noon}}
	fmt.Print(logs.Line(record.Line{Time: noon, Path: "shop/api", Incarnation: 1, PID: 12, Stream: "stderr", Text: "out of cheese"}))
	fmt.Print(logs.Line(record.Line{Time: noon, Path: "shop/api", Incarnation: 2, PID: 15, Stream: "stdout", Text: "listening"}))
	// Output:
	// 12:00:00.000  shop/api[12]  stderr| out of cheese
	// --- shop/api: incarnation 2, pid 15, after 1
	// 12:00:00.000  shop/api[15]  stdout| listening
}

func ExampleOrder() {
	o := show.Order{
		Do: control.Restart, Path: "shop/db", Tree: &tree.Status{Path: "shop"},
		Radius: control.Radius{Stops: []string{"shop/api", "shop/db"}, Starts: []string{"shop/db", "shop/api"}},
	}
	fmt.Print(o.Plan())
	fmt.Print(o.Result(control.Done{Path: "shop/db", Incarnation: 2}, 4711))
	// Output:
	// restart shop/db: stops shop/api, shop/db; starts shop/db, shop/api; not counted against the budget of shop
	// restarted shop/db, incarnation 2, pid 4711
}

func ExampleReport() {
	own := strategies.Cascade{Origin: "shop/api", N: 1}
	r := show.Report{Why: record.Why{
		Path:   "shop/api",
		Status: &tree.Status{Path: "shop/api", State: strategies.Up, Since: noon.Add(-2 * time.Second), Incarnation: 2, PID: 15},
		Exits: []record.Exit{{
			Time: noon.Add(-3 * time.Second), Kind: tree.EventExited, Incarnation: 1, PID: 12,
			Class: strategies.Killed, Reason: "./api (pid 12): killed by SIGKILL", Output: []string{"out of cheese"},
			Cascade: &own, Restart: &record.Restart{Supervisor: "shop", Spent: 1, Max: 3, Group: []string{"shop/api"}},
		}},
	}}
	fmt.Print(show.Look{Now: noon}.Why(r))
	// Output:
	// shop/api  up for 2s, incarnation 2, pid 15
	//
	// 3s ago, at 11:59:57.000  killed by SIGKILL (incarnation 1, pid 12)
	//   because     of itself: no other failure came before
	//   decision    shop restarted it alone: restart 1 of 3
	//   its last output:
	//     | out of cheese
}
