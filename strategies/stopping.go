package strategies

import "time"

// stop ends a member of a job, as far as there is anything to end, and reports
// whether it is down.
func (m *Machine) stop(j *job, c *child) bool {
	switch c.state {
	case Down:
		c.owed = false
		return true
	case Up:
		m.await(j, c)
		m.setState(c, Stopping)
		m.tell(c, j.cascade)
	case Dead:
		m.setState(c, Down)
		m.stopped(j, c)
		return true
	case Waiting:
		m.setState(c, Down) // rule E4: the retry will find it so
		c.counted = false
		m.report(Cancelled, c, j.cascade)
		return true
	}
	return false // Starting or Stopping: its end is awaited already
}

// tell gives the order to end, as the child's Shutdown has it (rules H2 to H4).
func (m *Machine) tell(c *child, cascade Cascade) {
	if c.spec.Shutdown == BrutalKill {
		c.order = orderKillFirst
		m.emit(about(c, DoKill, cascade))
		return
	}
	if d, limited := c.spec.Shutdown.limit(); limited {
		m.ask(c, cascade, d)
		m.arm(c, StopTimer, d)
	} else {
		m.ask(c, cascade, 0)
	}
}

func (m *Machine) ask(c *child, cascade Cascade, limit time.Duration) {
	c.order = orderStop
	a := about(c, DoStop, cascade)
	a.After = limit
	m.emit(a)
}

func (m *Machine) deadline(c *child, t Timer) {
	switch {
	case t == StartTimer && c.state == Starting && c.order == orderNone:
		c.late = true
		m.tell(c, c.job.cascade)
	case t == StopTimer && c.order == orderStop && c.job != nil:
		m.kill(c)
	}
}

// kill ends a child whose time to stop is up.
func (m *Machine) kill(c *child) {
	c.order = orderKill
	m.emit(about(c, DoKill, c.job.cascade))
}

// cannotKill: the child to be killed can only be asked. One that had not been
// asked yet is now, and one that was given less than the 5 s of a worker gets
// the rest of them, because what follows is harsh: it is stuck, and with it the
// supervisor. Another incarnation beside it must not be.
func (m *Machine) cannotKill(c *child) {
	switch {
	case c.job == nil:
	case c.order == orderKillFirst:
		const limit = time.Duration(defaultWorkerShutdown)
		m.ask(c, c.job.cascade, limit)
		m.arm(c, StopTimer, limit)
	case c.order == orderKill && !c.spared && c.spec.Shutdown.below(defaultWorkerShutdown):
		c.order, c.spared = orderStop, true
		m.arm(c, StopTimer, c.spec.Shutdown.until(defaultWorkerShutdown))
	case c.order == orderKill:
		j := m.settle(c)
		m.setState(c, Down)
		c.exit, c.cascade = Exit{Class: Crash, Directive: EndStuckTree}, j.cascade
		m.report(Stuck, c, c.cascade)
		m.finish(blame(TreeEnded, c))
		if j == m.ending {
			m.dealtWith(j, c)
		}
	}
}

// exited notes an exit on arrival. An unexpected one waits for its turn.
func (m *Machine) exited(c *child, e Exit, cascade Cascade) {
	switch c.state {
	case Up:
		m.setState(c, Dead)
		c.exit, c.cascade = e, cascade
		if m.phase != finishing {
			m.queue.push(turn{child: c, incarnation: c.incarnation})
		}
	case Starting: // rule B7
		m.startFailed(c, e, cascade)
	case Stopping:
		if c.late && m.phase != finishing {
			m.setState(c, Starting) // its start succeeded too late, which is failing
			m.startFailed(c, e, cascade)
			return
		}
		j := m.settle(c)
		m.setState(c, Down)
		c.exit, c.cascade = e, j.cascade
		m.stopped(j, c)
		if m.ending == nil || m.ending == j {
			m.dealtWith(j, c)
		}
	}
}

// stopped deals with the exit of a child that was to be stopped and now is
// down, by itself or not (rules H5, H7, D4, D9).
func (m *Machine) stopped(j *job, c *child) {
	switch {
	case c.spec.expects(c.exit):
	case m.draining():
		m.tally(c.exit)
	default:
		m.report(ShutdownError, c, j.cascade)
	}
	switch {
	case m.phase == finishing:
		m.heedStuck(c)
	case c.exit.Directive >= EndTree:
		m.finish(blame(TreeEnded, c))
	case m.temporary(c) && !j.renews(c), c.exit.Directive == DoNotRestart:
		m.remove(c)
	}
}

// heedStuck lets what is stuck below a child go up, whatever the supervisor is
// ending for.
func (m *Machine) heedStuck(c *child) {
	if c.exit.Directive == EndStuckTree {
		m.finish(blame(TreeEnded, c))
	}
}

// judge decides what follows from an unexpected exit (rules C1 to C3, L1).
func (m *Machine) judge(c *child) {
	m.setState(c, Down)
	if c.spec.Restart.reports(c.exit) {
		m.report(ChildTerminated, c, c.cascade)
	}
	switch {
	case c.exit.Directive >= EndTree:
		m.finish(blame(TreeEnded, c))
	case c.spec.Restart.restarts(c.exit):
		m.restart(c)
	default:
		if m.temporary(c) || c.exit.Directive == DoNotRestart {
			m.remove(c)
		}
		m.finishedForGood(c)
	}
}

// terminate ends the supervisor because somebody said so, in the cascade c if
// that is why. It cuts in before whatever waits or is under way.
func (m *Machine) terminate(e Exit, c Cascade) {
	if m.phase >= finishing {
		return
	}
	m.finish(Action{Do: DoFinish, Why: Told, Exit: e, Cascade: c})
}
