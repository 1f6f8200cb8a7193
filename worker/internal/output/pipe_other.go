//go:build !linux

package output

import (
	"errors"
	"fmt"
)

type pipe struct{}

func (*pipe) open(*stream) (int, error) {
	return -1, fmt.Errorf("the output of processes is read on Linux only: %w", errors.ErrUnsupported)
}
