package check

import (
	"fmt"
	"maps"
	"slices"
)

// A supervisor that runs may be given another description. Two events tell of it,
// both about the supervisor: with reconfiguring the stops begin, with reconfigured
// the description holds and the starts begin. Nothing else of it is started or
// stopped meanwhile.

// reconfiguring begins the stops.
func (c *checker) reconfiguring(n *node, e *event) {
	s := n.sup
	c.fact(reports)
	if s == nil || !s.running {
		c.fail(reports, e, "%s is given another description, but it is no supervisor that runs", n.path)
		return
	}
	c.undisturbed(s, e)
	c.fact(order)
	if s.busy > 0 {
		m := s.someBusy(nil)
		c.fail(order, e, "%s is given another description while %s is %v", n.path, m.path, m.state)
	}
	members := c.named(s, e)
	for m := range s.each {
		if j := m.job; j != nil && j.kind != ending && (j.kind != unknown || slices.Contains(members, m)) {
			c.finish(s, j, e)
		}
	}
	s.booting = false
	j := &job{kind: reconfiguring, members: members, cause: fmt.Sprintf("event %d", e.Seq), touched: e.Time}
	for _, m := range members {
		if m.state == up {
			j.ran = append(j.ran, m)
		}
	}
	c.foundDead(members)
	s.anew = s.begin(j)
}

// named returns the children that the event names, in start order.
func (c *checker) named(s *sup, e *event) []*node {
	var group []*node
	in := make(map[*node]bool, len(e.Group))
	c.fact(radius)
	for _, id := range e.Group {
		m := s.children[id]
		if m == nil || in[m] {
			c.fail(radius, e, "%s: %s names %s, which is not among its children, or is named twice", e.Path, e.Kind, id)
			continue
		}
		in[m] = true
		group = append(group, m)
	}
	c.fact(order)
	byRank := func(a, b *node) int { return int(a.rank) - int(b.rank) }
	if !s.graph() && !slices.IsSortedFunc(group, byRank) {
		c.fail(order, e, "%s: %s names %s, which is not the order of its children", e.Path, e.Kind, list(e.Group))
		slices.SortFunc(group, byRank)
	}
	return group
}

// reconfigured lets the description hold, and begins the starts.
func (c *checker) reconfigured(n *node, e *event) {
	s := n.sup
	c.fact(reports)
	if s == nil {
		c.fail(reports, e, "%s has another description, but it is no supervisor", n.path)
		return
	}
	stops := s.anew
	fresh := stops == nil && s.boot == nil && (n.state == starting || n.told == tooLate) // it came while the supervisor did not run
	switch {
	case stops != nil:
		s.anew = nil
		c.allDown(s, stops, e)
		s.release(stops)
	case s.running && !fresh && !s.unsure:
		c.fail(reports, e, "%s has another description, and no reconfiguring was told before", n.path)
	}
	added := c.relist(s, e)
	if fresh {
		s.booting = !s.dynamic
	}
	starts := c.named(s, e)
	if stops != nil {
		c.takesPart(s, stops, starts, added, e)
	}
	at := *e
	c.same(e.Child, &at, "in the new description")
	if len(starts) == 0 {
		return
	}
	for _, m := range starts {
		c.consumed(m)
		m.renewed, m.extra = true, false
	}
	j := s.begin(&job{kind: reconfigured, members: starts, cause: fmt.Sprintf("the new description of %s (event %d)", n.path, e.Seq), touched: e.Time})
	if s.stranded(j) {
		s.release(j)
	}
}

// allDown: what is to be stopped is, before the description holds.
func (c *checker) allDown(s *sup, stops *job, e *event) {
	for _, m := range stops.members {
		c.fact(order)
		if m.listed && m.state.lives() {
			c.fail(order, e, "the new description of %s holds while %s, which is to be stopped for it (%s), is %v", s.node.path, m.path, stops.cause, m.state)
		}
	}
}

// relist puts the children on the list that the description says, in its order,
// and returns those that are new.
func (c *checker) relist(s *sup, e *event) (added map[*node]bool) {
	d := e.Child.Supervisor
	within := s.within
	if s.describe(d); s.within > within {
		s.window.longer(e.Time, within, c.o.Clock)
	}
	was := s.children
	s.children, s.neededBy, s.first, s.last = make(map[string]*node, len(d.Children)), map[string][]*node{}, nil, nil
	added = map[*node]bool{}
	for i := range d.Children {
		st := &d.Children[i]
		m := was[st.ID]
		if delete(was, st.ID); m == nil {
			m = c.build(s, st, e.Time)
			added[m] = true
		} else {
			c.respec(m, st, e)
		}
		s.add(m)
	}
	for _, id := range slices.Sorted(maps.Keys(was)) {
		m := was[id]
		c.fail(reports, e, "%s is not in the new description of %s, and removed was not told of it", m.path, s.node.path)
		m.become(down, untold)
		delete(s.paused, m)
		m.listed = false
		m.forget()
	}
	return added
}

