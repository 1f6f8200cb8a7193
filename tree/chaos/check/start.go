package check

// starting judges the start of an incarnation.
func (c *checker) starting(n *node, e *event) {
	c.fact(oneIncarnation)
	switch {
	case n.state.lives():
		c.fail(oneIncarnation, e, "%s: incarnation %d is started while incarnation %d is %v", n.path, e.Incarnation, n.n, n.state)
	case e.Incarnation <= n.n:
		c.fail(oneIncarnation, e, "%s: a start has the number %d, but %d was used already", n.path, e.Incarnation, n.n)
	}
	c.settle(n, e)
	byCall := false
	if s := n.up; s != nil {
		c.fact(restartType)
		if n.restart == "temporary" && n.ran && !n.renewed {
			c.fail(restartType, e, "%s is temporary and was up before: it must not be started again", n.path)
		}
		j := c.whyStart(s, n, e)
		if byCall = j == nil; !byCall {
			c.startOrder(s, n, j, e)
			n.begun = true
			byCall = j.kind == reconfigured
		} else if s.inOrder() && s.busy > 0 {
			c.fail(order, e, "%s is started while %s is %v", n.path, s.someBusy(n).path, s.someBusy(n).state)
		}
		if s.graph() {
			c.needsUp(s, n, j, e)
		}
		delete(s.paused, n)
	}
	n.n, n.pid, n.began = e.Incarnation, 0, e.Time
	n.byCall, n.dead, n.judged, n.rests, n.paused, n.failedStart, n.tallied = byCall, false, false, false, false, false, false
	n.early, n.notice, n.held, n.clock = false, false, nil, stopClock{}
	n.become(starting, untold)
	if n.sup != nil {
		n.sup.live()
		if n.up == nil {
			c.treeEnd = treeEnd{}
		}
	}
}

// whyStart finds the job that a start is part of; nil if a call must have asked
// for it.
func (c *checker) whyStart(s *sup, n *node, e *event) *job {
	c.fact(radius)
	switch j := n.job; {
	case !s.running:
		c.fail(radius, e, "%s is started, but its supervisor does not run", n.path)
		return nil
	case s.ending:
		c.fail(radius, e, "%s is started, but its supervisor is ending", n.path)
		return nil
	case s.anew != nil:
		c.fail(order, e, "%s is started, but %s has yet to stop others for its new description (%s)", n.path, s.node.path, s.anew.cause)
		return nil
	case j != nil && !n.begun && !n.done && !j.paused && j.kind != ending:
		return j
	case s.begins():
		s.boot = &job{kind: booting, cause: "the start of " + s.node.path}
		for m := range s.each {
			s.boot.members = append(s.boot.members, m)
		}
		return s.begin(s.boot)
	}
	if s.alone() == nil {
		if j := c.resumes(n, e); j != nil {
			return j
		}
		if e.Cascade == nil && c.o.Operator {
			return nil
		}
	}
	c.fail(radius, e, "%s is started, but nothing happened because of which it should be", n.path)
	return nil
}

// begins: it has begun to run, and none of its children has been started yet.
func (s *sup) begins() bool { return s.booting && s.boot == nil }

// startOrder judges whether it is the child's turn in its job.
func (c *checker) startOrder(s *sup, n *node, j *job, e *event) {
	if j.kind == unknown {
		return
	}
	if !j.starts && j.kind == restarting {
		for _, m := range j.members {
			c.fact(radius)
			if m != n && m.listed && m.state.lives() {
				c.fail(radius, e, "%s is started, but %s, which takes part in %s, was not stopped before", n.path, m.path, j.cause)
			}
		}
	}
	j.starts = true
	if s.graph() {
		return
	}
	c.fact(order)
	late := n.index < j.next // the one that passed it was blamed
	for ; j.next < n.index; j.next++ {
		if m := j.members[j.next]; m.listed && !m.begun && !m.done && !late {
			c.fail(order, e, "%s is started before %s, which precedes it", n.path, m.path)
			late = true
		}
	}
	j.next = max(j.next, n.index+1)
	if s.inOrder() && s.busy > 0 && !late {
		m := s.someBusy(n)
		c.fail(order, e, "%s is started while %s is %v", n.path, m.path, m.state)
	}
}

// needsUp: under dependents nothing starts before what it needs. What is down and
// is not to be started with it does not matter.
func (c *checker) needsUp(s *sup, n *node, j *job, e *event) {
	for _, id := range n.needs {
		m := s.children[id]
		if m == nil || m.job != nil && m.job.kind == unknown {
			continue
		}
		c.fact(order)
		if j != nil && m.job == j && !m.done || m.busy() || m.state == waiting {
			c.fail(order, e, "%s is started, but it needs %s, which is %v", n.path, m.path, m.state)
		}
	}
}

func (s *sup) someBusy(but *node) *node {
	for n := range s.each {
		if n != but && n.busy() {
			return n
		}
	}
	return s.node
}

// live begins a new life of a supervisor: its children and its count of restarts
// begin anew (rules F8, G6).
func (s *sup) live() {
	s.window = window{}
	s.running, s.booting = true, !s.dynamic
	s.told, s.ending, s.treeEnds, s.gaveUp, s.unsure, s.finisher = false, false, false, false, false, nil
	s.boot, s.end, s.open, s.anew = nil, nil, nil, nil
	s.unexpected, s.maximum, s.counted = 0, 0, 0
	clear(s.paused)
	for n := range s.each {
		n.job, n.ran, n.renewed, n.rests, n.extra = nil, false, false, false, false
	}
}
