package strategies

import (
	"math/rand/v2"
	"time"
)

// phase is where a Machine is in its life.
type phase uint8

const (
	made      phase = iota // waits for Boot
	booting                // starts its children for the first time
	serving                // deals with exits, retries and calls, in turn
	finishing              // stops its children for the last time
	finished
)

// Machine is one supervisor's decision-making. It is made by [NewMachine] and
// driven by [Machine.Step]; it is not safe for concurrent use.
//
// Exits, retries and calls wait in one first-in-first-out queue while starts
// and stops are under way, and take their turn when those are done (rules D8,
// E3): an exit is noted on arrival, but what follows from it, the count against
// the intensity included, is decided at its turn. Only Terminate cuts in.
type Machine struct {
	cfg      Config
	parallel int
	template *ChildSpec // of a dynamic supervisor, else nil

	children    map[string]*child
	first, last *child              // in start order
	ranks       uint64              // the latest given out
	neededBy    map[string][]*child // under Dependents: who needs a child of this id
	marks       uint64              // the latest search

	phase       phase
	now         time.Time // of the Step under way
	window      Window
	queue       fifo[turn]
	coming      map[string]coming     // children that calls which wait are to add
	waiting     int                   // children in state Waiting
	significant int                   // significant children that are not Down
	newcomers   []*job                // calls that start a significant child, with Parallel
	alone       *job                  // the one beside which there must be no other: it changes the description
	outstanding int                   // starts and stops under way, at most parallel unless a stop cut in
	random      *rand.Rand            // for jitter; nil before the first use
	ending      *job                  // the last one, once finishing
	verdict     Action                // the Finish to come, once finishing
	unexpected  [Crash + 1]unexpected // ends of a dynamic supervisor's children, once finishing
	spare       *job                  // for the next restart, so that it need not allocate
	old         *job                  // done in the Step under way: to be the spare one after it
	actions     []Action
	visited     int // children looked at so far: tests hold it against the number affected
}

// turn is what waits in the queue: an exit or retry of a child's incarnation,
// or a call.
type turn struct {
	child       *child
	incarnation uint64
	call        *Input
}

// NewMachine makes a machine from a valid description. The error is the first
// of those that cfg.Validate returns.
func NewMachine(cfg Config) (*Machine, error) {
	if cfg.wrong() != nil {
		return nil, cfg.Validate()[0]
	}
	m := &Machine{
		cfg:      cfg,
		parallel: max(1, cfg.Parallel),
		children: make(map[string]*child, len(cfg.Children)),
		window:   NewWindow(cfg.Intensity),
	}
	if cfg.Dynamic != nil {
		t := cfg.Dynamic.orDefault()
		m.template = &t
	}
	order := func(i int) int { return i }
	if cfg.Strategy == Dependents {
		m.neededBy = map[string][]*child{}
		topological, _ := startOrder(cfg.Children)
		order = func(i int) int { return topological[i] }
	}
	var shared *ChildSpec
	records := make([]child, len(cfg.Children))
	for i := range cfg.Children {
		s := &cfg.Children[order(i)]
		if shared == nil || !shared.like(s) {
			d := s.orDefault()
			shared = &d
		}
		m.insert(&records[i], s.ID, shared, s.Tag, s.Incarnation).listed = true
	}
	if len(m.children) < len(cfg.Children) {
		return nil, cfg.Validate()[0] // an id was there twice
	}
	m.cfg.Children, m.cfg.Dynamic = nil, nil
	return m, nil
}

// Idle reports whether nothing is under way and nothing waits: the next thing
// to happen must come from outside.
func (m *Machine) Idle() bool {
	return m.phase == finished ||
		m.phase == serving && m.outstanding == 0 && m.queue.len() == 0 && m.waiting == 0
}

