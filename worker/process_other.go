//go:build !linux

package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

func spawn(_ context.Context, p *Process) (child, error) {
	return nil, fmt.Errorf("worker: start %s: processes are supervised on Linux only, not on %s: %w",
		p.cmd.Path, runtime.GOOS, errors.ErrUnsupported)
}

func checkStopSignal(syscall.Signal) error { return nil }

func signalName(sig syscall.Signal) string { return sig.String() }
