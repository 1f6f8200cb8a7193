//go:build !linux

package chaos

import (
	"errors"
	"fmt"
)

func starveFiles(pid int) (func() error, error) {
	return nil, fmt.Errorf("limits of pid %d: %w", pid, errors.ErrUnsupported)
}

func starveProcesses(pid int) (func() error, error) {
	return nil, fmt.Errorf("limits of pid %d: %w", pid, errors.ErrUnsupported)
}
