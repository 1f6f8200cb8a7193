// Package controltest runs trees of goroutines with a control socket, for the
// tests of the socket and of what uses it.
package controltest

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/coppice-go/coppice/cmd/coppice/internal/control"
	"github.com/coppice-go/coppice/cmd/coppice/internal/record"
	"github.com/coppice-go/coppice/tree"
)

// Run is a tree that runs. It ends with the test.
type Run struct {
	Root   *tree.Supervisor
	Book   *record.Book
	Server *control.Server
	Dir    string // where the socket is

	cancel context.CancelFunc
	ended  chan struct{}
}

// Start runs a tree named shop, and returns when it is up. change may change the
// configuration of the server.
func Start(t testing.TB, spec tree.Spec, change ...func(*control.Config)) *Run {
	t.Helper()
	return StartIn(t, Dir(t), "shop", spec, change...)
}

// StartIn is Start with a name, and in a directory where others are.
func StartIn(t testing.TB, dir, name string, spec tree.Spec, change ...func(*control.Config)) *Run {
	t.Helper()
	root, err := tree.New(name, spec)
	if err != nil {
		t.Fatal(err)
	}
	r := &Run{Root: root, Book: record.New(record.Limits{}), Dir: dir, ended: make(chan struct{})}
	cfg := control.Config{Dir: dir, Root: root, Actions: Actions{root}, Version: "v0.0.0-test", File: name + ".yaml"}
	for _, f := range change {
		f(&cfg)
	}
	if cfg.Book != nil {
		r.Book = cfg.Book
	}
	cfg.Book = r.Book
	r.Book.Watch(root)
	if r.Server, err = control.Serve(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	up := make(chan error, 1)
	go func() {
		defer close(r.ended)
		err := root.Init(ctx)
		up <- err
		if err == nil {
			_ = root.Serve(ctx)
		}
	}()
	t.Cleanup(func() {
		r.StopTree()
		if err := r.Server.Close(); err != nil {
			t.Errorf("close the server: %v", err)
		}
		r.Book.Close()
	})
	if err := <-up; err != nil {
		t.Fatal(err)
	}
	return r
}

// StopTree ends the tree, and not the server.
func (r *Run) StopTree() {
	r.cancel()
	<-r.ended
}

// Dir makes a directory for sockets: those of tests have too long a name.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Wait is a child that does nothing until it is told to stop.
func Wait(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Crash is a child that ends with what it receives.
type Crash chan error

// Run is the function of the child.
func (c Crash) Run(ctx context.Context) error {
	select {
	case err := <-c:
		return err
	case <-ctx.Done():
		return nil
	}
}

// Actions carries out orders with the calls of the tree, one child at a time.
type Actions struct{ Root *tree.Supervisor }

func (a Actions) split(path string) (*tree.Supervisor, string, error) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return nil, "", &control.Error{Code: control.Unsupported, Message: "the root is stopped with its process"}
	}
	sup := a.Root.Supervisor(path[:i])
	if sup == nil {
		return nil, "", tree.ErrNotRunning
	}
	return sup, path[i+1:], nil
}

func (a Actions) Start(ctx context.Context, path string) (control.Done, error) {
	sup, id, err := a.split(path)
	if err != nil {
		return control.Done{}, err
	}
	ref, err := sup.RestartChild(ctx, id)
	return control.Done{Radius: control.Radius{Starts: []string{path}}, Incarnation: ref.Incarnation}, err
}

func (a Actions) Stop(ctx context.Context, path string) (control.Done, error) {
	sup, id, err := a.split(path)
	if err != nil {
		return control.Done{}, err
	}
	return control.Done{Radius: control.Radius{Stops: []string{path}}}, sup.TerminateChild(ctx, id)
}

func (a Actions) Restart(ctx context.Context, path string) (control.Done, error) {
	stopped, err := a.Stop(ctx, path)
	if err != nil {
		return control.Done{}, err
	}
	d, err := a.Start(ctx, path)
	d.Radius.Stops = stopped.Radius.Stops
	return d, err
}

// Signal is not possible: goroutines take none.
func (a Actions) Signal(context.Context, string, syscall.Signal) (control.Done, error) {
	return control.Done{}, errors.ErrUnsupported
}

func (a Actions) Plan(_ context.Context, do control.Action, path string) (r control.Radius, err error) {
	if do == control.Stop || do == control.Restart {
		r.Stops = []string{path}
	}
	if do == control.Start || do == control.Restart {
		r.Starts = []string{path}
	}
	return r, nil
}
