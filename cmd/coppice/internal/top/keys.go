package top

import (
	"slices"

	"github.com/coppice-go/coppice/tree/control"
)

// many is further than any list is long.
const many = 1 << 30

// key is what a key does.
func (m *Model) key(k Key) []Effect {
	switch {
	case k.Name == "ctrl+c":
		return []Effect{Quit{}}
	case m.asked.kind != nothing:
		m.message = ""
		return m.answer(k)
	case m.page != nil:
		m.page.key(k.Name, m.width, m.height)
		if m.page.closed {
			m.page = nil
		}
		return nil
	}
	m.message = ""
	if by, ok := m.distance(k.Name); ok {
		return m.move(by)
	}
	switch k.Name {
	case "q":
		return []Effect{Quit{}}
	case "?":
		m.page = helpPage(m)
	case "tab":
		m.show((m.focus + 1) % panes)
	case "shift+tab":
		m.show((m.focus + panes - 1) % panes)
	case "/":
		m.asked = question{kind: filter, text: m.filter, was: m.filter}
	case "esc":
		return m.filterBy("")
	case "space":
		return m.pause()
	case "p":
		return m.previous()
	case "enter":
		return m.enter()
	case "h", "l":
		m.fold(k.Name == "h")
		return m.moved()
	case "left", "right":
		return m.sideways(k.Name == "left")
	case "r":
		return m.ask(control.Restart)
	case "s":
		return m.ask(control.Stop)
	case "S":
		return m.ask(control.Start)
	case "K":
		return m.ask(control.Signal)
	case "+", "=":
		m.speed(2)
	case "-":
		m.speed(0.5)
	}
	return nil
}

// distance is how many lines a key moves by, if it moves.
func (m *Model) distance(name string) (by int, ok bool) {
	page := max(1, m.heights().of(m.focus)-1)
	by, ok = map[string]int{
		"up": -1, "k": -1, "down": 1, "j": 1, "pgup": -page, "pgdown": page, "home": -many, "end": many,
	}[name]
	return by, ok
}

// move moves in the pane that has the keys.
func (m *Model) move(by int) []Effect {
	switch m.focus {
	case logPane:
		m.log.up = clamp(m.log.up-by, len(m.log.entries())-1)
	case eventPane:
		m.up = clamp(m.up-by, len(m.story.entries())-1)
	default:
		m.place.move(m.rows, by)
		return m.moved()
	}
	return nil
}

// clamp bounds n from 0 to most.
func clamp(n, most int) int { return max(0, min(n, most)) }

// show gives a pane the keys.
func (m *Model) show(p pane) {
	if m.focus = p; p != treePane {
		m.below = p
	}
}

// filterBy shows only children whose path contains the text; the cursor goes to
// the first, if it is on none.
func (m *Model) filterBy(text string) []Effect {
	m.filter = text
	m.relay()
	if !matches(m.place.path, text) {
		if i := slices.IndexFunc(m.rows, func(r row) bool { return matches(r.Path, text) }); i >= 0 {
			m.place.move(m.rows, i-m.place.index)
		}
	}
	return m.moved()
}

// pause stops the view, or lets it go on with what happened meanwhile; of a
// recording, it plays or pauses.
func (m *Model) pause() []Effect {
	if p := m.player; p != nil {
		m.seek(p.toggle())
		if p.playing {
			return []Effect{Later{After: playTick}}
		}
		return nil
	}
	if m.paused = !m.paused; m.paused {
		return nil
	}
	held := m.held
	m.held = nil
	return m.see(held)
}

// speed makes a recording play faster by a factor.
func (m *Model) speed(by float64) {
	if m.player != nil {
		m.player.faster(by)
	}
}

// sideways folds, or steps through a recording.
func (m *Model) sideways(back bool) []Effect {
	p := m.player
	if p == nil {
		m.fold(back)
		return m.moved()
	}
	m.seek(p.step(back))
	return nil
}

// fold folds or unfolds the supervisor under the cursor, or the failure in the
// list of events; what is folded already goes to what is above it.
func (m *Model) fold(fold bool) {
	if m.focus == eventPane {
		if e, ok := m.event(); ok {
			m.open(e.item, !fold)
		}
		return
	}
	r := m.current()
	switch {
	case r == nil:
	case r.Supervisor != nil && m.folded[r.Path] != fold:
		m.folded[r.Path] = fold
		m.relay()
	case fold && r.up != nil:
		m.place.path = r.up.Path
		m.relay()
	}
}

// enter tells more of what is under the cursor.
func (m *Model) enter() []Effect {
	if m.focus == eventPane {
		if e, ok := m.event(); ok {
			m.open(e.item, !e.item.open)
		}
		return nil
	}
	r := m.current()
	switch {
	case r == nil:
	case m.player != nil || m.ended:
		m.page = m.lastEnd(r)
	default:
		return []Effect{AskWhy{r.Path}}
	}
	return nil
}

// event is the line under the cursor in the list of events.
func (m *Model) event() (entry, bool) {
	all := m.story.entries()
	if len(all) == 0 {
		return entry{}, false
	}
	return all[len(all)-1-clamp(m.up, len(all)-1)], true
}

// open shows the events of a failure one by one, or not; the cursor goes to its
// first line.
func (m *Model) open(it *item, open bool) {
	it.open = open
	all := m.story.entries()
	for i, e := range all {
		if e.item == it {
			m.up = len(all) - 1 - i
			return
		}
	}
}

// previous shows the output of the incarnation before, or again of the latest.
func (m *Model) previous() []Effect {
	m.below = logPane
	if m.player != nil || m.ended || m.current() == nil {
		return nil
	}
	return []Effect{m.log.open(m.current().Path, !m.log.previous)}
}
