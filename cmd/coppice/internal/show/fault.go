package show

import (
	"fmt"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/record"
)

// Whose fault an end was, and what was decided on it.

// name of the child, or of an earlier incarnation, that failed first.
func (r *Report) name(c *strategies.Cascade) string {
	if c.Origin == r.Path {
		return fmt.Sprintf("incarnation %d", c.N)
	}
	return c.Origin
}

// stop returns the stop with which an incarnation was stopped; zero if that is
// not known, or it ended unasked.
func (r *Report) stop(x *record.Exit) Stop {
	if r.With == nil {
		return Stop{}
	}
	s, _ := r.With.Of(x.Incarnation)
	return s
}

// reload says what another description of the tree was the reason of.
const reload = " because the tree's description changed (reload)"

// reloaded is what another description meant for a child that it stopped.
func (d *draft) reloaded() string {
	if d.report.Status == nil {
		return "stopped"
	}
	return "restarted"
}

// cause returns the end from which another follows.
func (d *draft) cause(x *record.Exit) (cause record.Exit, known bool) {
	if x.Cascade == nil || ownFault(d.report.Path, x) {
		return record.Exit{}, false
	}
	cause, known = d.report.Origins[*x.Cascade]
	return cause, known
}

// because tells whose fault an end was.
func (d *draft) because(x *record.Exit, cause record.Exit, known bool) string {
	path := d.report.Path
	stop := d.report.stop(x)
	switch {
	case x.Cascade == nil && stop.Reload && stop.Path == path:
		return "it was " + d.reloaded() + reload
	case x.Cascade == nil && stop.Reload:
		return stop.Path + " was " + d.reloaded() + reload + ", and this with it"
	case x.Cascade == nil && stop.Request == path:
		return "it was restarted by request"
	case x.Cascade == nil && stop.Request != "":
		return fmt.Sprintf("%s was restarted by request, and this with it", stop.Request)
	case x.Cascade == nil && stop.Path != "" && stop.Path != path:
		return fmt.Sprintf("%s was told to stop, and this with it: no failure came before", stop.Path)
	case x.Cascade == nil && x.Told:
		return "it was told to stop: no failure came before"
	case x.Cascade == nil:
		return "of itself: nobody told it to stop"
	case ownFault(path, x):
		return "of itself: no other failure came before"
	}
	who := d.report.name(x.Cascade)
	text := fmt.Sprintf("%s died: how, is not remembered any more", who)
	if known {
		text = fmt.Sprintf("%s died: %s at %s, %s", who, what(&cause), d.clock(cause.Time), d.ago(cause.Time))
	}
	switch {
	case stop.Path != "" && stop.Path != path:
		return fmt.Sprintf("%s; so %s was told to stop, and this with it", text, stop.Path)
	case x.Told:
		return text + "; so it was told to stop"
	case x.Kind == tree.EventStartError, x.Kind == tree.EventNotStarted:
		return text + "; this was to be started with it"
	}
	return text
}

// decision tells what a supervisor decided on an end, or on the one that it
// follows from.
func (d *draft) decision(x, decided *record.Exit) string {
	r, stop := decided.Restart, d.report.stop(x)
	switch {
	case r == nil && x.Cascade == nil && (stop.Request != "" || stop.Reload && d.report.Status != nil):
		return "started again, and counted against no budget"
	case r == nil && x.Cascade == nil && x.Told:
		return "not restarted for this, and nothing was counted"
	case r == nil && !x.Told:
		return d.undecided(x)
	case r == nil:
		return ""
	case r.GaveUp && r.Max == 0:
		return fmt.Sprintf("not restarted: %s allows no restart, and gave up", r.Supervisor)
	case r.GaveUp:
		return fmt.Sprintf("not restarted: it would have been restart %d, %s allows %d%s, and gave up", r.Spent, r.Supervisor, r.Max, d.within(r))
	}
	who := "restarted it alone"
	if decided != x {
		who = "restarted the dead child alone"
	}
	if len(r.Group) > 1 {
		who = "restarted " + list(r.Group, 0) + " together"
	}
	return fmt.Sprintf("%s %s: restart %d of %d%s", r.Supervisor, who, r.Spent, r.Max, d.within(r))
}

// within is the time in which restarts are counted, where it is known.
func (d *draft) within(r *record.Restart) string {
	b := d.report.Budget
	if b == nil || b.Supervisor != r.Supervisor {
		return ""
	}
	return " within " + span(millis(b.WithinMS))
}

// undecided tells why an end was followed by no restart.
func (d *draft) undecided(x *record.Exit) string {
	st := d.report.Status
	switch {
	case st == nil || Parent(d.report.Path) == "":
		return ""
	case x.Kind == tree.EventNotStarted:
		return "who asked for the start was told; nothing was counted"
	case st.Restart == strategies.Temporary:
		return "not restarted: a temporary child never is"
	case st.Restart == strategies.Transient && x.Class.Clean():
		return "not restarted: a transient child that ends without failure is not"
	case st.Incarnation == x.Incarnation && st.State == strategies.Down:
		return "none yet, or its supervisor was about to end"
	}
	return ""
}
