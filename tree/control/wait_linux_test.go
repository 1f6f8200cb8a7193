package control_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/controltest"
)

// opening is a child whose start takes until something is received.
type opening struct{ open chan error }

func (o opening) Init(ctx context.Context) error {
	select {
	case err := <-o.open:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o opening) Serve(ctx context.Context) error { return controltest.Wait(ctx) }

func code(err error) control.Code {
	if e, ok := errors.AsType[*control.Error](err); ok {
		return e.Code
	}
	return ""
}

// TestWait: it answers at once if it is so, when it becomes so, and in time if it
// does not.
func TestWait(t *testing.T) {
	_, r, c := start(t)
	ctx := t.Context()
	for _, path := range []string{"shop", "shop/web", "shop/db"} {
		st, err := c.Wait(ctx, control.WaitQuery{Path: path, State: strategies.Up})
		if err != nil || st.Path != path || st.State != strategies.Up {
			t.Errorf("ready %s: %+v, %v", path, st, err)
		}
	}
	_, err := c.Wait(ctx, control.WaitQuery{Path: "shop/db", State: strategies.Down, Timeout: time.Millisecond})
	if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.Timeout || e.State != "up" || e.Message != "shop/db is not stopped after 1ms, but up" {
		t.Errorf("it does not stop: %v", err)
	}
	stopped := make(chan error)
	go func() {
		st, err := c.Wait(ctx, control.WaitQuery{Path: "shop/web/api", State: strategies.Down})
		if err == nil && st.State != strategies.Down {
			err = errors.New("it is " + st.State.String())
		}
		stopped <- err
	}()
	if err := r.Root.TerminateChild(ctx, "web"); err != nil {
		t.Fatal(err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stopped with its supervisor: %v", err)
	}
	if st, err := c.Wait(ctx, control.WaitQuery{Path: "shop/web", State: strategies.Down}); err != nil || st.State != strategies.Down {
		t.Errorf("a stopped supervisor: %v", err)
	}
}

// TestWaitReady: a supervisor is ready when all its children have been started.
func TestWaitReady(t *testing.T) {
	o := opening{make(chan error)}
	_, r, c := start(t)
	started := make(chan error)
	go func() {
		_, err := r.Root.StartChild(t.Context(), tree.Child{ID: "late", Start: tree.Sub(tree.Spec{Children: []tree.Child{
			{ID: "first", Start: tree.Func(controltest.Wait)},
			{ID: "last", Start: tree.Of(func() (opening, error) { return o, nil })},
		}})})
		started <- err
	}()
	if _, err := c.Wait(t.Context(), control.WaitQuery{Path: "shop", State: strategies.Up}); err != nil {
		t.Fatal(err)
	}
	// Until the child is there to be waited for.
	events := r.Book.Events(0)
	for e, err := events.Next(t.Context()); e.Kind != tree.EventStarting || e.Path != "shop/late/last"; e, err = events.Next(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Wait(t.Context(), control.WaitQuery{Path: "shop/late/first", State: strategies.Up}); err != nil {
		t.Errorf("the first is up: %v", err)
	}
	if _, err := c.Wait(t.Context(), control.WaitQuery{Path: "shop/late", State: strategies.Up, Timeout: time.Millisecond}); code(err) != control.Timeout {
		t.Errorf("the last is not, but: %v", err)
	}
	ready := make(chan error)
	go func() {
		_, err := c.Wait(t.Context(), control.WaitQuery{Path: "shop/late", State: strategies.Up})
		ready <- err
	}()
	o.open <- nil
	if err := <-ready; err != nil {
		t.Error(err)
	}
	if err := <-started; err != nil {
		t.Error(err)
	}
}

// TestWaitStoppedIsNoRestart: a child that is down between its stop and its start
// with a group is not stopped.
func TestWaitStoppedIsNoRestart(t *testing.T) {
	crash := make(controltest.Crash)
	open := make(chan error, 1)
	open <- nil
	r := controltest.Start(t, tree.Spec{
		Strategy: strategies.OneForAll,
		Children: []tree.Child{
			{ID: "slow", Start: tree.Of(func() (opening, error) { return opening{open}, nil })},
			{ID: "crash", Start: tree.Func(crash.Run)},
		},
	})
	c := dial(t, r)
	if err := r.Book.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	events := r.Book.Events(r.Book.Rev())
	crash <- errors.New("boom")
	for e, err := events.Next(t.Context()); e.Kind != tree.EventStarting || e.Path != "shop/slow"; e, err = events.Next(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if st, _ := r.Root.Find("shop/crash"); st.State != strategies.Down {
		t.Fatalf("it is %v", st.State)
	}
	_, err := c.Wait(t.Context(), control.WaitQuery{Path: "shop/crash", State: strategies.Down, Timeout: 20 * time.Millisecond})
	if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.Timeout || e.State != "down" {
		t.Errorf("it is about to be started, but: %v", err)
	}
	ready := make(chan error)
	go func() {
		_, err := c.Wait(t.Context(), control.WaitQuery{Path: "shop/crash", State: strategies.Up})
		ready <- err
	}()
	open <- nil
	if err := <-ready; err != nil {
		t.Error(err)
	}
}
