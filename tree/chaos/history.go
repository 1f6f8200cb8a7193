package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// history is what has become of every child over time, as the events tell.
type history struct {
	begin  tree.Snapshot
	events []tree.Event
	lanes  []*lane // parents before children, siblings in start order, then those added
	byPath map[string]*lane
}

// lane is what one child was, one span after the other.
type lane struct {
	path       string
	supervisor bool
	restart    strategies.Restart
	strategy   strategies.Strategy // of a supervisor
	above      strategies.Strategy // of the supervisor above
	needs      []string            // ids of siblings
	starts     []string            // of a supervisor: those whom its new description has yet to start
	spans      []span
}

// span is the time for which a child was in one phase. The last has no end.
type span struct {
	from        time.Time
	phase       phase
	incarnation uint64
}

type phase uint8

const (
	phaseDown     phase = iota // it should run, and does not
	phaseStarting              // its start is under way
	phaseUp
	phaseStopping
	phaseDone // it need not run: it has finished, or was never meant to
)

// readHistory decodes what was recorded.
func readHistory(e *check.Evidence) (*history, error) {
	h, err := beginHistory(e.Begin)
	if err != nil {
		return nil, err
	}
	for i, raw := range e.Events {
		if _, err := h.read(raw); err != nil {
			return nil, fmt.Errorf("event %d of %d: %w", i+1, len(e.Events), err)
		}
	}
	return h, nil
}

func beginHistory(begin json.RawMessage) (*history, error) {
	h := &history{byPath: make(map[string]*lane)}
	if err := json.Unmarshal(begin, &h.begin); err != nil {
		return nil, fmt.Errorf("the snapshot in which the events begin: %w", err)
	}
	h.add(&h.begin.Root, nil, h.begin.Time)
	return h, nil
}

// read adds the next event.
func (h *history) read(raw json.RawMessage) (*tree.Event, error) {
	var e tree.Event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	h.events = append(h.events, e)
	h.see(&e)
	return &e, nil
}

// add begins the lanes of a child and of what is below it.
func (h *history) add(st *tree.Status, up *lane, now time.Time) {
	l := h.byPath[st.Path]
	if l == nil {
		l = &lane{path: st.Path}
		h.lanes = append(h.lanes, l)
		h.byPath[st.Path] = l
	}
	l.describe(st, up)
	l.enter(now, phaseOf(st), st.Incarnation)
	if st.Supervisor != nil {
		for i := range st.Supervisor.Children {
			h.add(&st.Supervisor.Children[i], l, now)
		}
	}
}

// describe lets hold what is said of a child.
func (l *lane) describe(st *tree.Status, up *lane) {
	l.supervisor, l.restart, l.needs = st.Kind == strategies.Supervisor, st.Restart, st.Needs
	if up != nil {
		l.above = up.strategy
	}
	if st.Supervisor != nil {
		l.strategy = st.Supervisor.Strategy
	}
}

// phaseOf is the phase of a child in a snapshot. One that is down where nothing is
// under way was stopped by somebody, or has finished.
func phaseOf(st *tree.Status) phase {
	switch st.State {
	case strategies.Starting:
		return phaseStarting
	case strategies.Up:
		return phaseUp
	case strategies.Stopping:
		return phaseStopping
	case strategies.Waiting, strategies.Dead:
		return phaseDown
	}
	return phaseDone
}

func (l *lane) enter(t time.Time, p phase, incarnation uint64) {
	if n := len(l.spans); n > 0 && l.spans[n-1].phase == p && l.spans[n-1].incarnation == incarnation {
		return
	}
	l.spans = append(l.spans, span{t, p, incarnation})
}

func (h *history) see(e *tree.Event) {
	if e.Kind == tree.EventAdded && e.Child != nil {
		h.add(e.Child, h.byPath[above(e.Path)], e.Time)
		return
	}
	l := h.byPath[e.Path]
	if l == nil {
		return
	}
	switch e.Kind {
	case tree.EventReconfigured:
		if e.Child != nil && e.Child.Supervisor != nil {
			h.reconfigure(l, e)
		}
	case tree.EventStarting:
		h.begun(l)
		l.starts = nil
		l.enter(e.Time, phaseStarting, e.Incarnation)
	case tree.EventProgress, tree.EventRunning:
		if l.now() != phaseStopping {
			l.enter(e.Time, phaseUp, e.Incarnation)
		}
	case tree.EventStopping, tree.EventKilling:
		l.enter(e.Time, phaseStopping, e.Incarnation)
	case tree.EventExited:
		p := phaseDown
		if l.restart == strategies.Temporary || l.restart == strategies.Transient && e.Exit.Class.Clean() && l.now() != phaseStopping {
			p = phaseDone
			h.finish(e) // and so has what was below it
		}
		l.enter(e.Time, p, e.Incarnation)
	case tree.EventStartError, tree.EventWaiting, tree.EventRestarting:
		l.enter(e.Time, phaseDown, l.spans[len(l.spans)-1].incarnation)
	case tree.EventNotStarted:
		h.giveUp(l, e.Time)
	case tree.EventIgnored:
		l.enter(e.Time, phaseDone, l.spans[len(l.spans)-1].incarnation)
	case tree.EventRemoved:
		l.enter(e.Time, phaseDone, l.spans[len(l.spans)-1].incarnation)
		h.finish(e)
	case tree.EventCancelled:
		l.enter(e.Time, phaseDown, l.spans[len(l.spans)-1].incarnation)
	}
}

