package strategies

import (
	"context"
	"errors"
)

// Class is what an exit means to a supervisor: OTP's exit reasons, reduced to
// what its decisions depend on.
type Class uint8

const (
	// Normal: the child finished of its own accord, without error.
	Normal Class = iota
	// Shutdown: the child ended because it was told to, as it should.
	Shutdown
	// ShutdownTerm is OTP's {shutdown, Term}: a shutdown that says why.
	ShutdownTerm
	// Killed: the child was ended unconditionally (SIGKILL).
	Killed
	// Crash: everything else.
	Crash
)

var classNames = [...]string{"normal", "shutdown", "shutdown_term", "killed", "crash"}

func (c Class) String() string { return enumName(classNames[:], int(c), "Class") }

// Clean reports whether the class is one after which a transient child is not
// restarted (rule C2).
func (c Class) Clean() bool { return c <= ShutdownTerm }

// Directive is what an exit asks for over and above its class.
type Directive uint8

const (
	// ByRestart leaves the decision to the child's [Restart] type.
	ByRestart Directive = iota
	// DoNotRestart ends the child for good and removes its record; its
	// siblings are untouched.
	DoNotRestart
	// EndTree ends the supervisor, and its parent in turn, up to the root;
	// nothing is restarted on the way.
	EndTree
	// EndStuckTree is EndTree because something is stuck below: obeyed even
	// where the supervisor is ending for another reason.
	EndStuckTree
)

var directiveNames = [...]string{"by_restart", "do_not_restart", "end_tree", "end_stuck_tree"}

func (d Directive) String() string { return enumName(directiveNames[:], int(d), "Directive") }

// Exit is how an incarnation of a child, or a supervisor, ended.
type Exit struct {
	Class     Class
	Directive Directive
	Err       error // the reason; nil where there is nothing to tell
}

func (e Exit) String() string {
	if e.Err == nil {
		return e.Class.String()
	}
	return e.Class.String() + ": " + e.Err.Error()
}

// Classifier is implemented by errors that know their own exit class.
type Classifier interface {
	error
	ExitClass() Class
}

// WithClass returns err with its exit class set: returned from a child, it
// decides how the child's supervisor takes the exit. err may be nil.
func WithClass(c Class, err error) error { return &classError{c, err} }

type classError struct {
	class Class
	err   error
}

func (e *classError) ExitClass() Class { return e.class }
func (e *classError) Unwrap() error    { return e.err }
func (e *classError) Error() string {
	if e.err == nil {
		return e.class.String()
	}
	return e.err.Error()
}

// Asked says whether a child had been asked to stop when it ended.
type Asked uint8

const (
	Unasked  Asked = iota // it ended by itself
	ToldStop              // its supervisor had told it to stop
	ToldDie               // its supervisor had ended it unconditionally
)

// Classify gives the exit that an error returned from a child amounts to:
//
//  1. an error in the chain with an ExitClass method decides;
//  2. before a stop was asked, nil is Normal and any error is Crash,
//     context.Canceled included: nobody had cancelled anything;
//  3. after a stop was asked, nil and the context errors are Shutdown, any
//     other error is Crash;
//  4. after it was killed, anything is Killed.
func Classify(err error, asked Asked) Exit {
	if c, ok := errors.AsType[Classifier](err); ok {
		return Exit{Class: c.ExitClass(), Err: err}
	}
	switch {
	case asked == ToldDie:
		return Exit{Class: Killed, Err: err}
	case asked == Unasked && err == nil:
		return Exit{Class: Normal}
	case asked == ToldStop && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		return Exit{Class: Shutdown, Err: err}
	}
	return Exit{Class: Crash, Err: err}
}
