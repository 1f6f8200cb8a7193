package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/worker/internal/notify"
	"github.com/coppice-go/coppice/worker/internal/probe"
)

// NotReadyError is the failed start of a program that was executed, and then
// ended, or was ended, without having been ready. Nothing of it is left.
type NotReadyError struct {
	Path  string
	PID   int
	After time.Duration // it was waited for
	Last  error         // what the last attempt to ask it found, if it was asked
	Exit  error         // how it ended: an *ExitError, nil for code 0

	ended bool // by itself
}

func (e *NotReadyError) Error() string {
	switch {
	case e.ended && e.Exit == nil:
		return fmt.Sprintf("%s (pid %d): ended before it was ready: exit status 0", e.Path, e.PID)
	case e.ended:
		return fmt.Sprintf("ended before it was ready: %v", e.Exit)
	case e.Last != nil:
		return fmt.Sprintf("%s (pid %d): %v", e.Path, e.PID, e.Last)
	}
	return fmt.Sprintf("%s (pid %d): not ready after %v", e.Path, e.PID, e.After.Round(time.Millisecond))
}

// Unwrap gives access to Last and Exit.
func (e *NotReadyError) Unwrap() []error {
	var both []error
	for _, err := range []error{e.Last, e.Exit} {
		if err != nil {
			both = append(both, err)
		}
	}
	return both
}

// ExitClass is Crash, however the program was ended.
func (e *NotReadyError) ExitClass() strategies.Class { return strategies.Crash }

// OutputTail returns the last lines of output: views of a tree show them.
func (e *NotReadyError) OutputTail() []string {
	if exit, ok := errors.AsType[*ExitError](e.Exit); ok {
		return exit.Tail
	}
	return nil
}

var (
	errEnded = errors.New("the program ended")
	errLate  = errors.New("the time to be ready was over")
)

// awaitReady waits until the program is ready. It returns nil, the context's
// error, or a *NotReadyError that has yet to be told how the program ended.
func (p *Process) awaitReady(outer context.Context) error {
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	defer context.AfterFunc(p.alive, func() { cancel(errEnded) })()
	began := time.Now()
	p.mu.Lock()
	p.lateAt = began.Add(p.cmd.ReadyLimit)
	p.late = time.AfterFunc(p.cmd.ReadyLimit, func() { cancel(errLate) })
	p.mu.Unlock()
	defer p.late.Stop()

	var last error
	if check := p.check(p.cmd.Ready, p.cmd.ready); check != nil {
		last = probe.Await(ctx, check, probe.Policy{})
		if last == nil {
			return nil
		}
	} else {
		select {
		case <-p.said:
			return nil
		case <-ctx.Done():
		}
	}
	if err := outer.Err(); err != nil {
		return fmt.Errorf("start %s: %w", p.cmd.Path, err)
	}
	return &NotReadyError{
		Path:  p.cmd.Path,
		PID:   p.PID(),
		After: time.Since(began),
		Last:  last,
		ended: context.Cause(ctx) == errEnded,
	}
}

// maxExtension stands for the infinity that a program may ask for.
const maxExtension = 10 * 365 * 24 * time.Hour

// isReady takes note that the program said so.
func (p *Process) isReady() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isReadyLocked()
}

func (p *Process) isReadyLocked() {
	select {
	case <-p.ready:
	default:
		close(p.ready)
	}
}

// notified deals with what the program says on its NOTIFY_SOCKET.
func (p *Process) notified(m notify.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, announces := p.cmd.Ready.(Notify)
	if m.Ready && announces {
		p.isReadyLocked()
	}
	if m.Status != nil {
		p.status = *m.Status
	}
	for _, problem := range m.Problems {
		p.log.Warn("NOTIFY_SOCKET", "problem", problem, "pid", m.PID)
	}
	if m.ExtendTimeout > 0 && p.late != nil {
		// It counts from now on, and never shortens what there was.
		by := min(m.ExtendTimeout, maxExtension)
		if until := time.Now().Add(by); until.After(p.lateAt) && p.late.Stop() {
			p.lateAt = until
			p.late.Reset(by)
		}
	}
	p.dog.notified(m)
}

// Status is what the program last said of its state, on one line (STATUS= of
// sd_notify(3)); empty if it has not.
func (p *Process) Status() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}
