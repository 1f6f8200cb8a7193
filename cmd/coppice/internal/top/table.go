package top

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// The widths of the columns that are the same on every screen.
const (
	marginColumn   = 2
	orderColumn    = 6
	stateColumn    = 8
	uptimeColumn   = 5
	restartsColumn = 6
	pidColumn      = 7
	cpuColumn      = 5
	rssColumn      = 5
	processColumns = pidColumn + 1 + cpuColumn + 1 + rssColumn
	budgetColumn   = 22
	ruleColumn     = 13
)

// The widths from which there is room for more.
const (
	processFrom = 56  // for processes, and the budgets of supervisors in their place
	historyFrom = 72  // for restarts
	wideFrom    = 132 // for budgets in a column of their own, and rules
)

// columns says which there are, and the widths of those that grow.
type columns struct {
	name, spark            int
	process, history, wide bool
}

func (m *Model) columns() columns {
	c := columns{process: m.width >= processFrom, history: m.width >= historyFrom, wide: m.width >= wideFrom}
	spare := m.width - (marginColumn + orderColumn + stateColumn + uptimeColumn + 3)
	if c.process {
		spare -= processColumns + 1
	}
	if c.history {
		spare -= restartsColumn + 2
	}
	if c.wide {
		spare -= budgetColumn + ruleColumn + 2
	}
	c.name = spare
	if c.history {
		c.spark = clamp(spare*3/10, sparkCells-8)
		c.name -= c.spark
	}
	return c
}

// table draws the tree: a heading, and the lines there is room for.
func (m *Model) table(height int) []string {
	c := m.columns()
	head := []string{m.cell("CHILD", c.name), m.cell("RADIUS", orderColumn), m.cell("STATE", stateColumn), m.right("UP", uptimeColumn)}
	if c.history {
		head = append(head, m.right("AGAIN", restartsColumn), m.cell("LATELY", c.spark))
	}
	if c.process {
		head = append(head, m.right("PID", pidColumn), m.right("CPU", cpuColumn), m.right("RSS", rssColumn))
	}
	if c.wide {
		head = append(head, m.cell("RESTARTS LEFT", budgetColumn), m.cell("RULE", ruleColumn))
	}
	lines := []string{m.paint(heading, strings.Repeat(" ", marginColumn)+strings.Join(head, " "))}
	for _, r := range m.drawn() {
		lines = append(lines, m.line(c, r))
	}
	if len(m.rows) == 0 {
		lines = append(lines, m.paint(faint, "  no path contains "+m.filter))
	}
	return lines[:min(len(lines), height+1)]
}

// line draws one child.
func (m *Model) line(c columns, r row) string {
	st := r.Status
	margin, style := m.margin(st.Path)
	cells := []string{
		m.name(style, r, c.name),
		m.order(st.Path),
		m.paint(show.StateStyle(st.State, show.Failed(st)), m.cell(st.State.String(), stateColumn)),
		m.right(m.uptime(st), uptimeColumn),
	}
	if c.history {
		cells = append(cells, m.again(r), m.spark(st.Path, c.spark))
	}
	switch {
	case !c.process:
	case st.Supervisor == nil || c.wide:
		cells = append(cells, m.process(st))
	default:
		cells = append(cells, m.cell(m.budget(st.Supervisor, 5), processColumns))
	}
	if c.wide {
		cells = append(cells, m.cell(m.budget(st.Supervisor, 10), budgetColumn), m.paint(faint, m.cell(show.Rule(st), ruleColumn)))
	}
	return margin + strings.Join(cells, " ")
}

// margin marks the child under the cursor, and those within its radius.
func (m *Model) margin(path string) (mark string, name lipgloss.Style) {
	switch {
	case path == m.place.path && m.focus == treePane:
		return m.paint(bold, m.cursor) + " ", inverse
	case path == m.place.path:
		return m.paint(bold, m.cursor) + " ", bold
	case m.radius.has(path):
		return m.paint(tinted, m.tint) + " ", tinted
	}
	return "  ", plain
}

