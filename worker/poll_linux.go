package worker

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pollable puts a descriptor under the care of the netpoller, so that waiting
// for it takes no thread. The descriptor is closed if that fails.
func pollable(fd int, name string) (*os.File, syscall.RawConn, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fd), name)
	// NewFile says nothing when epoll refuses (fs.epoll.max_user_watches).
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		file.Close()
		if errors.Is(err, os.ErrNoDeadline) {
			err = unix.ENOSPC
		}
		return nil, nil, err
	}
	conn, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, conn, nil
}

func ignoringEINTR(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); err != unix.EINTR {
			return n, err
		}
	}
}
