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
	if _, ours := errors.AsType[ownError](err); ours {
		return e
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrStuck):
		e.Directive = strategies.EndStuckTree
	case asked != strategies.Unasked:
	case errors.Is(err, suture.ErrTerminateSupervisorTree):
		e.Directive = strategies.EndTree
	case errors.Is(err, suture.ErrDoNotRestart):
		e.Class, e.Directive = strategies.Normal, strategies.DoNotRestart
	}
	return e
}

// ownError is an error of a supervisor that ended by the rules: what it wraps
// is another's exit and gives no directive here.
type ownError interface {
	error
	own()
}

func (e *ExhaustedError) own()    {}
func (e *StoppedError) own()      {}
func (e *AutoShutdownError) own() {}

// A panic is a crash, whatever its value says of itself.
func (e *PanicError) own() {}

// verdict is what the end of an incarnation, or of its start, amounts to.
type verdict struct {
	exit    strategies.Exit
	cascade strategies.Cascade
	ignored bool // the start said ErrIgnore
}

// judge classifies what a child returned. That asks the error, and an error's
// methods are the child's code: one that panics is a crash, and no more.
func (m *message) judge() (v verdict) {
	defer func() {
		if r := recover(); r != nil {
			v = verdict{exit: strategies.Exit{Class: strategies.Crash, Err: newPanicError(r)}, cascade: m.origin()}
		}
	}()
	return verdict{classify(m.err, m.asked), cascadeOf(m), ignores(m.err)}
}

func ignores(err error) bool {
	_, panicked := errors.AsType[*PanicError](err)
	return !panicked && errors.Is(err, ErrIgnore)
}

// cascadeOf returns the cascade that an exit belongs to: the one in which the
// incarnation was told to stop; that of the failure below which it passes on; or
// else a new one with the incarnation as origin.
func cascadeOf(m *message) strategies.Cascade {
	if m.asked != strategies.Unasked {
		return m.proc.because
	}
	if s, ok := m.proc.svc.(*Supervisor); ok {
		if l := s.life.Load(); l != nil && !l.running() && !l.why.IsZero() {
			return l.why
		}
	}
	return m.origin()
}

// origin is the cascade that begins with this message.
func (m *message) origin() strategies.Cascade {
	return strategies.Cascade{Origin: m.proc.node.path, N: m.proc.ref.Incarnation}
}
