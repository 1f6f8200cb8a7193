package check

// terminated: an exit is said to be one that should not have been (rule L1).
func (c *checker) terminated(n *node, e *event) {
	c.fact(reports)
	switch {
	case !n.dead || e.Incarnation != n.n:
		c.fail(reports, e, "%s: child_terminated is told of incarnation %d, which did not end by itself, or not just now", n.path, e.Incarnation)
	case n.judged:
		c.fail(reports, e, "%s: child_terminated is told twice of incarnation %d", n.path, n.n)
	case !n.wantsReport():
		c.fail(reports, e, "%s: child_terminated is told of an exit of class %s, after which a %s child is not reported", n.path, n.exit.Class, n.restart)
	case e.Exit.Class != n.exit.Class:
		c.fail(reports, e, "%s: child_terminated says %s, but the exit was %s", n.path, e.Exit.Class, n.exit.Class)
	}
	n.judged = true
	n.up.hear(e.Exit, false) // its exit may have been told before the evidence began
}

// shutdownErred: one that was told to stop ended otherwise than it should.
func (c *checker) shutdownErred(n *node, e *event) {
	c.fact(reports)
	if n.sup != nil && e.N > 0 { // children of a dynamic supervisor, all together
		n.sup.counted += e.N
		return
	}
	switch {
	case !n.notice && !(n.dead && !n.judged) || e.Incarnation != n.n:
		c.fail(reports, e, "%s: shutdown_error is told of incarnation %d, which did not end just now because it was told to", n.path, e.Incarnation)
	case n.told != maybe && n.told != untold && n.told != tooLate && n.expected():
		c.fail(reports, e, "%s: shutdown_error is told, but %s is how it should end", n.path, n.exit.Class)
	}
	if n.tallied {
		n.up.unexpected--
		n.up.maximum--
	}
	n.rests = n.rests || n.dead // a call stopped what had ended already
	n.debt, n.notice, n.dead, n.tallied = nothing, false, false, false
}

// decided judges that a failure leads to a restart, or to one too many.
func (c *checker) decided(n *node, e *event) {
	s := n.up
	began := n.job != nil && n.job.kind == unknown
	c.fact(radius)
	c.fact(restartType)
	switch again := n.state == waiting && !n.paused; {
	case n.dead:
		if !n.wantsRestart() {
			c.fail(restartType, e, "%s is %s and its exit was %s: that is no reason for a restart", n.path, n.restart, n.exit.Class)
		}
		c.fact(reports)
		if n.wantsReport() && !n.judged && n.told == untold {
			c.fail(reports, e, "%s: %s because of an exit of class %s (event %d), of which no child_terminated was told", n.path, e.Kind, n.exit.Class, n.seq)
		}
	case again:
		c.fact(order)
		if e.Time.Before(n.due.Add(-c.o.Clock)) {
			c.fail(order, e, "%s is tried again before its pause is over, at %s", n.path, n.due.Format(clockTime))
		}
	case !began:
		c.fail(radius, e, "%s: %s, but it is %v, and there was no failure that this could follow from", n.path, e.Kind, n.state)
	}
	c.undisturbed(s, e)
	c.counted(s, e)
	if e.Kind == "restarting" {
		c.restart(s, n, e)
		return
	}
	c.consumed(n)
	n.become(down, untold)
	s.ending, s.gaveUp = true, true
	if s.node.up == nil {
		c.rootEnds(s)
	}
}
