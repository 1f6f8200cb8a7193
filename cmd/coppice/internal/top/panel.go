package top

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/record"
)

// panel draws a pane below the tree: its heading, and the lines there is room
// for.
func (m *Model) panel(height int, p pane) []string {
	both := m.heights().events > 0
	heads := []string{m.head(logPane, p, both), m.head(eventPane, p, both)}
	text := heads[p-logPane]
	if !both {
		text = strings.Join(heads, m.paint(faint, m.sep))
	}
	lines := []string{m.rule(text)}
	if p == logPane {
		lines = append(lines, m.drawLog(height)...)
	} else {
		lines = append(lines, m.drawEvents(height)...)
	}
	for len(lines) <= height { // so that what is below it stays where it is
		lines = append(lines, "")
	}
	return lines
}

// head is the heading of a pane: of the one that is shown it says more.
func (m *Model) head(p, shown pane, both bool) string {
	text := "events"
	if pl := m.player; pl != nil && pl.at > 0 {
		text = "events, now: " + ansi.Strip(m.look(0).Event(withoutCascade(pl.Events[pl.at-1])))
	}
	if p == logPane {
		text = "log"
		if shown == p || both {
			text = m.logTitle()
		}
	}
	switch {
	case m.focus == p:
		return m.paint(focussed, text)
	case shown == p || both:
		return m.paint(heading, text)
	}
	return m.paint(faint, text+" (tab)")
}

func (m *Model) logTitle() string {
	switch {
	case m.player != nil:
		return "log: output kept with the last end"
	case m.log.previous:
		return "log " + m.log.path + ", incarnation before (p: latest)"
	}
	return "log " + m.log.path
}

// drawEvents draws the list of events, folded by cascade; the one under the
// cursor is in the middle, if there is anything after it.
func (m *Model) drawEvents(height int) []string {
	all := m.story.entries()
	chosen := len(all) - 1 - clamp(m.up, len(all)-1)
	from := clamp(chosen-height/2, len(all)-height)
	var lines []string
	for i := from; i < min(len(all), from+height); i++ {
		lines = append(lines, m.drawEntry(all[i], i == chosen && m.focus == eventPane))
	}
	return lines
}

func (m *Model) drawEntry(e entry, chosen bool) string {
	lead, tail, event := "  ", "", tree.Event{}
	switch it := e.item; {
	case e.event >= 0 && it.n > 1:
		lead, event = "  "+m.paint(faint, m.within), it.events[e.event]
	case e.event >= 0:
		lead, event = "  ", it.events[0]
	default:
		lead, tail, event = m.closed, m.summary(it), it.events[0]
		if it.open {
			lead = m.unfolded
		}
		if it.origin != nil {
			event = *it.origin
		}
	}
	if chosen {
		lead = m.paint(bold, m.cursor) + ansi.Cut(lead, 1, ansi.StringWidth(lead))
	}
	room := m.width - ansi.StringWidth(lead) - ansi.StringWidth(tail)
	return lead + m.look(room).Event(withoutCascade(event)) + tail
}

// summary tells what followed from a failure.
func (m *Model) summary(it *item) string {
	text := ""
	if it.stops > 0 {
		text += m.paint(yellow, fmt.Sprintf(" %s%d", m.stop, it.stops))
	}
	if it.starts > 0 {
		text += m.paint(green, fmt.Sprintf(" %s%d", m.start, it.starts))
	}
	if n := len(it.gaveUp); n > 0 {
		text += m.paint(alarm, fmt.Sprintf(" %s%d", m.gaveUp, n))
	}
	return text
}

// logEntry is a line of the log: one of output, or a mark before one of another
// incarnation.
type logEntry struct {
	*record.Line
	mark bool
}

// entries returns the lines of the log, the latest last.
func (l *log) entries() []logEntry {
	var all []logEntry
	latest := map[string]uint64{}
	for i := range l.lines {
		line := &l.lines[i]
		was, known := latest[line.Path]
		if line.Dropped == 0 {
			if known && was != line.Incarnation || !known && line.Path == l.path {
				all = append(all, logEntry{line, true})
			}
			latest[line.Path] = line.Incarnation
		}
		all = append(all, logEntry{line, false})
	}
	return all
}

// drawLog draws the output of the child under the cursor.
func (m *Model) drawLog(height int) []string {
	if m.player != nil {
		return m.drawTail(height)
	}
	all := m.log.entries()
	to := max(len(all)-m.log.up, min(len(all), height))
	var lines []string
	for _, e := range all[max(0, to-height):max(0, to)] {
		lines = append(lines, m.drawLogEntry(e))
	}
	switch {
	case m.log.err != nil:
		lines = append(lines, m.paint(faint, "  "+harmless(m.log.err.Error())))
	case len(all) == 0 && m.log.previous:
		lines = append(lines, m.paint(faint, "  no output of an incarnation before is kept"))
	case len(all) == 0:
		lines = append(lines, m.paint(faint, "  no output so far"))
	}
	return lines[max(0, len(lines)-height):]
}

func (m *Model) drawLogEntry(e logEntry) string {
	name := strings.TrimPrefix(strings.TrimPrefix(e.Path, m.log.path), "/")
	if e.Dropped > 0 {
		return m.paint(yellow, fmt.Sprintf("  %d lines of %s are missing here: they came too fast", e.Dropped, harmless(e.Path)))
	}
	if e.mark {
		text := fmt.Sprintf("%sincarnation %d", prefix(name, ": "), e.Incarnation)
		if e.PID != 0 {
			text += fmt.Sprintf(", pid %d", e.PID)
		}
		return "  " + m.paint(bold, strings.Repeat(m.glyphs.rule, 2)+" "+text+" "+strings.Repeat(m.glyphs.rule, 2))
	}
	stream := m.paint(faint, "|")
	if e.Stream == "stderr" {
		stream = m.paint(yellow, "!")
	}
	clock := e.Time.In(m.now.Location()).Format("15:04:05.000")
	return "  " + m.paint(faint, clock) + " " + prefix(m.paint(heading, harmless(name)), " ") + stream + " " + harmless(e.Text)
}

func prefix(text, after string) string {
	if text == "" {
		return ""
	}
	return text + after
}

// drawTail draws the output that a recording has: what was kept of the last end.
func (m *Model) drawTail(height int) []string {
	r := m.current()
	if r == nil || r.Last == nil || len(r.Last.Tail()) == 0 {
		return []string{m.paint(faint, "  none is in the recording")}
	}
	return m.tail("  ", *r.Last, height)
}
