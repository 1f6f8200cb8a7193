package strategies

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
	state       State
	order       order // how far the order to end it has gone
	late        bool  // its start took longer than StartLimit
	spared      bool  // it could not be killed, and was given more time
	gone        bool  // the record was removed
	incarnation uint64
	exit        Exit      // how it last ended, or why it could not be started
	cascade     Cascade   // the cascade of that exit
	job         *job      // the one that waits for it
	spec        ChildSpec // with defaults filled in
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
	if c := in.Child.child; c != nil && !c.gone {
		m.visited++
		return c
	}
	return m.find(in.ID)
}

func (m *Machine) find(id string) *child {
	m.visited++
	return m.children[id]
}

func (m *Machine) append(spec ChildSpec) {
	spec.Shutdown = spec.Shutdown.Or(spec.Kind)
	c := &child{spec: spec, prev: m.last, incarnation: spec.Incarnation}
	if m.last == nil {
		m.first = c
	} else {
		m.last.next = c
	}
	m.last = c
	m.children[spec.ID] = c
}

// setState keeps count of the children that wait to be tried again.
func (m *Machine) setState(c *child, s State) {
	if c.state == Waiting {
		m.waiting--
	}
	if s == Waiting {
		m.waiting++
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
	delete(m.children, c.spec.ID)
	c.gone = true
	m.report(Removed, c, Cascade{})
}
