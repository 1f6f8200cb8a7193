package top_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/top"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
)

func Example() {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	child := func(id string) tree.Status {
		return tree.Status{ID: id, Path: "shop/" + id, State: strategies.Up, Restart: strategies.Permanent, Incarnation: 1, Since: noon}
	}
	m, _ := top.New(top.Config{ASCII: true, Now: noon, Tree: tree.Snapshot{Rev: 7, Time: noon, Root: tree.Status{
		ID: "shop", Path: "shop", State: strategies.Up, Incarnation: 1, Since: noon,
		Supervisor: &tree.SupervisorStatus{
			Strategy: strategies.RestForOne, Intensity: strategies.Intensity{Max: 3, Within: time.Minute},
			Children: []tree.Status{child("db"), child("api")},
		},
	}}})
	m.Update(top.Size{Width: 60, Height: 12})
	m.Update(top.Key{Name: "down"})
	for _, e := range m.Update(top.Key{Name: "r"}) {
		fmt.Printf("%T %+v\n", e, e)
	}
	m.Update(top.Plan{Do: control.Restart, Path: "shop/db", Radius: control.Radius{
		Stops: []string{"shop/api", "shop/db"}, Starts: []string{"shop/db", "shop/api"},
	}})
	for line := range strings.Lines(m.View()) {
		fmt.Println(strings.TrimRight(line, " \n"))
	}
	// Output:
	// top.AskPlan {Do:restart Path:shop/db}
	// coppice top  shop up 0s, 2 up                       12:00:00
	//   CHILD            RADIUS STATE       UP     PID   CPU   RSS
	//   shop                    up          0s ### 3/3
	// > |-db             -2+1   up          0s
	// ! `-api            -1+2   up          0s
	// -- shop/db  up for 0s, incarnation 1, permanent ------------
	//  if it dies  - stops api, db  + starts db, api
	//  escalation  shop 3 left -> the tree ends
	//  last end    none
	//
	// restart shop/db? stops shop/api, shop/db, starts shop/db,
	// shop/api [y/N]
}
