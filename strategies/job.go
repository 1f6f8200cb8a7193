package strategies

import (
	"slices"
	"time"
)

// job is a piece of work that the queue must not interrupt, on the children
// that are its members: the boot, a restart, a call, the end. Members are
// stopped from the last to the first, and when all of them are down started
// from the first to the last (rules B1, D2, D3, H1); under Dependents in the
// order of dependence.
type job struct {
	members []*child      // in start order
	stop    int           // members[:stop] are still to be stopped
	start   int           // members[start:] are still to be started
	graph   bool          // under Dependents
	left    int           // graph: members not down yet
	starts  bool          // graph: the starts have begun
	order   sequence      // graph: whose turn it is
	pending int           // starts and stops of this job that are under way
	failed  bool          // a start failed: no further start is begun (rule E6)
	origin  *child        // of a restart: the child that failed
	pause   time.Duration // of a restart: how long the starts are put off, by the child's Backoff
	cascade Cascade
	call    call      // what it carries out, if it is a call
	cancels []call    // calls to terminate the member that is being started
	parked  []turn    // what came up about a member meanwhile
	plan    *plan     // a new description, to hold as soon as the members are down
	changed []Changed // what that means
}

// newJob makes a job of the group that fate adds up.
func (m *Machine) newJob(cascade Cascade, fate func(group []*child) []*child) *job {
	j := m.spare
	if j == nil {
		j = new(job)
	}
	m.spare = nil
	clear(j.members) // kept until now for Action.Members
	*j = job{members: fate(j.members[:0]), order: sequence{j.order.ready[:0]}, cascade: cascade, graph: m.cfg.Strategy == Dependents}
	for _, c := range j.members {
		c.owner, c.cancelled = j, false
	}
	return j
}

// willStop says that the members are to be stopped before any is started.
func (m *Machine) willStop(j *job) {
	j.stop = len(j.members)
	if j.graph {
		j.left = j.stop
		j.orderStops(m)
	}
}

// boot starts all children (rule B1).
func (m *Machine) boot(c Cascade) {
	if m.phase != made {
		return
	}
	m.phase = booting
	m.advance(m.newJob(c, func(group []*child) []*child { return m.from(m.first, group) }))
}

// restart counts a restart of c and carries it out, or gives up (rules F1, F2, F7).
func (m *Machine) restart(c *child) {
	paused := c.state == Waiting // before this attempt
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
	j := m.group(c)
	if !paused {
		j.pause = m.pause(c)
		a.After = j.pause
	}
	a.Report, a.Group, a.members = Restarting, len(j.members), j.members
	m.emit(a)
	m.advance(j)
}

// resume carries out a restart that was counted before its delay.
func (m *Machine) resume(c *child) {
	m.setState(c, Down)
	m.advance(m.group(c))
}

// forsake says that a child whose pause was over will not be started after all:
// its supervisor ends, or the start of another of its group failed, which is the
// one to be tried again (rule E6).
func (m *Machine) forsake(c *child, cascade Cascade) {
	if c != nil && c.counted && c.state == Down && !c.gone {
		c.counted = false
		m.report(Cancelled, c, cascade)
	}
}

// group makes the job of restarting c and those who share its fate.
func (m *Machine) group(c *child) *job {
	j := m.newJob(c.cascade, func(group []*child) []*child { return fates[m.cfg.Strategy](m, c, group) })
	j.origin = c
	m.willStop(j)
	return j
}

// blame is the verdict that c brought about the supervisor's end.
func blame(why Why, c *child) Action {
	v := about(c, DoFinish, c.cascade)
	v.Why = why
	return v
}

// finish ends the supervisor: whatever is under way is cancelled, what waits is
// answered, all children are stopped, and then the machine is done. If it is
// ending already, only the verdict changes.
func (m *Machine) finish(verdict Action) {
	m.verdict = verdict
	if m.phase == finishing {
		return
	}
	m.phase, m.alone = finishing, nil
	for m.queue.len() > 0 {
		m.overtaken(m.queue.pop())
	}
	j := &job{cascade: verdict.Cascade, graph: m.cfg.Strategy == Dependents}
	j.members = m.from(m.first, make([]*child, 0, len(m.children)))
	m.ending = j
	for _, c := range j.members {
		if c.owner != nil {
			m.takeOver(c.owner)
		}
		c.owner = j
		m.forsake(c, j.cascade)
	}
	m.willStop(j)
	j.start = len(j.members)
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
	if m.template != nil {
		m.drain(j)
	}
	m.advance(j)
}

