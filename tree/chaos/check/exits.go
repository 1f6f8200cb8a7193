package check

import "time"

// exited judges that an incarnation is gone.
func (c *checker) exited(n *node, e *event) {
	c.fact(reports)
	if e.Incarnation != n.n || !n.state.lives() {
		c.fail(reports, e, "%s: the exit of incarnation %d is told, but incarnation %d is %v", n.path, e.Incarnation, n.n, n.state)
		return
	}
	n.exit, n.ended, n.seq = e.Exit, e.Time, e.Seq
	c.hit(n, e)
	if n.sup != nil {
		c.lifeEnds(n.sup, e)
	}
	if n.up == nil {
		c.rootEnded(n, e)
		n.become(down, n.told)
		return
	}
	c.gone(n, e)
	asked := n.told > maybe || n.told == maybe && e.Cascade == nil
	if asked {
		c.endedAsTold(n)
		if n.told == tooLate && n.job != nil && n.job.kind == reconfigured {
			n.givenUp()
		}
	} else {
		c.failure(n, e)
		n.dead, n.judged = true, false
		n.rests = !n.wantsRestart()
		if n.significant && n.rests {
			n.up.finisher = n
		}
	}
	if j := n.job; !asked && j != nil && j.kind == unknown && n.done {
		n.done, n.begun = false, false
		j.left++
	}
	n.up.hear(e.Exit, asked)
	n.become(down, n.told)
	n.notice = n.told != untold
}

// endedAsTold sees to the report that is due if it ended otherwise than it
// should (rule H5).
func (c *checker) endedAsTold(n *node) {
	s := n.up
	n.rests = n.job == nil || n.job.kind == unknown || n.done
	if n.told == tooLate || n.told == maybe || n.expected() {
		return
	}
	if s.dynamic && (s.told || s.ending) { // it is reported together with others (rule J7)
		s.unexpected++
		s.maximum++
		n.tallied = true
		return
	}
	n.debt = shutdownError
}

// expected: rule H5.
func (n *node) expected() bool {
	switch n.exit.Class {
	case "killed":
		return n.told == brutal
	case "shutdown":
		return n.told != brutal || n.restart != "permanent"
	case "normal", "shutdown_term":
		return n.restart != "permanent"
	}
	return false
}

// unexpectedEver: whatever its Shutdown is, which is not known of a child that
// was found dead.
func (n *node) unexpectedEver() bool {
	return n.exit.Class == "crash" || n.restart == "permanent" && (n.exit.Class == "normal" || n.exit.Class == "shutdown_term")
}

// foundDead: these are stopped, and those that had ended by themselves are judged
// as if they had been told to (rules D9, H7).
func (c *checker) foundDead(members []*node) {
	for _, n := range members {
		if n.dead {
			n.dead, n.notice = false, true
			if n.unexpectedEver() && n.told == untold {
				n.debt = shutdownError
			}
		}
	}
}

func (c *checker) consumed(n *node) { n.dead, n.judged = false, false }

// settle: something new is told of n; what was due before that must have been.
func (c *checker) settle(n *node, e *event) {
	if n.debt == shutdownError {
		c.fail(reports, e, "%s: it was told to stop and ended as %s (event %d); a shutdown_error was due, and came not", n.path, n.exit.Class, n.seq)
	}
	n.debt, n.notice = nothing, false
}

// lifeEnds judges the end of a supervisor.
func (c *checker) lifeEnds(s *sup, e *event) {
	c.fact(reports)
	if s.running && !s.unsure && !s.mayEnd(&node{}, e) && len(c.stuck) == 0 {
		c.fail(reports, e, "%s ended, but nothing happened because of which it should", s.node.path)
	}
	if s.gaveUp && !s.told && !s.treeEnds {
		c.fact(intensity)
		if e.Exit.Class != "shutdown" {
			c.fail(intensity, e, "%s gave up: its exit should be shutdown, and is %s", s.node.path, e.Exit.Class)
		}
	}
	c.idle(s, e)
	for n := range s.each {
		c.fact(order)
		if n.state.lives() && !n.stuck && len(c.stuck) == 0 {
			c.fail(order, e, "%s has ended, and its child %s is still %v", s.node.path, n.path, n.state)
		}
		c.settle(n, e)
		if n.dead && !n.judged && n.told == untold {
			c.unreported(s, n, e)
		}
		n.dead, n.job, n.paused, n.failedStart = false, nil, false, false
		n.become(down, n.told)
	}
	if s.dynamic {
		c.fact(reports)
		if s.counted < s.unexpected || s.counted > s.maximum {
			c.fail(reports, e, "%s: %s of its children ended otherwise than they should, but shutdown_error was told of %d",
				s.node.path, between(int(s.unexpected), int(s.maximum)), s.counted)
		}
	}
	s.running, s.booting, s.busy, s.anew = false, false, 0, nil
	clear(s.paused)
}

// unreported: n had ended by itself and was found dead at the end of its
// supervisor.
func (c *checker) unreported(s *sup, n *node, e *event) {
	switch {
	case s.dynamic:
		s.maximum++
		if n.unexpectedEver() {
			s.unexpected++
		}
	case n.unexpectedEver():
		c.fail(reports, e, "%s ended as %s (event %d), and nothing was told of that until its supervisor ended", n.path, n.exit.Class, n.seq)
	}
}

// overdue judges, when the evidence ends, what should have followed by then.
func (c *checker) overdue(closed time.Time) {
	for path := range c.sortedPaths() {
		n := c.nodes[path]
		if !n.listed && n.up != nil {
			continue
		}
		at := &event{Seq: n.clock.seq, Time: n.clock.at, Path: path}
		if until, ok := c.until(n); ok && n.state.lives() {
			c.fact(shutdown)
			if closed.After(until) {
				c.fail(shutdown, at, "%s was told to stop, and was not gone when the evidence ended, %v later", path, closed.Sub(n.clock.at))
			}
		}
		if s := n.up; s != nil && n.dead && s.running && !s.told && !s.ending && !s.treeEnds && n.told == untold && closed.Sub(n.ended) > c.o.Late {
			c.fact(restartType)
			at = &event{Seq: n.seq, Time: n.ended, Path: path}
			if n.wantsRestart() {
				c.fail(restartType, at, "%s is %s and ended as %s: a restart had to follow, and none was decided on", path, n.restart, n.exit.Class)
			}
			c.fact(reports)
			if n.wantsReport() && !n.judged {
				c.fail(reports, at, "%s ended as %s, and no child_terminated was told", path, n.exit.Class)
			}
		}
	}
}
