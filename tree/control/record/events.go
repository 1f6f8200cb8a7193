package record

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/coppice-go/coppice/tree"
)

// events is the last events of a tree. Readers have a place in it each and
// nothing else, so that a slow one costs nothing: what it has not read when that
// is forgotten it is told to have lost.
type events struct {
	limit int

	mu     sync.Mutex // guards what follows
	kept   ring[tree.Event]
	rev    uint64 // Seq of the latest, kept or not
	closed bool
	more   chan struct{} // closed when there is more to see; nil if nobody waits
}

// begin says that events up to rev are not known.
func (s *events) begin(rev uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rev = rev
	s.wake()
}

func (s *events) add(e tree.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.push(e)
	if s.kept.len() > s.limit {
		s.kept.pop()
	}
	s.rev = e.Seq
	s.wake()
}

// lost says that the next n events will not come.
func (s *events) lost(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rev += n
	s.wake()
}

func (s *events) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.wake()
}

// wake is called with mu held.
func (s *events) wake() {
	if s.more != nil {
		close(s.more)
		s.more = nil
	}
}

// after returns the first event after Seq n, or what will be closed when there
// may be one; both are nil when there will be none. An event that is not the next
// one after n has a Dropped in its place.
func (s *events) after(n uint64) (*tree.Event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := sort.Search(s.kept.len(), func(i int) bool { return s.kept.at(i).Seq > n })
	switch {
	case i < s.kept.len():
		e := *s.kept.at(i)
		return s.orLost(n, e.Seq-1, e.Time, &e), nil
	case s.rev > n: // nothing that is kept is later, but something was
		return s.orLost(n, s.rev, time.Now(), nil), nil
	case s.closed:
		return nil, nil
	}
	return nil, s.waiter()
}

// orLost returns the loss of what lies after n up to last, or else e.
func (s *events) orLost(n, last uint64, at time.Time, e *tree.Event) *tree.Event {
	if last > n {
		return &tree.Event{Kind: tree.EventDropped, Time: at, N: last - n}
	}
	return e
}

// waiter is called with mu held.
func (s *events) waiter() <-chan struct{} {
	if s.more == nil {
		s.more = make(chan struct{})
	}
	return s.more
}

// before returns the Seq before that of the first event at or after t.
func (s *events) before(t time.Time) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := sort.Search(s.kept.len(), func(i int) bool { return !s.kept.at(i).Time.Before(t) })
	switch {
	case i == s.kept.len():
		return s.rev
	case i == 0:
		return 0 // what was before may belong to it
	}
	return s.kept.at(i).Seq - 1
}

func (s *events) latest() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rev
}

// reach waits until the event rev is there, or none will be.
func (s *events) reach(ctx context.Context, rev uint64) error {
	for {
		s.mu.Lock()
		if s.rev >= rev || s.closed {
			s.mu.Unlock()
			return nil
		}
		more := s.waiter()
		s.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Reader reads the events of a [Book] from one place on. It needs no goroutine
// and no end. It is not safe for concurrent use.
type Reader struct {
	events *events
	seq    uint64 // of the latest that was read, or lost
}

// Next waits for the next event. An EventDropped stands for N events that are
// not kept any more, or were never seen. What is there is returned even if ctx
// has ended. The error is ErrClosed or ctx's.
func (r *Reader) Next(ctx context.Context) (tree.Event, error) {
	for {
		e, more := r.events.after(r.seq)
		switch {
		case e != nil && e.Kind == tree.EventDropped:
			r.seq += e.N
			return *e, nil
		case e != nil:
			r.seq = e.Seq
			return *e, nil
		case more == nil:
			return tree.Event{}, ErrClosed
		}
		select {
		case <-more:
		case <-ctx.Done():
			return tree.Event{}, ctx.Err()
		}
	}
}

// Seq is that of the latest event that was read, or lost.
func (r *Reader) Seq() uint64 { return r.seq }
