// Package controltest runs trees of goroutines with a control socket, in tests of
// what asks there.
package controltest

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/record"
)

// Run is a tree that runs. It ends with the test. Its methods are for the goroutine
// of the test.
type Run struct {
	Root   *tree.Supervisor
	Book   *record.Book
	Server *control.Server
	Dir    string // where the socket is

	cancel context.CancelFunc
	ended  chan struct{}
}

// Start runs a tree named shop, in a directory of its own, and returns when it is
// up. change may change the configuration of the server. A tree that cannot be run
// fails the test.
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
	cfg := control.Config{Dir: dir, Root: root, Version: "v0.0.0-test", File: name + ".yaml"}
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

// StopTree ends the tree, and not the server, and returns when it has.
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

// Crash is a child that ends with what is sent to it, which waits until it runs.
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

// Process is a child that is an operating-system process: sleep(1).
type Process struct{ cmd *exec.Cmd }

// StartProcess starts one, for [tree.Of]. The error is that of exec.Cmd.Start.
func StartProcess() (*Process, error) {
	cmd := exec.Command("sleep", "1000")
	return &Process{cmd}, cmd.Start()
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Serve returns how the process ended, which is killed at the end of ctx.
func (p *Process) Serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })()
	return p.cmd.Wait()
}
