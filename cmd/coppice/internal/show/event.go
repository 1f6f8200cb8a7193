package show

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/coppice-go/coppice/tree"
)

// pathColumn is how wide paths are drawn in a stream, where the longest is not
// known.
const pathColumn = 24

// Event is an event in a line: when, of whom, what, and the failure that it
// follows from.
func (l Look) Event(e tree.Event) string {
	text, style := tell(&e)
	if e.Kind == tree.EventDropped {
		return l.paint(style, fmt.Sprintf("--- %s", text))
	}
	line := l.clock(e.Time) + "  " + pad(e.Path, pathColumn) + "  " + l.paint(style, text)
	if !e.Cascade.IsZero() {
		line += l.paint(faint, fmt.Sprintf("  [%v]", e.Cascade))
	}
	return l.cut(line)
}

// tell puts an event into words.
func tell(e *tree.Event) (text string, style lipgloss.Style) {
	switch e.Kind {
	case tree.EventStarting:
		return "starting" + again(e), plain
	case tree.EventProgress, tree.EventRunning:
		return "up" + pid(e) + again(e), green
	case tree.EventIgnored:
		return "need not run", plain
	case tree.EventStartError:
		return "did not start: " + howExit(e.Exit), red
	case tree.EventNotStarted:
		return "was asked to start, and did not: " + howExit(e.Exit), red
	case tree.EventWaiting:
		return "starts again in " + span(e.After), busy
	case tree.EventExited:
		if e.Exit.Class.Clean() {
			return "ended: " + howExit(e.Exit) + pid(e), plain
		}
		return "ended: " + howExit(e.Exit) + pid(e), red
	case tree.EventChildTerminated:
		return "this end counts as a failure", plain
	case tree.EventRestarting:
		return restarting(e), busy
	case tree.EventRenewing:
		return "restarting " + group(e) + ": by request, not counted", busy
	case tree.EventReconfiguring:
		return "gets another description" + takePart(e, "stops for it", "stop for it"), busy
	case tree.EventReconfigured:
		return "has another description" + takePart(e, "starts", "start"), plain
	case tree.EventStopping:
		if e.After > 0 {
			return "stopping, within " + span(e.After), plain
		}
		return "stopping", plain
	case tree.EventKilling:
		return "killing", busy
	case tree.EventShutdownError:
		return shutdownError(e), red
	case tree.EventGivingUp:
		return fmt.Sprintf("not restarted: it would be restart %d, %d allowed; %s gives up", e.Spent, e.Max, Parent(e.Path)), red
	case tree.EventCancelled:
		return "its start was given up", plain
	case tree.EventStuck:
		return "neither stops nor can be killed; its supervisor ends", red
	case tree.EventDropped:
		return fmt.Sprintf("%d events are missing here: they are not kept any more, or came too fast", e.N), busy
	}
	return e.Kind.String(), plain // added, removed: as good as any words
}

func restarting(e *tree.Event) string {
	text := fmt.Sprintf("restarting %s: restart %d of %d", group(e), e.Spent, e.Max)
	if e.After > 0 {
		text += ", after " + span(e.After)
	}
	return text
}

// group names those who are restarted together.
func group(e *tree.Event) string {
	if len(e.Group) < 2 {
		return "it alone"
	}
	return strings.Join(e.Group, ", ") + " together"
}

// takePart names those who stop or start for another description.
func takePart(e *tree.Event, one, many string) string {
	switch len(e.Group) {
	case 0:
		return ""
	case 1:
		many = one
	}
	return fmt.Sprintf(": %s %s", list(e.Group, 0), many)
}

func shutdownError(e *tree.Event) string {
	if e.N > 0 {
		return fmt.Sprintf("%d of its children did not stop as they should: %s", e.N, howExit(e.Exit))
	}
	return "did not stop as it should: " + howExit(e.Exit)
}

func pid(e *tree.Event) string {
	if e.PID == 0 {
		return ""
	}
	return fmt.Sprintf(", pid %d", e.PID)
}

// again says which incarnation it is, if not the first.
func again(e *tree.Event) string {
	if e.Incarnation < 2 {
		return ""
	}
	return fmt.Sprintf(", incarnation %d", e.Incarnation)
}
