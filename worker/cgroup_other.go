//go:build !linux

package worker

import (
	"errors"
	"fmt"
	"runtime"
)

func (l Limits) validate() error {
	if l == (Limits{}) {
		return nil
	}
	return fmt.Errorf("Limits need cgroups, which %s does not have: %w", runtime.GOOS, errors.ErrUnsupported)
}

func (i Identity) validate() error { return nil }

// CloseIdle gives up what is kept for the next incarnation of a child that has
// crashed: nothing, on this system.
func CloseIdle() {}
