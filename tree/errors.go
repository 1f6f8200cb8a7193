package tree

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

var (
	// ErrIgnore, returned from an Init or a maker given to Of, says that the
	// child need not run: the start succeeds and nothing is started (rule B5).
	ErrIgnore = errors.New("ignore")
	// ErrExhausted is what every *ExhaustedError is.
	ErrExhausted = errors.New("restart intensity exceeded")
	// ErrStuck is what every *StuckError is.
	ErrStuck = errors.New("a child does not stop and cannot be killed")
	// ErrGoexit is the exit of a child whose goroutine ended by runtime.Goexit.
	ErrGoexit = errors.New("runtime.Goexit called")
	// ErrNotRunning is returned by calls on a supervisor that does not run, or
	// that ended before it answered (OTP's noproc, rule I9).
	ErrNotRunning = errors.New("supervisor is not running")
	// ErrRunning is returned by Init and Serve of a supervisor that runs already.
	ErrRunning = errors.New("supervisor is running already")
	// ErrNotFound is returned by calls about a child that is not there (rules I2, J5).
	ErrNotFound = strategies.ErrNotFound
	// ErrAlreadyStarted is what every *AlreadyStartedError is.
	ErrAlreadyStarted = strategies.ErrAlreadyStarted
	// ErrAlreadyPresent is returned by StartChild if there is a child of that
	// id which does not run (rule I1).
	ErrAlreadyPresent = strategies.ErrAlreadyPresent
	// ErrChildRunning is returned by RestartChild and DeleteChild if the child
	// runs (OTP's running, rules I3, I5).
	ErrChildRunning = strategies.ErrRunning
	// ErrRestarting is returned by RestartChild and DeleteChild if the child
	// waits to be started again (rules E3, I3, I5).
	ErrRestarting = strategies.ErrRestarting
	// ErrDynamic is returned by calls that a dynamic supervisor does not have
	// (OTP's simple_one_for_one, rule J4).
	ErrDynamic = strategies.ErrDynamic
	// ErrCancelled is returned by StartChild and RestartChild if the child was
	// terminated while it was being started.
	ErrCancelled = strategies.ErrCancelled
	// ErrAutoShutdown is what every *AutoShutdownError is.
	ErrAutoShutdown = errors.New("significant children have finished")
	// ErrFromInit is returned by a call from a child's Init, or from the
	// function that makes it, into a supervisor which waits for that Init.
	ErrFromInit = errors.New("call into a supervisor that is waiting for this start to finish")
	// ErrNoStart is found in the *SpecError of a child without a Starter.
	ErrNoStart = errors.New("nothing to start: Start is missing")
)

// SpecError is one thing wrong with a Spec. [New] returns all there are,
// joined; errors.Is finds the reasons, strategies.ErrDuplicate for example.
type SpecError = strategies.SpecError

// ExhaustedError is what a supervisor ends with that gave up: one of its
// children needed one restart more than the intensity allows. It is ErrExhausted,
// and unwraps to the exit of that child: for a nested supervisor that gave up,
// another ExhaustedError.
type ExhaustedError struct {
	Path      string // of the supervisor
	Child     string // path of the child that was not restarted again
	Restarts  int    // in the window, the refused one included
	Intensity strategies.Intensity
	Cascade   strategies.Cascade
	Cause     error // how the child ended; nil after a normal exit
}

func (e *ExhaustedError) Error() string {
	s := fmt.Sprintf("%s gave up: %s needed restart %d within %v, %d allowed",
		e.Path, e.Child, e.Restarts, e.Intensity.Within, e.Intensity.Max)
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *ExhaustedError) Is(target error) bool { return target == ErrExhausted }
func (e *ExhaustedError) Unwrap() error        { return e.Cause }

// ExitClass is Shutdown: a permanent supervisor that gave up is restarted by
// its parent, a transient one is not (rules F7, G1, G2).
func (e *ExhaustedError) ExitClass() strategies.Class { return strategies.Shutdown }

// StartError says that a child could not be started, and so its supervisor
// could not either (rule B3). For a nested supervisor Err is its StartError.
type StartError struct {
	Path    string // of the child
	Cascade strategies.Cascade
	Err     error
}

