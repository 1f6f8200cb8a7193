package tree

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

// Service is what runs as a child: suture's contract, unchanged. Serve runs in
// a goroutine of its own until ctx is cancelled or the service ends; returning
// is ending, whatever it returns. See [strategies.Classify] for what the
// returned error means to the supervisor.
type Service = suture.Service

// Initer is a Service whose start has two phases, as OTP's start_link has: the
// next sibling is started after Init returned nil, and the child counts as
// started from then on. An error is a failed start. ctx bounds Init alone; it
// is cancelled when the start is given up. After a nil Init, Serve is always
// called, with a cancelled context if need be, so that it can clean up. Serve
// must run Init itself if nobody did: suture never calls Init.
type Initer interface {
	Init(ctx context.Context) error
}

// Killer is a Service that can be ended without its consent, as an operating
// system process can and a goroutine cannot. Kill begins an unconditional end
// and returns at once; Serve then returns soon. It is called from any
// goroutine, before and during Init too, whose context is cancelled then, and
// more than once. A Killer with a method PID() int is a process: its id, asked
// for once after Init, is shown in events and snapshots.
type Killer interface{ Kill() }

// Shutdown is how long a child told to stop may take before it is killed.
type Shutdown = strategies.ShutdownLimit

// The values of Shutdown that are not times. Times are made by [Timeout].
const (
	Infinity   = strategies.Infinity   // wait without limit: the default of supervisors
	BrutalKill = strategies.BrutalKill // do not ask, kill
)

// NoRestarts as Intensity.Max means none; its zero value means 1.
const NoRestarts = strategies.NoRestarts

// Timeout gives a child d to stop before it is killed. The default of workers
// is 5 s.
func Timeout(d time.Duration) Shutdown { return strategies.Timeout(d) }

// Child describes one child of a supervisor. ID and Start are required; the
// zero value of everything else is OTP's default (rule A1).
type Child struct {
	ID          string // unique among its siblings; no slash
	Start       Starter
	Restart     strategies.Restart // zero: Permanent
	Significant bool               // counts for AutoShutdown
	Shutdown    Shutdown           // zero: 5 s for workers, Infinity for supervisors
	StartLimit  time.Duration      // a start that takes longer has failed; zero: no limit
	Backoff     strategies.Backoff // zero: restarts are not delayed
	Needs       []string           // ids of siblings, under the strategy Dependents
}

// Spec describes a supervisor. The zero Spec is OTP's default (rule A2): one
// for one, at most one restart in 5 s, no children.
type Spec struct {
	Strategy     strategies.Strategy
	Intensity    strategies.Intensity // zero Max: 1, zero Within: 5 s; Max NoRestarts: none
	Parallel     int                  // starts and stops under way at once; zero: 1, OTP's order. More under one for one and Dependents only
	AutoShutdown strategies.AutoShutdown
	Children     []Child // in start order; under Dependents each starts after what it needs

	// Dynamic makes this a dynamic supervisor, OTP's simple_one_for_one (rules
	// J1 to J10): it starts without children, and those that are started later
	// (StartChild) share this description. Its ID may be empty, and so may its
	// Start: it is what a child runs that is started without one. It must be a
	// Sub or Suture if the children are to be supervisors.
	Dynamic *Child

	// Logger is what children find in their context (hclog.FromContext),
	// named with their path. Nil: the parent's; at the root, none.
	Logger hclog.Logger
	// Sink is given every event of this supervisor and those below it that
	// have no Sink of their own. It is called in the order of events, one at
	// a time, from a goroutine of its own; if it falls behind by more than
	// 8192 events some are lost, and it is told how many. One that panics is logged,
	// and given the next event. Nil: the parent's;
	// at the root, LogSink(Logger).
	Sink func(Event)
}

// config translates a Spec for the machine.
func (s *Spec) config() strategies.Config {
	c := strategies.Config{
		Strategy:     s.Strategy,
		Intensity:    s.Intensity,
		Parallel:     s.Parallel,
		AutoShutdown: s.AutoShutdown,
		Children:     make([]strategies.ChildSpec, len(s.Children)),
	}
	for i := range s.Children {
		c.Children[i] = s.Children[i].childSpec()
	}
	if s.Dynamic != nil {
		d := s.Dynamic.childSpec()
		c.Dynamic = &d
	}
	return c
}

func (c *Child) childSpec() strategies.ChildSpec {
	s := strategies.ChildSpec{
		ID:          c.ID,
		Restart:     c.Restart,
		Significant: c.Significant,
		Shutdown:    c.Shutdown,
		StartLimit:  c.StartLimit,
		Backoff:     c.Backoff,
		Needs:       c.Needs,
	}
	if c.Start != nil {
		s.Kind = c.Start.kind()
	}
	return s
}