// respec lets hold what is said of a child. Its exit, if it was not judged yet, is by
// the new type of restart. Where by the old one nothing had to be told, it may have
// been.
func (c *checker) respec(m *node, st *status, e *event) {
	if st.Restart == "temporary" && m.restart != "temporary" && !m.state.lives() {
		m.ran = false // as such
	}
	silent := m.dead && (m.told == maybe || !m.wantsRestart() && !m.wantsReport())
	m.restart, m.significant, m.needs = st.Restart, st.Significant, st.Needs
	switch {
	case silent:
		m.become(m.state, maybe)
		m.rests = true
	case m.extra && m.state == down && !m.dead:
		m.rests = true // if others that it waited with are no more, it is not among those that are started
	case m.dead:
		m.rests = !m.wantsRestart()
	}
	if m.dead && m.significant && !m.wantsRestart() {
		m.up.finisher = m
	}
	switch d := st.Supervisor; {
	case d == nil && m.sup != nil:
		m.forget()
		m.sup = nil
	case d != nil && m.sup == nil:
		c.supervise(m, d, e.Time)
	}
}

// takesPart judges who is started: those who were stopped for that and were not
// removed, those who are new, and nobody else. Who ran and is renewed takes along
// those who share its fate by the new description and run.
func (c *checker) takesPart(s *sup, stops *job, starts []*node, added map[*node]bool, e *event) {
	stopped, started, ran := set(stops.members), set(starts), set(stops.ran)
	for _, m := range stops.members {
		c.fact(radius)
		if m.listed && !started[m] {
			c.fail(radius, e, "%s was to be stopped for the new description (%s), and is not among those that are started", m.path, stops.cause)
		}
	}
	for _, m := range starts {
		c.fact(radius)
		if !stopped[m] && !added[m] {
			c.fail(radius, e, "%s is among those that are started, but it is not new and was not stopped for that (%s)", m.path, stops.cause)
		}
	}
	for m := range s.each {
		if added[m] && !started[m] {
			c.fail(radius, e, "%s is new, and is not among those that are started", m.path)
		}
	}
	for _, m := range starts {
		if !ran[m] {
			continue
		}
		must, _ := s.fate(m)
		for _, other := range must {
			c.fact(radius)
			if !started[other] && other.state == up && !c.calledFor(other) {
				c.fail(radius, e, "%s is renewed, and the strategy %s takes along %s, which is not among those that are started", m.path, s.strategy, other.path)
			}
		}
		if s.inOrder() {
			return // the others do not reach farther
		}
	}
}

// calledFor: a call has added it, or may have before the evidence began. Those of the
// description do not take it along.
func (c *checker) calledFor(n *node) bool {
	_, old := c.earlier[n.path]
	return n.extra || old && c.begin.Rev > 0
}

func set(nodes []*node) map[*node]bool {
	in := make(map[*node]bool, len(nodes))
	for _, n := range nodes {
		in[n] = true
	}
	return in
}

// alone returns the job beside which nothing else may begin; nil if there is none.
func (s *sup) alone() *job {
	if s.anew == nil && s.open != nil && s.open.kind == reconfigured {
		return s.open
	}
	return s.anew
}

// undisturbed: nothing is decided while a new description is carried out.
func (c *checker) undisturbed(s *sup, e *event) {
	if j := s.alone(); j != nil {
		c.fail(order, e, "%s: %s is told before all is done that follows from %s", e.Path, e.Kind, j.cause)
	}
}

// givenUp: the child could not be started, and nobody tries again; nor are those
// started who come after it, or need it.
func (n *node) givenUp() {
	s, j := n.up, n.job
	n.rests = true
	switch {
	case s.inOrder():
		for _, m := range j.members {
			m.rests = m.rests || !m.begun
		}
		s.release(j)
	case s.graph():
		for _, m := range s.neededBy[n.id] {
			if m.job == j && !m.begun && !m.done {
				m.givenUp()
			}
		}
		n.isDone()
	default:
		n.isDone()
	}
}

// stranded: of the starts for a new description those that are left wait with what
// they need, which is about to be started again.
func (s *sup) stranded(j *job) bool {
	if j.kind != reconfigured || !s.graph() || s.busy > 0 {
		return false
	}
	for _, m := range j.members {
		if m.job == j && !m.done && (m.begun || !s.blocked(m, j, nil)) {
			return false
		}
	}
	return true
}
