package tree

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/strategies"
)

// LogSink returns a Sink that writes each event as one line a person can read.
// What went wrong is logged at level Error, restarts and kills at Warn, starts
// and stops at Info, the rest at Debug.
func LogSink(logger hclog.Logger) func(Event) {
	return func(e Event) {
		level := eventLevels[e.Kind]
		if e.Kind == EventExited && e.Supervisor {
			level = hclog.Info
		}
		var args []any
		if e.Incarnation > 0 {
			args = append(args, "incarnation", e.Incarnation)
		}
		if e.PID > 0 {
			args = append(args, "pid", e.PID)
		}
		if !e.Cascade.IsZero() {
			args = append(args, "cascade", e.Cascade)
		}
		logger.Log(level, e.String(), args...)
	}
}

var eventLevels = [...]hclog.Level{
	EventStarting:        hclog.Debug,
	EventProgress:        hclog.Info,
	EventIgnored:         hclog.Info,
	EventStartError:      hclog.Error,
	EventNotStarted:      hclog.Info,
	EventWaiting:         hclog.Debug,
	EventExited:          hclog.Debug,
	EventChildTerminated: hclog.Error,
	EventRestarting:      hclog.Warn,
	EventRenewing:        hclog.Info,
	EventStopping:        hclog.Info,
	EventKilling:         hclog.Warn,
	EventShutdownError:   hclog.Error,
	EventGivingUp:        hclog.Error,
	EventRunning:         hclog.Debug,
	EventAdded:           hclog.Debug,
	EventRemoved:         hclog.Debug,
	EventCancelled:       hclog.Info,
	EventStuck:           hclog.Error,
	EventReconfiguring:   hclog.Debug,
	EventReconfigured:    hclog.Info,
	EventDropped:         hclog.Warn,
	EventUnknown:         hclog.Debug,
}

// String describes the event in a few words: the path, then what happened.
func (e Event) String() string {
	switch e.Kind {
	case EventStarting:
		return e.Path + ": starting"
	case EventProgress, EventRunning:
		return e.Path + ": started"
	case EventIgnored:
		return e.Path + ": need not run"
	case EventStartError, EventNotStarted:
		return fmt.Sprintf("%s: did not start: %v", e.Path, e.Exit.Err)
	case EventWaiting:
		if e.After > 0 {
			return fmt.Sprintf("%s: will be started again in %v", e.Path, short(e.After))
		}
		return e.Path + ": will be started again"
	case EventExited:
		if e.Exit.Class == strategies.Shutdown && errors.Is(e.Exit.Err, context.Canceled) {
			return e.Path + ": exited: shutdown" // that is how it was told
		}
		return fmt.Sprintf("%s: exited: %v", e.Path, e.Exit)
	case EventChildTerminated:
		return fmt.Sprintf("%s: terminated: %v", e.Path, e.Exit)
	case EventRestarting:
		s := e.Path + ": restarting" + e.siblings()
		if e.After > 0 {
			s += fmt.Sprintf(", in %v", short(e.After))
		}
		return s + fmt.Sprintf(" (%d of %d allowed)", e.Spent, e.Max)
	case EventRenewing:
		return e.Path + ": restarting by request" + e.siblings()
	case EventStopping:
		if e.After > 0 {
			return fmt.Sprintf("%s: stopping, within %v", e.Path, e.After)
		}
		return e.Path + ": stopping"
	case EventKilling:
		return e.Path + ": killing"
	case EventShutdownError:
		if e.N > 0 {
			return fmt.Sprintf("%s: %d children did not stop as they should: %v", e.Path, e.N, e.Exit)
		}
		return fmt.Sprintf("%s: did not stop as it should: %v", e.Path, e.Exit)
	case EventGivingUp:
		return fmt.Sprintf("%s: not restarted: that would be restart %d of %d allowed, its supervisor gives up", e.Path, e.Spent, e.Max)
	case EventAdded:
		return e.Path + ": added"
	case EventRemoved:
		return e.Path + ": removed"
	case EventCancelled:
		return e.Path + ": start given up"
	case EventStuck:
		return e.Path + ": does not stop and cannot be killed, its supervisor ends"
	case EventReconfiguring:
		return e.Path + ": gets another description" + e.members("stopping")
	case EventReconfigured:
		return e.Path + ": has another description" + e.members("starting")
	case EventDropped:
		return fmt.Sprintf("%d events were lost here", e.N)
	}
	return fmt.Sprintf("%s: %v", e.Path, e.Kind)
}

// short leaves out what nobody wants to read of a time.
func short(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return d
	}
	return d.Round(time.Millisecond)
}

func (e *Event) siblings() string {
	if len(e.Group) < 2 {
		return ""
	}
	return fmt.Sprintf(", and with it %d of its siblings", len(e.Group)-1)
}

// members names the children that a new description stops or starts.
func (e *Event) members(what string) string {
	if len(e.Group) == 0 {
		return ""
	}
	return ", " + what + " " + strings.Join(e.Group, ", ")
}
