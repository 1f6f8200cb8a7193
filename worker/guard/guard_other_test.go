//go:build !linux

package guard

import (
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	if err := Enter(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v, want errors.ErrUnsupported", err)
	}
	if Guarded() {
		t.Error("Guarded without a guard")
	}
}
