package record

import (
	"container/list"
	"slices"
	"sync"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

const (
	// cascadesKept is how many cascades may go on at the same time.
	cascadesKept = 1000
	// pathsKept bounds each list of a Follows.
	pathsKept = 256
)

// deaths is how children ended and what followed, made up from the events in
// their order.
type deaths struct {
	perChild, inAll int

	mu       sync.Mutex // guards what follows
	children map[string]*ring[*list.Element]
	order    list.List         // of *death, the oldest first
	told     map[string]uint64 // the incarnation at a path that was told to stop, and has not ended
	cascades map[strategies.Cascade]*Follows
	begun    ring[strategies.Cascade] // the keys of cascades, the oldest first
}

// death is an Exit, with the lists that others of its cascade share.
type death struct {
	path string
	exit Exit
}

func newDeaths(l Limits) *deaths {
	return &deaths{
		perChild: l.Exits, inAll: l.Deaths,
		children: make(map[string]*ring[*list.Element]),
		told:     make(map[string]uint64),
		cascades: make(map[strategies.Cascade]*Follows),
	}
}

// event takes the next event.
func (d *deaths) event(e *tree.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e.Kind {
	case tree.EventExited, tree.EventStartError, tree.EventNotStarted, tree.EventStuck:
		d.ended(e)
	case tree.EventRestarting, tree.EventGivingUp:
		d.decided(e)
	case tree.EventWaiting:
		if x := d.latest(e.Path); x != nil {
			x.AfterMS = ms(e.After)
		}
	case tree.EventStopping, tree.EventKilling:
		if f := d.follows(e.Cascade); f != nil {
			note(&f.Stopped, &f.StoppedMore, e.Path)
		}
		d.told[e.Path] = e.Incarnation
	case tree.EventStarting:
		delete(d.told, e.Path)
		if f := d.follows(e.Cascade); f != nil {
			note(&f.Started, &f.StartedMore, e.Path)
		}
	case tree.EventCancelled, tree.EventIgnored, tree.EventRemoved:
		delete(d.told, e.Path)
	}
}

// note puts a path on a list, once, and bounds the list: a start that fails may
// be tried again for ever.
func note(paths *[]string, more *int, path string) {
	switch {
	case slices.Contains(*paths, path):
	case len(*paths) == pathsKept:
		*more++
	default:
		*paths = append(*paths, path)
	}
}

// follows returns what follows from a failure; nil if there is none.
func (d *deaths) follows(c strategies.Cascade) *Follows {
	if c.IsZero() {
		return nil
	}
	f := d.cascades[c]
	if f == nil {
		f = new(Follows)
		d.cascades[c] = f
		d.begun.push(c)
		if d.begun.len() > cascadesKept {
			delete(d.cascades, d.begun.pop())
		}
	}
	return f
}

func (d *deaths) ended(e *tree.Event) {
	n, told := d.told[e.Path]
	delete(d.told, e.Path)
	last := tree.LastExit{Exit: e.Exit}
	x := Exit{
		Time: e.Time, Kind: e.Kind, Incarnation: e.Incarnation, PID: e.PID,
		Class: e.Exit.Class, Told: told && n == e.Incarnation, Output: last.Tail(),
		Follows: d.follows(e.Cascade),
	}
	switch {
	case e.Kind == tree.EventStuck: // tells of no exit: there was none
		x.Class, x.Reason = strategies.Crash, tree.ErrStuck.Error()
	case e.Exit.Err != nil:
		x.Reason = e.Exit.Err.Error()
	}
	if !e.Cascade.IsZero() {
		c := e.Cascade
		x.Cascade = &c
	}
	of := d.children[e.Path]
	if of == nil {
		of = new(ring[*list.Element])
		d.children[e.Path] = of
	}
	of.push(d.order.PushBack(&death{e.Path, x}))
	if of.len() > d.perChild {
		d.order.Remove(of.pop())
	}
	if d.order.Len() > d.inAll {
		d.forgetOldest()
	}
}

func (d *deaths) forgetOldest() {
	oldest := d.order.Front()
	path := oldest.Value.(*death).path
	d.order.Remove(oldest)
	of := d.children[path]
	of.pop() // its oldest is the oldest of all
	if of.len() == 0 {
		delete(d.children, path)
	}
}

// decided adds what was decided on the latest end of a child.
func (d *deaths) decided(e *tree.Event) {
	up := parent(e.Path)
	gaveUp := e.Kind == tree.EventGivingUp
	if f := d.follows(e.Cascade); f != nil && gaveUp && len(f.GaveUp) < pathsKept {
		f.GaveUp = append(f.GaveUp, GivingUp{Supervisor: up, Child: e.Path, Spent: e.Spent, Max: e.Max})
	}
	x := d.latest(e.Path)
	if x == nil {
		return
	}
	x.Restart = &Restart{Supervisor: up, Spent: e.Spent, Max: e.Max, GaveUp: gaveUp}
	for _, id := range e.Group {
		x.Restart.Group = append(x.Restart.Group, up+"/"+id)
	}
	if e.After > 0 { // a retry that is counted only now has had its pause
		x.AfterMS = ms(e.After)
	}
}

// latest returns how the child ended last; nil if that is not kept.
func (d *deaths) latest(path string) *Exit {
	of := d.children[path]
	if of == nil {
		return nil
	}
	return &of.newest().Value.(*death).exit
}

// of returns how the child ended, the latest first.
func (d *deaths) of(path string) []Exit {
	d.mu.Lock()
	defer d.mu.Unlock()
	exits := []Exit{} // written as [] if there are none
	of := d.children[path]
	if of == nil {
		return exits
	}
	for i := of.len() - 1; i >= 0; i-- {
		x := (*of.at(i)).Value.(*death).exit
		if x.Follows != nil {
			f := *x.Follows
			f.Stopped, f.Started, f.GaveUp = slices.Clone(f.Stopped), slices.Clone(f.Started), slices.Clone(f.GaveUp)
			x.Follows = &f
		}
		exits = append(exits, x)
	}
	return exits
}
