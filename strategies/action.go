package strategies

import "time"

// Do says what an [Action] orders.
type Do uint8

// The actions, the fields each uses, and what the runner does.
//
//	Do        fields                            meaning
//	DoStart   ID Incarnation                    start it; answer Started, Ignored or StartFailed, later Exited
//	DoStop    ID Incarnation After              tell it to stop, or cancel its start
//	DoKill    ID Incarnation                    end it unconditionally; answer CannotKill if that is impossible
//	DoArm     ID Incarnation Timer After        arm a timer; answer TimerFired unless the incarnation is gone; a DrainTimer is nobody's
//	DoReply   Reply                             answer a call
//	DoReport  Report ID Incarnation Exit …      tell the world; see Report
//	DoBooted                                    all children have been started
//	DoFinish  Why ID Incarnation Exit           the machine is done, nothing runs; see Why
//
// All but DoReply and DoArm carry the Cascade they belong to, if any.
const (
	DoStart Do = iota
	DoStop
	DoKill
	DoArm
	DoReply
	DoReport
	DoBooted
	DoFinish
)

var doNames = [...]string{"start", "stop", "kill", "arm", "reply", "report", "booted", "finish"}

func (d Do) String() string { return enumName(doNames[:], int(d), "Do") }

// Report is a kind of supervisor report (rules L1 to L6) or other news.
type Report uint8

const (
	// Progress: a child was started (rule L5).
	Progress Report = iota
	// ChildTerminated: a child ended that should not have (rule L1).
	ChildTerminated
	// StartError: a child could not be started, at boot or again (rule L2).
	StartError
	// ShutdownError: a child told to stop ended otherwise than it should (rules
	// H5, L3). At the end of a dynamic supervisor one report without ID stands for
	// the Group children whose exits are of the same class (rule J7).
	ShutdownError
	// GivingUp: reached_max_restart_intensity (rule L4). Spent counts the
	// restart that was too many. OTP calls this report shutdown.
	GivingUp
	// Restarting: a restart was decided on and counted; Group children take part.
	Restarting
	// Removed: a child's record is gone (rules C4, D4).
	Removed
	// Cancelled: the start of a child, or the next attempt at it, was given up
	// because the supervisor stops it.
	Cancelled
	// Running: a child of a dynamic supervisor was started, which OTP does not
	// report (rule J10).
	Running
	// NotStarted: a start that a call asked for failed, which OTP does not
	// report (rules I1, I3, J2).
	NotStarted
	// Stuck: a child neither stops nor can be killed; the supervisor ends.
	Stuck
	// Renewing: a call has a child stopped and started again; Group children take
	// part. It is not counted.
	Renewing
	// Reconfiguring: the supervisor gets another description; Group children are
	// stopped for it, some to be started again.
	Reconfiguring
	// Reconfigured: the new description holds; Group children are started now.
	Reconfigured
)

var reportNames = [...]string{"progress", "child_terminated", "start_error", "shutdown_error",
	"giving_up", "restarting", "removed", "cancelled", "running", "not_started", "stuck", "renewing", "reconfiguring", "reconfigured"}

func (r Report) String() string { return enumName(reportNames[:], int(r), "Report") }

// Why says what made a supervisor finish.
type Why uint8

const (
	// Told: by Terminate; Exit is what it was told.
	Told Why = iota
	// BootFailed: child ID could not be started for the first time; Exit says why (rule B3).
	BootFailed
	// Exhausted: the restart of child ID was one too many; Exit is how it ended (rule F7).
	Exhausted
	// AutoStopped: the significant child ID is gone for good; Exit is Shutdown (rules K2, K3).
	AutoStopped
	// TreeEnded: child ID asked for the end of the whole tree, or is stuck; Exit carries the Directive.
	TreeEnded
)

var whyNames = [...]string{"told", "boot_failed", "exhausted", "auto_stopped", "tree_ended"}

func (w Why) String() string { return enumName(whyNames[:], int(w), "Why") }

// Ref is a Machine's own reference to a child.
type Ref struct{ child *child }

// Action is one order from a Machine to its runner.
type Action struct {
	Do          Do
	Timer       Timer
	Report      Report
	Why         Why
	ID          string
	Child       Ref // for the Inputs that answer
	Tag         any // of the child's ChildSpec
	Incarnation uint64
	After       time.Duration // of an Arm; of a Stop, the time it may take, 0 for Infinity and for Timeout(0); of Restarting, the Backoff
	Group       int           // of Restarting, Renewing, Reconfiguring and Reconfigured: how many children take part; of ShutdownError, see there
	Spent       int           // of Restarting, GivingUp and Exhausted: restarts in the window, this one included
	Exit        Exit
	Cascade     Cascade
	Reply       *Reply

	members []*child
}

// Members returns the ids of the children that take part in a Restarting, Renewing,
// Reconfiguring or Reconfigured, in start order: its blast radius. It must be called
// before the next Step.
func (a *Action) Members() []string { return ids(a.members) }

// Reply answers a call.
type Reply struct {
	Ticket      uint64
	Err         error       // nil, or one of ErrDown … ErrCancelled, or a *SpecError
	Exit        Exit        // with ErrStart: why
	ID          string      // to StartChild, RestartChild and RenewChild: of the child
	Incarnation uint64      // to StartChild, RestartChild and RenewChild: what was started, 0 if it said "ignore", or waits with what it needs; with ErrAlreadyStarted: what runs
	Children    []ChildInfo // to WhichChildren
	Counts      Counts      // to CountChildren
	Changed     []Changed   // to Reconfigure: what it did; with ErrStart some could not be started
	Spec        *ChildSpec  // to GetChildSpec, else nil; of a dynamic supervisor its template, with ErrNotFound too
}

// ChildInfo is one entry of which_children.
type ChildInfo struct {
	ID          string
	Kind        Kind
	State       State
	Incarnation uint64 // the one that runs, or the latest
}

// Counts is the answer to count_children (rule I7).
type Counts struct {
	Specs       int // child records
	Active      int // of them up
	Supervisors int // of them supervisors, running or not
	Workers     int // of them workers, running or not
}
