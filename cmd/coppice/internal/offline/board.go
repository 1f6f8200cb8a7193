package offline

import (
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// board is how a simulated tree stands, added up from what happened.
type board struct {
	rows []*standing // in start order: the root is the first
	of   map[string]*standing
}

// standing is how one child stands, or the root.
type standing struct {
	node   node
	state  strategies.State
	starts int

	// of a supervisor, of its latest incarnation:
	window strategies.Window
	gaveUp bool
	ended  time.Duration   // when, if it is down
	exit   strategies.Exit // how
}

var epoch = time.Unix(0, 0)

func newBoard(t *strategies.Tree) *board {
	b := &board{of: map[string]*standing{}}
	for n := range nodes(t) {
		s := &standing{node: n}
		b.rows = append(b.rows, s)
		b.of[n.path] = s
	}
	return b
}

func (b *board) root() *standing { return b.rows[0] }

// limit is the intensity of the supervisor at path, with its defaults.
func (b *board) limit(path string) strategies.Intensity {
	return b.of[path].node.tree.Config.Intensity.OrDefault()
}

// see brings the board up to date.
func (b *board) see(s *step) {
	c := b.of[s.Path]
	switch s.Kind {
	case "starting":
		c.state, c.gaveUp = strategies.Starting, false
		c.starts++
		if c.node.tree != nil {
			c.window = strategies.NewWindow(c.node.tree.Config.Intensity)
		}
	case "progress":
		c.state = strategies.Up
	case "stopping", "killing":
		c.state = strategies.Stopping
	case "exited":
		c.state, c.ended, c.exit = strategies.Down, s.at, s.exit
	case "start_error", "cancelled":
		c.state = strategies.Down
	case "waiting":
		c.state = strategies.Waiting
	case "restarting":
		b.of[parent(s.Path)].window.Add(epoch.Add(s.at))
	case "giving_up":
		up := b.of[parent(s.Path)]
		up.window.Add(epoch.Add(s.at))
		up.state, up.gaveUp = strategies.Stopping, true
	}
}

// budgeted reports whether the restarts of a supervisor are to be told: it may still
// have some.
func (c *standing) budgeted() bool {
	return c.node.tree != nil && c.state != strategies.Down && !c.gaveUp
}

// name is the state in words.
func (c *standing) name() string {
	if c.gaveUp && c.state == strategies.Down {
		return "gave up"
	}
	return c.state.String()
}
