package tree

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// hub keeps what is known of a whole tree: one for each root. Supervisors tell
// it events in the order in which they decide; what it knows is what the events
// so far add up to.
type hub struct {
	root     *node
	redesign chan struct{} // full while a Reconfigure is under way

	mu            sync.Mutex // guards what follows, and what is said to be guarded below
	seq           uint64
	sinks         map[*subscriber]struct{} // those that have not ended
	subscriptions []*Subscription
	idle          chan struct{} // closed when a supervisor comes to rest; nil if nobody waits

	awaited atomic.Bool // somebody waits on idle
}

// node is the hub's entry for a child, and the handle by which its supervisor's
// loop finds it. Nodes outlive incarnations and the restarts of the supervisor.
type node struct {
	path        string
	up          *node // the supervisor's
	start       Starter
	kind        strategies.Kind
	restart     strategies.Restart
	significant bool
	ofSpec      bool // it is one of those its supervisor begins with
	ofTemplate  bool // what it runs is the template's, of a dynamic supervisor
	needs       []string
	name        uint64 // if its id is a number that a dynamic supervisor gave: that number

	// The loop's, guarded by its life.mu.
	proc *proc // the incarnation that starts, runs or stops; nil if none does

	// guarded by hub.mu from here on
	listed      bool // among the children of its supervisor
	state       strategies.State
	incarnation uint64
	pid         int
	since       time.Time     // of state
	pause       time.Duration // of state Waiting: how long
	last        *LastExit     // nil before the first
	sup         *supNode      // of a coppice supervisor, else nil
	prev, next  *node         // siblings, in start order
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
	counts      counts           // of the others that were
	serial      uint64           // the latest name given to a child of a dynamic supervisor
	numerals    bool             // children have run under ids, or may have, that are numerals as the names it gives
	deep        bool             // the same of anywhere below; guarded by hub.mu, as highest is
	highest     uint64           // the highest number of an incarnation, or name given, anywhere below; guarded by hub.mu
	running     *Supervisor      // guarded by hub.mu
	events      *subscriber      // nil without a Sink; used by the loops, one after the other
}

// newNode makes the entries of a supervisor and of everything below it.
func newNode(up *node, path string, child *Child, sub *Spec) *node {
	n := new(node)
	n.init(up, path, child, sub)
	return n
}

func (n *node) init(up *node, path string, child *Child, sub *Spec) {
	n.path, n.up = path, up
	if child != nil {
		n.start, n.restart, n.kind = child.Start, child.Restart, child.Start.kind()
		n.significant, n.needs = child.Significant, child.Needs
	}
	if sub != nil {
		n.supervise(sub)
	}
}

// supervise makes the entries of what is below a supervisor.
func (n *node) supervise(sub *Spec) {
	n.kind = strategies.Supervisor
	n.sup = &supNode{spec: sub, window: strategies.NewWindow(sub.Intensity), children: make(map[string]*node, len(sub.Children))}
	kids := make([]node, len(sub.Children)) // they live as long as the tree does
	for i := range kids {
		c := &sub.Children[i]
		kids[i].init(n, n.path+"/"+c.ID, c, c.Start.nested())
		kids[i].ofSpec = true
		n.sup.add(&kids[i])
	}
}

// id is the name of the child among its siblings.
func (n *node) id() string {
	if n.up == nil {
		return n.path
	}
	return n.path[len(n.up.path)+1:]
}

func newChildNode(up *node, c *Child) *node {
	return newNode(up, up.path+"/"+c.ID, c, c.Start.nested())
}

func (s *supNode) add(n *node) {
	n.listed = true
	n.prev, n.next = s.tail, nil
	if s.tail == nil {
		s.first = n
	} else {
		s.tail.next = n
	}
	s.tail = n
	s.children[n.id()] = n
}

