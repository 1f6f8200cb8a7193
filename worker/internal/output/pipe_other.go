//go:build !linux

package output

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

func newPipe(*atomic.Pointer[time.Time]) (source, int, error) {
	return nil, -1, fmt.Errorf("the output of processes is read on Linux only: %w", errors.ErrUnsupported)
}
