package tree_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// served serves a tree until the function returned is called.
func served(spec tree.Spec) (*tree.Supervisor, func() error) {
	root, err := tree.New("shop", spec)
	if err != nil {
		panic(err)
	}
	if err := root.Init(context.Background()); err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- root.Serve(ctx) }()
	return root, func() error { cancel(); return <-done }
}

// Children come and go while the supervisor runs.
func ExampleSupervisor_StartChild() {
	root, stop := served(tree.Spec{})
	defer stop()
	ctx := context.Background()
	ref, err := root.StartChild(ctx, tree.Child{ID: "api", Start: idle})
	fmt.Println(ref.Path, ref.Incarnation, err)
	fmt.Println(root.TerminateChild(ctx, "api"))
	ref, err = root.RestartChild(ctx, "api")
	fmt.Println(ref.Path, ref.Incarnation, err)
	fmt.Println(root.DeleteChild(ctx, "api"))
	// Output:
	// shop/api 1 <nil>
	// <nil>
	// shop/api 2 <nil>
	// shop/api: the child is running
}

// A dynamic supervisor: many children of one description.
func ExampleSpec_dynamic() {
	root, stop := served(tree.Spec{Dynamic: &tree.Child{Restart: strategies.Temporary}})
	defer stop()
	ctx := context.Background()
	for _, order := range []string{"apples", "pears"} {
		ref, err := root.StartChild(ctx, tree.Child{Start: tree.Func(func(ctx context.Context) error {
			_ = order // what OTP passes as extra arguments, a closure knows
			<-ctx.Done()
			return nil
		})})
		fmt.Println(ref.Path, err)
	}
	fmt.Println(root.TerminateInstance(ctx, strategies.ChildRef{Path: "shop/1"}))
	fmt.Println(root.CountChildren(ctx))
	// Output:
	// shop/1 <nil>
	// shop/2 <nil>
	// <nil>
	// {1 1 0 1} <nil>
}

func ExampleAlreadyStartedError() {
	root, stop := served(tree.Spec{Children: []tree.Child{{ID: "api", Start: idle}}})
	defer stop()
	_, err := root.StartChild(context.Background(), tree.Child{ID: "api", Start: idle})
	var there *tree.AlreadyStartedError
	fmt.Println(errors.As(err, &there), there.Ref.Incarnation, errors.Is(err, tree.ErrAlreadyStarted))
	// Output: true 1 true
}

// A supervisor that ends when its work is done.
func ExampleAutoShutdownError() {
	root, _ := tree.New("batch", tree.Spec{
		AutoShutdown: strategies.AllSignificant,
		Children: []tree.Child{
			{ID: "job", Start: tree.Func(func(context.Context) error { return nil }), Restart: strategies.Transient, Significant: true},
			{ID: "metrics", Start: idle},
		},
	})
	err := root.Serve(context.Background())
	var done *tree.AutoShutdownError
	fmt.Println(errors.As(err, &done), done.Child, errors.Is(err, suture.ErrDoNotRestart))
	// Output: true batch/job true
}

// What a recording holds, and how it is added up again.
func ExampleReplay() {
	root, stop := served(tree.Spec{})
	var sub *tree.Subscription = root.Subscribe(tree.Lossless)
	_, _ = root.StartChild(context.Background(), tree.Child{ID: "api", Start: idle})
	_ = stop()
	sub.Close()

	var replay *tree.Replay = tree.NewReplay(sub.Snapshot())
	for e := range sub.All(context.Background()) {
		line, _ := json.Marshal(e)
		var again tree.Event
		_ = json.Unmarshal(line, &again)
		_ = replay.Apply(again)
		if again.Path == "shop/api" {
			api := replay.Snapshot().Root.Supervisor.Children[0]
			fmt.Println(again.Kind, "->", api.ID, "is", api.State)
		}
	}
	// Output:
	// added -> api is down
	// starting -> api is starting
	// progress -> api is up
	// stopping -> api is stopping
	// exited -> api is down
}

// What would follow from a crash, without starting anything.
func ExampleDescribe() {
	spec := tree.Spec{
		Strategy:  strategies.RestForOne,
		Intensity: strategies.Intensity{Max: 3, Within: time.Minute},
		Children: []tree.Child{
			{ID: "store", Start: idle},
			{ID: "web", Start: tree.Sub(tree.Spec{Children: []tree.Child{{ID: "api", Start: idle}}})},
		},
	}
	x, err := strategies.Explain(tree.Describe("shop", spec), "shop/web/api")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("starts", x.Starts)
	for _, e := range x.Escalation {
		fmt.Println(e.Path, "gives up at crash", e.Crashes)
	}
	// Output:
	// starts [shop/web/api]
	// shop/web gives up at crash 2
	// shop gives up at crash 8
}

// A wrapper sees every incarnation of a service begin and end.
func ExampleWrap() {
	counted := tree.Wrap(idle, func(s tree.Service) tree.Service { return counting{s} })
	_, stop := served(tree.Spec{Children: []tree.Child{{ID: "api", Start: counted}}})
	fmt.Println(stop())
	// Output:
	// begins
	// ends
	// context canceled
}

type counting struct{ tree.Service }

func (c counting) Serve(ctx context.Context) error {
	fmt.Println("begins")
	defer fmt.Println("ends")
	return c.Service.Serve(ctx)
}

// A tree gets another Spec while it runs: what is in both keeps running.
func ExampleSupervisor_Reconfigure() {
	spec := func(ids ...string) tree.Spec {
		s := tree.Spec{Strategy: strategies.RestForOne}
		for _, id := range ids {
			s.Children = append(s.Children, tree.Child{ID: id, Start: idle})
		}
		return s
	}
	root, stop := served(spec("db", "web", "mail"))
	changes, err := root.Reconfigure(context.Background(), spec("db", "cache", "web", "log"), "shop/web")
	if err != nil {
		fmt.Println(err)
	}
	for _, c := range changes {
		fmt.Println(c)
	}
	for child := range root.Walk() {
		fmt.Println(child.Path, child.Incarnation)
	}
	stop()
	// Output:
	// shop/mail removed
	// shop/cache added
	// shop/web renewed
	// shop/log added
	// shop 1
	// shop/db 1
	// shop/cache 1
	// shop/web 2
	// shop/log 1
}

// A Change says what a new Spec means for a child, before anything is done.
func ExampleChange() {
	root, stop := served(tree.Spec{Strategy: strategies.OneForAll, Children: []tree.Child{{ID: "db", Start: idle}, {ID: "web", Start: idle}}})
	spec := tree.Spec{Strategy: strategies.OneForAll, Children: []tree.Child{{ID: "web", Start: idle}, {ID: "db", Start: idle}}}
	plan, err := root.PlanReconfigure(spec, "shop/db")
	if err != nil {
		fmt.Println(err)
	}
	for _, c := range plan {
		if c.With != "" {
			fmt.Println(c.Path, "would be restarted with", c.With)
		} else {
			fmt.Println(c.Path, "would be restarted")
		}
	}
	stop()
	// Output:
	// shop/web would be restarted with shop/db
	// shop/db would be restarted
}
