package chaos

import (
	"time"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// Options are for [Run]. The zero value is right for most.
type Options struct {
	// Injector is the one that wraps leaves of the tree; nil if none does.
	Injector *Injector
	// Concrete is carried out in place of what the plan expands to: a replay.
	Concrete *Concrete

	// Sample is the time between two looks at /proc; zero: 200 ms, negative: none
	// are taken.
	Sample time.Duration
	// Settle bounds the time that the tree is given to become quiet: before the
	// first fault, and after the heal. Zero: 10 s.
	Settle time.Duration
	// Check are the tolerances of the check. Its Quiet is Settle if it is zero.
	Check check.Options

	// Stop ends the tree after all else, and returns when it begins to; the run
	// then waits for the end, and looks at what is left of it. Nil: the tree goes
	// on.
	Stop func()
	// StopLimit bounds that wait. Zero: 30 s.
	StopLimit time.Duration

	// Progress is called with what happens while it happens: one call at a time,
	// from several goroutines. It holds up the run, and must not wait. Nil: nobody
	// is told.
	Progress func(Progress)
	// Live is how often Progress is told what the check says so far. Zero: 2 s;
	// negative: never.
	Live time.Duration
}

// Progress is one piece of news of a run. One of Stage, Fault, Event and Report
// is set.
type Progress struct {
	Elapsed time.Duration // since the beginning of the method
	Stage   Stage         // the run has come to this
	Fault   *check.Fault  // was done, or missed, or is over
	Event   *tree.Event   // happened
	Report  *check.Report // the check of what is known so far, when nothing is to come: what takes its time may be told too early
}

// Stage is a part of a run.
type Stage string

// The values of Stage, in their order.
const (
	StageReady  Stage = "ready"  // the tree is waited for
	StageMethod Stage = "method" // faults are done
	StageHeal   Stage = "heal"   // all faults are lifted
	StageQuiet  Stage = "quiet"  // the tree is waited for
	StageStop   Stage = "stop"   // the tree is stopped
	StageCheck  Stage = "check"  // the check is made
)

func (o Options) orDefault() Options {
	if o.Sample == 0 {
		o.Sample = 200 * time.Millisecond
	}
	if o.Settle == 0 {
		o.Settle = 10 * time.Second
	}
	if o.Check.Quiet == 0 {
		o.Check.Quiet = o.Settle
	}
	if o.StopLimit == 0 {
		o.StopLimit = 30 * time.Second
	}
	if o.Live == 0 {
		o.Live = 2 * time.Second
	}
	return o
}
