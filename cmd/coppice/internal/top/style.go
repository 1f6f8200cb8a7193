package top

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// glyphs are what is drawn that is no text.
type glyphs struct {
	branch, elbow, pass, blank string // of the tree
	cursor, tint               string // before a child: the one meant; one within its radius
	stop, start, gaveUp        string // before a number
	full, empty                string // of a budget: what is left, and what is spent
	closed, unfolded, within   string // of a list
	rule, then, ellipsis, sep  string
	spark                      []string // of a restart count; the last for all above
}

var (
	boxGlyphs = glyphs{
		"├─", "└─", "│ ", "  ", "❯", "┃", "■", "▶", "▲", "▰", "▱", "▸ ", "▾ ", "│ ", "─", " → ", "…", " · ",
		[]string{"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
	}
	asciiGlyphs = glyphs{
		"|-", "`-", "| ", "  ", ">", "!", "-", "+", "^", "#", ".", "+ ", "- ", "| ", "-", " -> ", "~", ", ",
		[]string{".", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*"},
	}
)

// The colours, of the terminal's own sixteen.
var (
	plain    = lipgloss.NewStyle()
	bold     = lipgloss.NewStyle().Bold(true)
	faint    = lipgloss.NewStyle().Faint(true)
	inverse  = lipgloss.NewStyle().Reverse(true)
	green    = lipgloss.NewStyle().Foreground(lipgloss.Green)
	yellow   = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	red      = lipgloss.NewStyle().Foreground(lipgloss.Red)
	alarm    = lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
	tinted   = lipgloss.NewStyle().Foreground(lipgloss.Magenta)
	heading  = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
	focussed = lipgloss.NewStyle().Foreground(lipgloss.Cyan).Bold(true)
)

func (m *Model) paint(s lipgloss.Style, text string) string {
	if !m.cfg.Color || text == "" {
		return text
	}
	return s.Render(text)
}

// budgetStyle is the colour of what is left of the restarts allowed.
func budgetStyle(left, most int) lipgloss.Style {
	switch {
	case left == 0:
		return red
	case 2*left <= most:
		return yellow
	}
	return green
}

// bar draws what is left of the restarts allowed, in at most so many cells.
func (m *Model) bar(left, most, cells int) string {
	cells = min(cells, most)
	full := 0
	if most > 0 {
		full = (left*cells + most - 1) / most
	}
	return m.paint(budgetStyle(left, most), strings.Repeat(m.full, full)) + m.paint(faint, strings.Repeat(m.empty, cells-full))
}

// cut bounds text to so many columns.
func (m *Model) cut(text string, columns int) string {
	return ansi.Truncate(text, max(0, columns), m.ellipsis)
}

// cell makes text so many columns wide.
func (m *Model) cell(text string, columns int) string {
	text = m.cut(text, columns)
	return text + strings.Repeat(" ", max(0, columns-ansi.StringWidth(text)))
}

// right is cell with the text at the end.
func (m *Model) right(text string, columns int) string {
	text = m.cut(text, columns)
	return strings.Repeat(" ", max(0, columns-ansi.StringWidth(text))) + text
}

// age is a duration in at most five columns.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(0, d).Truncate(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 10*time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 10*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d < day:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d < 1000*day:
		return fmt.Sprintf("%dd", d/day)
	}
	return fmt.Sprintf("%dy", d/(365*day))
}

// until is a time to come, rounded up, so that it ends with 1s.
func until(d time.Duration) string { return age(d + time.Second - 1) }

// size is a number of bytes in at most five columns.
func size(bytes int64) string {
	n, unit := float64(bytes), "B"
	for _, next := range []string{"K", "M", "G", "T"} {
		if n < 999.5 {
			break
		}
		n, unit = n/1024, next
	}
	if n < 9.95 && unit != "B" {
		return fmt.Sprintf("%.1f%s", n, unit)
	}
	return fmt.Sprintf("%.0f%s", n, unit)
}
