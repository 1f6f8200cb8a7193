package treetest

import (
	"context"
	"sync"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// Script says how a scripted child behaves, by the number of its start attempt,
// from 1. The zero Script starts at once and runs until it is told to stop. A
// Script can be used for one child only, and is safe for concurrent use.
type Script struct {
	Starts []Attempt     // the first attempts; those after them succeed at once
	Stop   time.Duration // how long it takes to stop; Hang: it does not
	Ends   error         // what it returns when it has been told to stop; nil: the context's error

	mu       sync.Mutex // guards attempts
	attempts int
}

// Hang as Script.Stop is a child that does not stop. As it is a goroutine, that
// ends its tree with tree.ErrStuck, unless Killable is used.
const Hang time.Duration = -1

// Attempt says how one start of a scripted child goes.
type Attempt struct {
	Takes time.Duration // until it is up, or has failed
	Err   error         // it fails; tree.ErrIgnore: it need not run; made by Panic: it panics
	Lives time.Duration // when it is up, it ends by itself after this long; zero: it does not
	Ends  error         // and that is what it returns
}

// Child returns a child that does as its Script says. Restart type, Shutdown and
// whatever else is wanted can be set on the result.
func Child(id string, s *Script) tree.Child {
	if s == nil {
		s = new(Script)
	}
	return tree.Child{ID: id, Start: tree.Of(func() (*actor, error) { return &actor{script: s}, nil })}
}

// Killable is Child for a child that can be killed, as a process can.
func Killable(id string, s *Script) tree.Child {
	if s == nil {
		s = new(Script)
	}
	return tree.Child{ID: id, Start: tree.Of(func() (*victim, error) {
		return &victim{actor: actor{script: s}, killed: make(chan struct{})}, nil
	})}
}

// Attempts returns how often the child was started.
func (s *Script) Attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts
}

func (s *Script) next() Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts++
	if s.attempts > len(s.Starts) {
		return Attempt{}
	}
	return s.Starts[s.attempts-1]
}

// actor is an incarnation of a scripted child.
type actor struct {
	script *Script
	now    Attempt
}

func (a *actor) Init(ctx context.Context) error { return a.init(ctx, nil) }

func (a *actor) init(ctx context.Context, killed <-chan struct{}) error {
	a.now = a.script.next()
	if a.now.Takes > 0 {
		select {
		case <-time.After(a.now.Takes):
		case <-killed:
			return dead
		case <-ctx.Done():
			return told(ctx, killed)
		}
	}
	if p, ok := a.now.Err.(*panics); ok {
		panic(p.value)
	}
	return a.now.Err
}

func (a *actor) Serve(ctx context.Context) error { return a.serve(ctx, nil) }

func (a *actor) serve(ctx context.Context, killed <-chan struct{}) error {
	select {
	case <-after(a.now.Lives):
		if p, ok := a.now.Ends.(*panics); ok {
			panic(p.value)
		}
		return a.now.Ends
	case <-killed:
		return dead
	case <-ctx.Done():
	}
	if err := told(ctx, killed); err == dead {
		return err
	}
	if a.script.Stop != 0 {
		select {
		case <-after(a.script.Stop):
		case <-killed:
			return dead
		}
	}
	if a.script.Ends != nil {
		return a.script.Ends
	}
	return ctx.Err()
}

// dead is the end of what was killed.
var dead = strategies.WithClass(strategies.Killed, nil)

// told is what ends an actor whose context is over: a kill comes before that, but
// a select among both may take either.
func told(ctx context.Context, killed <-chan struct{}) error {
	select {
	case <-killed:
		return dead
	default:
		return ctx.Err()
	}
}

// after is time.After, and never for what is not positive.
func after(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	return time.After(d)
}

// victim is an actor that can be killed.
type victim struct {
	actor
	once   sync.Once
	killed chan struct{}
}

func (v *victim) Kill() { v.once.Do(func() { close(v.killed) }) }

func (v *victim) Init(ctx context.Context) error  { return v.init(ctx, v.killed) }
func (v *victim) Serve(ctx context.Context) error { return v.serve(ctx, v.killed) }
