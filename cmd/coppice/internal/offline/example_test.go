package offline_test

import (
	"fmt"
	"os"

	"github.com/coppice-go/coppice/cmd/coppice/internal/offline"
	"github.com/coppice-go/coppice/tree/load"
)

const yaml = `
name: shop
strategy: rest_for_one
children:
  - {id: db, command: [postgres], ready: {tcp: "127.0.0.1:5432"}}
  - {id: web, command: [node, web.js]}
`

func ExampleTree() {
	f, err := load.Parse("shop.yaml", []byte(yaml), load.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	t := offline.New(f)
	_ = t.Check(os.Stdout, offline.ASCII)
	fmt.Println()
	_ = t.Explain(os.Stdout, []string{"shop/db"})
	// Output:
	// TREE    RESTART    READY WHEN          RUNS
	// shop                                   rest_for_one, at most 1 restart within 5s
	// |- db   permanent  tcp 127.0.0.1:5432  postgres
	// `- web  permanent                      node web.js
	//
	// shop/db dies:
	//   stops   shop/web
	//   starts  shop/db, shop/web  (in this order)
	//   2 deaths within 5s: shop gives up (at most 1 restart within 5s); that is the end of the tree, with exit status 1
}

func ExampleScenario() {
	f, err := load.Parse("shop.yaml", []byte(yaml), load.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var s offline.Scenario
	if err := s.Deaths.Set("shop/db@1s*2/500ms"); err != nil {
		fmt.Println(err)
		return
	}
	_ = offline.New(f).Simulate(os.Stdout, offline.ASCII, s)
	// Output:
	//     TIME  PATH      WHAT HAPPENS
	//   0.000s  shop/db   up
	//   0.000s  shop/web  up
	//   0.000s  shop      up
	//   1.000s  shop/db   DIES
	//   1.000s  shop/db   restarted together: db, web; shop has spent 1 of 1 restart within 5s
	//   1.000s  shop/web  stopped
	//   1.000s  shop/db   up, incarnation 2
	//   1.000s  shop/web  up, incarnation 2
	//   1.500s  shop/db   DIES
	//   1.500s  shop/db   not restarted: shop allows at most 1 restart within 5s, and gives up
	//   1.500s  shop/web  stopped
	//   1.500s  shop      ended
	//
	// shop gave up, and the tree ended at 1.500s: `coppice run` would exit with status 1.
	//
	// TREE    STATE    STARTS
	// shop    gave up  1
	// |- db   down     2
	// `- web  down     2
}
