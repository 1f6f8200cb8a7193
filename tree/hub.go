package tree

import (
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/strategies"
)

// hub keeps what is known of a whole tree: one for each root. Supervisors tell
// it events in the order in which they decide; what it knows is what the events
// so far add up to.
type hub struct {
	mu  sync.Mutex // guards seq, and what is said to be guarded below
	seq uint64
}

// node is the hub's entry for a child, and the handle by which its supervisor's
// loop finds it. Nodes outlive incarnations and the restarts of the supervisor.
type node struct {
	id      string
	path    string
	kind    strategies.Kind
	up      *node // the supervisor's
	start   Starter
	restart strategies.Restart

	// Used by the supervisor's loop alone.
	proc   *proc       // the incarnation that starts, runs or stops; nil if none does
	logger childLogger // of its contexts

	// guarded by hub.mu from here on
	state       strategies.State
	incarnation uint64
	pid         int
	since       time.Time // of state
	last        LastExit
	sup         *supNode // of a coppice supervisor, else nil
	prev, next  *node    // siblings, in start order
}

// supNode is what the hub knows of a supervisor over and above a child. The map
// is changed by the supervisor's loop under hub.mu, and so read by that loop
// without it.
type supNode struct {
	spec        *Spec
	window      strategies.Window
	children    map[string]*node
	first, tail *node
	removed     map[string]*node // those of the Spec that were removed since the last boot
	running     *Supervisor      // guarded by hub.mu
	events      *subscriber      // nil without a Sink; used by the loops, one after the other
}

// newNode makes the entries of a supervisor and of everything below it.
func newNode(up *node, id string, child *Child, sub *Spec, logger hclog.Logger) *node {
	n := &node{id: id, path: id, up: up}
	if up != nil {
		n.path = up.path + "/" + id
	}
	n.logger.base, n.logger.path = logger, n.path
	if child != nil {
		n.start, n.restart, n.kind = child.Start, child.Restart, child.Start.kind()
	}
	if sub == nil {
		return n
	}
	n.kind = strategies.Supervisor
	if sub.Logger != nil {
		logger = sub.Logger
	}
	n.sup = &supNode{spec: sub, window: strategies.NewWindow(sub.Intensity), children: make(map[string]*node, len(sub.Children))}
	for i := range sub.Children {
		n.sup.add(newChildNode(n, &sub.Children[i], logger))
	}
	return n
}

func newChildNode(up *node, c *Child, logger hclog.Logger) *node {
	return newNode(up, c.ID, c, c.Start.nested(), logger)
}

func (s *supNode) add(n *node) {
	n.prev, n.next = s.tail, nil
	if s.tail == nil {
		s.first = n
	} else {
		s.tail.next = n
	}
	s.tail = n
	s.children[n.id] = n
}

func (s *supNode) remove(n *node) {
	if n.prev == nil {
		s.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		s.tail = n.prev
	} else {
		n.next.prev = n.prev
	}
	delete(s.children, n.id)
	if s.removed == nil {
		s.removed = make(map[string]*node)
	}
	s.removed[n.id] = n
}

// reset makes a supervisor's children those of its Spec again, in its order,
// before it starts them anew (rule G6). Entries that were there are kept, and
// with them the count of incarnations.
func (n *node) reset(h *hub) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := n.sup
	old, removed := s.children, s.removed
	s.children = make(map[string]*node, len(s.spec.Children))
	s.first, s.tail, s.removed = nil, nil, nil
	s.window = strategies.NewWindow(s.spec.Intensity)
	for i := range s.spec.Children {
		c := &s.spec.Children[i]
		kid := old[c.ID]
		if kid == nil {
			kid = removed[c.ID]
		}
		s.add(kid)
	}
}

// apply brings the entry up to date with an event about it; hub.mu is held.
func (n *node) apply(e *Event) {
	switch e.Kind {
	case EventStarting:
		n.set(strategies.Starting, e)
		n.incarnation, n.pid = e.Incarnation, 0
	case EventProgress:
		if n.state != strategies.Stopping { // it may have been told to stop by then
			n.set(strategies.Up, e)
		}
		n.pid = e.PID
	case EventIgnored, EventCancelled:
		n.set(strategies.Down, e)
	case EventStartError:
		n.set(strategies.Down, e)
		n.last = LastExit{Time: e.Time, Incarnation: e.Incarnation, Exit: e.Exit}
	case EventWaiting:
		n.set(strategies.Waiting, e)
	case EventExited:
		e.PID = n.pid
		n.set(strategies.Down, e)
		n.pid = 0
		n.last = LastExit{Time: e.Time, Incarnation: e.Incarnation, Exit: e.Exit}
	case EventRestarting, EventGivingUp:
		n.up.sup.window.Add(e.Time)
		n.set(strategies.Down, e) // it may have been waiting for another attempt
	case EventStopping, EventKilling:
		n.set(strategies.Stopping, e)
	case EventRemoved:
		n.set(strategies.Down, e)
		n.up.sup.remove(n)
	}
}

func (n *node) set(s strategies.State, e *Event) { n.state, n.since = s, e.Time }
