package top

import (
	"slices"
	"strings"

	"github.com/coppice-go/coppice/tree"
)

// row is a line of the tree.
type row struct {
	*tree.Status
	up   *tree.Status // its supervisor; nil for the root
	last []bool       // for each level above: it is the last of its siblings
}

// layout chooses which children are lines: all but those below a folded
// supervisor, or, with a filter, those whose path contains it and what is above
// them.
func layout(root *tree.Status, folded map[string]bool, filter string) []row {
	var rows []row
	var lay func(st, up *tree.Status, last []bool) (shown bool)
	lay = func(st, up *tree.Status, last []bool) bool {
		at := len(rows)
		rows = append(rows, row{st, up, last})
		shown := matches(st.Path, filter)
		if s := st.Supervisor; s != nil && (filter != "" || !folded[st.Path]) {
			for i := range s.Children {
				shown = lay(&s.Children[i], st, append(slices.Clip(last), i == len(s.Children)-1)) || shown
			}
		}
		if !shown {
			rows = rows[:at]
		}
		return shown
	}
	lay(root, nil, nil)
	return rows
}

// matches reports whether a filter shows a child for its own sake.
func matches(path, filter string) bool {
	return filter == "" || strings.Contains(strings.ToLower(path), strings.ToLower(filter))
}

// drawn are the lines that there is room for.
func (m *Model) drawn() []row {
	return m.rows[m.place.top:min(len(m.rows), m.place.top+m.heights().tree)]
}

// place is where the cursor is: on a child, also when lines come and go.
type place struct {
	path  string
	index int // of its line
	top   int // the line that is drawn first
}

// follow finds the child again. If it is gone the cursor stays where it was.
func (p *place) follow(rows []row) {
	if i := slices.IndexFunc(rows, func(r row) bool { return r.Path == p.path }); i >= 0 {
		p.index = i
		return
	}
	p.move(rows, 0)
}

// move moves the cursor by so many lines.
func (p *place) move(rows []row, by int) {
	p.index = max(0, min(p.index+by, len(rows)-1))
	p.path = ""
	if len(rows) > 0 {
		p.path = rows[p.index].Path
	}
}

// scroll chooses the first line so that the cursor is among the height that are
// drawn.
func (p *place) scroll(rows []row, height int) {
	p.top = max(p.index-height+1, min(p.top, p.index))
	p.top = max(0, min(p.top, len(rows)-height))
}
