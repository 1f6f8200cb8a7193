package top

import (
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree"
)

const (
	tickEvery   = time.Second
	settleAfter = 100 * time.Millisecond // the cursor rests: what is known of the child is asked for
)

// Config says what is shown, and how.
type Config struct {
	Tree      tree.Snapshot // with which it begins; of a Recording, its own counts
	Recording *Recording    // to be played; nil: the tree runs, and events follow
	ReadOnly  bool          // no orders
	Color     bool
	ASCII     bool      // nothing is drawn with box drawing and block characters
	Now       time.Time // times of day are in its location
}

// pane is a part of the screen that has the keys.
type pane int

const (
	treePane pane = iota
	logPane
	eventPane
	panes // how many
)

// Model is what the screen shows. It is not safe for concurrent use.
type Model struct {
	cfg           Config
	width, height int
	now           time.Time
	glyphs

	mirror   mirror
	restarts restarts
	story    story
	usage    map[int]usage
	log      log
	player   *player // nil: the tree runs
	ended    bool    // no events follow
	lost     error   // why, if the run has not ended

	snapshot tree.Snapshot // that is shown
	rows     []row
	place    place
	folded   map[string]bool
	filter   string
	radius   radius
	paused   bool
	held     []tree.Event // while it is

	focus, below pane // that has the keys; that is shown below the tree if there is room for one
	up           int  // of the list of events: lines from the last one
	asked        question
	page         *page
	message      string
	failed       bool // the message tells of a failure
}

// New makes a Model, and returns what it wants done first.
func New(cfg Config) (*Model, []Effect) {
	m := &Model{cfg: cfg, now: cfg.Now, glyphs: boxGlyphs, folded: map[string]bool{}, below: eventPane}
	if cfg.ASCII {
		m.glyphs = asciiGlyphs
	}
	if cfg.Recording != nil {
		m.player = &player{Recording: cfg.Recording, clock: cfg.Recording.Snapshot.Time, speed: 1}
		m.now = m.player.clock.In(cfg.Now.Location())
		m.rewind()
		return m, m.moved()
	}
	m.begin(cfg.Tree)
	return m, append(m.moved(), Later{After: tickEvery})
}

// begin forgets all, and begins with a snapshot.
func (m *Model) begin(s tree.Snapshot) {
	m.mirror = newMirror(s)
	m.restarts = restarts{}
	m.story = story{root: s.Root.Path}
	m.refresh()
}

// Update takes a message, and returns what is to be done about it.
func (m *Model) Update(msg Msg) []Effect {
	effects := m.update(msg)
	m.place.scroll(m.rows, m.heights().tree)
	return effects
}

func (m *Model) update(msg Msg) []Effect {
	switch msg := msg.(type) {
	case Size:
		m.width, m.height = msg.Width, msg.Height
	case Key:
		return m.key(msg)
	case Tick:
		return m.tick(msg.Now)
	case Batch:
		return m.batch(msg)
	case Snapshot:
		return m.renewed(msg)
	case Ended:
		return m.end(msg.Err)
	case LogEnded:
		m.log.ended(msg)
	case Plan:
		return m.planned(msg)
	case Why:
		m.why(msg)
	case Done:
		m.done(msg)
	case Usage:
		m.used(msg)
	case settled:
		return m.settle(msg.path)
	}
	return nil
}

// tick is the time going on, and with it what is sampled.
func (m *Model) tick(now time.Time) []Effect {
	if m.player != nil {
		m.seek(m.player.tick(now))
		if !m.player.playing {
			return nil
		}
		return []Effect{Later{After: playTick}}
	}
	effects := []Effect{Later{After: tickEvery}}
	if m.paused {
		return effects
	}
	m.now = now
	m.refresh()
	if pids := m.visiblePIDs(); len(pids) > 0 {
		effects = append(effects, Sample{PIDs: pids})
	}
	if m.radius.stale && !m.radius.asking && !m.ended {
		effects = append(effects, m.askRadius()...)
	}
	return effects
}

// batch takes what happened. A view that pauses keeps it for later.
func (m *Model) batch(b Batch) []Effect {
	for _, o := range b.Lines {
		m.log.add(o)
	}
	if m.paused {
		m.held = append(m.held, b.Events[:min(len(b.Events), max(0, heldMost-len(m.held)))]...)
		return nil
	}
	m.now = b.Now
	return m.see(b.Events)
}

// see brings everything up to date.
func (m *Model) see(events []tree.Event) []Effect {
	lost := false
	was := len(m.story.items)
	for i := range events {
		e := &events[i]
		lost = m.mirror.see(*e) || lost
		m.restarts.see(e)
		m.story.see(e)
	}
	if m.up > 0 { // it is read: what is read stays where it is
		m.up += len(m.story.items) - was
	}
	m.radius.stale = true
	m.refresh()
	if lost {
		return []Effect{AskSnapshot{}}
	}
	return nil
}

// renewed goes on after events were lost.
func (m *Model) renewed(s Snapshot) []Effect {
	if s.Err != nil {
		return m.end(s.Err)
	}
	lost := m.mirror.renew(s.Snapshot)
	m.refresh()
	if lost {
		return []Effect{AskSnapshot{}}
	}
	return nil
}

// end is that of the events. A pause ends with it: there is no more to come.
func (m *Model) end(err error) []Effect {
	var effects []Effect
	if m.paused {
		effects = m.pause()
	}
	m.ended, m.lost = true, err
	return effects
}

// refresh lays out the state anew.
func (m *Model) refresh() {
	m.snapshot = m.mirror.at(m.now)
	m.relay()
}

// relay lays out the lines of the tree anew.
func (m *Model) relay() {
	m.rows = layout(&m.snapshot.Root, m.folded, m.filter)
	m.place.follow(m.rows)
	if m.player != nil {
		if r := m.current(); r != nil {
			m.radius = newRadius(r.Path, recorded(r.up, r.Status))
		}
	}
}

// current is the child under the cursor; nil if no child is shown.
func (m *Model) current() *row {
	if len(m.rows) == 0 {
		return nil
	}
	return &m.rows[m.place.index]
}

// rewind goes back to the snapshot of a recording.
func (m *Model) rewind() {
	m.player.at = 0
	m.begin(m.player.Snapshot)
}

// seek goes to the place in a recording after so many events.
func (m *Model) seek(to int) {
	p := m.player
	m.now = p.clock.In(m.cfg.Now.Location())
	if to < p.at {
		m.rewind()
	}
	from := p.at
	p.at = to
	m.see(p.Events[from:to])
}

// over reports whether nothing of the tree runs any more.
func (m *Model) over() bool { return m.ended || m.story.end != nil }

func (m *Model) look(width int) show.Look {
	return show.Look{Color: m.cfg.Color, ASCII: m.cfg.ASCII, Width: width, Now: m.now}
}

// say shows a message until the next key.
func (m *Model) say(text string, failed bool) { m.message, m.failed = text, failed }
