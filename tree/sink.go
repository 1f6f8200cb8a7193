package tree

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// sinkBuffer is how many events a sink may fall behind before it loses some.
	sinkBuffer = 8192
	// sinkDrain is how long the end of a root waits for the sinks of its tree to
	// take what is left.
	sinkDrain = time.Second
)

// subscriber hands events to a sink from a goroutine of its own. A supervisor
// that has a Sink owns one from its first start until the end of the root,
// through all its restarts, so that its sink is called by one goroutine only.
type subscriber struct {
	sink   func(Event)
	logger hclog.Logger
	before <-chan struct{} // the one before it has ended; nil if there was none
	wake   chan struct{}   // holds one token while there is something to take
	done   chan struct{}   // closed when everything was handed over

	mu      sync.Mutex // guards what follows
	pending []Event
	dropped uint64
	closed  bool
}

// subscribe returns the subscriber of a supervisor, a new one if the root has
// ended since the last was made.
func (n *node) subscribe(h *hub, sink func(Event), logger hclog.Logger) *subscriber {
	old := n.sup.events
	s := &subscriber{sink: sink, logger: logger, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if old != nil {
		if !old.isClosed() {
			return old
		}
		s.before = old.done
	}
	n.sup.events = s
	h.mu.Lock()
	if h.sinks == nil {
		h.sinks = make(map[*subscriber]struct{})
	}
	h.sinks[s] = struct{}{}
	h.mu.Unlock()
	go s.run(h)
	return s
}

// add never blocks. It is called with hub.mu held, which keeps the order.
func (s *subscriber) add(e *Event) {
	s.mu.Lock()
	if len(s.pending) < sinkBuffer {
		s.pending = append(s.pending, *e)
	} else {
		s.dropped++
	}
	s.mu.Unlock()
	s.signal()
}

func (s *subscriber) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// close says that nothing more will come.
func (s *subscriber) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
}

// closeSinks ends the subscribers of a whole tree: each has what is left, but
// only for so long.
func (h *hub) closeSinks() {
	h.mu.Lock()
	all := slices.Collect(maps.Keys(h.sinks))
	h.mu.Unlock()
	for _, s := range all {
		s.close()
	}
	t := time.NewTimer(sinkDrain)
	defer t.Stop()
	late := t.C
	for _, s := range all {
		select {
		case <-s.done:
			continue
		default:
		}
		if late != nil {
			select {
			case <-s.done:
				continue
			case <-late:
				late = nil
			}
		}
		s.logger.Warn("event sink is too slow: not waiting for it any longer", "waited", sinkDrain)
	}
}

// discard ends the subscribers of a child, and of those below it, that is gone
// for good and no longer found from the root.
func (n *node) discard() {
	if n.sup == nil {
		return
	}
	if n.sup.events != nil {
		n.sup.events.close()
	}
	for _, kids := range []map[string]*node{n.sup.children, n.sup.removed} {
		for _, kid := range kids {
			kid.discard()
		}
	}
}

func (s *subscriber) run(h *hub) {
	defer func() {
		h.mu.Lock()
		delete(h.sinks, s)
		h.mu.Unlock()
		close(s.done)
	}()
	if s.before != nil {
		<-s.before
	}
	var batch []Event
	for range s.wake {
		s.mu.Lock()
		batch, s.pending = s.pending, batch[:0]
		dropped, closed := s.dropped, s.closed
		s.dropped = 0
		s.mu.Unlock()
		for i := range batch {
			s.give(batch[i])
		}
		if dropped > 0 {
			s.give(Event{Kind: EventDropped, Time: time.Now(), N: dropped})
		}
		if closed {
			return
		}
		clear(batch)
	}
}

func (s *subscriber) give(e Event) {
	defer func() {
		if v := recover(); v != nil {
			s.logger.Error("event sink panicked", "event", e.Seq, "panic", fmt.Sprint(v))
		}
	}()
	s.sink(e)
}
