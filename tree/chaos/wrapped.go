package chaos

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// ending is a fault on its way to a leaf.
type ending struct {
	fault Fault
	hang  chan struct{} // of a hang: closed when it is over
}

// wrapped is a service that can be told how to end.
type wrapped struct {
	in      *Injector
	service tree.Service
	end     chan ending
	once    sync.Once
	killed  chan struct{}

	incarnation uint64
	done        context.Context // ends with Serve
}

func (w *wrapped) over() <-chan struct{} { return w.done.Done() }

// PID is that of the service, if it is a process.
func (w *wrapped) PID() int {
	if p, ok := w.service.(interface{ PID() int }); ok {
		return p.PID()
	}
	return 0
}

func (w *wrapped) Init(ctx context.Context) error {
	ref, _ := strategies.ChildFrom(ctx)
	fail, slow := w.in.take(ref.Path)
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-w.killed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fail {
		return fmt.Errorf("fail_start: %w", ErrInjected)
	}
	if i, ok := w.service.(tree.Initer); ok {
		return i.Init(ctx)
	}
	return nil
}

func (w *wrapped) Serve(ctx context.Context) error {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx)) // a hang keeps the cancellation from it
	defer cancel()
	over, finish := context.WithCancel(context.Background())
	defer finish()
	w.done = over
	if ref, ok := strategies.ChildFrom(ctx); ok {
		w.incarnation = ref.Incarnation
		w.in.set(ref.Path, w)
		defer w.in.set(ref.Path, nil)
	}
	result := w.serve(inner)
	told, hang := ctx.Done(), (chan struct{})(nil)
	for {
		select {
		case r := <-result:
			return r()
		case <-told:
			if hang == nil {
				cancel()
			}
			told = nil
		case <-hang:
			hang = nil
			if ctx.Err() != nil {
				cancel()
			}
		case e := <-w.end:
			if e.hang != nil {
				hang = e.hang
				continue
			}
			cancel()
			if k, ok := w.service.(tree.Killer); ok {
				k.Kill() // it may not stop by itself
			}
			<-result
			return e.fault.end()
		}
	}
}

// serve runs the service. What is sent gives its result, or panics as it did.
func (w *wrapped) serve(ctx context.Context) <-chan func() error {
	result := make(chan func() error, 1)
	go func() {
		outcome := func() error { return tree.ErrGoexit }
		defer func() {
			if v := recover(); v != nil {
				outcome = func() error { panic(v) }
			}
			result <- outcome
		}()
		err := w.service.Serve(ctx)
		outcome = func() error { return err }
	}()
	return result
}

// end ends the goroutine as the fault says.
func (f Fault) end() error {
	switch f.Class {
	case "panic":
		panic(f.Arg)
	case "goexit":
		runtime.Goexit()
	case "exit":
		if f.number() == 0 {
			return nil
		}
		return fmt.Errorf("exit status %s: %w", f.Arg, ErrInjected)
	}
	return fmt.Errorf("%v: %w", f, ErrInjected)
}

// killable is a wrapped service that is a Killer.
type killable struct {
	*wrapped
	killer tree.Killer
}

func (k *killable) Kill() {
	k.once.Do(func() { close(k.killed) })
	k.killer.Kill()
}
