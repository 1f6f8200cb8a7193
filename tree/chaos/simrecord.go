package chaos

import (
	"slices"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// simRecorder makes of what a simulation tells the events that a live tree tells.
type simRecorder struct {
	begin   *tree.Snapshot
	at      time.Duration
	events  []tree.Event
	lists   map[string][]string // of each supervisor: the ids of its children, in order
	latest  map[string]uint64   // the number that was used last for each child
	reasons map[victim]strategies.Cascade
	notUp   map[string]bool // supervisors that could not be started: of their end nothing is told
}

func newSimRecorder(begin *tree.Snapshot) *simRecorder {
	r := &simRecorder{begin: begin, lists: map[string][]string{}, latest: map[string]uint64{}, reasons: map[victim]strategies.Cascade{}, notUp: map[string]bool{}}
	var list func(st *tree.Status)
	list = func(st *tree.Status) {
		if st.Supervisor == nil {
			return
		}
		r.lists[st.Path] = nil
		for i := range st.Supervisor.Children {
			c := &st.Supervisor.Children[i]
			r.lists[st.Path] = append(r.lists[st.Path], c.ID)
			list(c)
		}
	}
	list(&begin.Root)
	return r
}

// root records what nobody but the root itself tells of it.
func (r *simRecorder) root(kind tree.EventKind, at time.Duration) {
	r.at = at
	r.add(tree.Event{Kind: kind, Path: r.begin.Root.Path, Incarnation: 1})
}

func (r *simRecorder) add(e tree.Event) {
	_, e.Supervisor = r.lists[e.Path]
	e.Time = simEpoch.Add(r.at)
	r.events = append(r.events, e)
}

func (r *simRecorder) see(s strategies.SimEvent) {
	r.at = s.At
	a := &s.Action
	e := tree.Event{Path: s.Path, Incarnation: s.Incarnation, Cascade: a.Cascade, Exit: a.Exit}
	who := victim{s.Path, s.Incarnation}
	switch {
	case s.Exited:
		r.exited(&s)
		return
	case a.Do == strategies.DoStart:
		e.Kind = tree.EventStarting
		r.latest[e.Path] = e.Incarnation
		r.add(e)
		r.reset(s.Path)
		return
	case a.Do == strategies.DoStop:
		e.Kind, e.After = tree.EventStopping, a.After
		r.reasons[who] = a.Cascade
	case a.Do == strategies.DoKill:
		e.Kind = tree.EventKilling
		r.reasons[who] = a.Cascade
	case a.Do == strategies.DoArm && a.Timer == strategies.RetryTimer:
		e.Kind, e.After = tree.EventWaiting, a.After
	case a.Do == strategies.DoReport:
		r.report(&e, a)
	case a.Do == strategies.DoBooted && s.Path == r.begin.Root.Path:
		e.Kind, e.Incarnation = tree.EventProgress, 1
	case a.Do == strategies.DoFinish:
		path := s.Path
		r.notUp[path] = a.Why == strategies.BootFailed && path != r.begin.Root.Path
		r.reasons[victim{path, 0}] = a.Cascade
		return
	default:
		return
	}
	r.add(e)
}

// report is what a live tree makes of a Report: its event has the same name.
func (r *simRecorder) report(e *tree.Event, a *strategies.Action) {
	if err := e.Kind.UnmarshalText([]byte(a.Report.String())); err != nil {
		panic("chaos: " + err.Error())
	}
	switch a.Report {
	case strategies.Restarting, strategies.GivingUp:
		sup := find(&r.begin.Root, above(e.Path))
		e.Spent, e.Max, e.After = a.Spent, sup.Supervisor.Intensity.Max, a.After
		if a.Report == strategies.Restarting {
			e.Group = a.Members()
		}
	case strategies.Renewing:
		e.Group = a.Members()
	case strategies.Removed:
		up := above(e.Path)
		r.lists[up] = slices.DeleteFunc(r.lists[up], func(id string) bool { return id == a.ID })
	}
}

// exited records the end of an incarnation, with the cascade that a live tree
// gives it: that in which it was told to stop, or in which a supervisor ended, or
// else one that begins with it.
func (r *simRecorder) exited(s *strategies.SimEvent) {
	if r.notUp[s.Path] {
		return
	}
	e := tree.Event{Kind: tree.EventExited, Path: s.Path, Incarnation: s.Incarnation, Exit: s.Exit}
	who := victim{s.Path, s.Incarnation}
	_, supervisor := r.lists[s.Path]
	reason, told := r.reasons[who]
	switch {
	case told:
		e.Cascade = reason
	case supervisor && !r.reasons[victim{s.Path, 0}].IsZero(), s.Path == r.begin.Root.Path:
		e.Cascade = r.reasons[victim{s.Path, 0}]
	default:
		e.Cascade = strategies.Cascade{Origin: s.Path, N: s.Incarnation}
	}
	r.add(e)
}

// reset makes the children of a supervisor that begins anew those of its
// description again (rule G6).
func (r *simRecorder) reset(path string) {
	st := find(&r.begin.Root, path)
	if st.Supervisor == nil {
		return
	}
	now, spec := r.lists[path], st.Supervisor.Children
	kept := 0
	for kept < len(now) && now[kept] == spec[kept].ID {
		kept++
	}
	for _, id := range now[kept:] {
		r.add(tree.Event{Kind: tree.EventRemoved, Path: path + "/" + id, Incarnation: r.latest[path+"/"+id]})
	}
	r.lists[path] = slices.Clone(now[:kept])
	for i := range spec[kept:] {
		c := r.status(&spec[kept+i])
		r.lists[path] = append(r.lists[path], c.ID)
		r.add(tree.Event{Kind: tree.EventAdded, Path: c.Path, Incarnation: c.Incarnation, Child: &c})
	}
}

// status is that of a child which does not run, with those on its list below it.
func (r *simRecorder) status(spec *tree.Status) tree.Status {
	st := *spec
	st.Incarnation = r.latest[st.Path]
	if spec.Supervisor == nil {
		return st
	}
	sup := *spec.Supervisor
	sup.Children = nil
	for _, id := range r.lists[st.Path] {
		sup.Children = append(sup.Children, r.status(find(spec, st.Path+"/"+id)))
	}
	st.Supervisor = &sup
	return st
}

// all returns the events, numbered. A live tree tells of an exit when the
// supervisor hears of it, a simulation when it happens: what the supervisor says of
// that incarnation in between, that it is up or has to stop, comes before it.
func (r *simRecorder) all() []tree.Event {
	before := make(map[victim]int) // where the last such event is
	for i, e := range r.events {
		switch e.Kind {
		case tree.EventStopping, tree.EventKilling, tree.EventProgress, tree.EventRunning:
			before[victim{e.Path, e.Incarnation}] = i
		}
	}
	late := make(map[int]tree.Event) // exits, by the event after which they come
	events := make([]tree.Event, 0, len(r.events))
	for i, e := range r.events {
		if at, ok := before[victim{e.Path, e.Incarnation}]; ok && at > i && e.Kind == tree.EventExited {
			late[at] = e
			continue
		}
		events = append(events, e)
		if exit, ok := late[i]; ok {
			exit.Time = e.Time
			if e.Kind == tree.EventStopping || e.Kind == tree.EventKilling {
				exit.Cascade = e.Cascade
			}
			events = append(events, exit)
		}
	}
	for i := range events {
		events[i].Seq = uint64(i + 1)
	}
	return events
}