func (e *StartError) Error() string { return fmt.Sprintf("%s did not start: %v", e.Path, e.Err) }
func (e *StartError) Unwrap() error { return e.Err }

// ExitClass is ShutdownTerm, as in OTP.
func (e *StartError) ExitClass() strategies.Class { return strategies.ShutdownTerm }

// AlreadyStartedError is returned by StartChild if there is a child of that id
// which runs (rule I1). It is ErrAlreadyStarted.
type AlreadyStartedError struct {
	Ref strategies.ChildRef // of the incarnation that runs
}

func (e *AlreadyStartedError) Error() string {
	return fmt.Sprintf("%s: %v", e.Ref.Path, ErrAlreadyStarted)
}
func (e *AlreadyStartedError) Unwrap() error { return ErrAlreadyStarted }

// AutoShutdownError is what a supervisor ends with whose significant children
// have finished (rules K2, K3). It is ErrAutoShutdown; a root's is
// suture.ErrDoNotRestart to a suture parent, because the end is deliberate.
type AutoShutdownError struct {
	Path  string // of the supervisor
	Child string // path of the significant child that finished last

	root bool // suture may be above
}

func (e *AutoShutdownError) Error() string {
	return fmt.Sprintf("%s ended: %v, the last was %s", e.Path, ErrAutoShutdown, e.Child)
}

func (e *AutoShutdownError) Is(target error) bool {
	return target == ErrAutoShutdown || e.root && target == suture.ErrDoNotRestart
}

// ExitClass is Shutdown, as in OTP (rule K8).
func (e *AutoShutdownError) ExitClass() strategies.Class { return strategies.Shutdown }

// StoppedError is what Serve returns after [Supervisor.Stop]. A root's is
// suture.ErrDoNotRestart to a suture parent; to a coppice parent it is an exit
// of the reason's class (rule G7).
type StoppedError struct {
	Path   string
	Reason error // as given to Stop; may be nil

	root bool // suture may be above
}

func (e *StoppedError) Error() string {
	if e.Reason == nil {
		return e.Path + " was stopped"
	}
	return fmt.Sprintf("%s was stopped: %v", e.Path, e.Reason)
}

func (e *StoppedError) Is(target error) bool { return e.root && target == suture.ErrDoNotRestart }
func (e *StoppedError) Unwrap() error        { return e.Reason }

// ExitClass is the class of the reason; Normal if there is none.
func (e *StoppedError) ExitClass() strategies.Class {
	return strategies.Classify(e.Reason, strategies.Unasked).Class
}

// StuckError says that a goroutine did not end when told to. Nothing can be
// done about that but to end the program, so the error climbs to the root and
// nothing is restarted on the way. It is ErrStuck, and to a suture parent
// suture.ErrTerminateSupervisorTree.
type StuckError struct {
	Path string // of the child that is stuck
}

func (e *StuckError) Error() string { return e.Path + ": " + ErrStuck.Error() }

func (e *StuckError) Is(target error) bool {
	return target == ErrStuck || target == suture.ErrTerminateSupervisorTree
}

// PanicError is the exit of a child that panicked.
type PanicError struct {
	Value any
	Stack Stack
}

// ExitClass is Crash, whatever the value of the panic says.
func (e *PanicError) ExitClass() strategies.Class { return strategies.Crash }

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Stack is a call stack, innermost call first. It is turned into text only
// when asked for.
type Stack []uintptr

// newPanicError keeps the stack of a panic; it is called from the deferred
// function that recovered it, whose frames are left out.
//
//go:noinline
func newPanicError(v any) error {
	var pcs [64]uintptr
	n := runtime.Callers(4, pcs[:])
	return &PanicError{Value: v, Stack: append(Stack(nil), pcs[:n]...)}
}

// String formats the stack as a panic prints it: function, then file and line.
func (s Stack) String() string {
	var b strings.Builder
	frames := runtime.CallersFrames(s)
	for {
		f, more := frames.Next()
		if f.Function != "" {
			fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}
