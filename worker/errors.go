package worker

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

var (
	// ErrUsed is returned when a Process is started or served a second time.
	ErrUsed = errors.New("a Process runs once: make a fresh one with Command.Process")

	// ErrKilled is returned when Kill came before the program ran.
	ErrKilled = strategies.WithClass(strategies.Killed, errors.New("killed before it ran"))
)

// ExitError tells how a program ended. It is the error of every end but the
// unasked exit with code 0.
type ExitError struct {
	Path     string         // as in [Command].Path
	PID      int            // what its process id was
	Code     int            // exit code; -1 if a signal ended it
	Signal   syscall.Signal // the signal that ended it; 0 if it exited
	CoreDump bool           // the signal made it dump core
	OOM      bool           // the kernel killed it, or a descendant, for want of memory; known with Limits.Memory only
	Missed   error          // why it was ended, if it was found not to be alive: see Liveness
	Usage    Usage
	Tail     []string // the last lines of output, stdout and stderr as they came

	asked   bool           // a stop or kill had been asked for when it died
	sent    syscall.Signal // the stop signal that it was sent, if any
	success bool           // it exited with 0 or one of Command.SuccessCodes
	lost    bool           // somebody else collected the exit status
}

// Usage is what a program used of the machine, its waited-for children included
// (getrusage(2)).
type Usage struct {
	User, System time.Duration
	MaxRSS       int64 // bytes: of the largest process, not the sum
}

func (e *ExitError) Error() string {
	how := fmt.Sprintf("exit status %d", e.Code)
	switch {
	case e.lost:
		how = "exit status unknown: another wait in this program took it"
	case e.Signal == syscall.SIGKILL && e.OOM:
		how = "killed by the kernel: out of memory"
	case e.Signal != 0 && e.CoreDump:
		how = "killed by " + signalName(e.Signal) + " (core dumped)"
	case e.Signal != 0:
		how = "killed by " + signalName(e.Signal)
	}
	if e.Missed != nil {
		how = fmt.Sprintf("not alive: %v; %s", e.Missed, how)
	}
	return fmt.Sprintf("%s (pid %d): %s", e.Path, e.PID, how)
}

// Unwrap gives access to Missed.
func (e *ExitError) Unwrap() error { return e.Missed }

// ExitClass is what the end means to a supervisor. One that was found not to be
// alive has crashed, and so has one that ran out of memory. Death by SIGKILL is
// else Killed, whoever sent it. An exit with success is Normal, or Shutdown if a stop had
// been asked for, and so is then the death by the stop signal that was sent.
// All else is Crash.
func (e *ExitError) ExitClass() strategies.Class {
	switch {
	case e.Missed != nil, e.OOM && !e.asked:
		return strategies.Crash
	case e.Signal == syscall.SIGKILL:
		return strategies.Killed
	case e.success && !e.asked:
		return strategies.Normal
	case e.success, e.sent != 0 && e.Signal == e.sent:
		return strategies.Shutdown
	}
	return strategies.Crash
}

// OutputTail returns Tail: views of a tree show it without knowing this type.
func (e *ExitError) OutputTail() []string { return e.Tail }

// SpawnError says why a program could not be started, and what to do about it.
type SpawnError struct {
	Path string // as in [Command].Path
	Dir  string // as in [Command].Dir
	Err  error  // the cause, most often a [syscall.Errno]

	why string // cause and remedy in words; empty: Err says it all
}

func (e *SpawnError) Error() string {
	switch {
	case e.why == "":
		return fmt.Sprintf("cannot start %s: %v", e.Path, e.Err)
	default:
		return fmt.Sprintf("cannot start %s: %s (%v)", e.Path, e.why, e.Err)
	}
}

func (e *SpawnError) Unwrap() error { return e.Err }

// SurvivorsError names the processes of a program's session that are alive
// although they were sent SIGKILL: in uninterruptible sleep, or out of this
// user's reach.
type SurvivorsError struct {
	Pids []int

	err error // why they could not be counted
}

func (e *SurvivorsError) Error() string {
	if e.err != nil {
		return fmt.Sprintf("processes of its session may be left: %v", e.err)
	}
	pids := make([]string, len(e.Pids))
	for i, pid := range e.Pids {
		pids[i] = fmt.Sprint(pid)
	}
	return fmt.Sprintf("%d processes of its session survived SIGKILL: pid %s", len(pids), strings.Join(pids, ", "))
}

func (e *SurvivorsError) Unwrap() error { return e.err }
