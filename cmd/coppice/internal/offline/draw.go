package offline

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Lines are what a tree is drawn with.
type Lines struct{ branch, end, pass, blank string }

// The two kinds of lines: box drawing, and what every terminal has.
var (
	Box   = Lines{"├─ ", "└─ ", "│  ", "   "}
	ASCII = Lines{"|- ", "`- ", "|  ", "   "}
)

// LinesFor chooses the lines by the locale, which is found as POSIX has it: the
// first of LC_ALL, LC_CTYPE and LANG that is not empty.
func LinesFor(getenv func(string) string) Lines {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		locale := strings.ToLower(getenv(name))
		if locale == "" {
			continue
		}
		if strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8") {
			return Box
		}
		break
	}
	return ASCII
}

// lead draws the lines that lead to a child.
func (l Lines) lead(last []bool) string {
	var b strings.Builder
	for i, isLast := range last {
		switch own := i == len(last)-1; {
		case own && isLast:
			b.WriteString(l.end)
		case own:
			b.WriteString(l.branch)
		case isLast:
			b.WriteString(l.blank)
		default:
			b.WriteString(l.pass)
		}
	}
	return b.String()
}

// table lines up columns, by the cells that text takes on a screen. A column
// without anything but its heading is left out.
type table struct {
	head []string // may be nil
	rows [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	all := t.rows
	if t.head != nil {
		all = append([][]string{t.head}, all...)
	}
	var widths []int
	for _, row := range all {
		for j, cell := range row {
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], ansi.StringWidth(cell))
		}
	}
	for j := range widths {
		if !slices.ContainsFunc(t.rows, func(row []string) bool { return row[j] != "" }) {
			widths[j] = 0
		}
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for j, cell := range row {
			if widths[j] > 0 {
				line.WriteString(cell + strings.Repeat(" ", widths[j]-ansi.StringWidth(cell)+2))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
