package check_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// recorder makes evidence of what a tree tells.
type recorder struct {
	t    *testing.T
	root *tree.Supervisor
	sub  *tree.Subscription
	e    check.Evidence
}

// record begins with the tree as it is.
func record(t *testing.T, root *tree.Supervisor) *recorder {
	r := &recorder{t: t, root: root, sub: root.Subscribe(tree.Lossless)}
	r.e.Begin = marshal(t, r.sub.Snapshot())
	return r
}

// end takes what was told until now, with the state at the end.
func (r *recorder) end() check.Evidence {
	r.t.Helper()
	r.e.End = marshal(r.t, r.root.Snapshot())
	r.e.Closed = time.Now()
	r.sub.Close()
	for {
		e, err := r.sub.Next(context.Background())
		if errors.Is(err, tree.ErrClosed) {
			return r.e
		}
		if err != nil {
			r.t.Fatal(err)
		}
		r.e.Events = append(r.e.Events, marshal(r.t, e))
	}
}

func marshal(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// serve runs a tree in a bubble, from before its start: script is what is done to
// it, and the tree is stopped after that. quiet is taken when script returns; then
// half a minute passes.
func serve(t *testing.T, spec tree.Spec, script func(root *tree.Supervisor)) (e check.Evidence) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		root, err := tree.New("t", spec)
		if err != nil {
			t.Fatal(err)
		}
		r := record(t, root)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- root.Serve(ctx) }()
		synctest.Wait()
		script(root)
		synctest.Wait()
		r.e.Quiet = time.Now()
		time.Sleep(30 * time.Second)
		cancel()
		<-done
		e = r.end()
	})
	return e
}

// crasher has children that end when it says so.
type crasher struct {
	mu   sync.Mutex
	ends map[string]chan error
}

// end is made by the first who needs it, so that it belongs to the bubble.
func (c *crasher) end(id string) chan error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ends == nil {
		c.ends = map[string]chan error{}
	}
	if c.ends[id] == nil {
		c.ends[id] = make(chan error)
	}
	return c.ends[id]
}

// serve runs until the child is to end, or is told to stop.
func (c *crasher) serve(ctx context.Context, id string) error {
	select {
	case err := <-c.end(id):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *crasher) leaf(id string) tree.Child {
	return tree.Child{ID: id, Start: tree.Func(func(ctx context.Context) error { return c.serve(ctx, id) })}
}

var errBoom = errors.New("boom")

// crash ends the child and waits until all that follows is done.
func (c *crasher) crash(id string) {
	c.end(id) <- errBoom
	synctest.Wait()
}

func check1(t *testing.T, e check.Evidence, o check.Options) check.Report {
	t.Helper()
	r, err := check.Check(e, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func intensity(max int) strategies.Intensity {
	return strategies.Intensity{Max: max, Within: 5 * time.Second}
}
