package strategies

import "errors"

// What can be the answer to a call. Each is found in Reply.Err by errors.Is.
var (
	// ErrDown: the supervisor has ended, or is ending (rule I9).
	ErrDown = errors.New("supervisor has ended")
	// ErrNotFound: there is no such child (rules I2, J5).
	ErrNotFound = errors.New("no such child")
	// ErrAlreadyStarted: there is a child of this id, and it runs (rule I1).
	ErrAlreadyStarted = errors.New("a child of this id runs already")
	// ErrAlreadyPresent: there is a child of this id, and it does not run (rule I1).
	ErrAlreadyPresent = errors.New("there is a child of this id already, which does not run")
	// ErrRunning: the child runs, and so can be neither restarted nor deleted
	// (rules I3, I5).
	ErrRunning = errors.New("the child is running")
	// ErrRestarting: the child waits to be started again (rules E3, I3, I5).
	ErrRestarting = errors.New("the child is being restarted")
	// ErrDynamic: a dynamic supervisor does not have this call (rule J4; OTP's
	// simple_one_for_one).
	ErrDynamic = errors.New("not under a dynamic supervisor")
	// ErrStart: the child could not be started; Reply.Exit says why.
	ErrStart = errors.New("the child could not be started")
	// ErrCancelled: the child was terminated while it was being started.
	ErrCancelled = errors.New("the child was terminated while it was starting")
)

// call is a call that a job carries out, and how that went.
type call struct {
	op     Op
	ticket uint64 // 0: there is no call
	child  *child // whom it is about
	failed bool   // the start failed
	exit   Exit   // why
}

// call answers a request, or takes it into the queue if something is under way
// or waits already.
func (m *Machine) call(in *Input) {
	switch {
	case m.phase >= finishing:
		m.reply(Reply{Ticket: in.Ticket, Err: ErrDown})
	case in.Op == OpTerminateChild && m.parallel > 1 && m.cancelStart(in):
	case m.queue.len() == 0 && m.room(in.Op):
		m.answer(in)
	default:
		m.queue.push(m.later(in))
	}
}

// later makes a turn of a call that has to wait.
func (m *Machine) later(in *Input) turn {
	switch in.Op {
	case OpStartChild:
		m.comes(in.ID, 1)
	case OpReconfigure:
		for _, id := range in.New.Added {
			m.comes(id, 1)
		}
	}
	kept := *in
	return turn{call: &kept}
}

// recall is the call whose turn has come.
func (m *Machine) recall(t turn) *Input {
	switch t.call.Op {
	case OpStartChild:
		t.call.Incarnation = max(t.call.Incarnation, m.comes(t.call.ID, -1))
	case OpReconfigure:
		m.cameMeanwhile(t.call.New)
	}
	return t.call
}

// coming is about a child that calls are to add: how many there are, and the
// number that was used last for a child of that id, if one was removed since the
// first of them came.
type coming struct {
	calls int
	used  uint64
}

func (m *Machine) comes(id string, calls int) (used uint64) {
	c := m.coming[id]
	if c.calls += calls; c.calls == 0 {
		delete(m.coming, id)
		return c.used
	}
	if m.coming == nil {
		m.coming = make(map[string]coming)
	}
	m.coming[id] = c
	return c.used
}

// cameMeanwhile keeps children that a new description adds from using a number again
// that others of their name have used while the call waited.
func (m *Machine) cameMeanwhile(n *NewConfig) {
	used := make(map[string]uint64, len(n.Added))
	for _, id := range n.Added {
		used[id] = m.comes(id, -1)
	}
	for i := range n.Children {
		c := &n.Children[i]
		c.Incarnation = max(c.Incarnation, used[c.ID])
	}
}

func (m *Machine) reply(r Reply) { m.emit(Action{Do: DoReply, Reply: &r}) }

// answer gives a call its turn.
func (m *Machine) answer(in *Input) {
	refuse := func(err error) { m.reply(Reply{Ticket: in.Ticket, Err: err}) }
	switch in.Op {
	case OpWhich:
		m.reply(Reply{Ticket: in.Ticket, Children: m.which()})
		return
	case OpCount:
		m.reply(Reply{Ticket: in.Ticket, Counts: m.count()})
		return
	case OpReconfigure:
		m.reconfigure(in)
		return
	}
	if m.template != nil && (in.Op == OpRestartChild || in.Op == OpDeleteChild || in.Op == OpRenewChild || in.Op != OpStartChild && !in.Instance) {
		refuse(ErrDynamic)
		return
	}
	c := m.find(in.ID)
	if in.Instance && m.template == nil {
		c = nil // rule I2
	}
	if c != nil && c.owner != nil && in.Op != OpSpec {
		c.owner.parked = append(c.owner.parked, m.later(in))
		return
	}
	switch {
	case in.Op == OpStartChild:
		m.startChild(in, c)
	case c == nil:
		if in.Op == OpSpec && m.template != nil {
			m.reply(Reply{Ticket: in.Ticket, Err: ErrNotFound, Spec: m.describe(m.template, "", 0)})
			return
		}
		refuse(ErrNotFound)
	case in.Op == OpSpec:
		m.reply(Reply{Ticket: in.Ticket, Spec: m.describe(c.spec, c.id, c.incarnation)})
	case in.Op == OpTerminateChild:
		m.terminateChild(in, c)
	case in.Op == OpRenewChild:
		m.renewChild(in, c)
	case c.state == Waiting:
		refuse(ErrRestarting)
	case c.state != Down:
		refuse(ErrRunning)
	case in.Op == OpRestartChild && (m.needsBusy(c.spec, in) || m.neededBusy(c, in)):
	case in.Op == OpRestartChild:
		m.startCalled(in, c)
	case in.Op == OpDeleteChild:
		m.remove(c)
		m.reply(Reply{Ticket: in.Ticket})
	}
}