// takeOver answers the calls that a job had to do with.
func (m *Machine) takeOver(j *job) {
	if j.call.ticket != 0 {
		m.reply(Reply{Ticket: j.call.ticket, Err: ErrDown})
	}
	for _, c := range j.cancels {
		m.reply(Reply{Ticket: c.ticket, Err: ErrDown})
	}
	for _, t := range j.parked {
		m.overtaken(t)
	}
	j.call, j.cancels, j.parked = call{}, nil, nil
}

// overtaken deals with what waited for its turn when the end came.
func (m *Machine) overtaken(t turn) {
	if t.call != nil {
		m.reply(Reply{Ticket: t.call.Ticket, Err: ErrDown})
	}
}

// advance takes a job as far as it goes without waiting.
func (m *Machine) advance(j *job) {
	for m.outstanding < m.parallel {
		c := j.nextStop()
		if c == nil {
			break
		}
		down := m.stop(j, c)
		if m.ending != nil && m.ending != j {
			return // the end has taken over
		}
		if down {
			m.isDown(j, c)
		}
	}
	if j.stopping() {
		return
	}
	if j.plan != nil {
		m.take(j)
	}
	if j.pause > 0 {
		m.delay(j)
	}
	if j.graph && !j.starts && j.start < len(j.members) {
		j.starts = true
		j.orderStarts(m)
	}
	for m.outstanding < m.parallel {
		c := j.nextStart()
		if c == nil {
			break
		}
		if !c.gone && !m.mustWait(j, c) {
			m.start(j, c)
		}
	}
	if j.pending == 0 && j.nothingToStart() {
		m.done(j)
	}
}

// nextStop takes the next member that may be stopped now; nil if none may.
func (j *job) nextStop() *child {
	switch {
	case !j.graph && j.stop > 0:
		j.stop--
		return j.members[j.stop]
	case j.graph && j.left > 0 && len(j.order.ready) > 0:
		last := len(j.order.ready) - 1
		c := j.order.ready[last]
		j.order.ready = j.order.ready[:last]
		return c
	}
	return nil
}

// stopping reports whether there are members to be stopped, or being so.
func (j *job) stopping() bool {
	if j.graph {
		return j.left > 0
	}
	return j.stop > 0 || j.start == 0 && j.pending > 0
}

// nextStart takes the next member that may be started now; nil if none may.
func (j *job) nextStart() *child {
	switch {
	case j.graph && j.start < len(j.members) && len(j.order.ready) > 0:
		c := j.order.ready[0]
		j.order.ready = j.order.ready[1:]
		return c
	case !j.graph && !j.failed && j.start < len(j.members):
		j.start++
		return j.members[j.start-1]
	}
	return nil
}

func (j *job) nothingToStart() bool {
	if j.graph {
		return len(j.order.ready) == 0
	}
	return j.failed || j.start == len(j.members)
}

// delay ends a restart for now: the group is down, and is started when the
// Backoff of the child that failed says so.
func (m *Machine) delay(j *job) {
	c := j.origin
	m.setState(c, Waiting)
	c.counted = true
	if j.graph {
		c.pauses.held = slices.Clone(j.members) // what it links to c may be gone by then
	}
	m.arm(c, RetryTimer, j.pause)
	j.pause, j.start = 0, len(j.members)
	j.order.ready = j.order.ready[:0]
}

// done goes on with what comes after a job.
func (m *Machine) done(j *job) {
	if len(m.newcomers) > 0 {
		m.newcomers = slices.DeleteFunc(m.newcomers, func(other *job) bool { return other == j })
	}
	for _, c := range j.members {
		c.owner = nil
	}
	if m.alone == j {
		m.alone = nil
	}
	switch m.phase {
	case booting:
		m.phase = serving
		m.emit(Action{Do: DoBooted, Cascade: j.cascade})
	case serving:
		m.forsake(j.origin, j.cascade)
		m.answerJob(j)
		for _, t := range j.parked {
			m.queue.push(t)
		}
		m.old = j
	case finishing:
		m.phase = finished
		m.reportDrained()
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
