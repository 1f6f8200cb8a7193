package check

// progress: the start succeeded.
func (c *checker) progress(n *node, e *event) {
	c.fact(reports)
	switch {
	case e.Incarnation != n.n || n.state != starting && !(n.state == stopping && n.sup != nil):
		c.fail(reports, e, "%s: incarnation %d is said to be up, but incarnation %d is %v", n.path, e.Incarnation, n.n, n.state)
		return
	case n.up != nil && n.up.dynamic != (e.Kind == "running"):
		c.fail(reports, e, "%s: %s is told of it, which is wrong for the kind of its supervisor", n.path, e.Kind)
	}
	n.ran, n.renewed = true, false
	n.pid = e.PID
	if n.state == starting {
		n.become(up, untold)
	} else { // a supervisor that was told to stop by a call of its own, not by its supervisor
		n.become(stopping, maybe)
	}
	if n.sup != nil {
		n.sup.booting = false
	}
	n.isDone()
}

// ignored: the start was a success that leaves nothing running (rule B5).
func (c *checker) ignored(n *node, e *event) {
	c.startOver(n, e)
	n.rests = true
	n.isDone()
}

// startError: another attempt follows, or the end of the supervisor.
func (c *checker) startError(n *node, e *event) {
	c.startOver(n, e)
	c.failure(n, e)
	s := n.up
	if s == nil {
		return
	}
	s.hear(e.Exit, n.told != untold)
	if n.byCall && !n.early && !s.treeEnds {
		c.fail(reports, e, "%s: start_error is told of a start that a call asked for", n.path)
	}
	n.failedStart = true
	if s.booting {
		s.ending = true // rule B3
	}
	n.startFailed()
}

// notStarted: a call asked for the start, and gets the error (rules I1, I3).
func (c *checker) notStarted(n *node, e *event) {
	c.startOver(n, e)
	c.failure(n, e)
	c.fact(reports)
	if !n.byCall && !n.early && !(n.job != nil && n.job.kind <= booting) {
		c.fail(reports, e, "%s could not be started: not_started is told instead of start_error, but no call asked for that start", n.path)
	}
	n.rests = true
	n.startFailed()
}

// startOver judges the end of a start that left nothing running.
func (c *checker) startOver(n *node, e *event) {
	c.fact(reports)
	late := n.state == down && n.told == tooLate // it had been told to stop, and its exit was told
	if e.Incarnation != n.n || n.state != starting && n.state != stopping && !late {
		c.fail(reports, e, "%s: %s is told of incarnation %d, but incarnation %d is %v", n.path, e.Kind, e.Incarnation, n.n, n.state)
	}
	n.exit, n.ended, n.seq = e.Exit, e.Time, e.Seq
	c.gone(n, e)
	if n.state.lives() {
		n.become(down, n.told)
	}
	n.debt, n.notice = nothing, false
}

// waits: the child is to be started later.
func (c *checker) waits(n *node, e *event) {
	c.fact(reports)
	j := n.job
	switch {
	case j != nil && j.paused:
		for _, m := range j.members {
			c.fact(radius)
			if m.listed && m.state.lives() {
				c.fail(radius, e, "%s waits, but %s, which takes part in %s, was not stopped", n.path, m.path, j.cause)
			}
		}
		n.up.paused[n], n.paused = true, true
		if n.up.graph() {
			n.held = j.members
		}
		n.up.release(j)
	case !n.failedStart && !(j != nil && j.kind == unknown):
		c.fail(reports, e, "%s is said to wait for its start, but none failed and no restart was put off", n.path)
	}
	n.due = e.Time.Add(e.after())
	n.failedStart, n.dead = false, false
	n.become(waiting, untold)
}

// cancelled: its start, or the next attempt at it, was given up.
func (c *checker) cancelled(n *node, e *event) {
	c.fact(reports)
	if n.state == up {
		c.fail(reports, e, "%s: its start is said to have been given up, but it is up", n.path)
		return
	}
	n.leaveOthers()
	attempts := n.state == waiting && n.begun
	if n.state.lives() {
		c.gone(n, e)
		n.startFailed()
	}
	delete(n.up.paused, n)
	n.paused, n.failedStart = false, false
	n.rests = n.job == nil || n.job.kind == unknown || n.told != untold || attempts
	n.become(down, n.told)
}

// leaveOthers: those who were to be started with or after n will not be, if it was
// a call that ended its start or its wait.
func (n *node) leaveOthers() {
	switch {
	case n.state.lives() && n.job != nil:
		for _, m := range n.job.members {
			m.rests = m.rests || m.state == down && m.job == n.job && !m.begun
		}
	case n.state == waiting && (n.job == nil || n.begun):
		group, _ := n.up.fate(n)
		for _, m := range group {
			m.rests = m.rests || m.state == down && (m.job == nil || m.job == n.job && !m.begun)
		}
	}
}
