package strategies

import "slices"

// State is what a child is doing, as its supervisor knows it.
type State uint8

const (
	// Down: nothing runs. Never started, ignored, finished for good, or
	// waiting for its turn in a group (OTP: undefined).
	Down State = iota
	// Starting: its start is under way.
	Starting
	// Up: it runs.
	Up
	// Dead: it has ended and its exit waits to be dealt with.
	Dead
	// Stopping: it was told to stop, or killed, and has not ended yet.
	Stopping
	// Waiting: its start failed and will be tried again (OTP: restarting).
	Waiting
)

var stateNames = [...]string{"down", "starting", "up", "dead", "stopping", "waiting"}

func (s State) String() string { return enumName(stateNames[:], int(s), "State") }

// child is a child record: description and state. Records are kept in a map by
// id and in a list in start order, which restarts never change (rule D7).
type child struct {
	id          string
	spec        *ChildSpec // with defaults filled in; the children of a dynamic supervisor share theirs
	tag         any
	incarnation uint64
	state       State
	order       order  // how far the order to end it has gone
	late        bool   // its start took longer than StartLimit
	spared      bool   // it could not be killed, and was given more time
	counted     bool   // Waiting, and the restart it waits for was counted already
	cancelled   bool   // its start is given up, because it was terminated
	gone        bool   // the record was removed
	listed      bool   // it is in the supervisor's description, and was not added by a call
	owed        bool   // it does not run because a start that a new description asked for failed
	failed      uint32 // starts that failed since it was last up
	blocked     int32  // in a job under Dependents: how many members must be dealt with before it
	mark        uint64 // of the latest search that came across it
	exit        Exit   // how it last ended, or why it could not be started
	cascade     Cascade
	job         *job    // the one that waits for its start or stop
	owner       *job    // the one that it is a member of
	pauses      *pauses // of a child with a Backoff
	rank        uint64  // grows along the list
	prev, next  *child
}

// order is how urgently a child has been told to end.
type order uint8

const (
	orderNone      order = iota
	orderStop            // told to stop
	orderKill            // told to stop, then to be killed
	orderKillFirst       // to be killed without having been told to stop
)

// expects reports whether ending with e is how a child told to stop should end
// (rule H5).
func (s *ChildSpec) expects(e Exit) bool {
	switch e.Class {
	case Killed:
		return s.Shutdown == BrutalKill
	case Shutdown:
		return s.Shutdown != BrutalKill || s.Restart != Permanent
	case Normal, ShutdownTerm:
		return s.Restart != Permanent
	}
	return false
}

// subject returns the child an input is about; nil if there is none.
func (m *Machine) subject(in Input) *child {
	if c := in.Child.child; c != nil {
		m.visited++
		if c.gone {
			return nil
		}
		return c
	}
	return m.find(in.ID)
}

func (m *Machine) find(id string) *child {
	m.visited++
	return m.children[id]
}

// append adds a record at the end. Its description must have its defaults.
func (m *Machine) append(id string, spec *ChildSpec, tag any, incarnation uint64) *child {
	return m.insert(new(child), id, spec, tag, incarnation)
}

// insert is append to the record c.
func (m *Machine) insert(c *child, id string, spec *ChildSpec, tag any, incarnation uint64) *child {
	*c = child{id: id, spec: spec, tag: tag, incarnation: incarnation}
	if spec.Backoff != (Backoff{}) {
		c.pauses = new(pauses)
	}
	m.children[id] = c
	m.link(c)
	return c
}

// link puts a child at the end of the list.
func (m *Machine) link(c *child) {
	m.ranks++
	c.prev, c.next, c.rank = m.last, nil, m.ranks
	if m.last == nil {
		m.first = c
	} else {
		m.last.next = c
	}
	m.last = c
	if m.neededBy == nil {
		return
	}
	for _, need := range c.spec.Needs {
		m.neededBy[need] = append(m.neededBy[need], c)
	}
}

// setState keeps count of the children that wait to be tried again, and of the
// significant ones that are not gone (rule K3), and takes note of how long those
// with a Backoff were up.
func (m *Machine) setState(c *child, s State) {
	if c.state == Up && c.pauses != nil {
		c.pauses.wasUp(c, m.now)
	}
	if c.state == Waiting {
		m.waiting--
	}
	if s == Waiting {
		m.waiting++
	}
	if c.spec.Significant {
		if c.state != Down {
			m.significant--
		}
		if s != Down {
			m.significant++
		}
	}
	c.state = s
}

// remove drops the record of a child that does not run.
func (m *Machine) remove(c *child) {
	if c.prev == nil {
		m.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		m.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	delete(m.children, c.id)
	for _, need := range c.spec.Needs {
		if m.neededBy == nil {
			break // left over from when it was so
		}
		m.neededBy[need] = slices.DeleteFunc(m.neededBy[need], func(other *child) bool { return other == c })
	}
	c.gone = true
	if next, ok := m.coming[c.id]; ok {
		next.used = c.incarnation
		m.coming[c.id] = next
	}
	m.report(Removed, c, Cascade{})
}