// finish ends the lanes below a supervisor that will not be started again.
func (h *history) finish(e *tree.Event) {
	for _, l := range h.lanes {
		if e.Supervisor && strings.HasPrefix(l.path, e.Path+"/") {
			l.enter(e.Time, phaseDone, l.spans[len(l.spans)-1].incarnation)
		}
	}
}

// reconfigure lets the new description of a supervisor hold: what is to be started
// should run from now on.
func (h *history) reconfigure(l *lane, e *tree.Event) {
	h.revise(e.Child, h.byPath[above(e.Path)], e.Time)
	l.starts = slices.Clone(e.Group)
	for _, id := range e.Group {
		if c := h.byPath[l.path+"/"+id]; c != nil {
			c.enter(e.Time, phaseDown, c.spans[len(c.spans)-1].incarnation)
		}
	}
}

// revise lets hold what is said of a child and of those below it. Lanes that are not
// there begin.
func (h *history) revise(st *tree.Status, up *lane, now time.Time) {
	l := h.byPath[st.Path]
	if l == nil {
		h.add(st, up, now)
		return
	}
	l.describe(st, up)
	if st.Supervisor != nil {
		for i := range st.Supervisor.Children {
			h.revise(&st.Supervisor.Children[i], l, now)
		}
	}
}

// begun notes that a child need not be started by its supervisor's new description any
// more.
func (h *history) begun(l *lane) {
	if up := h.byPath[above(l.path)]; up != nil {
		up.starts = slices.DeleteFunc(up.starts, func(id string) bool { return up.path+"/"+id == l.path })
	}
}

// giveUp ends the wait for a child that could not be started, and that nobody tries to
// start again, and for those whom its supervisor's new description would have started
// after it.
func (h *history) giveUp(l *lane, now time.Time) {
	l.enter(now, phaseDone, l.spans[len(l.spans)-1].incarnation)
	up := h.byPath[above(l.path)]
	if up == nil || up.strategy == strategies.OneForOne {
		return
	}
	for _, id := range slices.Clone(up.starts) {
		c := h.byPath[up.path+"/"+id]
		if up.strategy != strategies.Dependents || slices.ContainsFunc(c.needs, func(id string) bool { return up.path+"/"+id == l.path }) {
			h.begun(c)
			h.giveUp(c, now)
		}
	}
}

// notReady are the paths of those that should be up now, and are not. The root
// should.
func (h *history) notReady() []string {
	var not []string
	for i, l := range h.lanes {
		if p := l.now(); p != phaseUp && (p != phaseDone || i == 0) {
			not = append(not, l.path)
		}
	}
	return not
}

func (l *lane) now() phase { return l.spans[len(l.spans)-1].phase }

// at returns the phase at a time.
func (l *lane) at(t time.Time) phase {
	p := l.spans[0].phase
	for _, s := range l.spans {
		if s.from.After(t) {
			break
		}
		p = s.phase
	}
	return p
}

// leaves are the lanes of the leaves at or below a path.
func (h *history) leaves(path string) []*lane {
	var all []*lane
	for _, l := range h.lanes {
		if !l.supervisor && (l.path == path || strings.HasPrefix(l.path, path+"/")) {
			all = append(all, l)
		}
	}
	return all
}

// available returns for which part of the time all leaves at or below the path
// that should run were up; at one instant that is 0 or 1.
func (h *history) available(path string, from, to time.Time) float64 {
	leaves := h.leaves(path)
	if !to.After(from) {
		for _, l := range leaves {
			if p := l.at(to); p != phaseUp && p != phaseDone {
				return 0
			}
		}
		return 1
	}
	type edge struct {
		at    time.Time
		delta int // of the number of leaves that are not up
	}
	var edges []edge
	for _, l := range leaves {
		for i, s := range l.spans {
			if s.phase == phaseUp || s.phase == phaseDone {
				continue
			}
			end := to
			if i+1 < len(l.spans) && l.spans[i+1].from.Before(to) {
				end = l.spans[i+1].from
			}
			begin := s.from
			if begin.Before(from) {
				begin = from
			}
			if begin.Before(end) {
				edges = append(edges, edge{begin, 1}, edge{end, -1})
			}
		}
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return a.at.Compare(b.at) })
	var away time.Duration
	missing := 0
	for i, e := range edges {
		if missing > 0 {
			away += e.at.Sub(edges[i-1].at)
		}
		missing += e.delta
	}
	return 1 - float64(away)/float64(to.Sub(from))
}
