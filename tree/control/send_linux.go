package control

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

var errGone = errors.New("the process has ended")

// sendTo sends a signal to a process, if it is still the one that is meant when
// nobody else can have its number any more (pidfd_open(2)).
func sendTo(pid int, sig syscall.Signal, still func() bool) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("signal pid %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if !still() {
		return errGone
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil {
		return fmt.Errorf("signal pid %d: %w", pid, err)
	}
	return nil
}
