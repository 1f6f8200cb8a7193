package offline

import (
	"cmp"
	"slices"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// Scenario is what happens to a tree in a simulation.
type Scenario struct {
	Deaths Deaths
	// Until is when to stop watching; zero: when the tree is at rest.
	Until time.Duration
	// StartTakes and StopTakes are how long each program takes to be up, and to
	// stop when it is told to.
	StartTakes, StopTakes time.Duration
}

// step is one thing that happened. The kinds are those of package tree's events,
// and missed: a death of what did not run.
type step struct {
	at    time.Duration
	exit  strategies.Exit      // of exited, start_error and shutdown_error
	limit strategies.Intensity // of restarting and giving_up

	At          float64  `json:"at_ms"`
	Kind        string   `json:"kind"`
	Path        string   `json:"path"`
	Incarnation uint64   `json:"incarnation,omitempty"`
	Class       string   `json:"class,omitempty"`
	Reason      string   `json:"reason,omitempty"`
	After       float64  `json:"after_ms,omitempty"`
	Group       []string `json:"group,omitempty"`
	Spent       int      `json:"spent,omitempty"`
	Max         *int     `json:"max,omitempty"`
}

// run is a simulation that is over.
type run struct {
	scenario Scenario
	steps    []step
	board    *board
	at       time.Duration // when it was over
	late     int           // deaths that were to come when the tree had ended
}

// simulate plays a scenario, whose paths are those of programs.
func (t *Tree) simulate(c Scenario) (*run, error) {
	r := &run{scenario: c, board: newBoard(t.root)}
	s := strategies.NewSimulation(t.root, strategies.Script{
		Start: func(_ strategies.ChildRef, kind strategies.Kind) strategies.SimStart {
			if kind == strategies.Supervisor {
				return strategies.SimStart{}
			}
			return strategies.SimStart{Takes: c.StartTakes}
		},
		Stop: func(strategies.ChildRef) strategies.SimStop {
			return strategies.SimStop{Takes: c.StopTakes, Exit: strategies.Exit{Class: strategies.Shutdown}}
		},
		Event: r.see,
	})
	r.add(step{Kind: "starting", Path: t.Name, Incarnation: 1})
	if err := s.Boot(); err != nil {
		return nil, err
	}
	s.Deliver()
	deaths := slices.Clone(c.Deaths)
	slices.SortStableFunc(deaths, func(a, b Death) int { return cmp.Compare(a.At, b.At) })
	for i, d := range deaths {
		s.Pass(d.At - s.Elapsed())
		if s.Live(t.Name) == 0 {
			r.late = len(deaths) - i
			break
		}
		if !s.Exit(d.Path, strategies.Exit{Class: strategies.Crash}) {
			r.add(step{at: d.At, Kind: "missed", Path: d.Path})
		}
	}
	var err error
	if c.Until > 0 {
		s.Pass(c.Until - s.Elapsed())
	} else {
		err = s.Settle()
	}
	r.at = s.Elapsed()
	return r, err
}

// see takes down what the simulation tells, but for what says nothing new.
func (r *run) see(e strategies.SimEvent) {
	a := &e.Action
	s := step{at: e.At, Path: e.Path, Incarnation: e.Incarnation}
	switch {
	case e.Exited:
		s.Kind, s.exit = "exited", e.Exit
	case a.Do == strategies.DoStart:
		s.Kind = "starting"
	case a.Do == strategies.DoStop:
		s.Kind = "stopping"
	case a.Do == strategies.DoKill:
		s.Kind = "killing"
	case a.Do == strategies.DoArm && a.Timer == strategies.RetryTimer && a.After > 0:
		s.Kind, s.After = "waiting", milliseconds(a.After)
	case a.Do == strategies.DoBooted && e.Path == r.board.root().node.path: // nobody else would tell
		s.Kind, s.Incarnation = "progress", 1
	case a.Do == strategies.DoFinish && a.Why == strategies.AutoStopped:
		s.Kind, s.Group = "auto_shutdown", []string{a.ID}
	case a.Do == strategies.DoReport && a.Report != strategies.ChildTerminated:
		s.Kind, s.exit = a.Report.String(), a.Exit
		switch a.Report {
		case strategies.Restarting, strategies.GivingUp:
			s.Spent, s.After, s.Group = a.Spent, milliseconds(a.After), a.Members()
			s.limit = r.board.limit(parent(e.Path))
			s.Max = &s.limit.Max
		}
	default:
		return
	}
	r.add(s)
}

func (r *run) add(s step) {
	s.At = milliseconds(s.at)
	switch s.Kind {
	case "exited", "start_error", "shutdown_error":
		s.Class = s.exit.Class.String()
		if s.exit.Err != nil {
			s.Reason = s.exit.Err.Error()
		}
	}
	r.board.see(&s)
	r.steps = append(r.steps, s)
}
