// Package probe asks programs from outside whether they are ready, or alive.
//
// A [Check] is one attempt; [Await] repeats it until it is good, [Watch] until
// it has failed too often. Nothing stays open between attempts, and there is no
// goroutine here: who calls waits.
package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Check is one attempt; nil is good. It must return soon after its context is
// done, and leave nothing open. It may be called by several goroutines.
type Check func(context.Context) error

// Policy says how often a check is made. What is zero, or less, is the default.
type Policy struct {
	// Every is the time from the beginning of one attempt to that of the next;
	// while one takes longer, the next waits for its end. 10 s in Watch. Await
	// takes it for the longest time between an attempt's end and the next,
	// 500 ms by default.
	Every time.Duration

	Timeout  time.Duration // of an attempt; 1 s by default
	Failures int           // in a row, that make Watch return; 3 by default
}

const (
	firstPause      = 10 * time.Millisecond
	longestPause    = 500 * time.Millisecond
	defaultEvery    = 10 * time.Second
	defaultTimeout  = time.Second
	defaultFailures = 3

	// maxTold bounds how many failures an error of Watch tells.
	maxTold = 5
)

// attempt makes a check within the time that an attempt has.
func (p Policy) attempt(ctx context.Context, c Check) error {
	timeout := positive(p.Timeout, defaultTimeout)
	attempt, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := c(attempt)
	if err != nil && attempt.Err() == context.DeadlineExceeded && ctx.Err() == nil {
		return fmt.Errorf("no answer within %v: %w", timeout, err)
	}
	return err
}

// AwaitError says that a check was never good.
type AwaitError struct {
	After    time.Duration // how long it was tried
	Attempts int           // how often
	Last     error         // why the last attempt failed; nil if there was none
	Cause    error         // why it is not tried any longer: the context's cause
}

func (e *AwaitError) Error() string {
	text := fmt.Sprintf("not ready after %v", e.After.Round(time.Millisecond))
	if !errors.Is(e.Cause, context.DeadlineExceeded) {
		text += fmt.Sprintf(" (%v)", e.Cause)
	}
	if e.Last == nil {
		return text + ": no attempt was made"
	}
	return fmt.Sprintf("%s, %s; the last: %v", text, count(e.Attempts, "attempt"), e.Last)
}

// Unwrap returns Last and Cause.
func (e *AwaitError) Unwrap() []error {
	if e.Last == nil {
		return []error{e.Cause}
	}
	return []error{e.Last, e.Cause}
}

// Await tries at once and then again and again until the check is good, which
// is nil, or ctx is done, which is an [*AwaitError]. The pauses grow from 10 ms
// by half each, so that a start is noticed after some half of its time more, up
// to Policy.Every.
func Await(ctx context.Context, c Check, p Policy) error {
	began := time.Now()
	longest := positive(p.Every, longestPause)
	pause := min(firstPause, longest)
	failed := &AwaitError{}
	for ctx.Err() == nil {
		err := p.attempt(ctx, c)
		if err == nil {
			return nil
		}
		failed.Attempts++
		// An attempt that the context cut short tells nothing of the program.
		if ctx.Err() == nil || failed.Last == nil {
			failed.Last = err
		}
		sleep(ctx, pause)
		pause = min(pause+pause/2, longest)
	}
	failed.After = time.Since(began)
	failed.Cause = context.Cause(ctx)
	return failed
}

// WatchError says that a check failed too often.
type WatchError struct {
	Failures int     // in a row
	Errs     []error // of the last of these attempts, five at most, the last one last
}

func (e *WatchError) Error() string {
	var told []string
	for i := 0; i < len(e.Errs); {
		text, same := e.Errs[i].Error(), i
		for i++; i < len(e.Errs) && e.Errs[i].Error() == text; i++ {
		}
		if n := i - same; n > 1 && n < e.Failures {
			text += fmt.Sprintf(" (%d times)", n)
		}
		told = append(told, text)
	}
	of := ""
	if len(e.Errs) < e.Failures {
		of = fmt.Sprintf(", the last %d of them", len(e.Errs))
	}
	return fmt.Sprintf("%s failed in a row%s: %s", count(e.Failures, "attempt"), of, strings.Join(told, "; "))
}

// Unwrap returns Errs.
func (e *WatchError) Unwrap() []error { return e.Errs }

// Watch tries for the first time after Policy.Every, and then at that interval.
// When Policy.Failures attempts in a row have failed it returns a [*WatchError].
// It returns nil only when ctx is done; an attempt which that cut short does
// not count.
func Watch(ctx context.Context, c Check, p Policy) error {
	ticker := time.NewTicker(positive(p.Every, defaultEvery))
	defer ticker.Stop()
	limit := positive(p.Failures, defaultFailures)
	failed := &WatchError{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := p.attempt(ctx, c)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			failed = &WatchError{}
			continue
		}
		failed.Failures++
		failed.Errs = append(failed.Errs[max(0, len(failed.Errs)-maxTold+1):], err)
		if failed.Failures >= limit {
			return failed
		}
	}
}

// sleep ends early when ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func positive[T time.Duration | int](v, orElse T) T { return cmp.Or(max(0, v), orElse) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
