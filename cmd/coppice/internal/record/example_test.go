package record_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/coppice-go/coppice/cmd/coppice/internal/record"
	"github.com/coppice-go/coppice/tree"
)

func ExampleBook_Why() {
	crash := make(chan error)
	root, err := tree.New("shop", tree.Spec{Children: []tree.Child{
		{ID: "db", Start: tree.Func(func(ctx context.Context) error {
			select {
			case err := <-crash:
				return err
			case <-ctx.Done():
				return nil
			}
		})},
	}})
	if err != nil {
		log.Fatal(err)
	}
	book := record.New(record.Limits{})
	book.Watch(root)
	defer book.Close()
	ctx, cancel := context.WithCancel(context.Background())
	if err := root.Init(ctx); err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- root.Serve(ctx) }()

	book.Line(record.Line{Path: "shop/db", Incarnation: 1, Stream: "stderr", Text: "disk full"})
	crash <- errors.New("exit status 1")
	events := book.Events(0)
	for e, err := events.Next(ctx); err == nil; e, err = events.Next(ctx) {
		if e.Kind == tree.EventProgress && e.Incarnation == 2 {
			break
		}
	}
	w, _, err := book.Why(ctx, "shop/db")
	if err != nil {
		log.Fatal(err)
	}
	x := w.Exits[0]
	fmt.Printf("%s: %v, %q; restart %d of %d\n", x.Reason, x.Class, x.Output, x.Restart.Spent, x.Restart.Max)
	cancel()
	<-served
	// Output: exit status 1: crash, ["disk full"]; restart 1 of 1
}
