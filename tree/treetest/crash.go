package treetest

import (
	"context"
	"strings"
	"testing/synctest"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// panics is an error that stands for a panic.
type panics struct{ value any }

func (p *panics) Error() string { return "panic" }

// Panic makes an error that a child is to panic with: Crash(path, Panic("boom")).
func Panic(value any) error { return &panics{value} }

// crashable returns the Spec with every child that is a goroutine made to end
// when told to. Those that are started later, with StartChild, are not.
func (tt *Tree) crashable(s tree.Spec) tree.Spec {
	kids := make([]tree.Child, len(s.Children))
	for i, c := range s.Children {
		c.Start = tt.wrap(c.Start)
		kids[i] = c
	}
	s.Children = kids
	if s.Dynamic != nil {
		d := *s.Dynamic
		d.Start = tt.wrap(d.Start)
		s.Dynamic = &d
	}
	return s
}

// Crashable makes a child that is started with StartChild one that Crash knows.
func (tt *Tree) Crashable(s tree.Starter) tree.Starter { return tt.wrap(s) }

func (tt *Tree) wrap(s tree.Starter) tree.Starter {
	if s == nil {
		return nil
	}
	if sub, ok := tree.SpecOf(s); ok {
		return tree.Sub(tt.crashable(sub))
	}
	return tree.Wrap(s, func(svc tree.Service) tree.Service {
		c := &crashable{cast: tt.cast, service: svc, crash: make(chan error, 1)}
		if k, ok := svc.(tree.Killer); ok {
			return &killable{c, k}
		}
		return c
	})
}

// crashable is a service that can be told how to end.
type crashable struct {
	cast    *cast
	service tree.Service
	crash   chan error
}

// killable is one that is a Killer, too.
type killable struct {
	*crashable
	tree.Killer
}

func (c *crashable) Init(ctx context.Context) error {
	if i, ok := c.service.(tree.Initer); ok {
		return i.Init(ctx)
	}
	return nil
}

// PID is that of the service, if it is a process.
func (c *crashable) PID() int {
	if p, ok := c.service.(interface{ PID() int }); ok {
		return p.PID()
	}
	return 0
}

func (c *crashable) Serve(ctx context.Context) error {
	if ref, ok := strategies.ChildFrom(ctx); ok {
		c.cast.set(ref.Path, c)
		defer c.cast.set(ref.Path, nil)
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	result := make(chan func() error, 1)
	go func() {
		outcome := func() error { return tree.ErrGoexit }
		defer func() {
			if v := recover(); v != nil {
				outcome = func() error { panic(v) }
			}
			result <- outcome
		}()
		err := c.service.Serve(inner)
		outcome = func() error { return err }
	}()
	select {
	case r := <-result:
		return r()
	case err := <-c.crash:
		cancel()
		<-result
		if p, ok := err.(*panics); ok {
			panic(p.value)
		}
		return err
	}
}

// inBubble reports whether the caller runs in a synctest bubble. There is no
// question to ask, but Wait panics without one.
func inBubble() (in bool) {
	defer func() {
		if v := recover(); v != nil {
			if s, ok := v.(string); !ok || !strings.Contains(s, "bubble") {
				panic(v)
			}
			in = false
		}
	}()
	synctest.Wait()
	return true
}

// wait waits until all goroutines of the bubble are at rest.
func (tt *Tree) wait() {
	if tt.bubble {
		synctest.Wait()
	}
}
