package show

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// none stands where there is nothing to tell, so that columns can be counted.
const none = "-"

// header names the columns of the table of a tree.
var header = row{cells: [...]string{"CHILD", "STATE", "PID", "UPTIME", "RUN", "RULE", "RESTARTS", "LAST EXIT"}, state: plain, exit: plain}

const (
	stateColumn = 1
	exitColumn  = 7
)

// row is a line of the table.
type row struct {
	cells       [exitColumn + 1]string
	state, exit lipgloss.Style
}

// Tree draws the state of a child and of all below it: a line for each.
func (l Look) Tree(st tree.Status) string {
	rows := l.rows([]row{header}, st, "", "")
	var widths [exitColumn]int
	for _, r := range rows {
		for i := range widths {
			widths[i] = max(widths[i], ansi.StringWidth(r.cells[i]))
		}
	}
	var out strings.Builder
	for n, r := range rows {
		var line strings.Builder
		for i, w := range widths {
			cell := pad(r.cells[i], w)
			if i == stateColumn {
				cell = l.paint(r.state, cell)
			}
			line.WriteString(cell + "  ")
		}
		line.WriteString(l.paint(r.exit, r.cells[exitColumn]))
		text := l.cut(line.String())
		if n == 0 {
			text = l.paint(bold, text)
		}
		out.WriteString(text + "\n")
	}
	return out.String()
}

// rows appends the rows of a child and of those below it. branch is what is
// drawn before its name, below what is drawn before those of its children.
func (l Look) rows(rows []row, st tree.Status, branch, below string) []row {
	name := branch + st.ID
	if branch == "" {
		name = st.Path
	}
	rows = append(rows, l.row(name, &st))
	if st.Supervisor == nil {
		return rows
	}
	each, pass, last := "├─ ", "│  ", "└─ "
	if l.ASCII {
		each, pass, last = "|- ", "|  ", "`- "
	}
	kids := st.Supervisor.Children
	for i, kid := range kids {
		if i == len(kids)-1 {
			rows = l.rows(rows, kid, below+last, below+"   ")
		} else {
			rows = l.rows(rows, kid, below+each, below+pass)
		}
	}
	return rows
}

func (l Look) row(name string, st *tree.Status) row {
	r := row{state: StateStyle(st.State, Failed(st)), exit: faint}
	if Failed(st) {
		r.exit = plain
	}
	pid, uptime, run := none, none, none
	if st.PID != 0 {
		pid = fmt.Sprint(st.PID)
	}
	if st.State == strategies.Up {
		uptime = span(max(0, l.Now.Sub(st.Since)).Truncate(time.Second))
	}
	if st.Incarnation != 0 {
		run = fmt.Sprintf("#%d", st.Incarnation)
	}
	r.cells = [...]string{name, st.State.String(), pid, uptime, run, Rule(st), l.restarts(st.Supervisor), l.lastExit(st)}
	return r
}

// Failed reports whether the last end of a child was a failure.
func Failed(st *tree.Status) bool { return st.Last != nil && !st.Last.Exit.Class.Clean() }

// Rule is who is restarted: of a supervisor its strategy, of others when.
func Rule(st *tree.Status) string {
	switch s := st.Supervisor; {
	case s == nil:
		return st.Restart.String()
	case s.Dynamic:
		return "dynamic"
	default:
		return s.Strategy.String()
	}
}

// restarts is what a supervisor has spent of the restarts it is allowed.
func (l Look) restarts(s *tree.SupervisorStatus) string {
	switch {
	case s == nil:
		return none
	case s.Intensity.Max == 0:
		return "none allowed"
	}
	text := fmt.Sprintf("%d/%d in %s", s.Spent, s.Intensity.Max, span(s.Intensity.Within))
	if d := s.Refill.Sub(l.Now); s.Spent > 0 && d > 0 {
		text += ", refill in " + span(d)
	}
	return text
}

func (l Look) lastExit(st *tree.Status) string {
	var parts []string
	if st.Last != nil {
		parts = append(parts, howExit(st.Last.Exit)+" "+l.ago(st.Last.Time))
	}
	if st.State == strategies.Waiting {
		parts = append(parts, "starts in "+span(max(0, st.RestartAt.Sub(l.Now))))
	}
	if len(parts) == 0 {
		return none
	}
	return strings.Join(parts, "; ")
}

// Status is the state of one child in a line.
func (l Look) Status(st *tree.Status) string {
	text := l.paint(StateStyle(st.State, Failed(st)), st.State.String())
	if !st.Since.IsZero() {
		text += " for " + span(max(0, l.Now.Sub(st.Since)))
	}
	if st.Incarnation > 0 {
		text += fmt.Sprintf(", incarnation %d", st.Incarnation)
	}
	if st.PID != 0 {
		text += fmt.Sprintf(", pid %d", st.PID)
	}
	if st.State == strategies.Waiting {
		text += ", starts in " + span(max(0, st.RestartAt.Sub(l.Now)))
	}
	return l.paint(bold, st.Path) + "  " + text
}

// Find returns the status of the child at path, at or below st.
func Find(st *tree.Status, path string) *tree.Status {
	for st.Path != path {
		if st.Supervisor == nil {
			return nil
		}
		var next *tree.Status
		for i := range st.Supervisor.Children {
			if kid := &st.Supervisor.Children[i]; Under(path, kid.Path) {
				next = kid
				break
			}
		}
		if next == nil {
			return nil
		}
		st = next
	}
	return st
}
