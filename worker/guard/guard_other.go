//go:build !linux

package guard

import (
	"errors"
	"fmt"
	"runtime"
)

func enter() error {
	return fmt.Errorf("guard: there are guards on Linux only, not on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func guarded() bool { return false }
