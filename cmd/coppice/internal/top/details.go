package top

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// labelColumn is where what is told of the child begins, after its name.
const labelColumn = 11

// details tells of the child under the cursor what its end would bring about,
// and how the last one went.
func (m *Model) details() []string {
	r := m.current()
	if r == nil {
		return []string{m.rule("no child is chosen"), "", "", ""}
	}
	about := m.look(0).Status(r.Status) + m.sep + show.Rule(r.Status)
	if len(r.Needs) > 0 {
		about += ", needs " + strings.Join(r.Needs, ", ")
	}
	return []string{
		m.rule(about),
		m.labelled("if it dies", m.radiusWords(r)),
		m.labelled("escalation", m.escalation(r)),
		m.labelled("last end", m.last(r.Status, m.width-labelColumn-2)),
	}
}

func (m *Model) labelled(label, text string) string {
	return " " + m.paint(faint, m.cell(label, labelColumn)) + " " + text
}

// radiusWords names whom the end of the child takes with it, in order.
func (m *Model) radiusWords(r *row) string {
	of := m.radius.of
	switch {
	case r.up == nil:
		return "all ends with the root"
	case m.radius.path != r.Path:
		return ""
	case len(of.Stops)+len(of.Starts) == 0:
		return m.paint(faint, "not known")
	}
	room := (m.width - labelColumn - 20) / 2
	stops, starts := m.siblings(of.Stops, r.up.Path, room), m.siblings(of.Starts, r.up.Path, room)
	for _, names := range []*string{&stops, &starts} {
		if *names == "" {
			*names = m.paint(faint, "nobody")
		}
	}
	return m.paint(yellow, m.stop+" stops ") + stops + m.paint(green, "  "+m.start+" starts ") + starts
}

// siblings names children below a supervisor, in so many columns.
func (m *Model) siblings(paths []string, up string, columns int) string {
	short := make([]string, len(paths))
	for i, path := range paths {
		short[i] = strings.TrimPrefix(path, up+"/")
	}
	for n := len(short); n > 0; n-- {
		if n > columns { // not even a letter of each
			n = max(1, columns)
		}
		text := list(short, n)
		if ansi.StringWidth(text) <= columns || n == 1 {
			return text
		}
	}
	return ""
}

// escalation is the way a failure goes up, with what each level has left.
func (m *Model) escalation(r *row) string {
	var levels []string
	for path := show.Parent(r.Path); path != ""; path = show.Parent(path) {
		up := show.Find(&m.snapshot.Root, path)
		if up == nil {
			break
		}
		s := up.Supervisor
		text := harmless(path) + " "
		switch {
		case s.Intensity.Max == 0:
			text += m.paint(red, "none allowed")
		case s.Left == 0:
			text += m.paint(red, "0 left")
		default:
			text += m.paint(budgetStyle(s.Left, s.Intensity.Max), fmt.Sprintf("%d left", s.Left))
		}
		if d := s.Refill.Sub(m.now); s.Spent > 0 && d > 0 {
			text += m.paint(faint, " +"+until(d))
		}
		levels = append(levels, text)
		if up.Restart != strategies.Permanent && show.Parent(path) != "" {
			// A supervisor that gives up ends as one that was told to: only a
			// permanent one is started again.
			text := "it stays down"
			if up.Significant {
				text += ", and counts for auto_shutdown"
			}
			return strings.Join(append(levels, text), m.then)
		}
	}
	if r.up == nil {
		return m.paint(faint, "nobody is above it")
	}
	return strings.Join(append(levels, "the tree ends"), m.then)
}

// last tells how the latest end of the child went.
func (m *Model) last(st *tree.Status, width int) string {
	if st.Last == nil {
		return m.paint(faint, "none")
	}
	return m.look(width).Event(tree.Event{
		Kind: tree.EventExited, Time: st.Last.Time, Path: st.Path, Incarnation: st.Last.Incarnation, Exit: st.Last.Exit,
	})
}

// tail draws the last lines of output that are known of an end.
func (m *Model) tail(lead string, x tree.LastExit, most int) []string {
	tail := x.Tail()
	var lines []string
	for _, text := range tail[max(0, len(tail)-most):] {
		lines = append(lines, lead+m.paint(faint, "|")+" "+harmless(text))
	}
	return lines
}

// causeTail is how much output is shown of the end with which all began.
const causeTail = 3

// causes tells why nothing runs any more: the causes, from the root down.
func (m *Model) causes() []string {
	var lines []string
	if m.lost != nil {
		lines = append(lines, m.paint(alarm, " "+harmless(m.lost.Error())))
	}
	chain := m.story.causes()
	for i, e := range chain {
		lead := " " + strings.Repeat("  ", max(0, i-1))
		switch {
		case e.Kind == tree.EventGivingUp:
			text := fmt.Sprintf("%s gave up: %s needed restart %d, %d allowed", show.Parent(e.Path), e.Path, e.Spent, e.Max)
			lines = append(lines, lead+m.paint(red, harmless(text)))
		case i > 0 || len(chain) == 1: // else the next line says it
			lines = append(lines, lead+m.look(m.width-len(lead)).Event(withoutCascade(e)))
			lines = append(lines, m.tail(lead+"  ", tree.LastExit{Exit: e.Exit}, causeTail)...)
		}
	}
	if len(lines) == 0 {
		lines = append(lines, m.paint(faint, " why is not known: it was told to stop, or its last events did not arrive"))
	}
	return lines
}

// ending stands where the details were when nothing runs any more.
func (m *Model) ending(height int) []string {
	root := harmless(m.snapshot.Root.Path)
	heading := root + " has ended: the chain of causes"
	switch {
	case m.lost != nil:
		heading = "nothing more is known of " + root
	case !m.ended && m.player == nil:
		heading += "; it may be started again"
	}
	lines := append([]string{m.rule(m.paint(alarm, heading))}, m.causes()...)
	return lines[:min(len(lines), height)]
}

func withoutCascade(e tree.Event) tree.Event {
	e.Cascade = strategies.Cascade{}
	return e
}
