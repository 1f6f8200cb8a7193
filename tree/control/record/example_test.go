package record_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/record"
)

// crashing is a child that ends with what is sent to it.
type crashing chan error

func (c crashing) Serve(ctx context.Context) error {
	select {
	case err := <-c:
		return err
	case <-ctx.Done():
		return nil
	}
}

// watched runs a tree that a book watches. The function returned ends both.
func watched(spec tree.Spec) (book *record.Book, end func()) {
	root, err := tree.New("shop", spec)
	if err != nil {
		log.Fatal(err)
	}
	book = record.New(record.Limits{})
	book.Watch(root)
	ctx, cancel := context.WithCancel(context.Background())
	if err := root.Init(ctx); err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- root.Serve(ctx) }()
	return book, func() {
		cancel()
		<-served
		book.Close()
	}
}

// until reads events until one says that an incarnation is up.
func until(book *record.Book, path string, incarnation uint64) {
	events := book.Events(0)
	for {
		e, err := events.Next(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		if e.Kind == tree.EventProgress && e.Path == path && e.Incarnation == incarnation {
			return
		}
	}
}

// Why a child died, what it said last, and what its supervisor has left.
func ExampleBook_Why() {
	db := make(crashing)
	book, end := watched(tree.Spec{Children: []tree.Child{{ID: "db", Start: tree.Func(db.Serve)}}})
	defer end()
	book.Line(record.Line{Path: "shop/db", Incarnation: 1, Stream: "stderr", Text: "disk full"})
	db <- errors.New("exit status 1")
	until(book, "shop/db", 2)
	w, _, err := book.Why(context.Background(), "shop/db")
	if err != nil {
		log.Fatal(err)
	}
	x := w.Exits[0]
	fmt.Printf("%s: %v, %q; restart %d of %d\n", x.Reason, x.Class, x.Output, x.Restart.Spent, x.Restart.Max)
	fmt.Println(w.Budget.Supervisor, "has", w.Budget.Left, "left")
	// Output:
	// exit status 1: crash, ["disk full"]; restart 1 of 1
	// shop has 0 left
}

// A failure that goes up: what it brought about is told with what began it.
func ExampleFollows() {
	api := make(crashing)
	book, end := watched(tree.Spec{Children: []tree.Child{{ID: "web", Start: tree.Sub(tree.Spec{
		Intensity: strategies.Intensity{Max: tree.NoRestarts},
		Children:  []tree.Child{{ID: "api", Start: tree.Func(api.Serve)}},
	})}}})
	defer end()
	api <- errors.New("no memory")
	until(book, "shop/web", 2)
	w, _, err := book.Why(context.Background(), "shop/web/api")
	if err != nil {
		log.Fatal(err)
	}
	f := w.Exits[0].Follows
	for _, g := range f.GaveUp {
		fmt.Printf("%s gave up: %s needed restart %d of %d\n", g.Supervisor, g.Child, g.Spent, g.Max)
	}
	fmt.Println("started", f.Started)
	// Output:
	// shop/web gave up: shop/web/api needed restart 1 of 0
	// started [shop/web shop/web/api]
}

// Output is kept of the latest incarnation, and of the one before. Of a process in
// the tree each line comes from the OnLine of its worker.Command.
func ExampleLine() {
	book := record.New(record.Limits{Lines: 2}) // and the defaults
	for _, text := range []string{"one", "two", "three"} {
		book.Line(record.Line{Path: "shop/db", Incarnation: 1, Text: text})
	}
	book.Line(record.Line{Path: "shop/db", Incarnation: 2, Text: "again"})
	for _, l := range book.PreviousLines("shop/db", record.All) {
		fmt.Println(l.Incarnation, l.Text)
	}
	for _, l := range book.Lines("shop", record.All) {
		fmt.Println(l.Incarnation, l.Text)
	}
	// Output:
	// 1 two
	// 1 three
	// 2 again
}

func ExampleFollower() {
	book := record.New(record.Limits{})
	book.Line(record.Line{Path: "shop/db", Incarnation: 1, Text: "before"})
	kept, lines := book.Follow("shop", record.All)
	defer lines.Close()
	book.Line(record.Line{Path: "shop/web", Incarnation: 1, Text: "after"})
	next, err := lines.Next(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(kept[0].Text, next.Text)
	// Output: before after
}

// A reader has what there was, and waits for what comes, until the book is closed.
func ExampleReader() {
	book, end := watched(tree.Spec{Children: []tree.Child{{ID: "db", Start: tree.Func(make(crashing).Serve)}}})
	end()
	events := book.Events(0)
	for {
		e, err := events.Next(context.Background())
		if errors.Is(err, record.ErrClosed) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(events.Seq(), e.Path, e.Kind)
	}
	// Output:
	// 1 shop starting
	// 2 shop/db starting
	// 3 shop/db progress
	// 4 shop progress
	// 5 shop stopping
	// 6 shop/db stopping
	// 7 shop/db exited
	// 8 shop exited
}
