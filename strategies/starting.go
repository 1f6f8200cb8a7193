package strategies

import (
	"errors"
	"fmt"
	"time"
)

// ErrStartLimit is in the exit of a start that took longer than the child's
// StartLimit.
var ErrStartLimit = errors.New("start took longer than its limit")

func (m *Machine) start(j *job, c *child) {
	m.await(j, c)
	m.setState(c, Starting)
	c.incarnation++
	c.order, c.late, c.spared, c.counted, c.cancelled, c.owed, c.exit = orderNone, false, false, false, false, false, Exit{}
	if c.pauses != nil {
		c.pauses.held = nil
	}
	m.emit(about(c, DoStart, j.cascade))
	if c.spec.StartLimit > 0 {
		m.arm(c, StartTimer, c.spec.StartLimit)
	}
}

func (m *Machine) started(c *child) {
	switch {
	case c.state != Starting:
	case c.order != orderNone:
		m.setState(c, Stopping) // too late: it has been told to stop, and its exit will follow
	default:
		m.setState(c, Up)
		c.failed = 0
		if c.pauses != nil {
			c.pauses.up = m.now
		}
		j := m.settle(c)
		if m.template != nil {
			m.report(Running, c, j.cascade)
		} else {
			m.report(Progress, c, j.cascade)
		}
		m.isStarted(j, c)
		m.advance(j)
	}
}

// ignored: a success that leaves nothing running (rules B5, E9). A dynamic
// supervisor keeps no record of that, not even after a restart (J2, and J11 put
// right).
func (m *Machine) ignored(c *child) {
	if c.state != Starting {
		return
	}
	m.setState(c, Down)
	j := m.settle(c)
	if m.temporary(c) && m.phase != finishing {
		m.remove(c)
	}
	m.dealtWith(j, c)
}

// dealtWith goes on after a start that left nothing running and is not to be
// tried again, or after a stop.
func (m *Machine) dealtWith(j *job, c *child) {
	if j.stopping() {
		m.isDown(j, c)
	} else if !c.cancelled {
		m.isStarted(j, c)
	}
	m.advance(j)
}

// temporary reports whether the record of c goes with its process.
func (m *Machine) temporary(c *child) bool {
	return c.spec.Restart == Temporary || m.template != nil
}

// startFailed decides what follows from a failed start: the end, if it was the
// first (rule B3), an answer, if it was asked for by a call (rules I1, I3, J2),
// another attempt otherwise (rule E1), of which a call to renew is told.
func (m *Machine) startFailed(c *child, e Exit, cascade Cascade) {
	if c.state != Starting {
		return
	}
	j := m.settle(c)
	m.setState(c, Down)
	c.exit, c.cascade = e, j.cascade
	if c.cascade.IsZero() {
		c.cascade = cascade
	}
	c.failed++
	if c.late {
		c.exit.Class, c.exit.Err = Crash, lateError(c.spec.StartLimit, e.Err)
	}
	switch {
	case m.phase == finishing:
		c.exit = e
		m.report(Cancelled, c, j.cascade)
		m.heedStuck(c)
		m.dealtWith(j, c)
		return
	case e.Directive >= EndTree:
		m.report(StartError, c, c.cascade)
		m.finish(blame(TreeEnded, c))
		return
	case c.cancelled:
		j.failed = m.shared()
		m.report(Cancelled, c, j.cascade)
		if m.temporary(c) {
			m.remove(c)
		}
	case j.call.ticket != 0 && j.call.op != OpRenewChild:
		m.callFailed(j, c)
		m.report(NotStarted, c, c.cascade)
		if j.call.op == OpStartChild {
			m.remove(c)
		}
	case e.Directive == DoNotRestart:
		m.remove(c)
		m.isStarted(j, c)
	case m.phase == booting:
		m.report(StartError, c, c.cascade)
		m.finish(blame(BootFailed, c))
		return
	default:
		j.failed = true
		j.call.failed, j.call.exit = true, c.exit
		m.report(StartError, c, c.cascade)
		m.setState(c, Waiting)
		m.arm(c, RetryTimer, m.pause(c))
	}
	m.advance(j)
}

// shared reports whether those after a child that could not be started wait for it.
func (m *Machine) shared() bool { return m.cfg.Strategy != OneForOne }

// callFailed takes note of a start that failed, for the answer.
func (m *Machine) callFailed(j *job, c *child) {
	j.call.failed, j.call.exit = true, c.exit
	if j.call.op != OpReconfigure {
		return
	}
	c.owed = true
	j.failed = m.shared()
	for i := range j.changed {
		if t := &j.changed[i]; t.ID == c.id {
			t.Failed, t.Exit = true, c.exit
		}
	}
}

func lateError(limit time.Duration, reason error) error {
	if reason == nil {
		return fmt.Errorf("%w of %v", ErrStartLimit, limit)
	}
	return fmt.Errorf("%w of %v: %w", ErrStartLimit, limit, reason)
}

func (m *Machine) arm(c *child, t Timer, after time.Duration) {
	a := about(c, DoArm, Cascade{})
	a.Timer, a.After = t, after
	m.emit(a)
}