// Step tells the machine that in happened at now and returns what is to be
// done about it, in order. now must not go backwards. The slice is valid until
// the next Step.
func (m *Machine) Step(now time.Time, in Input) []Action {
	m.now = now
	m.actions = m.actions[:0]
	if m.old != nil {
		m.spare, m.old = m.old, nil
	}
	switch in.Op {
	case OpBoot:
		m.boot(in.Cascade)
	case OpTerminate:
		m.terminate(in.Exit, in.Cascade)
	case OpWhich, OpCount, OpSpec, OpStartChild, OpTerminateChild, OpRestartChild, OpDeleteChild, OpRenewChild, OpReconfigure:
		m.call(&in)
	default:
		if in.Timer == DrainTimer && in.Op == OpDeadline {
			m.drained()
			break
		}
		if c := m.subject(in); c != nil && c.incarnation == in.Incarnation {
			m.childInput(c, in)
		}
	}
	m.serve()
	return m.actions
}

// childInput deals with an input about a child's current incarnation. What does
// not fit the child's state is late news, and ignored.
func (m *Machine) childInput(c *child, in Input) {
	switch in.Op {
	case OpStarted:
		m.started(c)
	case OpIgnored:
		m.ignored(c)
	case OpStartFailed:
		m.startFailed(c, in.Exit, in.Cascade)
	case OpExited:
		m.exited(c, in.Exit, in.Cascade)
	case OpDeadline:
		m.deadline(c, in.Timer)
	case OpRetry:
		if c.state == Waiting {
			m.queue.push(turn{child: c, incarnation: c.incarnation})
		}
	case OpCannotKill:
		m.cannotKill(c)
	}
}

// serve gives what waits in the queue its turn, for as long as there is room
// for what may follow from it.
func (m *Machine) serve() {
	for m.queue.len() > 0 && m.room(m.queue.front().op()) {
		t := m.queue.pop()
		switch {
		case t.call != nil:
			m.answer(m.recall(t))
		case t.child.incarnation != t.incarnation || t.child.gone:
		case t.child.state == Dead && !m.occupied(t):
			m.judge(t.child)
		case t.child.state == Waiting && !m.occupied(t):
			if t.child.counted {
				m.resume(t.child)
			} else {
				m.restart(t.child)
			}
		}
	}
}

// room reports whether there is room for what may follow from a turn.
func (m *Machine) room(op Op) bool {
	return m.phase == serving && m.outstanding < m.parallel && m.alone == nil && (op != OpReconfigure || m.outstanding == 0)
}

// op is that of the call; of an exit or retry just none that has rules of its own.
func (t turn) op() Op {
	if t.call != nil {
		return t.call.Op
	}
	return OpExited
}

// occupied puts off a turn until the job is done which has to do with somebody
// of the child's group, or with what one of them needs, if there is one. With
// Parallel more than one job may be under way.
func (m *Machine) occupied(t turn) bool {
	if m.parallel == 1 {
		return false
	}
	if len(m.newcomers) > 0 && t.child.state == Dead && m.finishing(t.child) { // whether it is the last is not known yet
		m.newcomers[0].parked = append(m.newcomers[0].parked, t)
		return true
	}
	j := m.busyFate(t.child)
	if j != nil {
		j.parked = append(j.parked, t)
	}
	return j != nil
}

// busyFate returns the job that has to do with somebody of the child's group, or
// with what one of them needs; nil if there is none.
func (m *Machine) busyFate(c *child) *job {
	for _, c := range fates[m.cfg.Strategy](m, c, nil) {
		if c.owner != nil {
			return c.owner
		}
		if j := m.busyNeed(c.spec); j != nil {
			return j
		}
	}
	return nil
}

func (m *Machine) emit(a Action) { m.actions = append(m.actions, a) }

// about begins an action that concerns a child's current incarnation and
// latest exit.
func about(c *child, do Do, cascade Cascade) Action {
	return Action{Do: do, ID: c.id, Child: Ref{c}, Tag: c.tag, Incarnation: c.incarnation, Exit: c.exit, Cascade: cascade}
}

func (m *Machine) report(r Report, c *child, cascade Cascade) {
	a := about(c, DoReport, cascade)
	a.Report = r
	m.emit(a)
}
