package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
)

// A program serves the socket of its tree. Another, here the same, looks at it,
// restarts a child, and stops it.
func Example() {
	dir, err := os.MkdirTemp("", "cop") // only for the example's sake: coppice looks in the default one
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	work := func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	}
	root, err := tree.New("shop", tree.Spec{Children: []tree.Child{
		{ID: "db", Start: tree.Func(work)},
		{ID: "web", Start: tree.Sub(tree.Spec{Strategy: strategies.OneForAll, Children: []tree.Child{
			{ID: "api", Start: tree.Func(work)},
			{ID: "cache", Start: tree.Func(work)},
		}})},
	}})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	socket, err := control.Serve(control.Config{Dir: dir, Root: root, Stop: stop})
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- root.Serve(ctx) }()

	c, err := client.Dial(context.Background(), dir, "shop")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ready := control.WaitQuery{Path: "shop", State: strategies.Up, Timeout: time.Minute}
	if _, err := c.Wait(context.Background(), ready); err != nil {
		log.Fatal(err)
	}
	done, err := c.Restart(context.Background(), "shop/web/api")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stopped", done.Radius.Stops, "started", done.Radius.Starts)
	now, err := c.Snapshot(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	show(now.Root, "")
	if _, err := c.Stop(context.Background(), "shop"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-served)
	if err := socket.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// stopped [shop/web/cache shop/web/api] started [shop/web/api shop/web/cache]
	// shop up, incarnation 1
	//   db up, incarnation 1
	//   web up, incarnation 1
	//     api up, incarnation 2
	//     cache up, incarnation 2
	// context canceled
}

func show(st tree.Status, indent string) {
	fmt.Printf("%s%s %v, incarnation %d\n", indent, st.ID, st.State, st.Incarnation)
	if st.Supervisor != nil {
		for _, child := range st.Supervisor.Children {
			show(child, indent+"  ")
		}
	}
}

// exampleShop runs a tree of two goroutines with a socket in dir, and returns a
// client of it, and what ends all that.
func exampleShop() (dir string, c *client.Client, end func()) {
	dir, err := os.MkdirTemp("", "cop")
	if err != nil {
		log.Fatal(err)
	}
	work := tree.Func(func(ctx context.Context) error { <-ctx.Done(); return nil })
	root, err := tree.New("shop", tree.Spec{Children: []tree.Child{{ID: "db", Start: work}, {ID: "web", Start: work}}})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	socket, err := control.Serve(control.Config{Dir: dir, Root: root, Version: "v1.2.0"})
	if err != nil {
		log.Fatal(err)
	}
	if err := root.Init(ctx); err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- root.Serve(ctx) }()
	if c, err = client.Dial(ctx, dir, ""); err != nil {
		log.Fatal(err)
	}
	return dir, c, func() {
		c.Close()
		cancel()
		<-served
		if err := socket.Close(); err != nil {
			log.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			log.Fatal(err)
		}
	}
}

// A name is one tree's.
func ExampleRunningError() {
	dir, _, end := exampleShop()
	defer end()
	other, err := tree.New("shop", tree.Spec{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = control.Serve(control.Config{Dir: dir, Root: other})
	if running, ok := errors.AsType[*control.RunningError](err); ok {
		fmt.Println(running.Name, "runs already, here:", running.PID == os.Getpid())
	}
	// Output: shop runs already, here: true
}

func ExampleInfo() {
	_, c, end := exampleShop()
	defer end()
	info, err := c.Info(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Name, info.Version, "protocol", info.V)
	// Output: shop v1.2.0 protocol 1
}

// What the tree refuses has a code, which a program can act on, and a hint, for
// people.
func ExampleError() {
	_, c, end := exampleShop()
	defer end()
	_, err := c.Restart(context.Background(), "shop/bd")
	if refused, ok := errors.AsType[*control.Error](err); ok {
		fmt.Println(refused.Code == control.NotFound, refused.Message)
		fmt.Println(refused.Hint)
	}
	// Output:
	// true there is no child "shop/bd"
	// did you mean shop/db?
}

// What an action would touch can be asked before.
func ExampleAction() {
	_, c, end := exampleShop()
	defer end()
	for _, do := range []control.Action{control.Stop, control.Restart} {
		plan, err := c.Plan(context.Background(), do, "shop/web")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(do, plan.Stops, plan.Starts)
	}
	// Output:
	// stop [shop/web] []
	// restart [shop/web] [shop/web]
}

// A restart as any program asks for it that speaks HTTP.
func ExampleRequest() {
	dir, _, end := exampleShop()
	defer end()
	web := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", dir+"/shop.sock")
		},
		DisableKeepAlives: true,
	}}
	body, err := json.Marshal(control.Request{Path: "shop/web"})
	if err != nil {
		log.Fatal(err)
	}
	answer, err := web.Post("http://coppice/v1/restart", "application/json", strings.NewReader(string(body)))
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	var done control.Done
	if err := json.NewDecoder(answer.Body).Decode(&done); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Header.Get(control.VersionHeader), done.Path, done.Incarnation)
	// Output: 1 shop/web 2
}

// The state of a tree at all times is a snapshot, and the events after it.
func ExampleEventsQuery() {
	_, c, end := exampleShop()
	defer end()
	ctx := context.Background()
	before, err := c.Snapshot(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Restart(ctx, "shop/web"); err != nil {
		log.Fatal(err)
	}
	for e, err := range c.Events(ctx, control.EventsQuery{Since: control.After(before.Rev)}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Path, e.Kind)
	}
	// Output:
	// shop/web renewing
	// shop/web stopping
	// shop/web exited
	// shop/web starting
	// shop/web progress
}

func ExampleSince() {
	for _, text := range []string{"42", "10m", "yesterday"} {
		since, err := control.ParseSince(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(since, since == control.After(42), since == control.Ago(10*time.Minute))
	}
	// Output:
	// 42 true false
	// 10m0s false true
	// since="yesterday" is neither a number nor a duration; give the seq of an event, as 1234, or a duration, as 10m
}

func ExampleLogsQuery() {
	q := control.LogsQuery{Path: "shop/web", Tail: 20, Follow: true}
	fmt.Println("/v1/logs?" + q.Values().Encode())
	// Output: /v1/logs?follow=1&path=shop%2Fweb&tail=20
}

// Who waits for what does not come is told how it is instead.
func ExampleWaitQuery() {
	_, c, end := exampleShop()
	defer end()
	_, err := c.Wait(context.Background(), control.WaitQuery{Path: "shop/db", State: strategies.Down, Timeout: time.Millisecond})
	if e, ok := errors.AsType[*control.Error](err); ok && e.Code == control.Timeout {
		fmt.Println(e.Message, e.State)
	}
	// Output: shop/db is not stopped after 1ms, but up up
}

func ExampleSendSignal() {
	root, err := tree.New("shop", tree.Spec{Children: []tree.Child{{ID: "db", Start: tree.Func(func(context.Context) error { return nil })}}})
	if err != nil {
		log.Fatal(err)
	}
	sig, err := control.ParseSignal("HUP")
	if err != nil {
		log.Fatal(err)
	}
	for child := range root.Walk() {
		fmt.Println(control.SendSignal(root, child, sig))
	}
	// Output:
	// shop is a supervisor, and no process; name one of the processes below it
	// shop/db has no process: it is down
}
