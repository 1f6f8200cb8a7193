package strategies

// Op says what an [Input] tells a Machine.
type Op uint8

// The inputs, the fields each uses, and what they mean.
//
//	Op            fields                     meaning
//	OpBoot        Cascade                    start all children; once, first
//	OpStarted     ID Incarnation             that start succeeded
//	OpIgnored     ID Incarnation             that start said "ignore" (rule B5)
//	OpStartFailed ID Incarnation Exit Cascade  that start failed; nothing runs
//	OpExited      ID Incarnation Exit Cascade  that incarnation is gone
//	OpDeadline    ID Incarnation Timer       a timer armed for it ran down
//	OpRetry       ID Incarnation             the pause after its failed start is over
//	OpCannotKill  ID Incarnation             the Kill ordered for it cannot be done
//	OpWhich       Ticket                     which_children
//	OpCount       Ticket                     count_children
//	OpSpec        Ticket ID Instance Incarnation  get_childspec
//	OpStartChild  Ticket ID Incarnation Tag Spec  start_child
//	OpTerminateChild  Ticket ID Instance Incarnation  terminate_child
//	OpRestartChild  Ticket ID                restart_child
//	OpDeleteChild  Ticket ID                 delete_child
//	OpRenewChild   Ticket ID                 stop it and those who share its fate, and start them again
//	OpReconfigure  Ticket New                another description
//	OpTerminate   Exit Cascade               end: stop all children, finish with Exit
//
// An input about an incarnation that is not the child's current one, or that
// does not fit the child's state, is ignored (rules C6, E8).
const (
	OpBoot Op = iota
	OpStarted
	OpIgnored
	OpStartFailed
	OpExited
	OpDeadline
	OpRetry
	OpCannotKill
	OpWhich
	OpCount
	OpSpec
	OpStartChild
	OpTerminateChild
	OpRestartChild
	OpDeleteChild
	OpRenewChild
	OpReconfigure
	OpTerminate
)

var opNames = [...]string{"boot", "started", "ignored", "start_failed", "exited", "deadline",
	"retry", "cannot_kill", "which", "count", "spec",
	"start_child", "terminate_child", "restart_child", "delete_child", "renew_child", "reconfigure", "terminate"}

func (o Op) String() string { return enumName(opNames[:], int(o), "Op") }

// Timer names a timer that a Machine armed for an incarnation.
type Timer uint8

const (
	StopTimer  Timer = iota // the time a child told to stop may take: comes back as Deadline
	StartTimer              // its StartLimit: comes back as Deadline
	RetryTimer              // the pause before the next attempt to start it, possibly zero: comes back as Retry
	DrainTimer              // the time all children of a dynamic supervisor together may take to stop: comes back as Deadline
)

var timerNames = [...]string{"stop", "start", "retry", "drain"}

func (t Timer) String() string { return enumName(timerNames[:], int(t), "Timer") }

// Input is one thing that happened, told to a Machine. It is made by the
// functions below, and flat so that a Step need not allocate.
type Input struct {
	Op          Op
	Timer       Timer
	ID          string
	Incarnation uint64
	Ticket      uint64     // names a call, not 0; its Reply carries the same
	Spec        *ChildSpec // of StartChild; not for a dynamic supervisor's
	New         *NewConfig // of Reconfigure
	Tag         any        // of StartChild: the runner's own, as in ChildSpec
	Instance    bool       // the call is about an incarnation of a dynamic supervisor's child: OTP's pid
	Child       Ref        // of the Action it answers, so that the child need not be looked up; may be zero
	Exit        Exit
	Cascade     Cascade // where a failure is the first of its cascade, the new cascade
}

// Boot starts the children. c is the cascade because of which this supervisor
// is being started, if any.
func Boot(c Cascade) Input { return Input{Op: OpBoot, Cascade: c} }

// Started tells that a start succeeded.
func Started(id string, incarnation uint64) Input {
	return Input{Op: OpStarted, ID: id, Incarnation: incarnation}
}

// Ignored tells that a start succeeded without leaving anything running.
func Ignored(id string, incarnation uint64) Input {
	return Input{Op: OpIgnored, ID: id, Incarnation: incarnation}
}

// StartFailed tells that a start failed and left nothing running.
func StartFailed(id string, incarnation uint64, e Exit, c Cascade) Input {
	return Input{Op: OpStartFailed, ID: id, Incarnation: incarnation, Exit: e, Cascade: c}
}

