//go:build !linux

package control

import (
	"errors"
	"fmt"
	"syscall"
)

var errGone = errors.New("the process has ended")

func sendTo(pid int, _ syscall.Signal, _ func() bool) error {
	return fmt.Errorf("signal pid %d: %w", pid, errors.ErrUnsupported)
}
