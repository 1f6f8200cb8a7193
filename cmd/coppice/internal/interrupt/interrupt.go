// Package interrupt is what Ctrl-C, SIGTERM and SIGHUP mean to every command that runs
// a tree: the first asks for a stop in order, the second for the end at once. SIGHUP
// may mean something else, as long as it does not come because the terminal was closed.
package interrupt

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Stops are two contexts that end one after the other.
type Stops struct {
	Order context.Context // ends when a stop in order was asked for
	Now   context.Context // ends when that was asked for again

	mu            sync.Mutex // guards the order of the two, and hangup
	order, atOnce context.CancelFunc
	hangup        func()
	terminal      bool // there was one
	signals       chan os.Signal
	hangups       chan os.Signal // apart, so that none takes the place of another signal
	done          sync.WaitGroup
}

// Watch begins to listen for SIGINT and SIGTERM, and for SIGHUP, unless that is
// ignored (nohup(1)). Release ends that.
func Watch(parent context.Context) *Stops {
	s := &Stops{signals: make(chan os.Signal, 2), hangups: make(chan os.Signal, 1), terminal: hasTerminal()}
	s.Order, s.order = context.WithCancel(parent)
	s.Now, s.atOnce = context.WithCancel(context.WithoutCancel(parent))
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(s.hangups, syscall.SIGHUP)
	}
	s.done.Go(func() {
		for range s.signals {
			s.Ask()
		}
	})
	s.done.Go(func() {
		for range s.hangups {
			s.hungUp()
		}
	})
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

// OnHangup lets f, which must not block, be called at a SIGHUP that somebody sent.
// Without it, and when the terminal was closed, SIGHUP asks for a stop in order.
func (s *Stops) OnHangup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangup = f
}

// settle is how long the kernel may take to take away a terminal whose end it has
// told already.
const settle = 20 * time.Millisecond

// hungUp deals with SIGHUP. Of a terminal that is closed several may come: they are
// one request.
func (s *Stops) hungUp() {
	s.mu.Lock()
	f := s.hangup
	s.mu.Unlock()
	closed := s.terminal && !hasTerminal()
	if s.terminal && !closed && f != nil {
		time.Sleep(settle)
		closed = !hasTerminal()
	}
	if f == nil || closed {
		s.order()
		return
	}
	f()
}

// hasTerminal reports whether the process has a controlling terminal (tty(4)).
func hasTerminal() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	_ = tty.Close()
	return true
}

// Release stops listening and frees what Watch made.
func (s *Stops) Release() {
	signal.Stop(s.signals)
	signal.Stop(s.hangups)
	close(s.signals)
	close(s.hangups)
	s.done.Wait()
	s.order()
	s.atOnce()
}
