package demo

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/strategies"
)

// The colours of a frame, of the terminal's own sixteen.
var (
	titleStyle  = lipgloss.NewStyle().Bold(true)
	faintStyle  = lipgloss.NewStyle().Faint(true)
	upStyle     = lipgloss.NewStyle().Foreground(lipgloss.Green)
	busyStyle   = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	deadStyle   = lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
	radiusStyle = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
)

// frame draws the tree as the board has it, in at most width columns.
func frame(s Scene, b *Board, caption string, width int) string {
	width = max(40, min(width, 100))
	var out strings.Builder
	fmt.Fprintln(&out, titleStyle.Render(s.Title))
	for _, l := range wrap(s.Text, width-2) {
		fmt.Fprintln(&out, faintStyle.Render(l))
	}
	fmt.Fprintln(&out)
	for _, c := range b.Cells {
		fmt.Fprintln(&out, ansi.Truncate(row(c), width, "…"))
	}
	fmt.Fprintln(&out)
	lines := wrap(caption, width-4)
	for i := range 2 { // always two: nothing below moves
		text := ""
		if i < len(lines) {
			text = lines[i]
		}
		fmt.Fprintln(&out, "  "+titleStyle.Render(text))
	}
	return out.String()
}

// row draws one child: its place in the tree, what it is doing, and its part in
// the cascade at hand.
func row(c *Cell) string {
	name := branches(c) + c.ID
	pad := strings.Repeat(" ", max(1, 22-lipgloss.Width(name)))
	margin := "  "
	switch {
	case c.Crashed || c.GaveUp:
		margin = deadStyle.Render("✗ ")
	case c.Radius:
		margin = radiusStyle.Render("┃ ") // within the blast radius
	}
	if c.Supervisor {
		return margin + name + pad + state(c) + fmt.Sprintf("%-13s", c.Strategy) + budget(c)
	}
	who := strings.Repeat(" ", 19)
	if c.PID != 0 {
		who = fmt.Sprintf("pid %-8d #%-5d", c.PID, c.Incarnation)
	}
	return margin + name + pad + state(c) + who + part(c)
}

// branches draws the lines that lead to a child.
func branches(c *Cell) string {
	var out strings.Builder
	for i, last := range c.Last {
		switch {
		case i < len(c.Last)-1 && last:
			out.WriteString("   ")
		case i < len(c.Last)-1:
			out.WriteString("│  ")
		case last:
			out.WriteString("└─ ")
		default:
			out.WriteString("├─ ")
		}
	}
	return out.String()
}

func state(c *Cell) string {
	style := busyStyle
	switch c.State {
	case strategies.Up:
		style = upStyle
	case strategies.Down:
		style = faintStyle
		if c.Crashed || c.GaveUp {
			style = deadStyle
		}
	}
	return style.Render(fmt.Sprintf("%-10s", stateName(c)))
}

// budget draws the restarts that a supervisor has left before it gives up.
func budget(c *Cell) string {
	switch {
	case c.Max == 0:
		return faintStyle.Render("no restart allowed")
	case c.Max > 10:
		return faintStyle.Render(fmt.Sprintf("%d restarts so far", c.Spent))
	}
	dots := strings.Repeat("●", c.Left()) + strings.Repeat("○", c.Max-c.Left())
	return dots + faintStyle.Render(" "+left(c))
}

// part tells a child's part in the cascade at hand.
func part(c *Cell) string {
	var parts []string
	if c.Crashed {
		parts = append(parts, deadStyle.Render(c.Death))
	}
	if c.Stop > 0 {
		parts = append(parts, busyStyle.Render(fmt.Sprintf("■%d", c.Stop)))
	}
	if c.Start > 0 {
		parts = append(parts, upStyle.Render(fmt.Sprintf("▶%d", c.Start)))
	}
	return strings.Join(parts, " ")
}
