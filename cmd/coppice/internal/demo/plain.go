package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// plain is the view for pipes and logs: a line for each thing that happens.
type plain struct {
	w     io.Writer
	begin time.Time
}

// Plain makes a view that writes lines.
func Plain(w io.Writer) View { return &plain{w: w} }

func (v *plain) Begin(s Scene, _ *Board) {
	v.begin = time.Now()
	fmt.Fprintf(v.w, "\n=== %s — %s\n", s.Name, s.Title)
	for _, line := range wrap(s.Text, 78) {
		fmt.Fprintln(v.w, "   ", line)
	}
	fmt.Fprintln(v.w)
}

func (v *plain) Say(text string) { fmt.Fprintf(v.w, "  -- %s\n", text) }

func (v *plain) Event(e tree.Event, b *Board) {
	if text := tell(e, b); text != "" {
		fmt.Fprintf(v.w, "%8.3fs  %-22s %s\n", e.Time.Sub(v.begin).Seconds(), e.Path, text)
	}
}

// tell puts an event into words; b has seen it. Events that only repeat what
// another told are "".
func tell(e tree.Event, b *Board) string {
	c := b.cells[e.Path]
	if c == nil {
		return fmt.Sprintf("%d events were lost", e.N)
	}
	switch e.Kind {
	case tree.EventProgress:
		return strings.TrimSpace(number("start", c.Start)+"up") + pid(e.PID) + again(e)
	case tree.EventExited:
		switch {
		case c.Supervisor:
			return "ended"
		case c.Crashed:
			return "died: " + c.Death + pid(e.PID)
		}
		return "stopped: " + death(e.Exit.Err) + pid(e.PID)
	case tree.EventStopping:
		return number("stop", c.Stop) + "stopping" + pid(c.PID)
	case tree.EventKilling:
		return "killing" + pid(c.PID)
	case tree.EventStartError:
		return "did not start: " + e.Exit.Err.Error()
	case tree.EventRestarting:
		up := b.cells[parent(e.Path)]
		who := "restarting it alone"
		if n := len(e.Group); n > 1 {
			who = fmt.Sprintf("restarting %d together (%s)", n, strings.Join(e.Group, ", "))
		}
		return fmt.Sprintf("%s; %s: %s, %s", who, up.Path, up.Strategy, left(up))
	case tree.EventGivingUp:
		up := b.cells[parent(e.Path)]
		if up.Max == 0 {
			return fmt.Sprintf("not restarted: %s allows no restart, and gives up", up.Path)
		}
		return fmt.Sprintf("not restarted: %s has used up its %d, and gives up", up.Path, up.Max)
	}
	return ""
}

func number(what string, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("[%s %d] ", what, n)
}

func pid(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", pid %d", n)
}

func again(e tree.Event) string {
	if e.Incarnation < 2 {
		return ""
	}
	return fmt.Sprintf(", incarnation %d", e.Incarnation)
}

// left says how many restarts a supervisor has left.
func left(c *Cell) string { return fmt.Sprintf("%d of %d restarts left", c.Left(), c.Max) }

func (v *plain) Result(r Result) {
	for _, line := range r.lines() {
		fmt.Fprintln(v.w, line)
	}
}

func (v *plain) Close() {}

// lines tells a result.
func (r Result) lines() []string {
	var lines []string
	if len(r.Chain) > 0 {
		lines = append(lines, "", "Why the root gave up:")
		for i, cause := range r.Chain {
			lines = append(lines, strings.Repeat("  ", i+1)+cause)
		}
	}
	if t := r.Totals; t != nil {
		lines = append(lines, "", fmt.Sprintf("%d crashes (%s), %d stopped with them, %d strokes found their victim down",
			t.Crashes, kinds(t.Faults), t.Stopped, t.Missed))
		for _, s := range slices.Sorted(maps.Keys(t.Recovery)) {
			p := t.Recovery[s]
			lines = append(lines, fmt.Sprintf("  %-12s %3d restarts, %3d processes ready again after p50 %.1f ms, p90 %.1f ms, max %.1f ms",
				s, t.Restarts[s], p.N, p.P50, p.P90, p.Max))
		}
		lines = append(lines, fmt.Sprintf("Afterwards %d invariants were checked against %d facts, and hold.", t.Holds, t.Facts))
	}
	verdict := "The scene went as told."
	switch {
	case r.Cut:
		verdict = "Interrupted, and stopped in order."
	case !r.OK:
		verdict = "NOT AS TOLD: " + r.Wrong
	}
	lines = append(lines, "", fmt.Sprintf("%s `coppice run` would exit with %d. %d processes ran, %d are left.", verdict, r.Status, len(r.Pids), r.Left))
	return lines
}

func kinds(faults map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(faults)) {
		parts = append(parts, fmt.Sprintf("%d by %s", faults[k], k))
	}
	return strings.Join(parts, ", ")
}

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// stateName is a state in one short word.
func stateName(c *Cell) string {
	switch {
	case c.Crashed && c.State == strategies.Down:
		return "died"
	case c.GaveUp && c.State == strategies.Down:
		return "gave up"
	}
	return c.State.String()
}
