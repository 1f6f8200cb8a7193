package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree/control/record"
)

// Report is what is known of the ends of one child.
type Report struct {
	record.Why
	// Origins are the ends of others from which ends of this child follow, as
	// far as they are remembered.
	Origins map[strategies.Cascade]record.Exit
	With    *Above // with what it was stopped, if that was looked for
	All     bool   // tell of each end all there is, not of the latest alone
}

// Others are the failures of other children, or of other incarnations, from
// which the ends of a child follow.
func Others(w record.Why) []strategies.Cascade {
	var others []strategies.Cascade
	seen := map[strategies.Cascade]bool{}
	for _, x := range w.Exits {
		if x.Cascade != nil && !ownFault(w.Path, &x) && !seen[*x.Cascade] {
			seen[*x.Cascade] = true
			others = append(others, *x.Cascade)
		}
	}
	return others
}

// ownFault reports whether everything began with this end.
func ownFault(path string, x *record.Exit) bool {
	return x.Cascade != nil && x.Cascade.Origin == path && x.Cascade.N == x.Incarnation
}

// Why tells how a child ended the last times, whose fault that was, and what
// followed.
func (l Look) Why(r Report) string {
	d := &draft{Look: l, report: &r}
	d.state()
	for i := range r.Exits {
		if i > 0 && !r.All {
			d.earlier(r.Exits[i:])
			break
		}
		d.exit(&r.Exits[i])
	}
	d.budget()
	return d.out.String()
}

// draft is a report as it is written.
type draft struct {
	Look
	report *Report
	out    strings.Builder
}

// fieldColumn is where what is told of an end begins, after its name.
const fieldColumn = 14

func (d *draft) line(text string) { d.out.WriteString(text + "\n") }

// field writes something that is told of an end, if there is anything.
func (d *draft) field(name, text string) {
	if text == "" {
		return
	}
	for i, line := range wrap(text, d.Width-fieldColumn) {
		if i > 0 {
			name = ""
		}
		d.line("  " + d.paint(faint, pad(name, fieldColumn-2)) + line)
	}
}

// state writes what the child is now, and whether it ever ended.
func (d *draft) state() {
	w := &d.report.Why
	if w.Status == nil {
		text := "  is not in the tree any more"
		if d.report.With != nil && d.report.With.Dropped() {
			text += reload
		}
		d.line(d.paint(bold, w.Path) + text)
		return
	}
	d.line(d.Status(w.Status))
	switch {
	case len(w.Exits) > 0:
	case w.Status.Incarnation > 1:
		d.line("None of its ends is remembered.")
	case w.Status.Incarnation == 0:
		d.line("It was never started.")
	default:
		d.line("It never ended.")
	}
}

// exit writes all that is known of an end.
func (d *draft) exit(x *record.Exit) {
	r := d.report
	d.line("")
	d.line(d.paint(bold, d.when(x)) + "  " + d.paint(failure(x), what(x)) + incarnation(x))
	cause, known := d.cause(x)
	d.field("because", d.because(x, cause, known))
	decided := x
	if x.Restart == nil && known {
		decided = &cause
	}
	d.field("decision", d.decision(x, decided))
	if decided.AfterMS > 0 {
		d.field("pause", span(millis(decided.AfterMS))+" before the next start")
	}
	f := x.Follows
	if f == nil {
		f = cause.Follows
	}
	if f != nil {
		d.field("stopped", list(withBelow(f.Stopped, f.Started), f.StoppedMore))
		d.field("started", list(f.Started, f.StartedMore))
		for i := range f.GaveUp {
			d.field("escalated", gaveUp(&f.GaveUp[i]))
		}
	}
	if known {
		d.output("last output of "+r.name(x.Cascade), cause.Output)
	}
	d.output("its last output", x.Output)
}

func gaveUp(g *record.GivingUp) string {
	return fmt.Sprintf("%s gave up: %s needed restart %d, %d allowed", g.Supervisor, g.Child, g.Spent, g.Max)
}

// output writes the last lines of what a child has written.
func (d *draft) output(name string, lines []string) {
	if len(lines) == 0 {
		return
	}
	d.line("  " + d.paint(faint, name+":"))
	for _, text := range lines {
		d.line("    " + d.paint(faint, "| ") + oneLine(text))
	}
}

// earlier writes a line for each of the ends before the latest.
func (d *draft) earlier(exits []record.Exit) {
	d.line("")
	d.line("Before that:")
	for i := range exits {
		x := &exits[i]
		text := "  " + d.when(x) + "  " + d.paint(failure(x), what(x)) + incarnation(x)
		if x.Cascade != nil && !ownFault(d.report.Path, x) {
			text += ", because " + d.report.name(x.Cascade) + " died"
		}
		if r := x.Restart; r != nil && !r.GaveUp {
			text += fmt.Sprintf(", restart %d of %d", r.Spent, r.Max)
		}
		d.line(text)
	}
}

// budget writes what the supervisor has left.
func (d *draft) budget() {
	b := d.report.Budget
	if b == nil {
		return
	}
	d.line("")
	if b.Max == 0 {
		d.line(fmt.Sprintf("%s allows no restart: the next failure of a child ends it.", b.Supervisor))
		return
	}
	text := fmt.Sprintf("%s has spent %d of %d restarts within %s", b.Supervisor, b.Spent, b.Max, span(millis(b.WithinMS)))
	if b.Spent > 0 && b.Refill.After(d.Now) {
		text += fmt.Sprintf("; the oldest counts until %s, %s from now", b.Refill.In(d.Now.Location()).Format(time.TimeOnly), span(b.Refill.Sub(d.Now)))
	}
	style := plain
	if b.Left == 0 {
		style = red
		text += "; one more failure before that ends it"
	}
	d.line(d.paint(style, text+"."))
}
