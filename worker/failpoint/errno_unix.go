//go:build unix

package failpoint

import (
	"errors"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// errnos is how far their numbers go (errno(3)).
const errnos = 256

func parseErrno(text string) (error, error) {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < errnos {
		return syscall.Errno(n), nil
	}
	for n := range syscall.Errno(errnos) {
		if name := unix.ErrnoName(n); name != "" && name == text {
			return n, nil
		}
	}
	return nil, errors.New("give an errno, as in error(EMFILE)")
}
