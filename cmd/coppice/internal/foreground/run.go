package foreground

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/cmd/coppice/internal/interrupt"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/record"
	"github.com/coppice-go/coppice/tree/load"
	"github.com/coppice-go/coppice/worker"
)

// Config says what to run and how.
type Config struct {
	File    string // path of the tree's file
	Name    string // by which clients find the run; that of the tree if empty
	Control bool   // there is a control socket
	Dir     string // where that is; the default if empty
	Backoff bool   // when the root gives up, it is started again after a pause
	Version string // of coppice
	Log     LogOptions
}

// killLimit is how long a tree may take to end when all its processes are killed.
const killLimit = 2 * time.Second

// errAtOnce is the end of a run that was asked to end, twice.
var errAtOnce = errors.New("killed at once, not stopped in order")

// Run runs the tree until it ends: asked to by stops, or by itself. The error is
// a *load.Error if the file is wrong, with nothing started; a
// *control.RunningError if a tree of this name runs; otherwise that of
// [tree.Supervisor.Serve].
func Run(stops *interrupt.Stops, cfg Config) error {
	debug.SetGCPercent(50) // a supervisor is there to be small, and makes little garbage
	book := record.New(record.Limits{})
	defer book.Close()
	r := &runner{cfg: cfg, book: book, log: newLogger(cfg.Log), stops: stops, systemd: systemd{send: notify}, ended: make(chan struct{}), current: make(chan struct{}, 1)}
	var err error
	if r.file, err = r.read(nil); err != nil {
		return err
	}
	spec := r.file.Spec
	spec.Logger, spec.Sink = r.log, r.event
	if r.root, err = tree.New(r.file.Name, spec); err != nil {
		return err
	}
	book.Watch(r.root)
	if err := r.listen(); err != nil {
		return err
	}
	if r.socket != nil {
		defer r.socket.Close()
	}
	return r.run(r.file)
}

// read reads the file. What is as in the previous one is kept of that.
func (r *runner) read(previous *load.File) (*load.File, error) {
	return load.Read(r.cfg.File, load.Options{
		Previous: previous,
		Command:  func(path string, c *worker.Command) { listen(r.book, path, c) },
	})
}

// listen has the book keep what a program writes.
func listen(book *record.Book, path string, c *worker.Command) {
	c.OnLine = func(l worker.OutputLine) {
		book.Line(record.Line{Time: time.Now(), Path: path, Incarnation: l.Incarnation, PID: l.PID, Stream: l.Stream, Text: l.Text})
	}
}

// runner is a tree that runs.
type runner struct {
	cfg     Config
	book    *record.Book
	log     hclog.Logger
	root    *tree.Supervisor
	stops   *interrupt.Stops
	waits   waits
	systemd systemd
	ended   chan struct{} // closed when the tree has ended

	current chan struct{}   // full while what follows is used
	file    *load.File      // that holds
	socket  *control.Server // nil: there is none
}

// listen makes the control socket, before anything starts.
func (r *runner) listen() error {
	if !r.cfg.Control {
		return nil
	}
	r.current <- struct{}{} // who asks for a reload already waits
	defer func() { <-r.current }()
	s, err := control.Serve(control.Config{
		Name: r.cfg.Name, Dir: r.cfg.Dir, Root: r.root, Book: r.book, Stop: r.stops.Ask, Reload: r.reload,
		Version: r.cfg.Version, File: r.cfg.File, Chaos: r.file.Chaos, Logger: r.log,
	})
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		r.log.Warn("there is no control socket", "error", err)
		return nil
	case err != nil:
		return err
	}
	r.log.Debug("answering at the control socket", "socket", s.Socket())
	r.socket = s
	return nil
}

// event is the sink of the tree.
func (r *runner) event(e tree.Event) {
	tree.LogSink(r.log)(e)
	r.waits.event(e)
	if e.Kind == tree.EventProgress && e.Path == r.root.Path() {
		r.systemd.ready(r.root.Path() + " is up")
		debug.FreeOSMemory() // what the start has left
	}
}

// run serves the tree until its end, and tells how that came about.
func (r *runner) run(file *load.File) error {
	r.log.Info(fmt.Sprintf("%s: running %s from %s", file.Name, count(len(file.Commands), "program"), file.Path))
	endWatchdog := r.systemd.watchdog(func() { r.root.Snapshot() })
	defer endWatchdog()
	var stopping sync.WaitGroup
	stopping.Go(r.stopping)
	hangups := r.onHangup()
	stopping.Go(func() { r.reloadAt(hangups) })

	served := make(chan error, 1)
	go func() { served <- r.serve() }()
	var err error
	select {
	case err = <-served:
	case <-r.stops.Now.Done():
		err = r.killAll(served)
	}
	close(r.ended)
	stopping.Wait()
	r.systemd.stopping("")
	finished, _ := errors.AsType[*tree.AutoShutdownError](err)
	switch {
	case finished != nil:
		r.log.Info(finished.Error())
		return nil
	case errors.Is(err, context.Canceled) && r.stops.Order.Err() != nil:
		r.log.Info(file.Name + " has stopped")
		return nil
	}
	r.tell(file.Name+" ended:", err)
	return &endError{err}
}

// tell logs how the tree ended.
func (r *runner) tell(head string, err error) {
	r.log.Error(head)
	for line := range strings.Lines(autopsy(err)) {
		r.log.Error("  " + strings.TrimSuffix(line, "\n"))
	}
}

// killAll ends every process of the tree, which then has no reason to take its
// time. Whatever is left is for the guard.
func (r *runner) killAll(served <-chan error) error {
	r.log.Warn("killing everything at once")
	killed := time.NewTimer(killLimit)
	defer killed.Stop()
	for {
		for s := range r.root.Walk() {
			if s.PID != 0 {
				_ = control.SendSignal(r.root, s, syscall.SIGKILL)
			}
		}
		// One that was just being started is not seen yet.
		again := time.NewTimer(killLimit / 20)
		select {
		case <-served:
			again.Stop()
			return errAtOnce
		case <-killed.C:
			again.Stop()
			return errAtOnce
		case <-again.C:
		}
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