func (s *supNode) remove(n *node) {
	n.listed = false
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
	id := n.id()
	delete(s.children, id)
	if n.ofSpec {
		if s.removed == nil {
			s.removed = make(map[string]*node)
		}
		s.removed[id] = n
		return
	}
	if r := s.removed[id]; r != nil { // it had taken the name of one of the Spec
		r.incarnation = n.incarnation
		r.raise(n.used())
	}
	if n.name == 0 {
		s.counts.remember(id, n.used())
	}
	n.discard()
}

// reset makes a supervisor's children those of its Spec again, in its order,
// before it starts them anew (rule G6). Entries that were there are kept, and
// with them the count of incarnations.
func (l *life) reset() {
	h, s := l.sup.hub, l.sup.node.sup
	h.mu.Lock()
	defer h.mu.Unlock()
	l.beginWith(l.sup.description())
	kept := 0
	c := s.first
	for kept < len(s.spec.Children) && c != nil && c.ofSpec && c.id() == s.spec.Children[kept].ID {
		kept, c = kept+1, c.next
	}
	now := time.Now()
	for c != nil {
		next := c.next
		l.event(&Event{Kind: EventRemoved, Time: now, Incarnation: c.incarnation}, c)
		c = next
	}
	for i := range s.spec.Children[kept:] {
		n := s.removed[s.spec.Children[kept+i].ID]
		delete(s.removed, n.id())
		l.added(now, n)
	}
}

// beginWith lets a Spec hold that came while the supervisor did not run; hub.mu is
// held.
func (l *life) beginWith(spec *Spec) {
	n, s := l.sup.node, l.sup.node.sup
	if s.spec == spec {
		return
	}
	added := make(map[string]*node)
	for i := range spec.Children {
		c := &spec.Children[i]
		if s.children[c.ID] == nil && s.removed[c.ID] == nil {
			added[c.ID] = newChildNode(n, c)
		}
	}
	for c := s.first; c != nil; {
		next := c.next
		if !slices.ContainsFunc(spec.Children, func(s Child) bool { return s.ID == c.id() }) {
			l.event(&Event{Kind: EventRemoved, Time: time.Now(), Incarnation: c.incarnation}, c)
		}
		c = next
	}
	l.reconfigured(time.Now(), spec, added, nil)
}

// added records that a child is on the list from now on; hub.mu is held.
func (l *life) added(now time.Time, n *node) {
	if !n.ofSpec {
		n.inherit()
	}
	e := Event{Kind: EventAdded, Time: now, Incarnation: n.incarnation}
	if l.heard() {
		st := n.status(now)
		e.Child = &st
	}
	l.event(&e, n)
}

// heard reports whether anybody is told of events; hub.mu is held.
func (l *life) heard() bool { return l.events != nil || l.sup.hub.subscriptions != nil }

// apply brings the entry up to date with an event about it; hub.mu is held.
func (n *node) apply(e *Event) {
	switch e.Kind {
	case EventAdded:
		n.up.sup.add(n)
	case EventStarting:
		n.set(strategies.Starting, e)
		if n.sup != nil { // it begins anew (rule F8)
			n.sup.window = strategies.NewWindow(n.sup.spec.Intensity)
		}
		n.incarnation, n.pid = e.Incarnation, 0
		n.use()
	case EventProgress, EventRunning:
		if n.state != strategies.Stopping { // it may have been told to stop by then
			n.set(strategies.Up, e)
		}
		n.pid = e.PID
	case EventIgnored, EventCancelled:
		n.set(strategies.Down, e)
	case EventStartError, EventNotStarted:
		n.set(strategies.Down, e)
		n.ended(e)
	case EventWaiting:
		n.set(strategies.Waiting, e)
		n.pause = e.After
	case EventExited:
		e.PID = n.pid
		n.set(strategies.Down, e)
		n.pid = 0
		n.ended(e)
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

func (n *node) ended(e *Event) {
	if n.last == nil {
		n.last = new(LastExit)
	}
	*n.last = LastExit{Time: e.Time, Incarnation: e.Incarnation, Exit: e.Exit}
}

func (n *node) set(s strategies.State, e *Event) { n.state, n.since = s, e.Time }
