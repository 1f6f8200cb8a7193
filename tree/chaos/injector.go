package chaos

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coppice-go/coppice/tree"
)

// ErrInjected is what every error is that an [Injector] made.
var ErrInjected = errors.New("injected by a chaos run")

// Injector puts faults into leaves of a tree in this process: panics, errors,
// ends of all kinds, slow and failing starts, hangs. The leaves are wrapped when
// the tree is described, and found by their path when it runs. The zero Injector
// is ready; it is for one tree, and safe for concurrent use.
//
//	var in chaos.Injector
//	root, err := tree.New("shop", in.Spec(spec))
type Injector struct {
	mu   sync.Mutex // guards what follows
	live map[string]*wrapped
	next map[string]*starts
}

// starts says how the next starts of a child go.
type starts struct {
	fail int
	slow time.Duration
	over chan struct{} // closed when they were made
}

// Spec wraps every leaf of the tree, at any depth.
func (in *Injector) Spec(s tree.Spec) tree.Spec {
	kids := make([]tree.Child, len(s.Children))
	for i, c := range s.Children {
		c.Start = in.Wrap(c.Start)
		kids[i] = c
	}
	s.Children = kids
	if s.Dynamic != nil {
		d := *s.Dynamic
		d.Start = in.Wrap(d.Start)
		s.Dynamic = &d
	}
	return s
}

// Wrap returns a Starter whose services an injected fault can reach: of a
// goroutine or a process. In a supervisor it wraps the leaves.
func (in *Injector) Wrap(s tree.Starter) tree.Starter {
	if s == nil {
		return nil
	}
	if sub, ok := tree.SpecOf(s); ok {
		return tree.Sub(in.Spec(sub))
	}
	return tree.Wrap(s, func(svc tree.Service) tree.Service {
		w := &wrapped{in: in, service: svc, end: make(chan ending), killed: make(chan struct{})}
		if k, ok := svc.(tree.Killer); ok {
			return &killable{wrapped: w, killer: k}
		}
		return w
	})
}

// knows reports whether a leaf that was wrapped runs at the path.
func (in *Injector) knows(path string) bool {
	if in == nil {
		return false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.live[path] != nil
}

// set says who runs at a path.
func (in *Injector) set(path string, w *wrapped) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.live == nil {
		in.live = make(map[string]*wrapped)
	}
	in.live[path] = w
	if w == nil {
		delete(in.live, path)
	}
}

// take returns how the start that begins now goes.
func (in *Injector) take(path string) (fail bool, slow time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.next[path]
	if s == nil {
		return false, 0
	}
	slow, s.slow = s.slow, 0
	if fail = s.fail > 0; fail {
		s.fail--
	}
	if s.fail == 0 {
		close(s.over)
		delete(in.next, path)
	}
	return fail, slow
}

// pending returns what is closed when the next starts of a child go as they should
// again; nil if they do now.
func (in *Injector) pending(path string) <-chan struct{} {
	if in == nil {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if s := in.next[path]; s != nil {
		return s.over
	}
	return nil
}

// lift lets the next starts of a child go as they should, if that was not done
// already.
func (in *Injector) lift(path string, over <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if s := in.next[path]; s != nil && s.over == over {
		delete(in.next, path)
	}
}

// inject carries out a fault, and returns the incarnation that it hit. A hang is
// over when ctx is.
func (in *Injector) inject(ctx context.Context, path string, f Fault) (uint64, error) {
	if in == nil {
		return 0, errors.New("no leaf is wrapped: there is no Injector")
	}
	w, over := in.arm(path, f)
	if w == nil {
		return 0, errors.New("no wrapped leaf runs there now")
	}
	e := ending{fault: f}
	if f.Class == "hang" {
		e.hang = make(chan struct{})
		context.AfterFunc(ctx, func() { close(e.hang) })
	}
	var err error
	select {
	case w.end <- e:
		return w.incarnation, nil
	case <-w.over():
		err = errGone
	case <-ctx.Done():
		err = ctx.Err()
	}
	if over != nil {
		in.lift(path, over)
	}
	return 0, err
}

// arm finds the leaf that runs at a path, and prepares its next starts if the fault
// is about those: what is returned is closed when they were made.
func (in *Injector) arm(path string, f Fault) (*wrapped, <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	w := in.live[path]
	if w == nil || f.Class != "slow_start" && f.Class != "fail_start" {
		return w, nil
	}
	if in.next == nil {
		in.next = make(map[string]*starts)
	}
	s := &starts{slow: f.duration(), fail: f.number(), over: make(chan struct{})}
	in.next[path] = s
	return w, s.over
}
