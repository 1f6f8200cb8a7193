package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// ChildCommand is the name of the hidden subcommand that runs [ChildMain].
const ChildCommand = "demo-child"

// Exit codes of a child that crashes by order.
const (
	exitOnOrder  = 3
	exitOnPanic  = 2 // what the Go runtime exits with after a panic
	readyMessage = "ready"
)

// ChildMain is what every process of the demo runs: it says that it is ready,
// and waits. SIGTERM ends it cleanly; it exits with 3, or panics, on order.
func ChildMain() error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	notifyOrders(signals)
	fmt.Println(readyMessage)
	switch s := <-signals; faultOf(s) {
	case Exit:
		os.Exit(exitOnOrder)
	case Panic:
		panic("ordered to panic")
	}
	return nil
}

// leaves makes the processes of a tree.
type leaves struct {
	program string // the path of this executable
}

// leaf describes a child that is a process. Its id is made part of its command
// line, so that ps tells the children apart.
func (l leaves) leaf(id string) tree.Child {
	command := worker.Command{
		Path: l.program,
		Args: []string{ChildCommand, id},
		Env:  append(os.Environ(), "GOTRACEBACK=none"), // a panic is ordered here: one line tells all
	}
	return tree.Child{
		ID:         id,
		StartLimit: patience,
		Start: tree.Of(func() (*process, error) {
			p, err := command.Process()
			return &process{Process: p}, err
		}),
	}
}

// branch describes a child that is a supervisor.
func branch(id string, s strategies.Strategy, max int, children ...tree.Child) tree.Child {
	return tree.Child{ID: id, Start: tree.Sub(spec(s, max, children...))}
}

// spec describes a supervisor. The period is so long that a viewer who takes
// his time does not change the outcome.
func spec(s strategies.Strategy, max int, children ...tree.Child) tree.Spec {
	return tree.Spec{
		Strategy:  s,
		Intensity: strategies.Intensity{Max: max, Within: window},
		Children:  children,
	}
}

// process is a worker that counts as started when it has said that it is
// ready. Before that it does not listen to signals.
type process struct{ *worker.Process }

// Init starts the process and waits for its word.
func (p *process) Init(ctx context.Context) error {
	ready := make(chan struct{})
	output := hclog.New(&hclog.LoggerOptions{Output: &watcher{word: readyMessage, seen: ready}})
	if err := p.Process.Init(hclog.WithContext(ctx, output)); err != nil {
		return err
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		p.Kill()
		_ = p.Serve(ctx) // it was ended before anybody needed it
		return ctx.Err()
	}
}

// watcher is a writer that waits for a word and forgets everything else.
type watcher struct {
	word string
	once sync.Once
	seen chan struct{} // closed when the word came
}

func (w *watcher) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.word)) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(p), nil
}
