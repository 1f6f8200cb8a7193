package tree

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/strategies"
)

// childContext is the context of an incarnation. Its values are those of the
// tree's context, the ChildRef and the child's logger; it is cancelled by the
// supervisor's loop alone (rule H1: cancelling the tree's context does not
// reach a child directly). It is one object where the standard library's would
// be five, which is what a restart costs most among many children: contexts
// made from it are tied to it through its AfterFunc method, as package context
// provides for.
type childContext struct {
	life *life // for the values of the tree's context, and the logger
	ref  strategies.ChildRef

	starting *initMark // set once, before anybody has the context; nil for a Func

	mu    sync.Mutex // guards what follows
	done  chan struct{}
	err   error
	ended strategies.Cascade // in which it was, if in one; set before err
	log   *childLogger       // nil until somebody asks for it
	after []*afterFunc       // one or two, as a rule
}

type afterFunc struct{ f func() }

// closed is what Done returns where nobody asked before the end.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// String keeps whoever prints a context from reading it all.
func (c *childContext) String() string { return "tree.Child(" + c.ref.Path + ")" }

func (c *childContext) Deadline() (time.Time, bool) { return time.Time{}, false }

func (c *childContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		if c.err != nil {
			return closed
		}
		c.done = make(chan struct{})
	}
	return c.done
}

func (c *childContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *childContext) Value(key any) any {
	switch key {
	case strategies.ChildRefKey{}:
		return &c.ref
	case loggerKey:
		return c.logger()
	case initKey{}:
		return c.starting
	case endKey{}:
		return c
	}
	return c.life.base.Value(key)
}

// logger returns the child's logger. Most children never ask.
func (c *childContext) logger() hclog.Logger {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.log == nil {
		c.log = &childLogger{base: c.life.sup.logger, path: c.ref.Path}
	}
	return c.log
}

// AfterFunc runs f in a goroutine of its own once the context is cancelled.
// The function returned undoes that and reports whether it was in time.
func (c *childContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	a := &afterFunc{f}
	c.after = append(c.after, a)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		i := slices.Index(c.after, a)
		if i < 0 {
			return false
		}
		c.after = slices.Delete(c.after, i, i+1)
		return true
	}
}

// endKey is the key under which a nested supervisor finds its own context.
type endKey struct{}

// because returns the cascade in which the context was ended.
func (c *childContext) because() strategies.Cascade {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// cancelIn ends the context in a cascade.
func (c *childContext) cancelIn(cascade strategies.Cascade) {
	c.mu.Lock()
	if c.err == nil {
		c.ended = cascade
	}
	c.mu.Unlock()
	c.cancel()
}

// cancel ends the context, once.
func (c *childContext) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = context.Canceled
	if c.done != nil {
		close(c.done)
	}
	for _, a := range c.after {
		go a.f()
	}
	c.after = nil
}

// loggerKey is the key under which hclog.FromContext looks for a logger. It is
// not exported; what is asked of a context tells it.
var loggerKey = func() any {
	probe := &keyProbe{Context: context.Background()}
	hclog.FromContext(probe)
	return probe.key
}()

type keyProbe struct {
	context.Context
	key any
}

func (p *keyProbe) Value(key any) any {
	p.key = key
	return hclog.NewNullLogger() // or hclog would make its default one, too early for its options
}
