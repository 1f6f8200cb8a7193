//go:build linux

package worker

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// scarceFor lets the first n launches fail for want of something.
func scarceFor(t *testing.T, n int) (tried chan struct{}) {
	before := launch
	t.Cleanup(func() { launch = before })
	tried = make(chan struct{}, 1000)
	launch = func(s *spawner, prog *program) (launched, error) {
		tried <- struct{}{}
		if n--; n >= 0 {
			return launched{}, unix.EAGAIN
		}
		return before(s, prog)
	}
	return tried
}

// What the machine lacks for a moment is not the program's fault.
func TestScarce(t *testing.T) {
	tried := scarceFor(t, 3)
	r := start(t, self("sleep"))
	if len(tried) != 4 {
		t.Errorf("%d attempts", len(tried))
	}
	r.log.await(t, 1, "warn: waiting for the machine to have room for the program")
	if n := r.log.count("waiting for"); n != 1 {
		t.Errorf("said %d times", n)
	}
}

func TestScarceTooLong(t *testing.T) {
	scarceFor(t, 1000)
	p, _ := with(self("sleep"), func(c *Command) { c.SpawnLimit = 100 * time.Millisecond }).Process()
	before, began := openFiles(t), time.Now()
	err := p.Init(quiet())
	if _, ok := errors.AsType[*SpawnError](err); !ok || !errors.Is(err, unix.EAGAIN) || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	if now := openFiles(t); now != before {
		t.Errorf("%d open files, before %d", now, before)
	}
}

func TestScarceGivenUp(t *testing.T) {
	for _, way := range []string{"cancel", "kill"} {
		tried := scarceFor(t, 1000)
		p, _ := self("sleep").Process()
		ctx, cancel := context.WithCancel(quiet())
		done := make(chan error, 1)
		go func() { done <- p.Init(ctx) }()
		<-tried
		if way == "kill" {
			p.Kill()
		} else {
			cancel()
		}
		if err, want := <-done, map[string]error{"kill": ErrKilled, "cancel": context.Canceled}[way]; !errors.Is(err, want) {
			t.Errorf("%s: %v", way, err)
		}
		cancel()
	}
}
