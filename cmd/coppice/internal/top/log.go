package top

import (
	"slices"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/tree/control/record"
)

// logLines is how many lines of output are kept.
const logLines = 1000

// log is the output of one child, or of all below a supervisor.
type log struct {
	number   int // under which it was opened
	path     string
	previous bool // of the incarnation before the latest
	lines    []record.Line
	up       int // lines from the last one
	err      error
}

// open asks for the output of a child; what was shown of another is forgotten.
func (l *log) open(path string, previous bool) Effect {
	*l = log{number: l.number + 1, path: path, previous: previous}
	return OpenLog{Log: l.number, Path: path, Previous: previous}
}

func (l *log) add(o Output) {
	if o.Log != l.number {
		return // of a child that was left
	}
	if l.lines = append(l.lines, o.Line); len(l.lines) > logLines {
		l.lines = slices.Delete(l.lines, 0, 1)
	}
	if l.up > 0 { // it is read: what is read stays where it is
		l.up = clamp(l.up+1, len(l.lines)-1)
	}
}

func (l *log) ended(msg LogEnded) {
	if msg.Log == l.number {
		l.err = msg.Err
	}
}

// harmless makes text that a program wrote safe to be drawn, and as wide as it
// seems.
func harmless(text string) string {
	text = strings.ReplaceAll(text, "\t", "    ")
	if strings.ContainsFunc(text, unicode.IsControl) {
		text = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, ansi.Strip(text))
	}
	return strings.ToValidUTF8(text, "�")
}