// name is that of a child, at its place in the tree.
func (m *Model) name(style lipgloss.Style, r row, width int) string {
	var branches strings.Builder
	for i, last := range r.last {
		switch own := i == len(r.last)-1; {
		case own && last:
			branches.WriteString(m.elbow)
		case own:
			branches.WriteString(m.branch)
		case last:
			branches.WriteString(m.blank)
		default:
			branches.WriteString(m.pass)
		}
	}
	text := harmless(r.ID)
	if r.Supervisor != nil && m.filter == "" && m.folded[r.Path] {
		text += " " + strings.TrimSpace(m.closed) + fmt.Sprint(len(r.Supervisor.Children))
	}
	lead := m.cut(branches.String(), width)
	room := max(0, width-ansi.StringWidth(lead))
	text = m.cut(text, room)
	return m.paint(faint, lead) + m.paint(style, text) + strings.Repeat(" ", max(0, room-ansi.StringWidth(text)))
}

// order is the child's place in the radius: the how manyth it is to be stopped,
// and to be started.
func (m *Model) order(path string) string {
	var stop, start string
	if n := m.radius.stops[path]; n > 0 {
		stop = fmt.Sprintf("%s%d", m.stop, n)
	}
	if n := m.radius.starts[path]; n > 0 {
		start = fmt.Sprintf("%s%d", m.start, n)
	}
	if ansi.StringWidth(stop+start) > orderColumn { // better one number than a part of two
		start = m.ellipsis
	}
	return m.cell(m.paint(yellow, stop)+m.paint(green, start), orderColumn)
}

func (m *Model) uptime(st *tree.Status) string {
	switch {
	case st.State == strategies.Waiting:
		return "-" + until(st.RestartAt.Sub(m.now)) // the time until it is started
	case st.State == strategies.Down || st.Since.IsZero():
		return ""
	}
	return age(m.now.Sub(st.Since))
}

// again is how often the child was started again: within the window of its
// supervisor, and in all.
func (m *Model) again(r row) string {
	within := time.Duration(0)
	if r.up != nil {
		within = r.up.Supervisor.Intensity.Within
	}
	window, total := m.restarts.counts(r.Status, within, m.now)
	style := faint
	if window > 0 {
		style = yellow
	}
	return m.paint(style, m.right(fmt.Sprintf("%d/%d", window, total), restartsColumn))
}

// spark draws when the child, and what is below it, was started again.
func (m *Model) spark(path string, cells int) string {
	var out strings.Builder
	for _, n := range m.restarts.spark(path, m.now, cells) {
		style := yellow
		if n == 0 {
			style = faint
		}
		out.WriteString(m.paint(style, m.glyphs.spark[min(n, len(m.glyphs.spark)-1)]))
	}
	return out.String()
}

// process is the pid of a process, and what it uses.
func (m *Model) process(st *tree.Status) string {
	var pid, cpu, rss string
	if st.PID != 0 {
		pid = fmt.Sprint(st.PID)
		if u, ok := m.usage[st.PID]; ok {
			rss = size(u.RSS)
			if u.cpu >= 0 {
				cpu = fmt.Sprintf("%.0f%%", 100*u.cpu)
			}
		}
	}
	return m.right(pid, pidColumn) + " " + m.right(cpu, cpuColumn) + " " + m.right(rss, rssColumn)
}

// budget draws what a supervisor has left of its restarts, and when the oldest
// of those spent counts no more.
func (m *Model) budget(s *tree.SupervisorStatus, cells int) string {
	switch {
	case s == nil:
		return ""
	case s.Intensity.Max == 0:
		return m.paint(faint, "none allowed")
	}
	text := m.bar(s.Left, s.Intensity.Max, cells) + " " +
		m.paint(budgetStyle(s.Left, s.Intensity.Max), fmt.Sprintf("%d/%d", s.Left, s.Intensity.Max))
	if d := s.Refill.Sub(m.now); s.Spent > 0 && d > 0 {
		text += " " + m.paint(faint, "+"+until(d))
	}
	return text
}
