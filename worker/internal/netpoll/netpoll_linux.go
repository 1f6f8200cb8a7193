package netpoll

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// File makes a file of a descriptor, which it sets non-blocking, and its raw
// connection. The descriptor is closed if that fails.
func File(fd int, name string) (*os.File, syscall.RawConn, error) {
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

// IgnoringEINTR repeats f for as long as a signal interrupts it (signal(7)).
func IgnoringEINTR(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); err != unix.EINTR {
			return n, err
		}
	}
}
