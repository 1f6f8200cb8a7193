package strategies

// job is a piece of work on several children that the queue must not
// interrupt: the boot, a restart, the end. Its members are stopped from the
// last to the first, and when all of them are down started from the first to
// the last (rules B1, D2, D3, H1).
type job struct {
	members []*child // in start order
	stop    int      // members[:stop] are still to be stopped
	start   int      // members[start:] are still to be started
	pending int      // starts and stops of this job that are under way
	failed  bool     // a start failed: no further start is begun (rule E6)
	cascade Cascade
}

// boot starts all children (rule B1).
func (m *Machine) boot(c Cascade) {
	if m.phase != made {
		return
	}
	m.phase = booting
	m.advance(&job{members: m.from(m.first, nil), cascade: c})
}

// restart counts a restart of c and carries it out, or gives up (rules F1, F2, F7).
func (m *Machine) restart(c *child) {
	m.setState(c, Down)
	allowed := m.window.Add(m.now)
	a := about(c, DoReport, c.cascade)
	a.Spent = m.window.Spent(m.now)
	if !allowed {
		a.Report = GivingUp
		m.emit(a)
		verdict := blame(Exhausted, c)
		verdict.Spent = a.Spent
		m.finish(verdict)
		return
	}
	j := m.spare
	if j == nil {
		j = new(job)
	}
	m.spare = nil
	clear(j.members) // kept until now for Action.Members
	*j = job{members: fates[m.cfg.Strategy](m, c, j.members[:0]), cascade: c.cascade}
	j.stop = len(j.members)
	a.Report, a.Group, a.members = Restarting, len(j.members), j.members
	m.emit(a)
	m.advance(j)
}

// blame is the verdict that c brought about the supervisor's end.
func blame(why Why, c *child) Action {
	v := about(c, DoFinish, c.cascade)
	v.Why = why
	return v
}

// finish ends the supervisor: whatever is under way is cancelled, all children
// are stopped, and then the machine is done. If it is ending already, only the
// verdict changes.
func (m *Machine) finish(verdict Action) {
	m.verdict = verdict
	if m.phase == finishing {
		return
	}
	m.phase = finishing
	j := &job{members: m.from(m.first, nil), cascade: verdict.Cascade}
	j.stop, j.start = len(j.members), len(j.members)
	m.ending = j
	for _, c := range j.members {
		if c.job == nil {
			continue
		}
		c.job = j
		j.pending++
		if c.state == Starting && c.order == orderNone {
			m.tell(c, j.cascade)
		}
	}
	m.advance(j)
}

// advance takes a job as far as it goes without waiting.
func (m *Machine) advance(j *job) {
	for j.stop > 0 && m.outstanding < m.parallel {
		j.stop--
		m.stop(j, j.members[j.stop])
		if m.ending != nil && m.ending != j {
			return // the end has taken over
		}
	}
	if j.stop > 0 || j.start == 0 && j.pending > 0 {
		return
	}
	for !j.failed && j.start < len(j.members) && m.outstanding < m.parallel {
		c := j.members[j.start]
		j.start++
		if !c.gone {
			m.start(j, c)
		}
	}
	if j.pending == 0 && (j.failed || j.start == len(j.members)) {
		m.done(j)
	}
}

// done goes on with what comes after a job.
func (m *Machine) done(j *job) {
	switch m.phase {
	case booting:
		m.phase = serving
		m.emit(Action{Do: DoBooted, Cascade: j.cascade})
	case serving:
		m.spare = j
	case finishing:
		m.phase = finished
		for m.queue.len() > 0 {
			if t := m.queue.pop(); t.child == nil {
				m.answer(t.call)
			}
		}
		m.emit(m.verdict)
	}
}

// settle ends the wait for a start or stop and returns the job it was for.
func (m *Machine) settle(c *child) *job {
	j := c.job
	c.job = nil
	j.pending--
	m.outstanding--
	return j
}

func (m *Machine) await(j *job, c *child) {
	c.job = j
	j.pending++
	m.outstanding++
}
