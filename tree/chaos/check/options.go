package check

import "time"

// Options are what a check needs to know and the evidence does not tell. Zero
// values stand for the defaults; a negative tolerance for none at all.
type Options struct {
	// Quiet is how long after Evidence.Quiet everything must be up again, at most.
	// Default 10 s.
	Quiet time.Duration
	// Operator is Evidence.Operator, for evidence that does not have it.
	Operator bool

	// Clock is how far the times of events may be off from the clock by which
	// the supervisor decided. Default 2 ms.
	Clock time.Duration
	// Late is how long after its limit the kill of a child, or its exit, may be
	// told, and how long the consequence of an exit may take. Default 2 s.
	Late time.Duration
	// Kill is how long after a kill the exit may be told. Default 5 s. What is no
	// process may be a goroutine, which cannot be killed, and has 5 s more.
	Kill time.Duration
	// Hit is how long after a fault the exit that it causes may be told. Default 5 s.
	Hit time.Duration
	// Settle is how long after its exit was told a process may still be seen.
	// Default 1 s.
	Settle time.Duration

	// How much more of each the supervising process may hold after than before.
	// Defaults: 8 file descriptors, 16 threads (the Go runtime gives none back),
	// 16 goroutines, 64 MiB of resident memory. Zombies, cgroups and temporary
	// files may not become more.
	FDs, Threads, Goroutines int
	RSS                      int64
}

func (o Options) orDefault() Options {
	o.Quiet = tolerance(o.Quiet, 10*time.Second)
	o.Clock = tolerance(o.Clock, 2*time.Millisecond)
	o.Late = tolerance(o.Late, 2*time.Second)
	o.Kill = tolerance(o.Kill, 5*time.Second)
	o.Hit = tolerance(o.Hit, 5*time.Second)
	o.Settle = tolerance(o.Settle, time.Second)
	o.FDs = tolerance(o.FDs, 8)
	o.Threads = tolerance(o.Threads, 16)
	o.Goroutines = tolerance(o.Goroutines, 16)
	o.RSS = tolerance(o.RSS, 64<<20)
	return o
}

func tolerance[T ~int | ~int64](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return max(v, 0)
}