// startChild adds a child and starts it (rules I1, J2).
func (m *Machine) startChild(in *Input, c *child) {
	if err := m.refused(in); err != nil {
		m.reply(Reply{Ticket: in.Ticket, Err: err})
		return
	}
	if c != nil {
		r := Reply{Ticket: in.Ticket, ID: c.id, Err: ErrAlreadyPresent}
		if c.state == Up || c.state == Dead {
			r.Err, r.Incarnation = ErrAlreadyStarted, c.incarnation
		}
		m.reply(r)
		return
	}
	if m.template == nil && m.needsBusy(in.Spec, in) {
		return
	}
	spec := m.template
	if spec == nil {
		s := in.Spec.orDefault()
		spec = &s
	}
	m.startCalled(in, m.append(in.ID, spec, in.Tag, in.Incarnation))
}

// startCalled starts a child because a call says so.
func (m *Machine) startCalled(in *Input, c *child) {
	j := m.newJob(Cascade{}, func(group []*child) []*child { return append(group, c) })
	j.call = call{op: in.Op, ticket: in.Ticket, child: c}
	if c.spec.Significant && m.cfg.AutoShutdown == AllSignificant && m.parallel > 1 {
		m.newcomers = append(m.newcomers, j)
	}
	m.advance(j)
}

// refused says what is wrong with a child to be added; nil if nothing is.
func (m *Machine) refused(in *Input) error {
	if m.template != nil {
		if !validID(in.ID) {
			return &SpecError{in.ID, ErrID}
		}
		return nil
	}
	spec := in.Spec
	wrong := validation(m.cfg.ValidateChild(spec))
	if m.cfg.Strategy == Dependents {
		wrong.known(spec, func(id string) bool { return id != spec.ID && m.children[id] != nil })
		if m.children[spec.ID] == nil && len(m.neededBy[spec.ID]) > 0 && len(spec.Needs) > 0 {
			wrong.cycle(spec.ID, m.cycleWith(spec))
		}
	}
	if wrong == nil {
		return nil
	}
	return wrong[0]
}

// terminateChild stops a child (rules I4, J5). An incarnation that is not the
// current one is dead, and there is nothing to do.
func (m *Machine) terminateChild(in *Input, c *child) {
	if in.Incarnation != 0 && !c.is(in.Incarnation) {
		m.reply(Reply{Ticket: in.Ticket})
		return
	}
	j := m.newJob(Cascade{}, func(group []*child) []*child { return append(group, c) })
	j.call = call{op: in.Op, ticket: in.Ticket, child: c}
	m.willStop(j)
	j.start = len(j.members)
	m.advance(j)
}

// is reports whether n is the incarnation that runs, or that ran before the
// attempts to start it again (rule J6).
func (c *child) is(n uint64) bool {
	return n == c.incarnation || c.state == Waiting && n == c.incarnation-uint64(c.failed)
}

// cancelStart carries out a call to terminate a child that is being started,
// which with Parallel need not wait for that, and reports whether it was one.
func (m *Machine) cancelStart(in *Input) bool {
	c := m.find(in.ID)
	if in.Instance != (m.template != nil) {
		return false // it will be refused
	}
	if c == nil || c.state != Starting || in.Incarnation != 0 && in.Incarnation != c.incarnation || m.phase != serving {
		return false
	}
	c.cancelled = true
	c.job.cancels = append(c.job.cancels, call{op: in.Op, ticket: in.Ticket})
	if c.order == orderNone {
		m.tell(c, c.job.cascade)
	}
	return true
}

// answerJob answers the calls that a job was about.
func (m *Machine) answerJob(j *job) {
	for _, c := range j.cancels {
		m.reply(Reply{Ticket: c.ticket})
	}
	if j.call.ticket == 0 {
		return
	}
	c := j.call.child
	if j.call.op == OpReconfigure {
		m.answerReconfigure(j)
		return
	}
	r := Reply{Ticket: j.call.ticket, ID: c.id}
	switch {
	case c.cancelled && j.call.op != OpTerminateChild:
		r.Err = ErrCancelled
		if j.call.op == OpStartChild && !c.gone {
			m.remove(c)
		}
	case j.call.failed:
		r.Err, r.Exit = ErrStart, j.call.exit
	case c.state == Up:
		r.Incarnation = c.incarnation
	}
	if j.call.op == OpTerminateChild && m.temporary(c) && !c.gone {
		m.remove(c)
	}
	m.reply(r)
}

// describe copies the description of a child, or of a dynamic supervisor's
// children.
func (m *Machine) describe(spec *ChildSpec, id string, incarnation uint64) *ChildSpec {
	s := *spec
	s.Tag, s.Incarnation = nil, incarnation
	if m.template == nil {
		s.ID = id
	}
	return &s
}

// which lists the children, newest first (rule I6).
func (m *Machine) which() []ChildInfo {
	list := make([]ChildInfo, 0, len(m.children))
	for c := m.last; c != nil; c = c.prev {
		list = append(list, ChildInfo{c.id, c.spec.Kind, c.state, c.incarnation})
	}
	return list
}

// count counts the children (rule I7). A dynamic supervisor has one
// description, whatever the number of its children (rule J1).
func (m *Machine) count() Counts {
	n := Counts{Specs: len(m.children)}
	if m.template != nil {
		n.Specs = 1
	}
	for c := m.first; c != nil; c = c.next {
		if c.state == Up {
			n.Active++
		}
		if c.spec.Kind == Supervisor {
			n.Supervisors++
		} else {
			n.Workers++
		}
	}
	return n
}
