package record

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// over is a context that has ended: a reader then returns what is there.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// taken returns what a reader has ready, and the error at its end.
func taken[T any](next func(context.Context) (T, error)) (all []T, err error) {
	for {
		v, err := next(over())
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
}

// ready is taken, of a reader that may get more.
func ready[T any](t *testing.T, next func(context.Context) (T, error)) []T {
	t.Helper()
	all, err := taken(next)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the reader ended: %v", err)
	}
	return all
}
