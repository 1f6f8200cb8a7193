package client_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/coppice-go/coppice/cmd/coppice/internal/control"
	"github.com/coppice-go/coppice/cmd/coppice/internal/control/client"
	"github.com/coppice-go/coppice/cmd/coppice/internal/control/controltest"
	"github.com/coppice-go/coppice/cmd/coppice/internal/record"
	"github.com/coppice-go/coppice/tree"
)

func Example() {
	dir, err := os.MkdirTemp("", "cop")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	// What `coppice run` does:
	root, err := tree.New("shop", tree.Spec{Children: []tree.Child{{ID: "db", Start: tree.Func(controltest.Wait)}}})
	if err != nil {
		log.Fatal(err)
	}
	book := record.New(record.Limits{})
	book.Watch(root)
	defer book.Close()
	server, err := control.Serve(control.Config{Dir: dir, Root: root, Book: book, Actions: controltest.Actions{Root: root}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	if err := root.Init(ctx); err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- root.Serve(ctx) }()
	defer func() { cancel(); <-served }()

	// What the other commands do:
	c, err := client.Dial(dir, "") // the only tree that runs
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	done, err := c.Restart(ctx, "shop/db")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Name(), "restarted", done.Radius.Starts, "incarnation", done.Incarnation)
	_, err = c.Why(ctx, "shop/bd")
	fmt.Println(err)
	// Output:
	// shop restarted [shop/db] incarnation 2
	// there is no child "shop/bd"; did you mean shop/db?
}
