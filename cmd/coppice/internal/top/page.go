package top

import (
	"strings"

	"github.com/coppice-go/coppice/tree"
)

// page is text that covers the screen until it is closed.
type page struct {
	title  string
	draw   func(width int) []string
	up     int // lines above the screen
	closed bool
}

func (p *page) key(name string, width, height int) {
	step := max(1, height-3)
	switch name {
	case "up", "k":
		p.up--
	case "down", "j":
		p.up++
	case "pgup":
		p.up -= step
	case "pgdown", "space":
		p.up += step
	case "home":
		p.up = 0
	case "end":
		p.up = many
	default:
		p.closed = true
	}
	p.up = clamp(p.up, len(p.draw(width))-height+2)
}

func (m *Model) drawPage() []string {
	text := m.page.draw(m.width)
	height := m.height - 2
	up := clamp(m.page.up, len(text)-height) // the screen may have grown
	shown := text[up:min(len(text), up+height)]
	lines := append([]string{m.rule(m.paint(focussed, m.page.title))}, shown...)
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	foot := "esc closes"
	if len(text) > height {
		foot = "up, down scroll" + m.sep + foot
	}
	return append(lines, m.paint(faint, foot))
}

// why shows how a child ended, as the tree tells it.
func (m *Model) why(w Why) {
	if w.Err != nil {
		m.say(w.Err.Error(), true)
		return
	}
	look := m.look(0)
	m.page = &page{title: "why " + w.Report.Path, draw: func(width int) []string {
		look.Width = width
		return strings.Split(strings.TrimRight(look.Why(w.Report), "\n"), "\n")
	}}
}

// lastEnd shows what is known of the last end of a child without asking.
func (m *Model) lastEnd(r *row) *page {
	st := *r.Status
	look := m.look(0)
	var happened []tree.Event
	for _, it := range m.story.items {
		for _, e := range it.events {
			if st.Last != nil && e.Path == st.Path && e.Kind == tree.EventExited && e.Incarnation == st.Last.Incarnation {
				happened = it.events
			}
		}
	}
	return &page{title: "why " + st.Path, draw: func(width int) []string {
		look.Width = width
		lines := []string{look.Status(&st), ""}
		if st.Last == nil {
			return append(lines, "No end of it is known.")
		}
		lines = append(lines, "Its last end:", "  "+m.last(&st, width-2))
		if tail := m.tail("  ", *st.Last, many); len(tail) > 0 {
			lines = append(append(lines, "", "Its last output:"), tail...)
		}
		if len(happened) > 1 {
			lines = append(lines, "", "What happened then:")
			for _, e := range happened {
				lines = append(lines, look.Event(withoutCascade(e)))
			}
		}
		return lines
	}}
}
