package tree

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"time"
)

// ErrClosed is returned by [Subscription.Next] after Close.
var ErrClosed = errors.New("subscription is closed")

// Lossless as the size of a subscription keeps every event until it is taken,
// however many that are.
const Lossless = 0

// Subscription is a stream of the events of a supervisor and everything below
// it, from one moment on: that of its Snapshot, which later events continue. It
// goes on when a root is served again. It needs no goroutine; one that is not
// used any more is to be closed. It is safe for concurrent use.
type Subscription struct {
	hub  *hub
	path string
	size int
	from Snapshot

	mu      sync.Mutex // guards what follows
	pending []Event
	dropped uint64
	closed  bool
	wake    chan struct{} // holds a token while there is something to be seen
}

// Subscribe returns a stream of events that begins now. If the reader falls
// behind by more than size events, some are lost, and an EventDropped in their
// place says how many; see [Lossless]. What is told of the supervisor itself is
// told by its parent, and the subscription has it, too.
func (s *Supervisor) Subscribe(size int) *Subscription {
	h := s.hub
	sub := &Subscription{hub: h, path: s.node.path, size: size, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	sub.from = s.node.snapshot(h.seq)
	h.subscriptions = append(h.subscriptions[:len(h.subscriptions):len(h.subscriptions)], sub)
	return sub
}

// Snapshot returns the state in which the stream begins.
func (s *Subscription) Snapshot() Snapshot { return s.from }

// Next waits for the next event. The error is ErrClosed or ctx's.
func (s *Subscription) Next(ctx context.Context) (Event, error) {
	for {
		if e, ok, err := s.take(); ok || err != nil {
			return e, err
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// All yields events until ctx ends or the subscription is closed, and closes it.
func (s *Subscription) All(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		defer s.Close()
		for {
			e, err := s.Next(ctx)
			if err != nil || !yield(e) {
				return
			}
		}
	}
}

// take returns the next event, if there is one.
func (s *Subscription) take() (e Event, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.pending) > 0:
		e, s.pending = s.pending[0], s.pending[1:]
		if len(s.pending) > 0 || s.dropped > 0 {
			s.signal()
		}
	case s.dropped > 0:
		e = Event{Kind: EventDropped, Time: time.Now(), N: s.dropped}
		s.dropped = 0
	case s.closed:
		s.signal() // for others who wait
		return e, false, ErrClosed
	default:
		return e, false, nil
	}
	return e, true, nil
}

// Close ends the stream. What was not taken yet can still be.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	var rest []*Subscription
	for _, other := range s.hub.subscriptions {
		if other != s {
			rest = append(rest, other)
		}
	}
	s.hub.subscriptions = rest
	s.hub.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.signal()
}

// add never blocks. It is called with hub.mu held, which keeps the order. After
// a loss it takes nothing more until the reader has been told of it.
func (s *Subscription) add(e *Event) {
	if rest, ok := strings.CutPrefix(e.Path, s.path); !ok || rest != "" && rest[0] != '/' {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size > 0 && (s.dropped > 0 || len(s.pending) >= s.size) {
		s.dropped++
	} else {
		s.pending = append(s.pending, *e)
	}
	s.signal()
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
