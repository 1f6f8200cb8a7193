package tree

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// EventKind says what an [Event] tells.
type EventKind uint8

// The kinds of event, and what they say about the child at Path. Those named
// after OTP's supervisor reports follow its rules L1 to L6.
const (
	EventStarting        EventKind = iota // a start begins
	EventProgress                         // it was started (rule L5); PID, if it is a process
	EventIgnored                          // its start said ErrIgnore (rule B5)
	EventStartError                       // it could not be started (rule L2); Exit
	EventWaiting                          // it will be started again, later; After
	EventExited                           // an incarnation is gone; Exit, PID
	EventChildTerminated                  // that exit should not have been (rule L1); Exit
	EventRestarting                       // a restart was decided on; Group, Spent, Max
	EventStopping                         // it was told to stop; After, if there is a limit
	EventKilling                          // it is ended unconditionally
	EventShutdownError                    // told to stop, it ended otherwise than it should (rule L3); Exit
	EventGivingUp                         // its restart was one too many, its supervisor ends (rule L4); Exit, Spent, Max
	EventRemoved                          // its record is gone
	EventCancelled                        // its start, or the next attempt at it, was given up
	EventStuck                            // it neither stops nor can be killed, its supervisor ends
	EventDropped                          // N events before this one were lost to this sink
)

var kindNames = [...]string{"starting", "progress", "ignored", "start_error", "waiting", "exited",
	"child_terminated", "restarting", "stopping", "killing", "shutdown_error", "giving_up",
	"removed", "cancelled", "stuck", "dropped"}

func (k EventKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("EventKind(%d)", k)
}

// MarshalText writes the name.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Event is one thing that happened in a tree. Every event of a tree has its
// place in one order, Seq; a Snapshot of Rev n is what events up to n add up to.
type Event struct {
	Seq         uint64
	Time        time.Time
	Kind        EventKind
	Path        string // of the child concerned; the root's own for its start and end
	Incarnation uint64
	Supervisor  bool // the child is a supervisor
	PID         int  // 0 if it is no process
	Cascade     strategies.Cascade
	Exit        strategies.Exit
	After       time.Duration // the limit of Stopping, the pause of Waiting
	Group       []string      // of Restarting: ids of those who take part, in start order
	Spent, Max  int           // of Restarting and GivingUp: restarts in the window, this one included, and how many are allowed
	N           uint64        // of Dropped
}

// eventJSON is the JSON form of an Event, version v0: not frozen yet.
type eventJSON struct {
	V           string              `json:"v"`
	Seq         uint64              `json:"seq"`
	Time        time.Time           `json:"time"`
	Kind        EventKind           `json:"kind"`
	Path        string              `json:"path"`
	Incarnation uint64              `json:"incarnation,omitempty"`
	Supervisor  bool                `json:"supervisor,omitempty"`
	PID         int                 `json:"pid,omitempty"`
	Cascade     *strategies.Cascade `json:"cascade,omitempty"`
	Exit        *exitJSON           `json:"exit,omitempty"`
	AfterMS     *float64            `json:"after_ms,omitempty"`
	Group       []string            `json:"group,omitempty"`
	Spent       int                 `json:"spent,omitempty"`
	Max         *int                `json:"max,omitempty"`
	N           uint64              `json:"n,omitempty"`
}

type exitJSON struct {
	Class  strategies.Class `json:"class"`
	Reason string           `json:"reason,omitempty"`
	Tail   []string         `json:"tail,omitempty"`
}

func toExitJSON(e strategies.Exit) *exitJSON {
	x := &exitJSON{Class: e.Class, Tail: tail(e.Err)}
	if e.Err != nil {
		x.Reason = e.Err.Error()
	}
	return x
}

// tail returns the last output that an error carries, if it carries any.
func tail(err error) []string {
	t, ok := errors.AsType[interface {
		error
		OutputTail() []string
	}](err)
	if !ok {
		return nil
	}
	return t.OutputTail()
}

// hasExit reports whether events of this kind tell of an exit.
func (k EventKind) hasExit() bool {
	switch k {
	case EventStartError, EventExited, EventChildTerminated, EventShutdownError, EventGivingUp:
		return true
	}
	return false
}

// MarshalJSON writes the event in its JSON form, version v0.
func (e Event) MarshalJSON() ([]byte, error) {
	j := eventJSON{
		V: "v0", Seq: e.Seq, Time: e.Time, Kind: e.Kind, Path: e.Path, Incarnation: e.Incarnation,
		Supervisor: e.Supervisor, PID: e.PID, Group: e.Group, Spent: e.Spent, N: e.N,
	}
	if !e.Cascade.IsZero() {
		j.Cascade = &e.Cascade
	}
	if e.Kind.hasExit() {
		j.Exit = toExitJSON(e.Exit)
	}
	if e.After > 0 {
		ms := float64(e.After) / float64(time.Millisecond)
		j.AfterMS = &ms
	}
	if e.Kind == EventRestarting || e.Kind == EventGivingUp {
		j.Max = &e.Max
	}
	return json.Marshal(j)
}
