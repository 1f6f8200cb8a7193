package check

import (
	"slices"
	"strings"
	"time"
)

// build makes what is known of a child, and of those below it, from a status.
func (c *checker) build(above *sup, st *status, at time.Time) *node {
	n := &node{path: st.Path, id: st.ID, up: above, restart: st.Restart, significant: st.Significant, needs: st.Needs,
		n: st.Incarnation, pid: st.PID, due: st.RestartAt, exit: st.Last}
	if old := c.nodes[n.path]; old != nil { // its successor
		n.n = max(n.n, old.n)
		n.ended = old.ended
	}
	c.nodes[n.path] = n
	i := max(slices.Index(stateNames[:], st.State), 0)
	n.ran = state(i) == up || state(i) == stopping
	n.early = state(i) == starting || state(i) == stopping
	n.become(state(i), untold)
	if n.state == stopping && st.Supervisor != nil {
		n.become(stopping, maybe)
	} else if n.state == stopping {
		n.become(stopping, tooLate) // how it was told is not known
	}
	if n.state == down && above != nil && above.running { // why is not known; perhaps it died just now
		n.rests = true
		n.dead, n.told = n.exit != nil, maybe
		if n.dead && n.significant {
			above.finisher = n
		}
	}
	if st.Supervisor != nil {
		c.supervise(n, st.Supervisor, at)
	}
	return n
}

// supervise makes what is known of a supervisor over and above a child.
func (c *checker) supervise(n *node, d *supStatus, at time.Time) {
	s := &sup{node: n, children: make(map[string]*node, len(d.Children)), neededBy: map[string][]*node{}, paused: map[*node]bool{}}
	s.describe(d)
	n.sup = s
	s.running = n.state.lives()
	s.booting = n.state == starting
	s.told = n.state == stopping
	if s.running {
		s.window.before(d.Spent, d.Refill.Add(-s.within-1), at)
	}
	for i := range d.Children {
		m := c.build(s, &d.Children[i], at)
		if s.add(m); m.state == waiting { // perhaps for a restart that was put off
			s.paused[m] = true
		}
	}
	if s.running {
		s.unsettled()
	}
}

// describe lets hold what is said of a supervisor.
func (s *sup) describe(d *supStatus) {
	s.strategy, s.dynamic, s.autoShutdown = d.Strategy, d.Dynamic, d.AutoShutdown
	s.max, s.within = d.Intensity.Max, milliseconds(d.Intensity.Within)
}

// unsettled: what is under way when the evidence begins is not known. Those that
// do not just run may be started and stopped once without any cause.
func (s *sup) unsettled() {
	var some, all []*node
	settled := true
	for n := range s.each {
		all = append(all, n)
		if n.state != up {
			some = append(some, n)
		}
		if n.state.lives() && n.state != up || n.state == waiting {
			settled = false
		}
	}
	if !settled {
		some = all
		s.unsure = true
	}
	if len(some) == 0 {
		s.booting = false
		return
	}
	j := s.begin(&job{kind: unknown, members: some})
	for _, n := range some {
		n.renewed = true // perhaps
		if n.state == up {
			n.done = true
			j.left--
		}
	}
	if s.booting {
		s.boot = j
	}
}

// find returns the child at path; nil if there is none on any list.
func (c *checker) find(path string) *node {
	n := c.nodes[path]
	if n == nil || !n.listed && n.up != nil {
		return nil
	}
	return n
}

// above returns the supervisor whose child this path is.
func (c *checker) above(path string) *sup {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		if n := c.find(path[:i]); n != nil {
			return n.sup
		}
	}
	return nil
}
