package strategies

import (
	"fmt"
	"time"
)

// ShutdownLimit is how long a child told to stop may take before it is killed.
// The zero value is the default: 5 s for a worker, [Infinity] for a supervisor
// (rule A1). Other durations are made by [Timeout].
type ShutdownLimit time.Duration

const (
	// Infinity waits without limit (rule H4).
	Infinity ShutdownLimit = -1 - iota
	// BrutalKill does not ask: the child is killed at once (rule H2).
	BrutalKill
	atOnce          // Timeout(0)
	invalidShutdown // Timeout(negative), refused by Validate
)

// defaultWorkerShutdown is OTP's, rule A1. It is also what a child that was to
// be killed, but cannot be, is given to stop by itself.
const defaultWorkerShutdown = ShutdownLimit(5 * time.Second)

// Timeout gives a child d to stop, then kills it (rule H3). d may be zero: the
// child is told, and killed without waiting. One that cannot be killed, a
// goroutine, has 5 s at least. A negative d is refused when the supervisor is
// made.
func Timeout(d time.Duration) ShutdownLimit {
	switch {
	case d < 0:
		return invalidShutdown
	case d == 0:
		return atOnce
	}
	return ShutdownLimit(d)
}

// Or returns s with the default of a child of this kind filled in.
func (s ShutdownLimit) Or(k Kind) ShutdownLimit {
	switch {
	case s != 0:
		return s
	case k == Supervisor:
		return Infinity
	}
	return defaultWorkerShutdown
}

// limit returns the time allowed, and whether there is a limit at all.
// It is not asked of the zero value or of BrutalKill.
func (s ShutdownLimit) limit() (time.Duration, bool) {
	switch s {
	case Infinity:
		return 0, false
	case atOnce:
		return 0, true
	}
	return time.Duration(s), true
}

// below reports whether s is a time, and a shorter one than t.
func (s ShutdownLimit) below(t ShutdownLimit) bool { return s == atOnce || s > 0 && s < t }

// until returns what is left of t after s, which is below it.
func (s ShutdownLimit) until(t ShutdownLimit) time.Duration {
	d, _ := s.limit()
	return time.Duration(t) - d
}

func (s ShutdownLimit) valid() bool { return s >= atOnce }

func (s ShutdownLimit) String() string {
	switch {
	case s > 0:
		return time.Duration(s).String()
	case s == 0:
		return "default"
	case s == Infinity:
		return "infinity"
	case s == BrutalKill:
		return "brutal_kill"
	case s == atOnce:
		return "0s"
	}
	return fmt.Sprintf("ShutdownLimit(%d)", int64(s))
}
