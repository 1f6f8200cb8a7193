// Package interrupt is what Ctrl-C, SIGTERM and SIGHUP mean to every command that runs
// a tree: the first asks for a stop in order, the second for the end at once.
package interrupt

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Stops are two contexts that end one after the other.
type Stops struct {
	Order context.Context // ends when a stop in order was asked for
	Now   context.Context // ends when that was asked for again

	mu            sync.Mutex // guards the order of the two
	order, atOnce context.CancelFunc
	signals       chan os.Signal
	done          chan struct{}
}

// Watch begins to listen for SIGINT and SIGTERM, and for SIGHUP, which comes when
// the terminal is closed, unless that is ignored (nohup(1)). Release ends that.
func Watch(parent context.Context) *Stops {
	s := &Stops{signals: make(chan os.Signal, 2), done: make(chan struct{})}
	s.Order, s.order = context.WithCancel(parent)
	s.Now, s.atOnce = context.WithCancel(context.WithoutCancel(parent))
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(s.signals, syscall.SIGHUP)
	}
	go func() {
		defer close(s.done)
		for range s.signals {
			s.Ask()
		}
	}()
	return s
}

// Ask is what a signal does; a key pressed in a terminal that sends no signals
// does the same.
func (s *Stops) Ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Order.Err() != nil {
		s.atOnce()
	}
	s.order()
}

// Release stops listening and frees what Watch made.
func (s *Stops) Release() {
	signal.Stop(s.signals)
	close(s.signals)
	<-s.done
	s.order()
	s.atOnce()
}
