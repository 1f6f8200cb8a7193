package control

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/record"
	"github.com/coppice-go/coppice/tree/treetest"
)

// TestReachOfRemoved: a child that goes while it is waited for is stopped, and
// will not be ready.
func TestReachOfRemoved(t *testing.T) {
	for state, want := range map[strategies.State]Code{strategies.Down: "", strategies.Waiting: Conflict} {
		synctest.Test(t, func(t *testing.T) {
			crash := make(chan error)
			tt := treetest.Start(t, "t", tree.Spec{})
			b := record.New(record.Limits{})
			b.Watch(tt.Supervisor)
			defer b.Close()
			s := &Server{root: tt.Supervisor, book: b}
			_, err := tt.StartChild(t.Context(), tree.Child{
				ID: "once", Restart: strategies.Temporary,
				Start: tree.Func(func(context.Context) error { return <-crash }),
			})
			if err != nil {
				t.Fatal(err)
			}
			reached := make(chan error)
			go func() {
				st, err := s.reach(t.Context(), WaitQuery{Path: "t/once", State: state})
				if err == nil && st != nil {
					err = errors.New("there still is a " + st.Path)
				}
				reached <- err
			}()
			synctest.Wait() // until it waits
			crash <- errors.New("boom")
			var got Code
			if err := <-reached; err != nil {
				got = asError(err).Code
			}
			if got != want {
				t.Errorf("%v: code %q, want %q", state, got, want)
			}
		})
	}
}

// TestReachOfWaiting: a start that failed and will be tried again can be waited
// for, and who waits for the child to stop goes on.
func TestReachOfWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := false
		tt := treetest.Start(t, "t", tree.Spec{Intensity: strategies.Intensity{Max: 100}, Children: []tree.Child{{
			ID: "a", Backoff: strategies.Backoff{Min: 1e9, Max: 1e9, Factor: 1},
			Start: tree.Of(func() (tree.Service, error) {
				if fails {
					return nil, errors.New("no port")
				}
				return wait{}, nil
			}),
		}}})
		b := record.New(record.Limits{})
		b.Watch(tt.Supervisor)
		defer b.Close()
		s := &Server{root: tt.Supervisor, book: b}
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error)
		go func() {
			_, err := s.reach(ctx, WaitQuery{Path: "t/a", State: strategies.Down})
			stopped <- err
		}()
		synctest.Wait()
		fails = true
		tt.Crash("t/a", errors.New("boom"))
		st, err := s.reach(t.Context(), WaitQuery{Path: "t/a", State: strategies.Waiting})
		if err != nil || st.State != strategies.Waiting {
			t.Errorf("%+v, %v", st, err)
		}
		fails = false
		if st, err = s.reach(t.Context(), WaitQuery{Path: "t/a", State: strategies.Up}); err != nil || st.Incarnation < 2 {
			t.Errorf("%+v, %v", st, err)
		}
		cancel()
		if err := <-stopped; !errors.Is(err, context.Canceled) {
			t.Errorf("it never stopped, but: %v", err)
		}
	})
}

type wait struct{}

func (wait) Serve(ctx context.Context) error { <-ctx.Done(); return nil }
