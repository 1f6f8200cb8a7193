package treetest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/treetest"
)

// A test of one's own tree: if the store dies, what depends on it is restarted,
// too.
func Example() {
	serve := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	spec := tree.Spec{
		Strategy: strategies.RestForOne,
		Children: []tree.Child{
			{ID: "store", Start: tree.Func(serve)},
			{ID: "api", Start: tree.Func(serve)},
		},
	}
	_ = func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var shop *treetest.Tree = treetest.Start(t, "shop", spec)
			shop.Crash("shop/store", errors.New("disk full"))
			shop.Settle()
			shop.Want("restarting shop/store", "stopping shop/api", "starting shop/store", "starting shop/api")
			shop.WantUp("shop/store", "shop/api")
		})
	}
	// Output:
}

// A child that fails to start twice and then takes a second.
func ExampleScript() {
	script := &treetest.Script{Starts: []treetest.Attempt{
		{Err: errors.New("port in use")},
		{Err: errors.New("port in use")},
		{Takes: time.Second},
	}}
	_ = tree.Spec{Children: []tree.Child{treetest.Child("api", script)}}
	// Output:
}
