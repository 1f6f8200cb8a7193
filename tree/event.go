package tree

import (
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
	EventRunning                          // the same of a dynamic supervisor's child, of which OTP makes no report (rule J10)
	EventIgnored                          // its start said ErrIgnore (rule B5)
	EventStartError                       // it could not be started (rule L2); Exit
	EventNotStarted                       // a call was to start it, and could not; Exit
	EventWaiting                          // it will be started again, later; After
	EventExited                           // an incarnation is gone; Exit, PID
	EventChildTerminated                  // that exit should not have been (rule L1); Exit
	EventRestarting                       // a restart was decided on; Group, Spent, Max, and After, if it is delayed
	EventRenewing                         // a call restarts it; Group
	EventStopping                         // it was told to stop; After, if there is a limit
	EventKilling                          // it is ended unconditionally
	EventShutdownError                    // told to stop, it ended otherwise than it should (rule L3); Exit. Of a dynamic supervisor at its end: N of its children did (rule J7)
	EventGivingUp                         // its restart was one too many, its supervisor ends (rule L4); Exit, Spent, Max
	EventAdded                            // it is on the list of its supervisor from now on; Child
	EventRemoved                          // its record is gone
	EventCancelled                        // its start, or the next attempt at it, was given up
	EventStuck                            // it neither stops nor can be killed, its supervisor ends
	EventReconfiguring                    // it is a supervisor, and gets another description; Group: those of its children that are stopped for it
	EventReconfigured                     // the description holds; Group: those that are started now; Child: the supervisor as it is then
	EventDropped                          // N events before this one were lost to this sink
	EventUnknown                          // in the recording of a later version: what, this one does not know
)

var kindNames = [...]string{"starting", "progress", "running", "ignored", "start_error", "not_started", "waiting", "exited",
	"child_terminated", "restarting", "renewing", "stopping", "killing", "shutdown_error", "giving_up",
	"added", "removed", "cancelled", "stuck", "reconfiguring", "reconfigured", "dropped", "unknown"}

func (k EventKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("EventKind(%d)", k)
}

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
	After       time.Duration // the limit of Stopping, the pause of Waiting and Restarting
	Group       []string      // of Restarting, Renewing, Reconfiguring and Reconfigured: ids of those who take part, in start order
	Spent, Max  int           // of Restarting and GivingUp: restarts in the window, this one included, and how many are allowed
	N           uint64        // of Dropped and ShutdownError: how many
	Child       *Status       // of Added: what was added, as it is before it is started; of Reconfigured: the supervisor
}

// hasExit reports whether events of this kind tell of an exit.
func (k EventKind) hasExit() bool {
	switch k {
	case EventStartError, EventNotStarted, EventExited, EventChildTerminated, EventShutdownError, EventGivingUp:
		return true
	}
	return false
}
