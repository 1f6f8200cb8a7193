// Package show puts into words and tables what a running tree tells: its state,
// its events, the output of its children, why one of them ended, and what an
// order touches. It asks nobody and decides nothing; the same input makes the
// same text.
package show

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/strategies"
)

// Look is how things are drawn. The zero Look, with a Now, is for files and
// pipes.
type Look struct {
	Color bool      // in the terminal's own sixteen colours
	ASCII bool      // branches are drawn without box drawing characters
	Width int       // columns of the terminal; 0: nothing is cut or wrapped
	Now   time.Time // from which ages count; times of day are in its location
}

var (
	bold  = lipgloss.NewStyle().Bold(true)
	faint = lipgloss.NewStyle().Faint(true)
	green = lipgloss.NewStyle().Foreground(lipgloss.Green)
	busy  = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	red   = lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
	plain = lipgloss.NewStyle()
)

func (l Look) paint(s lipgloss.Style, text string) string {
	if !l.Color || text == "" {
		return text
	}
	return s.Render(text)
}

// cut bounds a line to the width of the terminal.
func (l Look) cut(line string) string {
	if l.Width <= 0 {
		return line
	}
	return ansi.Truncate(line, l.Width, "…")
}

// clock is a time of day, with the date if that is not today.
func (l Look) clock(t time.Time) string {
	t = t.In(l.Now.Location())
	if t.Format(time.DateOnly) == l.Now.Format(time.DateOnly) {
		return t.Format("15:04:05.000")
	}
	return t.Format("2006-01-02 15:04:05.000")
}

// ago is how long t is past.
func (l Look) ago(t time.Time) string {
	d := l.Now.Sub(t)
	if d < time.Millisecond {
		return "just now"
	}
	return span(d) + " ago"
}

// span is a duration in at most two units.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return d.String()
	case d < time.Hour:
		return units(d, time.Minute, "m", time.Second, "s")
	case d < day:
		return units(d, time.Hour, "h", time.Minute, "m")
	}
	return units(d, day, "d", time.Hour, "h")
}

func units(d, large time.Duration, nameLarge string, small time.Duration, nameSmall string) string {
	s := fmt.Sprintf("%d%s", d/large, nameLarge)
	if n := d % large / small; n > 0 {
		s += fmt.Sprintf("%d%s", n, nameSmall)
	}
	return s
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// oneLine makes text harmless in a terminal: errors are free to contain
// anything.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
}

// StateStyle is the colour of a state. failed says that the last end was a
// failure.
func StateStyle(s strategies.State, failed bool) lipgloss.Style {
	switch {
	case s == strategies.Up:
		return green
	case s == strategies.Down && failed:
		return red
	case s == strategies.Down:
		return faint
	}
	return busy
}

// pad fills text up to so many columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-ansi.StringWidth(text)))
}

// listed bounds a list that is to be read by people; JSON has all of it.
const listed = 20

// list is a number of paths in words, of which more are not at hand.
func list(paths []string, more int) string {
	if over := len(paths) - listed; over > 0 {
		paths, more = paths[:listed], more+over
	}
	s := strings.Join(paths, ", ")
	if more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// Under reports whether path is that of the child at top, or of one below it.
func Under(path, top string) bool {
	rest, ok := strings.CutPrefix(path, top)
	return ok && (rest == "" || rest[0] == '/')
}

// Parent is the path of a child's supervisor; empty for the root's.
func Parent(path string) string { return path[:max(0, strings.LastIndexByte(path, '/'))] }
