package check

import (
	"fmt"
	"time"
)

// ready is what is known about everything being up again.
type ready struct {
	at    time.Time // when it must be
	done  bool      // that was looked at
	watch bool      // it was so, and must stay so
}

func (r *ready) due(now time.Time) bool { return !r.done && now.After(r.at) }

// everythingUp judges the state at the time when everything must be up.
func (c *checker) everythingUp() {
	c.ready.done = true
	if c.evidence.Quiet.IsZero() {
		return
	}
	s := c.root.sup
	switch {
	case !s.running && s.gaveUp:
		c.skip(liveness, "%s gave up, and ended at %s", c.root.path, c.root.ended.Format(clockTime))
	case !s.running:
		c.skip(liveness, "%s did not run at %s", c.root.path, c.ready.at.Format(clockTime))
	case s.told || s.ending:
		c.skip(liveness, "%s was ending at %s", c.root.path, c.ready.at.Format(clockTime))
	default:
		c.ready.watch = true
		c.allUp(s)
	}
}

func (c *checker) allUp(s *sup) {
	for n := range s.each {
		c.fact(liveness)
		if wrong := c.notUp(n); wrong != "" {
			at := &event{Time: c.ready.at, Path: n.path}
			c.fail(liveness, at, "%s should be up by %s, and is %s", n.path, c.ready.at.Format(clockTime), wrong)
		}
		if n.sup != nil && n.state == up {
			c.allUp(n.sup)
		}
	}
}

// stillUp: what is up stays so until the end of the evidence.
func (c *checker) stillUp(n *node, e *event) {
	if !c.ready.watch || n.up == nil || !n.listed {
		return
	}
	if r := c.root.sup; r.told || !r.running {
		c.ready.watch = false
		return
	}
	c.fact(liveness)
	if wrong := c.notUp(n); wrong != "" {
		c.fail(liveness, e, "%s should stay up until the end, and is %s", n.path, wrong)
	}
}

// notUp says in what state n is, if it should be up and is not.
func (c *checker) notUp(n *node) string {
	switch {
	case n.state == up, n.stuck:
		return ""
	case n.state == down && (n.rests || n.restart == "temporary"):
		return ""
	case c.o.Operator && (n.state == stopping && n.job == nil || n.state == down && n.up.needsRest(n, nil)):
		return ""
	case n.state == waiting:
		return fmt.Sprintf("waiting for its start until %s", n.due.Format(clockTime))
	}
	return n.state.String()
}

// needsRest: n was not started with what it needs, because that was stopped by a
// call.
func (s *sup) needsRest(n *node, seen []*node) bool {
	for _, id := range n.needs {
		m := s.children[id]
		if m == nil || m.state == down && (m.rests || len(seen) < len(s.children) && s.needsRest(m, append(seen, n))) {
			return true
		}
	}
	return false
}

func (c *checker) readyAtEnd(closed time.Time) {
	if c.evidence.Quiet.IsZero() {
		c.skip(liveness, "it is not known when the last fault was over")
		return
	}
	if c.ready.done {
		return
	}
	if closed.Before(c.ready.at) {
		c.skip(liveness, "the evidence ends at %s, before everything must be up, at %s", closed.Format(clockTime), c.ready.at.Format(clockTime))
		return
	}
	c.everythingUp()
}
