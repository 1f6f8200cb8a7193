package tree

import (
	"context"

	"github.com/coppice-go/coppice/strategies"
)

// Idle reports whether nothing is under way in the supervisor and everything
// below it: no start, stop, restart or pause before one, and nothing that waits
// for its turn. An exit that no supervisor has heard of yet does not count.
func (s *Supervisor) Idle() bool {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.node.idle()
}

// AwaitIdle waits until the supervisor and everything below it is at rest; see
// Idle. The error is ctx's.
func (s *Supervisor) AwaitIdle(ctx context.Context) error {
	for {
		wake := s.busyUntil()
		if wake == nil {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// busyUntil returns nil if the tree is at rest, and otherwise what is closed when a
// supervisor of it comes to rest next.
func (s *Supervisor) busyUntil() <-chan struct{} {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awaited.Store(true)
	if s.node.idle() {
		return nil
	}
	if h.idle == nil {
		h.idle = make(chan struct{})
	}
	return h.idle
}

// idle is Idle; hub.mu is held.
func (n *node) idle() bool {
	if n.sup == nil || n.sup.running == nil {
		return true
	}
	l := n.sup.running.life.Load()
	if l.running() && (!l.idle.Load() || len(l.inbox) > 0) {
		return false
	}
	if n.sup.spec.Dynamic != nil && n.sup.spec.Dynamic.kind() == strategies.Worker {
		return true // no supervisor is among its children, however many
	}
	for c := n.sup.first; c != nil; c = c.next {
		if !c.idle() {
			return false
		}
	}
	return true
}
