package check

import (
	"slices"
	"strings"
)

// ordered judges that a child is told to stop, or killed.
func (c *checker) ordered(n *node, e *event) {
	c.fact(reports)
	if e.Incarnation != n.n || !n.state.lives() {
		c.fail(reports, e, "%s: %s is told of incarnation %d, but incarnation %d is %v", n.path, e.Kind, e.Incarnation, n.n, n.state)
		return
	}
	if n.sup != nil {
		n.sup.told = true
	}
	if n.up == nil {
		c.rootEnds(n.sup)
		n.become(stopping, toStop)
		return
	}
	if n.told == untold || n.told == maybe {
		if n.sup != nil && n.state != starting && e.Kind == "stopping" && e.Cascade == nil && e.AfterMS == 0 && !c.itsTurn(n, e) {
			c.stoppedItself(n, e)
			return
		}
		switch {
		case n.state == starting:
			n.become(stopping, tooLate)
		case e.Kind == "killing":
			c.stopOrder(n.up, n, c.whyStop(n.up, n, e), e)
			n.become(stopping, brutal)
		default:
			c.stopOrder(n.up, n, c.whyStop(n.up, n, e), e)
			n.become(stopping, toStop)
		}
	}
	c.startClock(n, e)
}

// stoppedItself: a supervisor ends because of a call to it or to its own
// supervisor, which look the same.
func (c *checker) stoppedItself(n *node, e *event) {
	c.fact(radius)
	if !c.o.Operator && n.told == untold {
		c.fail(radius, e, "%s is told to stop, but nothing happened because of which it should be", n.path)
	}
	if n.state == up {
		n.become(stopping, maybe)
	}
}

// itsTurn: the supervisor may tell n to stop now.
func (c *checker) itsTurn(n *node, e *event) bool {
	s := n.up
	j := n.job
	group := j.stops()
	switch {
	case !group && !s.mayEnd(n, e), s.inOrder() && s.busy > 0:
		return false
	case s.graph():
		return s.needer(n) == nil
	case s.dynamic:
		return true
	case group:
		return !slices.ContainsFunc(j.members[n.index+1:], s.precedes)
	}
	for m := s.last; m != n; m = m.prev {
		if s.precedes(m) {
			return false
		}
	}
	return true
}

// stops: its members are to be stopped, and none was started yet.
func (j *job) stops() bool {
	return j != nil && (j.kind == restarting && !j.starts || j.kind == reconfiguring)
}

// precedes: those before m on the list must not be told to stop yet. Where it is
// not one at a time, it is enough that m was told.
func (s *sup) precedes(m *node) bool {
	return m.listed && (m.state == up || s.inOrder() && m.state.lives())
}

// needer returns somebody who needs n and must be down before it; nil if there is
// none. What is stopped for a new description may be needed by the old one only.
func (s *sup) needer(n *node) *node {
	for _, m := range s.neededBy[n.id] {
		if m.state.lives() && (s.anew == nil || m.job == s.anew) {
			return m
		}
	}
	return nil
}

// whyStop finds the job that a stop is part of; nil if a call must have asked
// for it.
func (c *checker) whyStop(s *sup, n *node, e *event) *job {
	c.fact(radius)
	j := n.job
	if j != nil && j.kind == unknown {
		if n.done { // it may be started again
			n.done, n.begun = false, false
			j.left++
		}
		return j
	}
	if j.stops() {
		return j
	}
	if j := c.resumes(n, e); j != nil {
		return j
	}
	if j := c.ends(s, n, e); j != nil {
		return j
	}
	switch {
	case j != nil && j.kind == restarting && !n.begun:
	case e.Cascade == nil && c.o.Operator && s.alone() == nil:
		return nil
	}
	c.fail(radius, e, "%s is told to stop, but nothing happened because of which it should be", n.path)
	return nil
}

// stopOrder judges whether it is the child's turn.
func (c *checker) stopOrder(s *sup, n *node, j *job, e *event) {
	if j != nil && j.kind == unknown {
		return
	}
	c.fact(order)
	if s.inOrder() && s.busy > 0 {
		m := s.someBusy(n)
		c.fail(order, e, "%s is told to stop while %s is %v", n.path, m.path, m.state)
		return
	}
	if j == nil || s.dynamic {
		return
	}
	if s.graph() {
		if m := s.needer(n); m != nil {
			c.fail(order, e, "%s is told to stop, but %s, which needs it, is %v", n.path, m.path, m.state)
		}
		return
	}
	for ; j.stopped > 0 && j.members[j.stopped-1] != n; j.stopped-- {
		m := j.members[j.stopped-1]
		if s.precedes(m) {
			c.fail(order, e, "%s is told to stop before %s, which comes after it", n.path, m.path)
			return
		}
	}
}

// hear takes note of an exit that may ask for the end of the whole tree. That is
// told by its reason alone. One that was told to stop has nothing to ask for, but
// may be stuck.
func (s *sup) hear(x *exit, asked bool) {
	if !asked && strings.Contains(x.Reason, "tree should be terminated") || strings.Contains(x.Reason, "does not stop and cannot be killed") {
		s.treeEnds = true
	}
}
