package offline

import (
	"fmt"
	"io"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// Simulate plays a scenario, whose paths are those of programs, and writes what
// happened, and how everything stands in the end.
func (t *Tree) Simulate(w io.Writer, l Lines, c Scenario) error {
	r, err := t.simulate(c)
	if err != nil {
		return err
	}
	events := table{head: []string{"    TIME", "PATH", "WHAT HAPPENS"}}
	for i := range r.steps {
		s := &r.steps[i]
		if text := r.tell(s); text != "" {
			events.row(fmt.Sprintf("%8s", clock(s.at)), printable(s.Path), text)
		}
	}
	_, err = fmt.Fprintf(w, "%s\n%s\n\n%s", events.String(), r.verdict(), r.status(l))
	return err
}

func clock(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }

// tell puts a step into words. Beginnings of what takes no time are "".
func (r *run) tell(s *step) string {
	again := ""
	if s.Incarnation > 1 {
		again = fmt.Sprintf(", incarnation %d", s.Incarnation)
	}
	switch s.Kind {
	case "starting":
		if r.scenario.StartTakes > 0 {
			return "starting" + again
		}
		return ""
	case "progress":
		return "up" + again
	case "stopping":
		if r.scenario.StopTakes > 0 {
			return "stopping"
		}
		return ""
	case "killing":
		return "killed, for it did not stop in time"
	case "exited":
		return r.ended(s)
	case "missed":
		return "does not run now: nothing changes"
	case "waiting":
		return fmt.Sprintf("will be started again in %v", time.Duration(s.After*float64(time.Millisecond)))
	case "restarting":
		who := "restarted alone"
		if len(s.Group) > 1 {
			who = "restarted together: " + joined(s.Group)
		}
		return fmt.Sprintf("%s; %s has spent %d of %s", who, printable(parent(s.Path)), s.Spent, budget(s.limit))
	case "giving_up":
		return fmt.Sprintf("not restarted: %s allows %s, and gives up", printable(parent(s.Path)), allowed(s.limit))
	case "auto_shutdown":
		return fmt.Sprintf("its auto_shutdown ends it, for %s has finished", joined(s.Group))
	case "removed":
		return "not started again"
	case "start_error":
		return "could not be started: " + s.Reason
	case "cancelled":
		return "will not be started: its supervisor ends"
	case "stuck":
		return "neither stops nor can be killed: the tree ends"
	}
	return "" // shutdown_error: the kill and the end were told
}

func (r *run) ended(s *step) string {
	switch {
	case r.board.of[s.Path].node.tree != nil:
		return "ended"
	case s.exit.Class == strategies.Crash:
		return "DIES"
	case s.exit.Class == strategies.Killed:
		return "dead"
	}
	return "stopped"
}

func budget(i strategies.Intensity) string {
	return fmt.Sprintf("%s within %v", counted(i.Max, "restart"), i.Within)
}

// verdict says how it ended.
func (r *run) verdict() string {
	root, at := r.board.root(), clock(r.at)
	name := printable(root.node.path)
	what := "runs"
	switch root.state {
	case strategies.Down:
		return root.epitaph() + r.tooLate()
	case strategies.Stopping:
		return fmt.Sprintf("At %s %s is ending.", at, name)
	case strategies.Starting:
		what = "is starting"
	}
	up, down := 0, []string{}
	for _, c := range r.board.rows {
		switch {
		case c.node.tree != nil:
		case c.state == strategies.Up:
			up++
		default:
			down = append(down, c.node.path)
		}
	}
	if len(down) == 0 {
		return fmt.Sprintf("At %s %s %s, and all of its %s.", at, name, what, counted(up, "program"))
	}
	return fmt.Sprintf("At %s %s %s, and %d of its %s; not up: %s.", at, name, what, up, counted(up+len(down), "program"), joined(down))
}

func (r *run) tooLate() string {
	if r.late == 0 {
		return ""
	}
	return fmt.Sprintf(" %s came too late.", counted(r.late, "death"))
}

// epitaph is the verdict on a root that has ended.
func (c *standing) epitaph() string {
	at, name := clock(c.ended), printable(c.node.path)
	switch {
	case c.gaveUp:
		return fmt.Sprintf("%s gave up, and the tree ended at %s: `coppice run` would exit with status 1.", name, at)
	case c.exit.Class == strategies.ShutdownTerm:
		return fmt.Sprintf("%s could not be started, and the tree ended at %s: `coppice run` would exit with status 3.", name, at)
	}
	return fmt.Sprintf("The tree ended at %s.", at)
}

// status is how everything stands.
func (r *run) status(l Lines) string {
	rows := table{head: []string{"TREE", "STATE", "STARTS", "RESTARTS SPENT"}}
	now := epoch.Add(r.at)
	for _, c := range r.board.rows {
		spent := ""
		if c.budgeted() {
			spent = fmt.Sprintf("%d of %s", c.window.Spent(now), budget(c.window.Intensity()))
			if at := c.window.Refill(now); !at.IsZero() {
				spent += ", one back at " + clock(at.Sub(epoch))
			}
		}
		rows.row(l.lead(c.node.last)+printable(c.node.id), c.name(), fmt.Sprint(c.starts), spent)
	}
	return rows.String()
}
