package check

import (
	"fmt"
	"slices"
	"time"
)

// job is a group of children that are stopped, and then started, for one cause.
type job struct {
	kind    jobKind
	members []*node // in start order
	cause   string  // for a reader

	stopped int     // members[stopped:] are down, or need not be stopped
	next    int     // members[:next] have had their turn to be started
	starts  bool    // they have begun
	paused  bool    // they come later, and as another job
	ran     []*node // reconfiguring: members that were up
	left    int     // members that are not done

	touched time.Time // when something was last told of a member
}

type jobKind uint8

const (
	unknown jobKind = iota // began before the evidence
	booting
	restarting
	reconfiguring // the stops for a new description
	reconfigured  // and the starts
	ending
)

// begin makes the job that of its members.
func (s *sup) begin(j *job) *job {
	j.stopped, j.left = len(j.members), len(j.members)
	for i, n := range j.members {
		n.job, n.index, n.begun, n.done = j, i, false, false
		if j.kind >= restarting && j.kind < ending {
			n.rests = false
		}
	}
	s.open = j
	return j
}

// release: what comes next is not part of the job.
func (s *sup) release(j *job) {
	for _, n := range j.members {
		if n.job == j {
			n.job = nil
		}
	}
	if s.open == j {
		s.open = nil
	}
}

// isDone: the child needs no further start in its job.
func (n *node) isDone() {
	j := n.job
	if j == nil || n.done {
		return
	}
	n.done = true
	if j.left--; j.left == 0 || n.up.stranded(j) {
		n.up.release(j)
		if j == n.up.boot {
			n.up.booting = false
		}
	}
}

// startFailed: the child will be tried again, or not at all.
func (n *node) startFailed() {
	j := n.job
	switch {
	case j == nil:
	case j.kind == unknown:
		n.isDone()
	case j.kind == reconfigured:
		n.givenUp()
	case n.up.graph(): // what needs it has to wait, others go on
	default: // no further start is begun (rule E6)
		n.up.release(j)
	}
}

// finish judges whether a job was carried out to its end, before its members are
// put to something else.
func (c *checker) finish(s *sup, j *job, e *event) {
	if (j.kind == restarting || j.kind == reconfigured) && !j.paused && !s.ending && s.end == nil {
		for _, n := range j.members {
			if !n.listed || n.done || n.job != j {
				continue
			}
			c.fact(radius)
			if !n.begun && !n.rests && !s.blocked(n, j, nil) {
				c.fail(radius, e, "%s was not started, though it takes part in %s", n.path, j.cause)
			}
		}
	}
	s.release(j)
}

// idle judges a job that is not done when its supervisor ends: if nothing has been
// under way for long, it was given up.
func (c *checker) idle(s *sup, e *event) {
	j := s.open
	if j == nil || s.busy > 0 || e.Time.Sub(j.touched) <= c.o.Late {
		return
	}
	for _, n := range j.members {
		if n.job == j && n.state.lives() && !n.done {
			return
		}
	}
	c.finish(s, j, e)
}

// restart begins the job of a restart that was decided on, or of a renewal.
func (c *checker) restart(s *sup, n *node, e *event) {
	members := c.group(s, n, e)
	if s.inOrder() && s.open != nil {
		c.finish(s, s.open, e)
	}
	for _, m := range members {
		if m.job != nil {
			c.finish(s, m.job, e)
		}
	}
	if n.state == waiting {
		n.become(down, untold)
	}
	if e.Kind == "restarting" {
		c.consumed(n)
		n.why = e.Cascade
	} else {
		n.renewed = true
	}
	c.foundDead(members)
	s.begin(&job{kind: restarting, members: members, paused: e.AfterMS > 0,
		cause: fmt.Sprintf("the restart because of %s (event %d)", n.path, e.Seq)})
}

// resumes looks for a child whose pause is over, and that n shares the fate of.
// That is told by no event. It begins the job.
func (c *checker) resumes(n *node, e *event) *job {
	s := n.up
	if e.Cascade == nil { // it follows from a failure
		return nil
	}
	var best *node
	var members []*node
	for p := range s.paused {
		if best != nil && !p.due.Before(best.due) || p.why != nil && *p.why != *e.Cascade {
			continue
		}
		must, may := s.fate(p)
		for m := range may {
			must = append(must, m)
		}
		if slices.Contains(must, n) {
			best, members = p, must
		}
	}
	if best == nil {
		return nil
	}
	c.fact(order)
	if e.Time.Before(best.due.Add(-c.o.Clock)) {
		c.fail(order, e, "%s is dealt with before the pause of %s is over, at %s", n.path, best.path, best.due.Format(clockTime))
	}
	for _, m := range members {
		if m.job != nil {
			c.finish(s, m.job, e)
		}
	}
	delete(s.paused, best)
	best.paused = false
	best.become(down, untold)
	c.foundDead(members)
	return s.begin(&job{kind: restarting, members: members, cause: fmt.Sprintf("the restart of %s after its pause", best.path)})
}

const clockTime = "15:04:05.000000"

// ends begins the last job of a supervisor, if there is a reason why it may end.
func (c *checker) ends(s *sup, n *node, e *event) *job {
	if s.end != nil || !s.mayEnd(n, e) {
		return s.end
	}
	j := &job{kind: ending, cause: "the end of " + s.node.path}
	for m := range s.each {
		j.members = append(j.members, m)
		delete(s.paused, m)
	}
	c.idle(s, e)
	s.ending, s.anew = true, nil
	s.end = s.begin(j)
	if s.node.up == nil {
		c.rootEnds(s)
	}
	return j
}

// mayEnd: the supervisor was told to, or has a reason of its own, which e says it
// follows from. n is a child that it stops for that.
func (s *sup) mayEnd(n *node, e *event) bool {
	if s.told || s.ending || s.treeEnds && e.Cascade != nil {
		return true
	}
	if s.finisher == nil || e.Cascade == nil || n.significant && s.autoShutdown == "all_significant" {
		return false
	}
	if s.autoShutdown == "any_significant" {
		return true
	}
	for m := range s.each {
		if m.significant && (m.state.lives() || m.state == waiting) {
			return false
		}
	}
	return true
}

func between(least, most int) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}
