package tree

import (
	"iter"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// Snapshot is the state of a whole tree at one moment: what the events up to
// Rev add up to. The start of a supervisor begins its children and its count of
// restarts anew.
type Snapshot struct {
	Rev  uint64    `json:"rev"` // Seq of the latest event
	Time time.Time `json:"time"`
	Root Status    `json:"root"`
}

// Status is what is known of one child, or of the root.
type Status struct {
	ID          string             `json:"id"`
	Path        string             `json:"path"`
	Kind        strategies.Kind    `json:"type"`
	State       strategies.State   `json:"state"`
	Restart     strategies.Restart `json:"restart"`
	Significant bool               `json:"significant,omitempty"`
	Needs       []string           `json:"needs,omitempty"`     // ids of siblings
	Incarnation uint64             `json:"incarnation"`         // the one that runs, or the latest; 0: never started
	PID         int                `json:"pid,omitempty"`       // 0 if it is no process, or does not run
	Since       time.Time          `json:"since,omitzero"`      // when State began; zero: never started
	RestartAt   time.Time          `json:"restart_at,omitzero"` // of state waiting: when it will be started again
	Last        *LastExit          `json:"last,omitempty"`      // how the latest incarnation that ended did so; nil if none has
	Supervisor  *SupervisorStatus  `json:"supervisor,omitempty"`
}

// SupervisorStatus is what is known of a supervisor over and above a child.
type SupervisorStatus struct {
	Strategy     strategies.Strategy     `json:"strategy"`
	Dynamic      bool                    `json:"dynamic,omitempty"`
	AutoShutdown strategies.AutoShutdown `json:"auto_shutdown"`
	Intensity    strategies.Intensity    `json:"intensity"`       // defaults filled in; Max is 0 for NoRestarts
	Spent        int                     `json:"spent"`           // restarts in the window that ends now
	Left         int                     `json:"left"`            // how many more it would carry out now
	Refill       time.Time               `json:"refill,omitzero"` // when the oldest of those spent leaves the window; zero if none is
	Children     []Status                `json:"children"`        // in start order; under Dependents in that of the list
}

// LastExit tells of an incarnation that has ended, or could not be started.
type LastExit struct {
	Time        time.Time
	Incarnation uint64
	Exit        strategies.Exit
}

// Tail returns the last lines of output of the process that ended, if it was
// a process and its output was kept.
func (l *LastExit) Tail() []string { return tail(l.Exit.Err) }

// Snapshot returns the state of the supervisor and everything below it. It
// never waits for the supervisor: it answers while a start takes half a minute.
func (s *Supervisor) Snapshot() Snapshot {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	return s.node.snapshot(h.seq)
}

// Rev returns the Seq of the latest event of the tree: that of a Snapshot, at
// less cost.
func (s *Supervisor) Rev() uint64 {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.hub.seq
}

func (n *node) snapshot(rev uint64) Snapshot {
	now := time.Now()
	return Snapshot{Rev: rev, Time: now, Root: n.status(now)}
}

// Walk yields the supervisor and everything below it, parents before children,
// siblings in start order, all as of one moment.
func (s *Supervisor) Walk() iter.Seq[Status] {
	return func(yield func(Status) bool) { s.Snapshot().Root.walk(yield) }
}

func (st Status) walk(yield func(Status) bool) bool {
	if !yield(st) {
		return false
	}
	if st.Supervisor != nil {
		for _, c := range st.Supervisor.Children {
			if !c.walk(yield) {
				return false
			}
		}
	}
	return true
}

// Find returns the state of the child, at any depth, that has this path. Paths
// begin with the name of the root: Find("shop/web/api").
func (s *Supervisor) Find(path string) (Status, bool) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	n := s.node.find(path)
	if n == nil {
		return Status{}, false
	}
	return n.status(time.Now()), true
}

// Supervisor returns the running supervisor that has this path; nil if there
// is none. One that is restarted is another Supervisor from then on.
func (s *Supervisor) Supervisor(path string) *Supervisor {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	n := s.node.find(path)
	if n == nil || n.sup == nil {
		return nil
	}
	return n.sup.running
}

// find returns the entry with this path at or below n; hub.mu is held.
func (n *node) find(path string) *node {
	rest, ok := strings.CutPrefix(path, n.path)
	if !ok {
		return nil
	}
	for n != nil && rest != "" {
		if rest[0] != '/' || n.sup == nil {
			return nil
		}
		id, after, more := strings.Cut(rest[1:], "/")
		n = n.sup.children[id]
		rest = ""
		if more {
			rest = "/" + after
		}
	}
	return n
}

// status copies the entry and what is below it; hub.mu is held.
func (n *node) status(now time.Time) Status {
	st := Status{
		ID: n.id(), Path: n.path, Kind: n.kind, State: n.state, Restart: n.restart,
		Significant: n.significant, Needs: n.needs,
		Incarnation: n.incarnation, PID: n.pid, Since: n.since,
	}
	if n.last != nil {
		last := *n.last
		st.Last = &last
	}
	if n.state == strategies.Waiting {
		st.RestartAt = n.since.Add(n.pause)
	}
	if s := n.sup; s != nil {
		st.Supervisor = &SupervisorStatus{
			Strategy:     s.spec.Strategy,
			Dynamic:      s.spec.Dynamic != nil,
			AutoShutdown: s.spec.AutoShutdown,
			Intensity:    s.window.Intensity(),
			Spent:        s.window.Spent(now),
			Left:         s.window.Left(now),
			Refill:       s.window.Refill(now),
			Children:     make([]Status, 0, len(s.children)),
		}
		for c := s.first; c != nil; c = c.next {
			st.Supervisor.Children = append(st.Supervisor.Children, c.status(now))
		}
	}
	return st
}
