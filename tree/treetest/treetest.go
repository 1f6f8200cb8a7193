// Package treetest helps to test supervision trees: yours, in virtual time, and
// without a sleep. It serves a tree inside a testing/synctest bubble, lets any
// goroutine child of it crash by path, waits until the tree is at rest again,
// and keeps what happened.
//
//	synctest.Test(t, func(t *testing.T) {
//		tree := treetest.Start(t, "shop", spec())
//		tree.Crash("shop/db", errors.New("disk full"))
//		tree.Settle()
//		tree.WantUp("shop/web/api")
//		tree.Want("child_terminated shop/db", "restarting shop/db")
//	})
//
// [Child] is a scripted child for tests of strategies; [Start] takes any Spec.
// Children that are operating-system processes do not run in a bubble: without
// one, use [Tree.Await] to wait for events, and [Tree.Settle] all the same.
package treetest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// patience is how long a tree may take to come to rest, or to end: in a bubble
// of virtual time, so that a pause of hours is nothing.
const patience = 24 * time.Hour

// Tree is a tree under test. Its methods are to be called from the test's
// goroutine.
type Tree struct {
	*tree.Supervisor

	t      testing.TB
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Serve; read after done
	sub    *tree.Subscription
	seen   []tree.Event // taken from sub, and not asked for yet

	bubble bool
	cast   *cast
}

// With returns the same tree with another test to fail.
func (tt *Tree) With(t testing.TB) *Tree {
	other := *tt
	other.t = t
	return &other
}

// cast keeps the children that can be told to crash.
type cast struct {
	mu      sync.Mutex // guards what follows
	live    map[string]*crashable
	changed chan struct{} // closed when live changes next; nil if nobody waits
}

// get returns who runs at path, or else what is closed when that may have
// changed.
func (c *cast) get(path string) (*crashable, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.live[path], c.changed
}

// set says who runs at path, nil for nobody.
func (c *cast) set(path string, who *crashable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if who == nil {
		delete(c.live, path)
	} else {
		c.live[path] = who
	}
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

func (c *cast) paths() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.live))
}

// Start serves a tree until the test ends, and waits until it is at rest. In a
// bubble it must be called from the bubble's first goroutine. That the Spec is
// refused fails the test; that the tree does not come up does not: see
// [Tree.Err].
func Start(t testing.TB, name string, s tree.Spec) *Tree {
	t.Helper()
	tt := &Tree{t: t, done: make(chan struct{}), cast: &cast{live: map[string]*crashable{}}, bubble: inBubble()}
	root, err := tree.New(name, tt.crashable(s))
	if err != nil {
		t.Fatalf("treetest: %v", err)
	}
	tt.Supervisor = root
	tt.sub = root.Subscribe(tree.Lossless)
	ctx, cancel := context.WithCancel(context.Background())
	tt.cancel = cancel
	up := make(chan struct{})
	go func() {
		defer close(tt.done)
		tt.err = root.Init(ctx)
		close(up)
		if tt.err == nil {
			tt.err = root.Serve(ctx)
		}
	}()
	t.Cleanup(func() { _ = tt.Stop() })
	<-up
	tt.Settle()
	return tt
}

// Stop stops the tree, waits for its end, and returns what Serve returned.
func (tt *Tree) Stop() error {
	tt.t.Helper()
	tt.cancel()
	defer tt.sub.Close()
	return tt.Err()
}

// Err waits for the end of the tree and returns what Serve returned.
func (tt *Tree) Err() error {
	tt.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-tt.done:
	case <-late.C:
		tt.t.Fatalf("treetest: %s has not ended in %v", tt.Path(), patience)
	}
	return tt.err
}

// Ended reports whether the tree has ended.
func (tt *Tree) Ended() bool {
	select {
	case <-tt.done:
		return true
	default:
		return false
	}
}

// Settle waits until the tree is at rest: no start, stop, restart or pause
// before one is under way, and nothing waits for its turn. In a bubble time goes
// on for as long as that takes, and goroutines that are not the tree's are at
// rest, too.
func (tt *Tree) Settle() {
	tt.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for tt.wait(); !tt.Idle(); tt.wait() {
		if tt.AwaitIdle(ctx) != nil {
			tt.t.Fatalf("treetest: %s has not come to rest in %v", tt.Path(), patience)
		}
	}
}

// Crash makes the child at path end with err, as if it had returned that: nil is
// a normal end. A panic is made with [Panic]. Its context is cancelled first, so
// that it can clean up, and its own result is discarded. A child that does not
// run, or is none of a coppice supervisor's goroutines, fails the test. What
// follows is under way when Crash returns; see Settle.
func (tt *Tree) Crash(path string, err error) {
	tt.t.Helper()
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	for {
		c, changed := tt.cast.get(path)
		if c != nil {
			c.crash <- err
			return
		}
		if st, _ := tt.Find(path); st.State == strategies.Up { // its goroutine is about to begin
			select {
			case <-changed:
				continue
			case <-late.C:
			}
		}
		tt.t.Fatalf("treetest: no child runs at %s that could be made to crash; there are %s", path, strings.Join(tt.cast.paths(), ", "))
	}
}

// Events returns the events since the last call, or since the beginning.
func (tt *Tree) Events() []tree.Event {
	tt.take()
	events := tt.seen
	tt.seen = nil
	return events
}

// take takes what the subscription has.
func (tt *Tree) take() {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		e, err := tt.sub.Next(over)
		if err != nil {
			return
		}
		tt.seen = append(tt.seen, e)
	}
}

// Await waits for an event of this kind about the child at path, among those
// that were not taken with Events, and returns it. The test fails if it does
// not come before ctx ends.
func (tt *Tree) Await(ctx context.Context, kind tree.EventKind, path string) tree.Event {
	tt.t.Helper()
	for i := 0; ; i++ {
		if i == len(tt.seen) {
			e, err := tt.sub.Next(ctx)
			if err != nil {
				tt.t.Fatalf("treetest: no %v of %s: %v", kind, path, err)
			}
			tt.seen = append(tt.seen, e)
		}
		if e := tt.seen[i]; e.Kind == kind && e.Path == path {
			tt.seen = tt.seen[i+1:]
			return e
		}
	}
}

// Log returns the events since the last call of it or of Events as lines, "kind
// path", those of the given kinds only, if any are given.
func (tt *Tree) Log(kinds ...tree.EventKind) []string {
	var lines []string
	for _, e := range tt.Events() {
		if len(kinds) == 0 || slices.Contains(kinds, e.Kind) {
			lines = append(lines, e.Kind.String()+" "+e.Path)
		}
	}
	return lines
}

// Want fails the test unless the lines are among those of Log, in this order.
// Others may lie between them.
func (tt *Tree) Want(lines ...string) {
	tt.t.Helper()
	log := tt.Log()
	rest := log
	for _, want := range lines {
		i := slices.Index(rest, want)
		if i < 0 {
			tt.t.Errorf("treetest: no %q in its place; there was\n\t%s", want, strings.Join(log, "\n\t"))
			return
		}
		rest = rest[i+1:]
	}
}

// WantUp fails the test unless the children at these paths run.
func (tt *Tree) WantUp(paths ...string) {
	tt.t.Helper()
	for _, path := range paths {
		if st, ok := tt.Find(path); !ok || st.State != strategies.Up {
			tt.t.Errorf("treetest: %s is %v, not up", path, st.State)
		}
	}
}

// Incarnation returns how often the child at path was started.
func (tt *Tree) Incarnation(path string) uint64 {
	st, _ := tt.Find(path)
	return st.Incarnation
}
