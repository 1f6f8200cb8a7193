package tree

import (
	"errors"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

// classify is the one place where an error returned from a child becomes an
// exit. Both sentinels of suture are understood from a child that ends of its
// own accord; one that was told to stop has nothing to say about restarts.
func classify(err error, asked strategies.Asked) strategies.Exit {
	e := strategies.Classify(err, asked)
	var ours interface{ own() }
	switch {
	case err == nil || errors.As(err, &ours):
	case errors.Is(err, ErrStuck):
		e.Directive = strategies.EndStuckTree
	case asked == strategies.ToldStop:
	case errors.Is(err, suture.ErrTerminateSupervisorTree):
		e.Directive = strategies.EndTree
	case errors.Is(err, suture.ErrDoNotRestart):
		e.Class, e.Directive = strategies.Normal, strategies.DoNotRestart
	}
	return e
}

// own marks the errors of a supervisor that ended by the rules: what they wrap
// is another's exit and gives no directive here.
func (e *ExhaustedError) own() {}
func (e *StoppedError) own()   {}

// cascadeOf returns the cascade that an exit belongs to: that of the failure
// below which it passes on, or else a new one with the incarnation as origin.
func cascadeOf(err error, ref strategies.ChildRef) strategies.Cascade {
	var exhausted *ExhaustedError
	var start *StartError
	switch {
	case errors.As(err, &exhausted):
		return exhausted.Cascade
	case errors.As(err, &start):
		return start.Cascade
	}
	return strategies.Cascade{Origin: ref.Path, N: ref.Incarnation}
}
