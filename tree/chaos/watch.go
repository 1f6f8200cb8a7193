package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// watch takes down all that a tree tells.
type watch struct {
	stream Stream
	seen   func(*tree.Event) // called for each; it must not wait

	mu        sync.Mutex // guards what follows
	events    []json.RawMessage
	history   *history
	ended     bool          // the root has ended, or the stream has
	exhausted bool          // the root gave up
	gaveUp    bool          // some supervisor did
	unready   int           // how many events there were when last not everything was up that should be
	expected  bool          // the stream may break off
	failed    error         // why the stream broke off
	changed   chan struct{} // closed with the next event; nil if nobody waits
}

func newWatch(stream Stream, seen func(*tree.Event)) (*watch, error) {
	h, err := beginHistory(stream.Begin())
	if err != nil {
		return nil, err
	}
	return &watch{stream: stream, seen: seen, history: h}, nil
}

// run reads the stream until its end, or that of ctx.
func (w *watch) run(ctx context.Context) {
	for {
		raw, err := w.stream.Next(ctx)
		if err != nil {
			w.over(ctx, err)
			return
		}
		if e := w.add(raw); e != nil {
			w.seen(e)
		}
	}
}

func (w *watch) over(ctx context.Context, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if ctx.Err() == nil && !errors.Is(err, io.EOF) && !w.expected && w.failed == nil {
		w.failed = err
	}
	w.wake()
}

// add takes down an event; nil if it cannot be understood, which is for the check
// to say.
func (w *watch) add(raw json.RawMessage) *tree.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.wake()
	w.events = append(w.events, raw)
	e, err := w.history.read(raw)
	if err != nil {
		w.failed = fmt.Errorf("event %d: %w", len(w.events), err)
		return nil
	}
	if len(w.history.notReady()) > 0 {
		w.unready = len(w.events)
	}
	root := w.history.begin.Root.Path
	switch {
	case e.Kind == tree.EventGivingUp:
		w.gaveUp = true
		w.exhausted = w.exhausted || above(e.Path) == root
	case e.Path == root && e.Kind == tree.EventExited:
		w.ended = true
	case e.Path == root && e.Kind == tree.EventStarting:
		w.ended = false // it is served again
	}
	return e
}

// wake lets those go on who wait; mu is held.
func (w *watch) wake() {
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// await waits until is returns true. It is called with mu held. The error is
// ctx's.
func (w *watch) await(ctx context.Context, is func() bool) error {
	for {
		w.mu.Lock()
		ok := is()
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed := w.changed
		w.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// calm waits until everything that should run is up, and has been for a while; or
// the tree has ended. It returns since when that is so, and gives up after the
// limit.
func (w *watch) calm(ctx context.Context, limit, hold time.Duration) (since time.Time, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		var n int
		err := w.await(ctx, func() bool {
			n = len(w.events)
			return w.ended || len(w.history.notReady()) == 0
		})
		if err != nil || w.hasEnded() {
			return since, false
		}
		since = time.Now()
		still, cancel := context.WithTimeout(ctx, hold)
		err = w.await(still, func() bool { return w.ended || w.unready > n })
		cancel()
		if err != nil || w.hasEnded() {
			return since, err != nil
		}
	}
}

func (w *watch) hasEnded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

// probe looks at what is wanted of the tree.
func (w *watch) probe(p *Plan, m Mode, from, to time.Time) []Probe {
	w.mu.Lock()
	defer w.mu.Unlock()
	return p.probe(w.history, m, from, to)
}

// evidence puts what was told into e, and returns how far that goes.
func (w *watch) evidence(e *check.Evidence) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.Begin, e.Events = w.stream.Begin(), slices.Clone(w.events)
	if e.Events == nil {
		e.Events = []json.RawMessage{}
	}
	return w.rev()
}

func (w *watch) latest() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rev()
}

// rev is the number of the latest event; mu is held.
func (w *watch) rev() uint64 {
	if n := len(w.history.events); n > 0 {
		return w.history.events[n-1].Seq
	}
	return w.history.begin.Rev
}

// aborts reports whether what happened is a reason for doing no more; mu is held.
func (w *watch) aborts(on []Abort) bool {
	return w.exhausted && slices.Contains(on, RootExhausted) || w.gaveUp && slices.Contains(on, GivingUp)
}

// expectEnd says that the stream may break off from now on: who tells it is killed.
func (w *watch) expectEnd() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = true
}

// isDown reports whether the child does not run although its supervisor does.
func isDown(s *tree.Snapshot, path string) bool {
	st, up := find(&s.Root, path), find(&s.Root, above(path))
	return st != nil && st.State == strategies.Down && up != nil && up.State == strategies.Up
}
