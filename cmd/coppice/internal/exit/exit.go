// Package exit is the one place where what became of a command, or of a tree,
// turns into the exit status of the program.
package exit

import (
	"context"
	"errors"
	"fmt"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/load"
)

// The exit statuses of coppice.
const (
	Clean     = 0 // done; or the tree was told to stop, and did
	Exhausted = 1 // the root of the tree gave up
	Usage     = 2 // a wrong command line or a bad file
	Failed    = 3 // any other failure
	Violated  = 5 // a chaos invariant did not hold
	NoTree    = 6 // no such running tree
)

// UsageError is a mistake in the command line. It names the option or argument
// and says what to do.
type UsageError struct{ msg string }

func (e *UsageError) Error() string { return e.msg }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// NoTreeError says that the running tree which was asked for is not there.
type NoTreeError struct{ Err error }

func (e *NoTreeError) Error() string { return e.Err.Error() }
func (e *NoTreeError) Unwrap() error { return e.Err }

// ViolationError says that chaos found something that must not be.
type ViolationError struct{ msg string }

func (e *ViolationError) Error() string { return e.msg }

// Violatedf makes a ViolationError.
func Violatedf(format string, args ...any) error {
	return &ViolationError{fmt.Sprintf(format, args...)}
}

// Status is the exit status that err stands for; err may be what a command
// returned or what [tree.Supervisor.Serve] did. A tree that gave up is looked
// for before a stop, because the cause it gives may be a context's error.
func Status(err error) int {
	switch {
	case err == nil:
		return Clean
	case is[*ViolationError](err):
		return Violated
	case is[*UsageError](err), is[*load.Error](err):
		return Usage
	case is[*NoTreeError](err):
		return NoTree
	case is[*tree.ExhaustedError](err):
		return Exhausted
	case is[*tree.StuckError](err), is[*tree.StartError](err):
		return Failed
	case is[*tree.StoppedError](err), errors.Is(err, context.Canceled):
		return Clean
	}
	return Failed
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
