package strategies

import "time"

// Backoff delays the restarts of a child, more with each failure. The zero
// value restarts at once, as OTP does (rule E2).
// Not available yet: a child with a Backoff is refused.
type Backoff struct {
	Min    time.Duration // the first delay
	Max    time.Duration // no delay is longer
	Factor float64       // each delay is this many times the one before; zero: 2
	Jitter float64       // a random part of the delay added or taken off, 0 to 1
	Reset  time.Duration // after being up this long a child starts again from Min
}
