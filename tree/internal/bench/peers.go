package main

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// body is what a child runs: one of them for all, or one for each.
type body func(context.Context) error

// service is a body for suture. It has a name, which suture would make of all
// that is in it otherwise.
type service struct{ run body }

func (s *service) Serve(ctx context.Context) error { return s.run(ctx) }
func (s *service) String() string                  { return "service" }

// listed makes a supervisor of children known beforehand, serves it, and returns
// the function that stops it.
func listed(peer string, n int, strategy strategies.Strategy, child func(i int) body) (stop func()) {
	if peer == "suture" {
		root := sutured()
		for i := range n {
			root.Add(&service{child(i)})
		}
		return background(root.Serve)
	}
	spec := tree.Spec{Strategy: strategy, Intensity: unlimited, Children: make([]tree.Child, n)}
	for i := range spec.Children {
		spec.Children[i] = tree.Child{ID: strconv.Itoa(i), Start: tree.Func(child(i))}
	}
	return background(coppice(spec).Serve)
}

// dynamic serves a supervisor without children, and adds them then.
func dynamic(peer string, n int, child func(i int) body) (stop func()) {
	if peer == "suture" {
		root := sutured()
		ctx, cancel := context.WithCancel(context.Background())
		done := root.ServeBackground(ctx)
		for i := range n {
			root.Add(&service{child(i)})
		}
		return func() { cancel(); <-done }
	}
	root := coppice(tree.Spec{Intensity: unlimited, Dynamic: &tree.Child{}})
	if err := root.Init(context.Background()); err != nil {
		panic(err)
	}
	stop = background(root.Serve)
	for i := range n {
		if _, err := root.StartChild(context.Background(), tree.Child{Start: tree.Func(child(i))}); err != nil {
			panic(err)
		}
	}
	return stop
}

var unlimited = strategies.Intensity{Max: math.MaxInt, Within: time.Millisecond}

func coppice(spec tree.Spec) *tree.Supervisor {
	root, err := tree.New("root", spec)
	if err != nil {
		panic(err)
	}
	return root
}

func sutured() *suture.Supervisor {
	return suture.New("root", suture.Spec{
		FailureThreshold: math.MaxFloat64,
		Timeout:          time.Minute,
		EventHook:        func(suture.Event) {},
	})
}

func background(serve func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		_ = serve(ctx)
		close(done)
	}()
	return func() { cancel(); <-done }
}
