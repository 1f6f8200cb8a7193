//go:build !linux

package chaos

import (
	"errors"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// sampler needs Linux's /proc: without, a run has no samples.
type sampler struct{}

func newSampler(int, string) *sampler { return nil }

func (*sampler) look() (check.Sample, error) { return check.Sample{}, errors.ErrUnsupported }

func resources(int) *check.Resources { return nil }
