package worker

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/coppice-go/coppice/worker/internal/notify"
	"github.com/coppice-go/coppice/worker/internal/probe"
)

// WatchdogError is in ExitError.Missed if the program was to send WATCHDOG=1
// and did not, or asked for its end with WATCHDOG=trigger.
type WatchdogError struct {
	Within    time.Duration // it should have come
	Triggered bool
}

func (e *WatchdogError) Error() string {
	if e.Triggered {
		return "the program triggered its watchdog"
	}
	return fmt.Sprintf("no WATCHDOG=1 within %v", e.Within)
}

// watchdog is the part of [Notify] that is about being alive. Its methods are
// called under the Process's lock. It runs from start to stop, and heeds what was
// said before.
type watchdog struct {
	every time.Duration // if positive: what the program has set
	over  bool          // nothing is expected any more
	now   bool          // the program asked for its end
	timer *time.Timer   // nil: it does not run
	bite  func(error)
}

func (d *watchdog) start(every time.Duration, bite func(error)) {
	if d.every == 0 {
		d.every = every
	}
	d.bite = bite
	switch {
	case d.over:
	case d.now:
		go bite(&WatchdogError{Triggered: true})
	default:
		within := d.every // which may have changed when the timer runs down
		d.timer = time.AfterFunc(within, func() { bite(&WatchdogError{Within: within}) })
	}
}

func (d *watchdog) stop() {
	d.over = true
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

func (d *watchdog) notified(m notify.Message) {
	switch {
	case d.over:
	case m.Stopping:
		d.stop()
	case m.Trigger:
		d.now = true
		if d.timer != nil {
			go d.bite(&WatchdogError{Triggered: true})
		}
	case m.WatchdogEvery != nil && *m.WatchdogEvery == 0:
		d.stop()
	case m.WatchdogEvery != nil:
		d.every = *m.WatchdogEvery
		fallthrough
	case m.Watchdog:
		if d.timer != nil {
			d.timer.Stop()
			d.start(d.every, d.bite)
		}
	}
}

// watch asks the program whether it is alive, from now on until it is dead or
// was told to stop. The function returned ends that and waits for it.
func (p *Process) watch(ctx context.Context) (stop func()) {
	alive := &p.cmd.Alive
	if alive.Check == nil {
		return func() {}
	}
	check := p.check(alive.Check, p.cmd.alive)
	if check == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.dog.start(alive.Every, p.abort)
		return func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.dog.stop()
		}
	}
	ctx, cancel := context.WithCancel(ctx) // a stop ends it, too
	unwatch := context.AfterFunc(p.alive, cancel)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := probe.Watch(ctx, check, probe.Policy{Every: alive.Every, Timeout: alive.Timeout, Failures: alive.Failures})
		if err != nil {
			p.abort(err)
		}
	}()
	return func() {
		unwatch()
		cancel()
		<-done
	}
}

// abort begins the end of a program that is not alive in the sense of its
// Liveness.
func (p *Process) abort(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped || p.asked || p.killed || p.missed != nil {
		return
	}
	p.missed = why
	p.dog.stop()
	_ = p.child.stop(syscall.SIGABRT)
	p.abortTimer = time.AfterFunc(p.cmd.Alive.Abort, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.reaped {
			p.child.kill()
		}
	})
}
