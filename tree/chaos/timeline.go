package chaos

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coppice-go/coppice/tree"
)

const (
	minTimeline = 40
	legend      = "! fault   x died   - starting   ~ stopping   . down   = up"
)

// Timeline draws the run with text: a lane for each child, time from left to right,
// no line longer than width (40 is the least). A cell shows the most telling thing
// that happened in its time.
func (j *Journal) Timeline(w io.Writer, width int) error {
	h, err := readHistory(&j.Evidence)
	if err != nil {
		return err
	}
	width = max(width, minTimeline)
	label := 0
	for _, l := range h.lanes {
		label = max(label, utf8.RuneCountInString(l.path))
	}
	label = min(label, width/3)
	c := canvas{from: j.Start, to: j.Evidence.Closed, cells: width - label - 1}
	if !c.to.After(c.from) {
		c.to = c.from.Add(time.Millisecond)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%*s %s\n", label, "", c.axis())
	for _, l := range h.lanes {
		fmt.Fprintf(&b, "%s %s\n", fit(l.path, label), strings.TrimRight(c.lane(j, h, l), " "))
	}
	if len(legend) <= width {
		fmt.Fprintf(&b, "%s\n", legend)
	} else {
		b.WriteString(strings.ReplaceAll(legend, "   ", "\n") + "\n")
	}
	_, err = w.Write(b.Bytes())
	return err
}

// fit makes a name so long: of a longer one the end is kept, which tells more.
func fit(name string, n int) string {
	if r := []rune(name); len(r) > n {
		return "…" + string(r[len(r)-n+1:])
	}
	return name + strings.Repeat(" ", n-utf8.RuneCountInString(name))
}

// canvas maps times to cells.
type canvas struct {
	from, to time.Time
	cells    int
}

func (c *canvas) cell(t time.Time) int {
	i := int(float64(c.cells) * float64(t.Sub(c.from)) / float64(c.to.Sub(c.from)))
	return min(max(i, 0), c.cells-1)
}

func (c *canvas) outside(t time.Time) bool { return t.Before(c.from) || t.After(c.to) }

// axis has the seconds at every tenth cell or so.
func (c *canvas) axis() string {
	line := make([]byte, 0, c.cells)
	for len(line) < c.cells {
		at := time.Duration(float64(c.to.Sub(c.from)) * float64(len(line)) / float64(c.cells))
		mark := fmt.Sprintf("|%.1fs", at.Seconds())
		if len(line)+len(mark) > c.cells {
			break
		}
		line = append(line, mark...)
		for len(line)%10 != 0 && len(line) < c.cells {
			line = append(line, ' ')
		}
	}
	return strings.TrimRight(string(line), " ")
}

var phaseCells = [...]byte{phaseDown: '.', phaseStarting: '-', phaseUp: '=', phaseStopping: '~', phaseDone: ' '}

// tells is the order of what is more telling.
const tells = " =~-.x!"

func (c *canvas) lane(j *Journal, h *history, l *lane) string {
	line := bytes.Repeat([]byte{' '}, c.cells)
	put := func(from, to time.Time, what byte) {
		if to.Before(c.from) || from.After(c.to) {
			return
		}
		for i := c.cell(from); i <= c.cell(to); i++ {
			if strings.IndexByte(tells, what) > strings.IndexByte(tells, line[i]) {
				line[i] = what
			}
		}
	}
	for i, s := range l.spans {
		end := c.to
		if i+1 < len(l.spans) {
			end = l.spans[i+1].from
		}
		put(s.from, end, phaseCells[s.phase])
	}
	told := false
	for i := range h.events {
		e := &h.events[i]
		if e.Path != l.path {
			continue
		}
		switch e.Kind {
		case tree.EventStopping, tree.EventKilling:
			told = true
		case tree.EventExited:
			if !told && !c.outside(e.Time) {
				put(e.Time, e.Time, 'x')
			}
			told = false
		}
	}
	for _, f := range j.Evidence.Faults {
		if f.Path == l.path && f.Missed == "" && !c.outside(f.Time) {
			put(f.Time, f.Time, '!')
		}
	}
	return string(line)
}
