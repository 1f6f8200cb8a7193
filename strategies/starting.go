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
	c.order, c.late, c.spared, c.exit = orderNone, false, false, Exit{}
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
		j := m.settle(c)
		m.report(Progress, c, j.cascade)
		m.advance(j)
	}
}

// ignored: a success that leaves nothing running (rules B5, E9).
func (m *Machine) ignored(c *child) {
	if c.state != Starting {
		return
	}
	m.setState(c, Down)
	if c.spec.Restart == Temporary {
		m.remove(c)
	}
	m.advance(m.settle(c))
}

// startFailed decides what follows from a failed start: the end, if it was the
// first (rule B3), another attempt otherwise (rule E1).
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
	switch {
	case m.phase == finishing:
		m.report(Cancelled, c, j.cascade)
		m.heedStuck(c)
	case e.Directive == DoNotRestart:
		m.remove(c)
	default:
		if c.late {
			c.exit.Class, c.exit.Err = Crash, lateError(c.spec.StartLimit, e.Err)
		}
		m.report(StartError, c, c.cascade)
		switch {
		case c.exit.Directive >= EndTree:
			m.finish(blame(TreeEnded, c))
			return
		case m.phase == booting:
			m.finish(blame(BootFailed, c))
			return
		}
		j.failed = true
		m.setState(c, Waiting)
		m.arm(c, RetryTimer, 0)
	}
	m.advance(j)
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
