//go:build !unix

package failpoint

import (
	"errors"
	"strconv"
	"syscall"
)

func parseErrno(text string) (error, error) {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return syscall.Errno(n), nil
	}
	return nil, errors.New("give an errno by its number, as in error(24)")
}