// Exited tells that a started incarnation is gone.
func Exited(id string, incarnation uint64, e Exit, c Cascade) Input {
	return Input{Op: OpExited, ID: id, Incarnation: incarnation, Exit: e, Cascade: c}
}

// TimerFired tells that a timer armed for an incarnation ran down.
func TimerFired(id string, incarnation uint64, t Timer) Input {
	op := OpDeadline
	if t == RetryTimer {
		op = OpRetry
	}
	return Input{Op: op, ID: id, Incarnation: incarnation, Timer: t}
}

// CannotKill tells that the child which was to be killed is of a kind that
// cannot be.
func CannotKill(id string, incarnation uint64) Input {
	return Input{Op: OpCannotKill, ID: id, Incarnation: incarnation}
}

// WhichChildren asks for all children, newest first (rule I6).
func WhichChildren(ticket uint64) Input { return Input{Op: OpWhich, Ticket: ticket} }

// CountChildren asks for the counts of children (rule I7).
func CountChildren(ticket uint64) Input { return Input{Op: OpCount, Ticket: ticket} }

// GetChildSpec asks for a child's complete description (rule A9).
func GetChildSpec(ticket uint64, id string) Input {
	return Input{Op: OpSpec, Ticket: ticket, ID: id}
}

// GetInstanceSpec asks a dynamic supervisor for the description of a child,
// which is its template (rule J5). Incarnation 0 stands for any.
func GetInstanceSpec(ticket uint64, id string, incarnation uint64) Input {
	return Input{Op: OpSpec, Ticket: ticket, ID: id, Incarnation: incarnation, Instance: true}
}

// StartChild adds a child and starts it (rules I1, J2). Of a dynamic
// supervisor's child just the ID, the Tag and the Incarnation are its own.
func StartChild(ticket uint64, spec ChildSpec) Input {
	in := StartInstance(ticket, spec.ID, spec.Incarnation, spec.Tag)
	in.Spec = &spec
	return in
}

// StartInstance is StartChild for a dynamic supervisor.
func StartInstance(ticket uint64, id string, incarnation uint64, tag any) Input {
	return Input{Op: OpStartChild, Ticket: ticket, ID: id, Incarnation: incarnation, Tag: tag}
}

// TerminateChild stops a child (rule I4).
func TerminateChild(ticket uint64, id string) Input {
	return Input{Op: OpTerminateChild, Ticket: ticket, ID: id}
}

// TerminateInstance stops a child of a dynamic supervisor (rule J5). If its
// incarnation is another by now, that one is dead and nothing is done; 0 stands
// for any. That the child is not there, ErrNotFound, is all the same success if
// the incarnation meant is known to be dead.
func TerminateInstance(ticket uint64, id string, incarnation uint64) Input {
	return Input{Op: OpTerminateChild, Ticket: ticket, ID: id, Incarnation: incarnation, Instance: true}
}

// RestartChild starts a child that does not run (rule I3).
func RestartChild(ticket uint64, id string) Input {
	return Input{Op: OpRestartChild, Ticket: ticket, ID: id}
}

// DeleteChild removes a child that does not run (rule I5).
func DeleteChild(ticket uint64, id string) Input {
	return Input{Op: OpDeleteChild, Ticket: ticket, ID: id}
}

// RenewChild stops a child, whatever it does, with those who share its fate, and
// starts them again as its failure would. That is no failure, and not counted. OTP
// has nothing like it.
func RenewChild(ticket uint64, id string) Input {
	return Input{Op: OpRenewChild, Ticket: ticket, ID: id}
}

// Reconfigure gives the supervisor another description while it runs, as OTP's
// code_change does. Children that are in both keep running, unless Renew names them,
// and all else that is said of them holds at once. What is not in it any more is
// stopped and removed, but for what calls have added; that stays, and comes last. A
// start that fails leaves the child, and those who wait for it, down: the reply tells
// of it, it is not counted, and the next Reconfigure tries again.
func Reconfigure(ticket uint64, n *NewConfig) Input {
	return Input{Op: OpReconfigure, Ticket: ticket, New: n}
}

// Terminate ends the supervisor: all children are stopped, and it finishes with e.
func Terminate(e Exit) Input { return Input{Op: OpTerminate, Exit: e} }
