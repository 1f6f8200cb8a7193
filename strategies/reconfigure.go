package strategies

import (
	"fmt"
	"slices"
)

// NewConfig is what a running supervisor is to be from now on. Seed is left as it
// was.
type NewConfig struct {
	Config
	// Added are the ids of children that it did not have in its description so far,
	// and is to start. What is not named is not started, for it may have run, and
	// may be gone for good.
	Added []string
	// Renew are the ids of children that run something else from now on, and are
	// therefore restarted. Those that change their Kind are in any case. What does
	// not run, and is not about to, is not started, unless because an earlier call of
	// this kind could not start it.
	Renew []string
	Tag   any // the runner's own: it comes back with the reports
}

// Change is what a new description means for a child.
type Change uint8

const (
	ChildAdded   Change = iota // it is started
	ChildRemoved               // it is stopped, and its record is gone
	ChildRenewed               // it is stopped, and started again
)

var changeNames = [...]string{"added", "removed", "renewed"}

func (c Change) String() string { return enumName(changeNames[:], int(c), "Change") }

// Changed is a child for which a new description means something.
type Changed struct {
	ID     string
	Change Change
	With   string // of ChildRenewed: whose fate it shares; "" if it is its own
	Failed bool   // its start failed, and it stays down
	Exit   Exit   // of Failed: why
}

// Plan tells what Reconfigure would do now: those that are removed in stop order,
// then the others in start order. The error is that of the call: ErrDown if the
// supervisor ends, or a *SpecError.
func (m *Machine) Plan(n *NewConfig) ([]Changed, error) {
	p, err := m.plan(n)
	if err != nil {
		return nil, err
	}
	return p.changes(m), nil
}

// plan is a new description, and what it means.
type plan struct {
	next    *Machine        // made of the description: its children are in the new order, then those that calls have added
	added   map[string]bool // those to be started that are not there
	tag     any
	renewed map[string]string // those to be started again: whose fate they share
}

func (m *Machine) plan(n *NewConfig) (*plan, error) {
	if m.phase >= finishing {
		return nil, ErrDown
	}
	next, err := NewMachine(n.Config)
	if err != nil {
		return nil, err
	}
	switch {
	case (m.template == nil) != (next.template == nil):
		return nil, &SpecError{"", fmt.Errorf("%w: a supervisor that runs neither becomes one nor stops being one", ErrTemplate)}
	case m.template != nil && m.template.Kind != next.template.Kind:
		return nil, &SpecError{"", fmt.Errorf("%w: its children stay %vs", ErrTemplate, m.template.Kind)}
	}
	for c := m.first; c != nil; c = c.next {
		if !c.listed && next.children[c.id] == nil {
			next.append(c.id, c.spec, nil, 0)
		}
	}
	p := &plan{next: next, tag: n.Tag, added: make(map[string]bool), renewed: make(map[string]string)}
	for _, id := range n.Added {
		if m.children[id] == nil {
			p.added[id] = true
		} else { // a call has added it before
			p.renew(m, id, "")
		}
	}
	for _, id := range n.Renew {
		p.renew(m, id, "")
	}
	for c := m.first; c != nil; c = c.next {
		if r := next.children[c.id]; r != nil && (c.owed || r.spec.Kind != c.spec.Kind) {
			p.renew(m, c.id, "")
		}
		if c.state == Waiting { // and others with it, who will not be started with it any more
			shares := next.Radius(c.id)
			for _, other := range fates[m.cfg.Strategy](m, c, nil) {
				if other.state == Down && !slices.Contains(shares, other.id) {
					p.include(m, other, c.id)
				}
			}
		}
	}
	return p, nil
}

// leaves reports whether c is in the description so far, and not in the new one.
func (m *Machine) leaves(c *child, p *plan) bool { return c.listed && p.next.children[c.id] == nil }

// renew takes a child that runs, or is about to, into the plan, with those who
// share its fate by the new description and run as well. If it waits to be started,
// they do, too.
func (p *plan) renew(m *Machine, id, with string) {
	c := m.children[id]
	if c == nil || c.state == Down && !c.owed || p.next.children[id] == nil {
		return
	}
	p.include(m, c, with)
	if with == "" {
		with = id
	}
	for _, other := range p.next.Radius(id) {
		if o := m.children[other]; o != nil && (o.state != Down || o.owed || c.state == Waiting) {
			p.include(m, o, with)
		}
	}
}

