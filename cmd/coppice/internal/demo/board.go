package demo

import (
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// Board is what is known of the tree from its events, as a viewer has seen them
// so far: the tree itself is ahead of a viewer who takes his time. It numbers
// the stops and starts of the cascade at hand.
type Board struct {
	Cells   []*Cell // parents before children, in start order
	cells   map[string]*Cell
	cascade strategies.Cascade
	stops   int
	starts  int
}

// Cell is one child, or the root.
type Cell struct {
	Path, ID    string
	Depth       int
	Last        []bool // for each level of depth: it is the last of its siblings
	Supervisor  bool
	Strategy    strategies.Strategy
	Max, Spent  int // of a supervisor: restarts allowed, and used up
	State       strategies.State
	PID         int
	Incarnation uint64
	Since       time.Time

	// in the cascade at hand
	Crashed bool   // it died, unasked
	Death   string // how
	GaveUp  bool   // a supervisor that ended over it
	Radius  bool   // it shares the fate of the one that died
	Stop    int    // the how manyth to be stopped; 0: not
	Start   int    // the how manyth to be started; 0: not
}

// newBoard lays out the tree before anything was started.
func newBoard(root *tree.Supervisor) *Board {
	b := &Board{cells: map[string]*Cell{}}
	var lay func(st tree.Status, last []bool)
	lay = func(st tree.Status, last []bool) {
		c := &Cell{Path: st.Path, ID: st.ID, Depth: len(last), Last: last, State: st.State}
		b.Cells = append(b.Cells, c)
		b.cells[st.Path] = c
		if s := st.Supervisor; s != nil {
			c.Supervisor, c.Strategy, c.Max = true, s.Strategy, s.Intensity.Max
			for i, kid := range s.Children {
				lay(kid, append(append([]bool{}, last...), i == len(s.Children)-1))
			}
		}
	}
	lay(root.Snapshot().Root, nil)
	return b
}

// Left is how many restarts a supervisor has left before it gives up.
func (c *Cell) Left() int { return max(0, c.Max-c.Spent) }

// parent returns the path of a child's supervisor; "" for the root.
func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return ""
	}
	return path[:i]
}

// see brings the board up to date.
func (b *Board) see(e tree.Event) {
	c := b.cells[e.Path]
	if c == nil { // Dropped: no child's
		return
	}
	if !e.Cascade.IsZero() && e.Cascade != b.cascade {
		b.forget()
		b.cascade = e.Cascade
	}
	if e.Kind == tree.EventStopping && parent(e.Path) == "" {
		b.forget() // the end of everything follows from no crash
	}
	switch e.Kind {
	case tree.EventStarting:
		c.set(strategies.Starting, e)
		c.Incarnation, c.Spent = e.Incarnation, 0
		if !c.Supervisor && !e.Cascade.IsZero() {
			b.starts++
			c.Start = b.starts
		}
	case tree.EventProgress:
		c.set(strategies.Up, e)
		c.PID = e.PID
	case tree.EventStopping, tree.EventKilling:
		if !c.Supervisor && !e.Cascade.IsZero() && c.State != strategies.Stopping {
			b.stops++
			c.Stop = b.stops
		}
		c.Crashed, c.Death = false, "" // it was restarted since, and is now stopped
		c.set(strategies.Stopping, e)
	case tree.EventExited:
		if c.State == strategies.Up && !c.Supervisor {
			c.Crashed, c.Death = true, death(e.Exit.Err)
		}
		c.set(strategies.Down, e)
		c.PID = 0
	case tree.EventStartError, tree.EventCancelled, tree.EventIgnored:
		c.set(strategies.Down, e)
	case tree.EventRestarting:
		b.cells[parent(e.Path)].Spent = e.Spent
		for _, id := range e.Group {
			b.mark(parent(e.Path) + "/" + id)
		}
	case tree.EventGivingUp:
		if up := b.cells[parent(e.Path)]; up != nil {
			up.Spent, up.GaveUp = e.Spent, true
		}
	}
}

func (c *Cell) set(s strategies.State, e tree.Event) { c.State, c.Since = s, e.Time }

// mark marks a child and what is below it as part of the blast radius.
func (b *Board) mark(path string) {
	for _, c := range b.Cells {
		if c.Path == path || strings.HasPrefix(c.Path, path+"/") {
			c.Radius = true
		}
	}
}

// forget ends the cascade at hand.
func (b *Board) forget() {
	b.cascade, b.stops, b.starts = strategies.Cascade{}, 0, 0
	for _, c := range b.Cells {
		c.Crashed, c.Death, c.GaveUp, c.Radius, c.Stop, c.Start = false, "", false, false, 0, 0
	}
}

// ready reports whether everything runs.
func (b *Board) ready() bool {
	for _, c := range b.Cells {
		if c.State != strategies.Up {
			return false
		}
	}
	return true
}

// pids returns the process of every leaf that runs.
func (b *Board) pids() map[string]int {
	pids := map[string]int{}
	for _, c := range b.Cells {
		if c.PID != 0 {
			pids[c.Path] = c.PID
		}
	}
	return pids
}
