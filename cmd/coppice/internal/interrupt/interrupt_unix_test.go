//go:build unix

package interrupt

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"
)

// However many SIGHUPs come, the signal to stop is not lost among them.
func TestStopAmongHangups(t *testing.T) {
	s := Watch(context.Background())
	defer s.Release()
	s.terminal = false
	hold := make(chan struct{})
	defer close(hold)
	s.OnHangup(func() { <-hold }) // as slow as may be
	for range 5 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Order.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("SIGTERM was lost")
	}
	if s.Now.Err() != nil {
		t.Error("it counts as two")
	}
}

// Without anything else to mean, SIGHUP asks for a stop in order, however often it comes.
func TestHangupStops(t *testing.T) {
	s := Watch(context.Background())
	defer s.Release()
	for range 3 {
		s.hungUp()
	}
	if s.Order.Err() == nil || s.Now.Err() != nil {
		t.Errorf("in order: %v, at once: %v", s.Order.Err(), s.Now.Err())
	}
}
