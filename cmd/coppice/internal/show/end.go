package show

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/record"
)

func (l Look) when(x *record.Exit) string {
	return fmt.Sprintf("%s, at %s", l.ago(x.Time), l.clock(x.Time))
}

// what tells how an incarnation ended, or did not start.
func what(x *record.Exit) string {
	switch x.Kind {
	case tree.EventStartError:
		return "did not start: " + how(x.Class, x.Reason)
	case tree.EventNotStarted:
		return "was asked to start, and did not: " + how(x.Class, x.Reason)
	}
	return how(x.Class, x.Reason)
}

// failure is the colour of an end.
func failure(x *record.Exit) lipgloss.Style {
	if x.Class.Clean() && x.Kind == tree.EventExited {
		return plain
	}
	return red
}

func incarnation(x *record.Exit) string {
	if x.PID == 0 {
		return fmt.Sprintf(" (incarnation %d)", x.Incarnation)
	}
	return fmt.Sprintf(" (incarnation %d, pid %d)", x.Incarnation, x.PID)
}

// wrap breaks text between words into lines of so many columns. It is left whole
// if that is too few to be read.
func wrap(text string, columns int) []string {
	if columns < 20 {
		return []string{text}
	}
	var lines []string
	line, width := "", 0
	for _, word := range strings.Fields(text) {
		w := ansi.StringWidth(word)
		switch {
		case width == 0:
			line, width = word, w
		case width+1+w > columns:
			lines = append(lines, line)
			line, width = word, w
		default:
			line, width = line+" "+word, width+1+w
		}
	}
	return append(lines, line)
}
