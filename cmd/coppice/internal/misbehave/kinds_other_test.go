//go:build !linux

package misbehave

import (
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	kind, o, given, err := parse("setsid")
	if err != nil {
		t.Fatal(err)
	}
	if err := Run(kind, o, given); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v, want errors.ErrUnsupported", err)
	}
}
