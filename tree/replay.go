package tree

import (
	"fmt"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// Replay adds up recorded events: what it knows after each is what a Snapshot
// told then. It begins with a snapshot, for instance that of a [Subscription]
// whose events follow. It is not safe for concurrent use.
type Replay struct {
	root *node
	rev  uint64
	now  time.Time
}

// NewReplay begins with a snapshot. It need not be that of a root.
func NewReplay(s Snapshot) *Replay {
	r := &Replay{rev: s.Rev, now: s.Time}
	r.root = recorded(nil, &s.Root)
	return r
}

// Snapshot returns the state after the events so far, as of the latest.
func (r *Replay) Snapshot() Snapshot {
	return Snapshot{Rev: r.rev, Time: r.now, Root: r.root.status(r.now)}
}

// Apply adds an event. The error says that it does not fit what there is: that
// is so after events were lost.
func (r *Replay) Apply(e Event) error {
	if e.Kind == EventDropped {
		return nil // nobody knows what
	}
	r.now = e.Time
	n := r.root.find(e.Path)
	if e.Kind == EventAdded && n == nil {
		i := strings.LastIndexByte(e.Path, '/')
		up := r.root.find(e.Path[:max(i, 0)])
		if up == nil || up.sup == nil || e.Child == nil {
			return fmt.Errorf("event %d: %s is added, but there is no supervisor for it", e.Seq, e.Path)
		}
		n = recorded(up, e.Child)
	}
	if n == nil {
		return fmt.Errorf("event %d: %v of %s, which is not there", e.Seq, e.Kind, e.Path)
	}
	r.rev = e.Seq
	n.apply(&e)
	if e.Kind == EventReconfigured && n.sup != nil && e.Child != nil && e.Child.Supervisor != nil {
		n.sup.rerecord(e.Time, n, e.Child.Supervisor)
	}
	return nil
}

// recorded makes the entry of a child, and of those below it, from what was
// recorded of it.
func recorded(up *node, st *Status) *node {
	n := &node{
		path: st.Path, up: up, kind: st.Kind, restart: st.Restart, significant: st.Significant, needs: st.Needs,
		state: st.State, incarnation: st.Incarnation, pid: st.PID, since: st.Since,
	}
	if st.Last != nil {
		last := *st.Last
		n.last = &last
	}
	if !st.RestartAt.IsZero() {
		n.pause = st.RestartAt.Sub(st.Since)
	}
	if st.Supervisor != nil {
		n.superviseRecorded(st.Supervisor)
	}
	return n
}

// superviseRecorded makes what is below a supervisor from what was recorded of it.
func (n *node) superviseRecorded(s *SupervisorStatus) {
	n.sup = &supNode{children: make(map[string]*node, len(s.Children))}
	n.sup.spec = recordedSpec(s)
	n.sup.window = strategies.NewWindow(n.sup.spec.Intensity)
	for range s.Spent { // when the others were is not recorded
		n.sup.window.Add(s.Refill.Add(-s.Intensity.Within - 1))
	}
	for i := range s.Children {
		n.sup.add(recorded(n, &s.Children[i]))
	}
}

// rerecord makes the children on the list those of a new description.
func (s *supNode) rerecord(at time.Time, n *node, now *SupervisorStatus) {
	s.spec = recordedSpec(now)
	s.window.Limit(at, s.spec.Intensity)
	old := s.children
	s.children, s.first, s.tail = make(map[string]*node, len(now.Children)), nil, nil
	for i := range now.Children {
		st := &now.Children[i]
		kid := old[st.ID]
		if kid == nil || (kid.sup == nil) != (st.Supervisor == nil) {
			kid = recorded(n, st)
		}
		kid.kind, kid.restart, kid.significant, kid.needs = st.Kind, st.Restart, st.Significant, st.Needs
		s.add(kid)
	}
}

// recordedSpec is what of a supervisor's Spec is recorded.
func recordedSpec(s *SupervisorStatus) *Spec {
	spec := &Spec{Strategy: s.Strategy, Intensity: s.Intensity, AutoShutdown: s.AutoShutdown}
	if spec.Intensity.Max == 0 { // of a status: none
		spec.Intensity.Max = NoRestarts
	}
	if s.Dynamic {
		spec.Dynamic = new(Child)
	}
	return spec
}
