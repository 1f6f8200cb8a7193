//go:build !linux

package worker

import (
	"context"
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	p, err := Command{Path: "true"}.Process()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Serve(context.Background()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v, want errors.ErrUnsupported", err)
	}
}
