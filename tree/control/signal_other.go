//go:build !linux

package control

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// ParseSignal would read the name of a signal. The error wraps
// errors.ErrUnsupported.
func ParseSignal(string) (syscall.Signal, error) {
	return 0, fmt.Errorf("signals on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
