package show

import (
	"fmt"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/tree/control/record"
)

// Logs draws output as it comes. Where a child is another incarnation than in
// the line of it before, a line says so.
type Logs struct {
	Look

	children map[string]*writer
	width    int // of the widest name so far
}

// writer is a child that has written.
type writer struct {
	incarnation uint64 // the latest
	style       lipgloss.Style
}

// nameColumn bounds how far a long name pushes the text of others.
const nameColumn = 40

// palette has the colours that tell children apart; red is left for failures.
var palette = []lipgloss.Style{
	lipgloss.NewStyle().Foreground(lipgloss.Cyan),
	lipgloss.NewStyle().Foreground(lipgloss.Magenta),
	lipgloss.NewStyle().Foreground(lipgloss.Blue),
	lipgloss.NewStyle().Foreground(lipgloss.Green),
	lipgloss.NewStyle().Foreground(lipgloss.BrightCyan),
	lipgloss.NewStyle().Foreground(lipgloss.BrightMagenta),
	lipgloss.NewStyle().Foreground(lipgloss.BrightBlue),
}

// Line returns what is to be written for a line of output, line breaks
// included.
func (g *Logs) Line(line record.Line) string {
	if line.Dropped > 0 {
		return g.paint(busy, fmt.Sprintf("--- %d lines of %s are missing here: this reader was too slow", line.Dropped, line.Path)) + "\n"
	}
	name := line.Path
	if line.PID != 0 {
		name = fmt.Sprintf("%s[%d]", line.Path, line.PID)
	}
	g.width = max(g.width, min(nameColumn, ansi.StringWidth(name)))
	w, turn := g.turn(line)
	stream := faint
	if line.Stream == "stderr" {
		stream = busy
	}
	return turn + fmt.Sprintf("%s  %s  %s %s\n", g.paint(faint, g.clock(line.Time)),
		g.paint(w.style, pad(name, g.width)), g.paint(stream, pad(line.Stream, len("stderr"))+"|"), line.Text)
}

// turn returns who writes, and says so if another incarnation does from here on.
func (g *Logs) turn(line record.Line) (w *writer, text string) {
	w = g.children[line.Path]
	if w == nil {
		if g.children == nil {
			g.children = make(map[string]*writer)
		}
		w = &writer{line.Incarnation, palette[len(g.children)%len(palette)]}
		g.children[line.Path] = w
	}
	if w.incarnation == line.Incarnation {
		return w, ""
	}
	text = fmt.Sprintf("--- %s: incarnation %d", line.Path, line.Incarnation)
	if line.PID != 0 {
		text += fmt.Sprintf(", pid %d", line.PID)
	}
	text = g.paint(bold, fmt.Sprintf("%s, after %d", text, w.incarnation)) + "\n"
	w.incarnation = line.Incarnation
	return w, text
}
