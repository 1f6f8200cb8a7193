package control

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// SendSignal sends a signal to the process of a child of root, as a Snapshot or
// Find told of it: to that incarnation, or to nobody, for once it has ended the
// number of its process may be another's. It is safe for concurrent use.
//
// The error is an *[Error]: [Unsupported] if the child is a supervisor,
// [Conflict] if it had no process, or its process has ended. It wraps
// errors.ErrUnsupported where there are no pidfds (pidfd_open(2)); otherwise it is
// that of the system.
func SendSignal(root *tree.Supervisor, child tree.Status, sig syscall.Signal) error {
	switch {
	case child.Kind == strategies.Supervisor:
		return &Error{Code: Unsupported, Message: child.Path + " is a supervisor, and no process", Hint: "name one of the processes below it"}
	case child.PID == 0:
		return &Error{Code: Conflict, Message: fmt.Sprintf("%s has no process: it is %v", child.Path, child.State)}
	}
	err := sendTo(child.PID, sig, func() bool {
		now, ok := root.Find(child.Path)
		return ok && now.PID == child.PID && now.Incarnation == child.Incarnation
	})
	if errors.Is(err, errGone) || errors.Is(err, syscall.ESRCH) {
		return &Error{Code: Conflict, Message: fmt.Sprintf("%s has just ended: pid %d is no more", child.Path, child.PID)}
	}
	return err
}
