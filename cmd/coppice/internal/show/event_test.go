package show

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

func TestEvent(t *testing.T) {
	crash := strategies.Exit{Class: strategies.Killed, Err: errors.New(processError)}
	cascade := strategies.Cascade{Origin: "shop/db", N: 2}
	for _, c := range []struct {
		event tree.Event
		want  string
	}{
		{tree.Event{Kind: tree.EventStarting, Incarnation: 1}, "starting"},
		{tree.Event{Kind: tree.EventStarting, Incarnation: 2, Cascade: cascade}, "starting, incarnation 2  [shop/db#2]"},
		{tree.Event{Kind: tree.EventProgress, Incarnation: 2, PID: 7}, "up, pid 7, incarnation 2"},
		{tree.Event{Kind: tree.EventRunning, Incarnation: 1}, "up"},
		{tree.Event{Kind: tree.EventIgnored}, "need not run"},
		{tree.Event{Kind: tree.EventStartError, Exit: crash}, "did not start: killed by SIGKILL"},
		{tree.Event{Kind: tree.EventNotStarted, Exit: crash}, "was asked to start, and did not: killed by SIGKILL"},
		{tree.Event{Kind: tree.EventWaiting, After: 2 * time.Second}, "starts again in 2s"},
		{tree.Event{Kind: tree.EventExited, Exit: crash, PID: 812}, "ended: killed by SIGKILL, pid 812"},
		{tree.Event{Kind: tree.EventExited}, "ended: finished without error"},
		{tree.Event{Kind: tree.EventChildTerminated, Exit: crash}, "this end counts as a failure"},
		{tree.Event{Kind: tree.EventRestarting, Group: []string{"api"}, Spent: 1, Max: 3, After: time.Second}, "restarting it alone: restart 1 of 3, after 1s"},
		{tree.Event{Kind: tree.EventRestarting, Group: []string{"api", "cache"}, Spent: 1, Max: 3}, "restarting api, cache together: restart 1 of 3"},
		{tree.Event{Kind: tree.EventRenewing, Group: []string{"api"}}, "restarting it alone: by request, not counted"},
		{tree.Event{Kind: tree.EventReconfiguring, Group: []string{"api", "cache"}}, "gets another description: api, cache stop for it"},
		{tree.Event{Kind: tree.EventReconfiguring, Group: []string{"api"}}, "gets another description: api stops for it"},
		{tree.Event{Kind: tree.EventReconfiguring}, "gets another description"},
		{tree.Event{Kind: tree.EventReconfigured, Group: []string{"api", "cache"}}, "has another description: api, cache start"},
		{tree.Event{Kind: tree.EventReconfigured, Group: []string{"api"}}, "has another description: api starts"},
		{tree.Event{Kind: tree.EventReconfigured}, "has another description"},
		{tree.Event{Kind: tree.EventStopping, After: 5 * time.Second}, "stopping, within 5s"},
		{tree.Event{Kind: tree.EventStopping}, "stopping"},
		{tree.Event{Kind: tree.EventKilling}, "killing"},
		{tree.Event{Kind: tree.EventShutdownError, Exit: crash}, "did not stop as it should: killed by SIGKILL"},
		{tree.Event{Kind: tree.EventShutdownError, Exit: crash, N: 3}, "3 of its children did not stop as they should: killed by SIGKILL"},
		{tree.Event{Kind: tree.EventGivingUp, Spent: 4, Max: 3}, "not restarted: it would be restart 4, 3 allowed; shop/web gives up"},
		{tree.Event{Kind: tree.EventAdded}, "added"},
		{tree.Event{Kind: tree.EventRemoved}, "removed"},
		{tree.Event{Kind: tree.EventCancelled}, "its start was given up"},
		{tree.Event{Kind: tree.EventStuck}, "neither stops nor can be killed; its supervisor ends"},
	} {
		c.event.Path, c.event.Time = "shop/web/api", before(time.Second)
		want := "03:04:04.000  shop/web/api              " + c.want
		if got := (Look{Now: now}).Event(c.event); got != want {
			t.Errorf("%v:\n got %s\nwant %s", c.event.Kind, got, want)
		}
	}
}

// The loss of events is told as such, and what happened on another day has its
// date.
func TestEventOutOfLine(t *testing.T) {
	l := Look{Now: now}
	if got := l.Event(tree.Event{Kind: tree.EventDropped, N: 12}); !strings.HasPrefix(got, "--- 12 events are missing here") {
		t.Error(got)
	}
	if got := l.Event(tree.Event{Kind: tree.EventKilling, Path: "shop", Time: before(24 * time.Hour)}); !strings.HasPrefix(got, "2026-01-01 03:04:05.000  shop ") {
		t.Error(got)
	}
}

func TestEventInTerminal(t *testing.T) {
	e := tree.Event{Kind: tree.EventProgress, Path: "shop/web/api", Time: now, PID: 7, Cascade: strategies.Cascade{Origin: "shop/db", N: 2}}
	const want = "03:04:05.000  shop/web/api              \x1b[32mup, pid 7\x1b[m\x1b[2m  [sh…\x1b[m"
	if got := (Look{Now: now, Color: true, Width: 55}).Event(e); got != want {
		t.Errorf("%q", got)
	}
}