// include takes a child into the plan, once, unless it is for its own sake.
func (p *plan) include(m *Machine, c *child, with string) {
	if p.next.children[c.id] == nil {
		return
	}
	before, there := p.renewed[c.id]
	if there && (before == "" || with != "") {
		return
	}
	p.renewed[c.id] = with
	if !there && (c.state == Waiting || c.owed) {
		p.renew(m, c.id, with)
	}
}

func (p *plan) changes(m *Machine) []Changed {
	var list []Changed
	for c := m.last; c != nil; c = c.prev {
		if m.leaves(c, p) {
			list = append(list, Changed{ID: c.id, Change: ChildRemoved})
		}
	}
	for r := p.next.first; r != nil; r = r.next {
		if with, ok := p.renewed[r.id]; ok {
			list = append(list, Changed{ID: r.id, Change: ChildRenewed, With: with})
		} else if p.added[r.id] {
			list = append(list, Changed{ID: r.id, Change: ChildAdded})
		}
	}
	return list
}

// reconfigure gives the supervisor another description while it runs, as OTP's
// code_change does: children that are in both go on. Unlike there, those that are not
// in it any more are stopped and removed, and those that are to be started are. What
// is to be stopped is stopped first, then the description holds.
func (m *Machine) reconfigure(in *Input) {
	p, err := m.plan(in.New)
	if err != nil {
		m.reply(Reply{Ticket: in.Ticket, Err: err})
		return
	}
	j := m.newJob(Cascade{}, func(group []*child) []*child {
		for c := m.first; c != nil; c = c.next {
			if _, renewed := p.renewed[c.id]; renewed || m.leaves(c, p) {
				group = append(group, c)
			}
		}
		return group
	})
	j.call = call{op: in.Op, ticket: in.Ticket}
	j.plan, j.changed = p, p.changes(m)
	m.alone = j
	m.willStop(j)
	m.emit(Action{Do: DoReport, Report: Reconfiguring, Tag: p.tag, Group: len(j.members), members: j.members})
	m.advance(j)
}

// take lets the new description hold, now that all is down that was to be, and goes
// on with the starts.
func (m *Machine) take(j *job) {
	p, next := j.plan, j.plan.next
	j.plan = nil
	for c := m.last; c != nil; c = c.prev {
		if m.leaves(c, p) {
			m.remove(c)
		}
	}
	seed := m.cfg.Seed
	m.cfg, m.parallel = next.cfg, next.parallel
	m.cfg.Seed = seed
	m.window.Limit(m.now, m.cfg.Intensity)
	if m.template != nil {
		*m.template = *next.template // which its children share
	}
	m.first, m.last, m.neededBy, m.significant = nil, nil, next.neededBy, 0
	clear(m.neededBy)
	j.members = make([]*child, 0, len(p.renewed)+len(p.added)) // what was told may still refer to the old ones
	for r, after := next.first, (*child)(nil); r != nil; r = after {
		after = r.next
		c := m.children[r.id]
		_, renewed := p.renewed[r.id]
		switch {
		case c != nil:
			m.respec(c, r.spec)
		case p.added[r.id]:
			c = r
			c.mark = 0
			m.children[c.id] = c
		default:
			continue // gone for good
		}
		c.listed, c.owner, c.cancelled = r.listed, nil, false
		if renewed || c == r {
			c.owner, c.owed = j, true
			j.members = append(j.members, c)
		}
		m.link(c)
	}
	for c := m.first; c != nil; c = c.next {
		if c.spec.Significant && c.state != Down {
			m.significant++
		}
	}
	j.graph, j.stop, j.start = m.cfg.Strategy == Dependents, 0, 0
	m.emit(Action{Do: DoReport, Report: Reconfigured, Tag: p.tag, Group: len(j.members), members: j.members})
}

// respec gives a child another description.
func (m *Machine) respec(c *child, spec *ChildSpec) {
	c.spec = spec
	switch {
	case spec.Backoff == (Backoff{}) && c.state != Waiting:
		c.pauses = nil
	case spec.Backoff != (Backoff{}) && c.pauses == nil:
		c.pauses = &pauses{up: m.now}
	}
}

func (m *Machine) answerReconfigure(j *job) {
	r := Reply{Ticket: j.call.ticket, Changed: j.changed}
	if j.call.failed {
		r.Err = ErrStart
	}
	m.reply(r)
}
