package main

import (
	"fmt"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// spec is forty processes under all strategies, which may crash without end.
func spec() tree.Spec {
	often := strategies.Intensity{Max: 1 << 30, Within: time.Second}
	branch := func(id string, s strategies.Strategy, n int) tree.Child {
		spec := tree.Spec{Strategy: s, Intensity: often}
		for i := range n {
			c := tree.Child{ID: fmt.Sprint(id, i), Start: tree.Of(worker.Command{Path: "sleep", Args: []string{"1000000"}}.Process)}
			if s == strategies.Dependents && i%3 != 0 {
				c.Needs = []string{fmt.Sprint(id, i-1)}
			}
			spec.Children = append(spec.Children, c)
		}
		return tree.Child{ID: id, Start: tree.Sub(spec)}
	}
	return tree.Spec{Intensity: often, Children: []tree.Child{
		branch("one", strategies.OneForOne, 19),
		branch("all", strategies.OneForAll, 5),
		branch("rest", strategies.RestForOne, 7),
		branch("graph", strategies.Dependents, 9),
	}}
}
