package chaos

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

var errGone = errors.New("it has just ended")

// handle is one process for as long as it is open, whoever gets its number.
type handle struct{ fd int }

// openProcess opens a process, if it is still the one that is meant when nobody
// else can have its number any more (pidfd_open(2)).
func openProcess(pid int, still func() (bool, error)) (*handle, error) {
	fd, err := despiteLimit(func() (int, error) { return unix.PidfdOpen(pid, 0) })
	if errors.Is(err, unix.ESRCH) {
		return nil, errGone
	}
	if err != nil {
		return nil, fmt.Errorf("pid %d: %w", pid, os.NewSyscallError("pidfd_open", err))
	}
	h := &handle{fd}
	ok, err := still()
	if err == nil && !ok {
		err = errGone
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *handle) send(sig syscall.Signal) error {
	err := unix.PidfdSendSignal(h.fd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return errGone
	}
	return os.NewSyscallError("pidfd_send_signal", err)
}

func (h *handle) close() { _ = unix.Close(h.fd) }

const (
	sigStop = syscall.SIGSTOP
	sigCont = syscall.SIGCONT
)
