package check

// removed judges that the record of a child is gone.
func (c *checker) removed(n *node, e *event) {
	s := n.up
	c.fact(reports)
	c.settle(n, e)
	switch {
	case n.job != nil && n.job == s.anew && !n.state.lives(): // it is in the new description no more, or temporary
	case n.state == starting || n.state == stopping && n.told == tooLate: // its start said that it wants no restart
		n.become(down, n.told)
	case n.state.lives():
		c.fail(reports, e, "%s is removed while it is %v", n.path, n.state)
		n.become(down, n.told)
	case n.dead:
		c.fact(restartType)
		stopped := n.exit.Class == "killed" && n.job != nil || // in a group, by BrutalKill perhaps
			c.o.Operator && !n.unexpectedEver() // by a call, which found it dead
		if n.wantsReport() && !n.judged && n.told == untold && !stopped {
			c.fail(reports, e, "%s is removed after an exit of class %s (event %d), of which no child_terminated was told", n.path, n.exit.Class, n.seq)
		}
		if n.wantsRestart() && !n.wantsNoRestart() && n.told == untold && !stopped {
			c.fail(restartType, e, "%s is %s and ended as %s: it should be restarted, and is removed", n.path, n.restart, n.exit.Class)
		}
	case c.o.Operator, !s.running, s.booting, s.dynamic, n.restart == "temporary", n.wantsNoRestart():
	default:
		c.fact(radius)
		c.fail(radius, e, "%s is removed, but nothing happened because of which it should be", n.path)
	}
	n.dead = false
	n.isDone()
	s.remove(n)
	n.forget()
}

// forget takes everything below n off the lists: what comes in its place has its
// own.
func (n *node) forget() {
	if n.sup == nil {
		return
	}
	for m := range n.sup.each {
		m.listed = false
		m.forget()
	}
}

// wantsNoRestart: an error that ends a child for good makes its exit normal; a
// normal exit without an error has no reason to tell.
func (n *node) wantsNoRestart() bool {
	return n.exit != nil && n.exit.Class == "normal" && n.exit.Reason != ""
}

// added: a child is on the list from now on.
func (c *checker) added(e *event) {
	c.fact(reports)
	s := c.above(e.Path)
	if s == nil || c.find(e.Path) != nil {
		c.fail(reports, e, "%s is added, but its supervisor is not known, or it is there already", e.Path)
		return
	}
	c.fact(radius)
	if s.running && !s.begins() && !c.o.Operator {
		c.fail(radius, e, "%s is added, but nobody could have asked for that", e.Path)
	}
	n := c.build(s, e.Child, e.Time)
	n.n = max(n.n, e.Incarnation)
	n.extra = s.running && !s.begins()
	s.add(n)
}

// isStuck: it neither stops nor can be killed. What becomes of it is not looked at.
func (c *checker) isStuck(n *node, e *event) {
	c.fact(reports)
	if n.state != stopping {
		c.fail(reports, e, "%s is said to be stuck, but it is %v", n.path, n.state)
	}
	n.stuck, n.clock = true, stopClock{}
	n.become(down, n.told)
	n.up.ending, n.up.treeEnds = true, true
	c.stuck = append(c.stuck, n.path+"/")
}
