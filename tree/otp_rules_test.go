package tree

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// The rules of OTP that a machine alone cannot show: those about what starts,
// runs and ends. The others have their tests, named likewise, in package
// strategies.

func TestOTP_A3_IDAndStartAreMandatory(t *testing.T) {
	for _, c := range []struct {
		child Child
		want  error
	}{
		{Child{Start: Func(untilCancelled)}, strategies.ErrID},
		{Child{ID: "a"}, ErrNoStart},
		{Child{ID: "a", Start: Func(nil)}, ErrNoStart},
	} {
		if _, err := New("t", Spec{Children: []Child{c.child}}); !errors.Is(err, c.want) {
			t.Errorf("New with %+v: %v, want %v", c.child, err, c.want)
		}
	}
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{})
		if _, err := s.root.StartChild(t.Context(), Child{ID: "a"}); !errors.Is(err, ErrNoStart) {
			t.Errorf("StartChild without Start: %v", err)
		}
		if _, err := s.root.StartChild(t.Context(), Child{Start: Func(untilCancelled)}); !errors.Is(err, strategies.ErrID) {
			t.Errorf("StartChild without ID: %v", err)
		}
		_ = s.stop()
	})
}

func TestOTP_B7_DeathDuringInitIsAStartError(t *testing.T) {
	for name, die := range map[string]func(context.Context) error{
		"panic":  func(context.Context) error { panic("in Init") },
		"Goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		bubble(t, func(t *testing.T) {
			s := on(t, Spec{Children: []Child{quiet("a"), {ID: "b", Start: withInit(die)}, quiet("c")}})
			var failed *StartError
			if err := s.ended(); !errors.As(err, &failed) || failed.Path != "t/b" {
				t.Errorf("%s: %v", name, err)
			}
			s.want(s.seen(EventProgress, EventStartError, EventStopping, EventExited),
				"progress t/a", "start_error t/b", "stopping t/a", "exited t/a", "exited t")
		})
	}
}

// A supervisor's own init is, in Go, the function that makes the child's
// service.
func TestOTP_B8_AMakerThatSaysIgnore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := 0
		s := on(t, Spec{Children: []Child{{ID: "a", Start: Of(func() (Service, error) {
			if asked++; asked == 1 {
				return nil, ErrIgnore
			}
			return puppet(nil), nil
		})}}})
		if st, _ := s.root.Find("t/a"); st.State != strategies.Down {
			t.Errorf("after ignore: %v", st.State)
		}
		if ref, err := s.root.RestartChild(t.Context(), "a"); err != nil || ref.Incarnation != 2 {
			t.Errorf("RestartChild: %v, %v", ref, err)
		}
		_ = s.stop()
	})
}

// What OTP returns besides the pid, a closure says.
func TestOTP_B9_MoreThanAStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{})
		var info string
		_, err := s.root.StartChild(t.Context(), Child{ID: "a", Start: withInit(func(context.Context) error {
			info = "listening on 4711"
			return nil
		})})
		if err != nil || info == "" {
			t.Errorf("%q, %v", info, err)
		}
		_ = s.stop()
	})
}

func TestOTP_G5_WhatTheRootsEndMeansIsUpToItsOwner(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := make(puppet)
		s := on(t, Spec{Intensity: strategies.Intensity{Max: NoRestarts}, Children: []Child{p.child("a")}})
		p <- errBoom
		err := s.ended()
		var gaveUp *ExhaustedError
		if !errors.As(err, &gaveUp) || gaveUp.ExitClass() != strategies.Shutdown || !errors.Is(err, errBoom) {
			t.Errorf("the owner is told %v", err)
		}
		s.serve() // it may serve the root again
		if st, _ := s.root.Find("t/a"); st.State != strategies.Up {
			t.Errorf("served again, and a is %v", st.State)
		}
		_ = s.stop()
	})
}

// A child that does not cooperate cannot hang its supervisor: what can be killed
// is, and what cannot ends the tree.
func TestOTP_H8_TerminationDoesNotNeedTheChild(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "a", Start: Of(func() (*killable, error) { return &killable{killed: make(chan struct{})}, nil })}}})
		begin := time.Now()
		if err := s.root.TerminateChild(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("killed after %v, want 5s", d)
		}
		_ = s.stop()
	})
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		s := on(t, Spec{Children: []Child{{ID: "a", Start: Func(func(context.Context) error { <-release; return nil })}}})
		if err := s.root.TerminateChild(t.Context(), "a"); !errors.Is(err, ErrNotRunning) {
			t.Errorf("TerminateChild: %v", err)
		}
		if err := s.ended(); !errors.Is(err, ErrStuck) {
			t.Errorf("Serve: %v", err)
		}
		close(release)
	})
}

func TestOTP_I9_CallsToADeadSupervisor(t *testing.T) {
	root, err := New("t", Spec{Children: []Child{quiet("a")}})
	if err != nil {
		t.Fatal(err)
	}
	everyCall(t, root) // before it ran
	bubble(t, func(t *testing.T) {
		hold := make(chan struct{})
		s := on(t, Spec{Children: []Child{{ID: "a", Start: Func(func(ctx context.Context) error { <-ctx.Done(); <-hold; return nil })}}})
		s.cancel()
		synctest.Wait()
		everyCall(t, s.root) // while it ends
		close(hold)
		_ = s.ended()
		everyCall(t, s.root) // and after
	})
}

// everyCall wants ErrNotRunning of every call.
func everyCall(t *testing.T, s *Supervisor) {
	t.Helper()
	ctx := context.Background()
	for name, call := range map[string]func() error{
		"StartChild":        func() error { _, err := s.StartChild(ctx, quiet("b")); return err },
		"TerminateChild":    func() error { return s.TerminateChild(ctx, "a") },
		"RestartChild":      func() error { _, err := s.RestartChild(ctx, "a"); return err },
		"DeleteChild":       func() error { return s.DeleteChild(ctx, "a") },
		"TerminateInstance": func() error { return s.TerminateInstance(ctx, strategies.ChildRef{Path: "t/a"}) },
		"InstanceSpec":      func() error { _, err := s.InstanceSpec(ctx, strategies.ChildRef{Path: "t/a"}); return err },
		"WhichChildren":     func() error { _, err := s.WhichChildren(ctx); return err },
		"CountChildren":     func() error { _, err := s.CountChildren(ctx); return err },
		"ChildSpec":         func() error { _, err := s.ChildSpec(ctx, "a"); return err },
	} {
		if err := call(); !errors.Is(err, ErrNotRunning) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
