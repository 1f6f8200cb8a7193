package tree

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// sinkBuffer is how many events a sink may fall behind before it loses some.
	sinkBuffer = 8192
	// sinkDrain is how long the end of a supervisor waits for its sink to take
	// what is left.
	sinkDrain = time.Second
)

// subscriber hands events to a sink from a goroutine of its own. A supervisor
// that has a Sink owns one for as long as it runs.
type subscriber struct {
	sink   func(Event)
	logger hclog.Logger
	wake   chan struct{} // holds one token while there is something to take
	done   chan struct{} // closed when everything was handed over

	mu      sync.Mutex // guards what follows
	pending []Event
	dropped uint64
	closed  bool
}

func subscribe(sink func(Event), logger hclog.Logger) *subscriber {
	s := &subscriber{sink: sink, logger: logger, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.run()
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

// close lets the sink have what is left and waits for that, but not for long.
func (s *subscriber) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
	t := time.NewTimer(sinkDrain)
	defer t.Stop()
	select {
	case <-s.done:
	case <-t.C:
		s.logger.Warn("event sink is too slow: not waiting for it any longer", "waited", sinkDrain)
	}
}

func (s *subscriber) run() {
	defer close(s.done)
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
