package strategies

// renewChild stops a child with those who share its fate, and starts them again.
// What it would be if the child had failed it is but for the count: a start that
// fails is tried again, and that is counted.
func (m *Machine) renewChild(in *Input, c *child) {
	if m.parallel > 1 {
		if j := m.busyFate(c); j != nil {
			j.parked = append(j.parked, m.later(in))
			return
		}
	}
	j := m.newJob(Cascade{}, func(group []*child) []*child { return fates[m.cfg.Strategy](m, c, group) })
	j.call = call{op: in.Op, ticket: in.Ticket, child: c}
	m.willStop(j)
	a := about(c, DoReport, Cascade{})
	a.Report, a.Group, a.members = Renewing, len(j.members), j.members
	m.emit(a)
	m.advance(j)
}

// renews reports whether the job is to bring this child back, whatever its restart
// type.
func (j *job) renews(c *child) bool {
	if j.plan != nil {
		with, renewed := j.plan.renewed[c.id]
		return renewed && with == ""
	}
	return j.call.op == OpRenewChild && j.call.child == c
}
