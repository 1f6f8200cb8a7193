package load

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File         string // as it was named to Read or Parse; or an env file
	Line, Column int    // from 1; columns are characters
	Source       string // the line
	Message      string
	Hint         string // what to do; may be empty

	width int // of the place, in characters
}

// Error is the problem with its line, and carets under the place:
//
//	shop.yaml:12:5: unknown key "comand"; did you mean "command"?
//	   12 |     comand: [node, api.js]
//	      |     ^^^^^^
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	source, before, under := p.window()
	if strings.TrimSpace(source) == "" {
		return b.String()
	}
	number := fmt.Sprintf("%5d", p.Line)
	fmt.Fprintf(&b, "\n%s | %s\n%*s | %s%s", number, source, len(number), "", blank(before), strings.Repeat("^", under))
	return b.String()
}

// maxSource is how many characters are shown of a line.
const maxSource = 160

// window is what is shown of the line, the part of it before the place, and how
// many cells the place has on a screen.
func (p *Problem) window() (source, before string, under int) {
	line := []rune(strings.Map(harmless, strings.TrimRightFunc(p.Source, unicode.IsSpace)))
	at := min(max(p.Column-1, 0), len(line))
	end := min(at+max(p.width, 1), len(line))
	lead := ""
	if len(line) > maxSource {
		from := max(0, min(at-maxSource/4, len(line)-maxSource))
		to := from + maxSource
		if from > 0 {
			lead = "… "
		}
		line, at, end = line[from:to], at-from, min(end-from, maxSource)
	}
	under = max(1, ansi.StringWidth(string(line[at:max(at, end)])))
	return lead + string(line), lead + string(line[:at]), under
}

// blank takes as much room on a screen as s: tabs stay tabs.
func blank(s string) string {
	var b strings.Builder
	for part := range strings.SplitAfterSeq(s, "\t") {
		text, tab := strings.CutSuffix(part, "\t")
		b.WriteString(strings.Repeat(" ", ansi.StringWidth(text)))
		if tab {
			b.WriteByte('\t')
		}
	}
	return b.String()
}

// harmless keeps a file from commanding the terminal on which a line of it is
// shown.
func harmless(r rune) rune {
	if r != '\t' && !unicode.IsGraphic(r) {
		return unicode.ReplacementChar
	}
	return r
}

// Error is all that is wrong, in the order of the file. There is at least one
// Problem; there are no more than about a thousand.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	var b strings.Builder
	for i := range e.Problems {
		b.WriteString(e.Problems[i].Error() + "\n")
	}
	if len(e.Problems) == 1 {
		b.WriteString("1 problem; nothing was started")
	} else {
		fmt.Fprintf(&b, "%d problems; nothing was started", len(e.Problems))
	}
	return b.String()
}

// newError sorts problems: those of the tree's own file first.
func newError(file string, problems []Problem) *Error {
	elsewhere := func(p Problem) int {
		if p.File == file {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(elsewhere(a), elsewhere(b)), cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{problems}
}
