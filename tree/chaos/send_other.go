//go:build !linux

package chaos

import (
	"errors"
	"fmt"
	"syscall"
)

var errGone = errors.New("it has just ended")

type handle struct{}

// openProcess needs pidfds, without which a signal may hit somebody else.
func openProcess(pid int, _ func() (bool, error)) (*handle, error) {
	return nil, fmt.Errorf("signals to pid %d: %w", pid, errors.ErrUnsupported)
}

func (h *handle) send(syscall.Signal) error { return errors.ErrUnsupported }
func (h *handle) close()                    {}

const (
	sigStop = syscall.Signal(0)
	sigCont = syscall.Signal(0)
)
