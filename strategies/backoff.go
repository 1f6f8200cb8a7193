package strategies

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Backoff delays the restarts of a child, more with each failure in a row. The
// zero Backoff restarts at once, as OTP does (rule E2).
//
// The siblings that share the child's fate are stopped when it fails, and
// started with it when the delay is over: a group has one delay, that of the
// child which failed. While it runs the supervisor deals with other things; the
// child is Waiting, and its supervisor's end, or TerminateChild, ends the wait at
// once. A restart after an exit is counted against the intensity when the
// delay begins, another attempt at a failed start when it is made.
type Backoff struct {
	Min    time.Duration // the first delay
	Max    time.Duration // no delay is longer, jitter aside; zero: Min
	Factor float64       // each delay is this many times the one before, at least 1; zero: 2
	Jitter float64       // a random part of the delay, up to this much, is added or taken off; 0 to 1
	Reset  time.Duration // a child that was up for this long starts again from Min; zero: Max
}

// OrDefault returns b with defaults filled in. The zero Backoff stays zero.
func (b Backoff) OrDefault() Backoff {
	if b == (Backoff{}) {
		return b
	}
	if b.Max == 0 {
		b.Max = b.Min
	}
	if b.Factor == 0 {
		b.Factor = 2
	}
	if b.Reset == 0 {
		b.Reset = b.Max
	}
	return b
}

func (b Backoff) validate() error {
	wrong := func(what string) error { return fmt.Errorf("%w: %s", ErrBackoff, what) }
	switch d := b.OrDefault(); {
	case b == Backoff{}:
		return nil
	case d.Min <= 0:
		return wrong("Min must be positive")
	case d.Max < d.Min:
		return wrong("Max must not be less than Min")
	case !(d.Factor >= 1) || math.IsInf(d.Factor, 1):
		return wrong("Factor must be a number of at least 1")
	case !(d.Jitter >= 0 && d.Jitter <= 1):
		return wrong("Jitter must be from 0 to 1")
	case d.Reset < 0:
		return wrong("Reset must not be negative")
	}
	return nil
}

// Delay returns the delay after so many failures in a row before this one,
// without jitter. b must have its defaults.
func (b Backoff) Delay(failures int) time.Duration {
	d := float64(b.Min) * math.Pow(b.Factor, float64(failures))
	if d >= float64(b.Max) { // +Inf included
		return b.Max
	}
	return time.Duration(d)
}

// pauses is what a Backoff has to remember of a child.
type pauses struct {
	failures int       // in a row
	up       time.Time // when it was last started
	held     []*child  // under Dependents, while its restart is put off: its group
}

// wasUp takes note that c is not up any more, whatever the reason.
func (p *pauses) wasUp(c *child, now time.Time) {
	if now.Sub(p.up) >= c.spec.Backoff.Reset {
		p.failures = 0
	}
}

// pause returns how long the restart of c is to wait, after one more failure.
func (m *Machine) pause(c *child) time.Duration {
	if c.pauses == nil {
		return 0
	}
	b, p := &c.spec.Backoff, c.pauses
	d := b.Delay(p.failures)
	p.failures++
	if b.Jitter > 0 {
		if m.random == nil {
			m.random = rand.New(rand.NewPCG(m.cfg.Seed, 0))
		}
		d += time.Duration(float64(d) * b.Jitter * (2*m.random.Float64() - 1))
	}
	return max(d, 1)
}
