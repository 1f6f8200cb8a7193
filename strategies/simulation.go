package strategies

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// Simulation runs a whole tree of Machines on a virtual clock: the decisions
// are those of the code that runs live, the children are as its Script says. It
// is not safe for concurrent use.
type Simulation struct {
	script Script
	tree   *Tree

	begin, now time.Time
	inbox      []func()   // what has happened, and has not been told yet
	timers     []simTimer // by time, then by age
	attempts   map[string]uint64
	sups       map[string]*simSupervisor
	workers    map[string]*simWorker
	starting   map[string]*simStarting // workers and supervisors whose start takes time, by path
	busy       int                     // machines that are not idle
	failure    error                   // why the root could not be started
	tickets    uint64
	waiting    map[uint64]func(*Reply)
}

// Script says how the children of a Simulation behave. The zero Script lets
// them start and stop at once, as they should, and never end by themselves.
type Script struct {
	// Start says how a start goes; nil: it succeeds at once. Of a supervisor
	// only what is said against it counts.
	Start func(ref ChildRef, kind Kind) SimStart
	// Stop says how a worker takes being told to stop; nil: it ends at once
	// with Shutdown. Killed, a worker ends at once in any case.
	Stop func(ref ChildRef) SimStop
	// Event is told what happens, in order; nil: nobody is.
	Event func(SimEvent)
}

// SimStart is how a start goes.
type SimStart struct {
	Takes  time.Duration
	Held   bool  // until [Simulation.Release]
	Err    error // it fails; ErrSimIgnore: it says "ignore"
	Exited bool  // it succeeds, and the worker ends at once with Exit
	Exit   Exit
}

// ErrSimIgnore as SimStart.Err says "ignore" (rule B5).
var ErrSimIgnore = errors.New("ignore")

// SimStop is how a worker takes being told to stop.
type SimStop struct {
	Takes time.Duration
	Hangs bool   // it does not stop
	Exit  Exit   // how it ends
	First func() // done before anything else, if not nil
}

// SimEvent is one thing that happened in a Simulation.
type SimEvent struct {
	At          time.Duration // since the beginning
	Path        string        // of the child concerned; of Finish, of the supervisor itself
	Incarnation uint64
	Exited      bool   // the incarnation has ended with Exit
	Exit        Exit   // of Exited
	Action      Action // otherwise: what its supervisor decided
}

type simTimer struct {
	at time.Time
	do func()
}

type simSupervisor struct {
	sim     *Simulation
	path    string
	id      string // in its parent
	n       uint64
	tree    *Tree
	nested  map[string]*Tree // those of the tree, and those added
	parent  *simSupervisor
	machine *Machine
	idle    bool
}

type simStarting struct {
	held    bool
	outcome func()
}

type simWorker struct {
	path, id string
	n        uint64
	sup      *simSupervisor
}

// NewSimulation prepares a run of the tree. It does not check it: a supervisor
// whose description is not valid fails to start when it is reached, as in OTP;
// see [Tree.Validate].
func NewSimulation(t *Tree, s Script) *Simulation {
	epoch := time.Unix(0, 0).UTC()
	return &Simulation{
		script: s, tree: t, begin: epoch, now: epoch,
		attempts: map[string]uint64{},
		sups:     map[string]*simSupervisor{},
		workers:  map[string]*simWorker{},
		starting: map[string]*simStarting{},
		waiting:  map[uint64]func(*Reply){},
	}
}

// Boot starts the tree. The error is why its root could not be started, as far
// as that is known without time passing; see [Simulation.Settle].
func (s *Simulation) Boot() error {
	s.failure = nil
	s.attempts[s.tree.Name]++
	s.startSupervisor(s.tree, s.tree.Name, s.tree.Name, nil, s.attempts[s.tree.Name], Cascade{})
	return s.failure
}

// Failure returns why the root could not be started; nil if it was.
func (s *Simulation) Failure() error { return s.failure }

// Elapsed returns the time since the beginning.
func (s *Simulation) Elapsed() time.Duration { return s.now.Sub(s.begin) }

// Settle goes on until nothing is under way anywhere, letting as much time pass
// as that takes. The error says that this does not come about.
func (s *Simulation) Settle() error {
	for range 1_000_000 {
		switch {
		case len(s.inbox) > 0:
			s.next()
		case s.busy == 0:
			return nil
		case len(s.timers) == 0:
			return errors.New("a supervisor waits for something that will not come")
		default:
			s.fire()
		}
	}
	return errors.New("the tree does not come to rest")
}

// Pass lets time pass.
func (s *Simulation) Pass(d time.Duration) {
	end := s.now.Add(d)
	for {
		s.Deliver()
		if len(s.timers) == 0 || s.timers[0].at.After(end) {
			break
		}
		s.fire()
	}
	s.now = end
}

// Deliver tells everybody what has happened until now.
func (s *Simulation) Deliver() {
	for len(s.inbox) > 0 {
		s.next()
	}
}

func (s *Simulation) next() {
	do := s.inbox[0]
	s.inbox = s.inbox[1:]
	do()
}

func (s *Simulation) fire() {
	t := s.timers[0]
	s.timers = s.timers[1:]
	if t.at.After(s.now) {
		s.now = t.at
	}
	t.do()
}

func (s *Simulation) soon(do func()) { s.inbox = append(s.inbox, do) }

func (s *Simulation) after(d time.Duration, do func()) {
	if d == 0 {
		s.soon(do)
		return
	}
	at := s.now.Add(d)
	i, _ := slices.BinarySearchFunc(s.timers, at, func(t simTimer, at time.Time) int {
		if t.at.After(at) {
			return 1
		}
		return -1
	})
	s.timers = slices.Insert(s.timers, i, simTimer{at, do})
}

// Exit lets the worker at path end, and reports whether one lives there.
func (s *Simulation) Exit(path string, e Exit) bool {
	w := s.workers[path]
	if w != nil {
		s.exit(w, e)
	}
	return w != nil
}

// Terminate tells the supervisor at path to end with e, and reports whether one
// runs there.
func (s *Simulation) Terminate(path string, e Exit) bool {
	sup := s.sups[path]
	if sup != nil {
		sup.step(Terminate(e))
	}
	return sup != nil
}

// Call puts a request to the supervisor at path, and reports whether one runs
// there. Its ticket is replaced; done is called with the answer.
func (s *Simulation) Call(path string, in Input, done func(*Reply)) bool {
	sup := s.sups[path]
	if sup != nil {
		s.tickets++
		in.Ticket = s.tickets
		s.waiting[in.Ticket] = done
		sup.step(in)
	}
	return sup != nil
}

// StartChild is Call of a StartChild; sub describes a child that is a
// supervisor, under a dynamic one the template does.
func (s *Simulation) StartChild(path string, spec ChildSpec, sub *Tree, done func(*Reply)) bool {
	sup := s.sups[path]
	if sup == nil {
		return false
	}
	if sub != nil && sup.machine.find(spec.ID) == nil {
		sup.nested[spec.ID] = sub
	}
	spec.Incarnation = s.attempts[path+"/"+spec.ID]
	return s.Call(path, StartChild(0, spec), done)
}

// Release lets the start at path go on that is held up.
func (s *Simulation) Release(path string) {
	if st := s.starting[path]; st != nil && st.held {
		s.proceed(path, st)
	}
}

// Held returns the paths of the starts that are held up.
func (s *Simulation) Held() []string {
	var held []string
	for path, st := range s.starting {
		if st.held {
			held = append(held, path)
		}
	}
	slices.Sort(held)
	return held
}

// proceed ends a start that takes time, if it was not given up.
func (s *Simulation) proceed(path string, st *simStarting) {
	if s.starting[path] == st {
		delete(s.starting, path)
		st.outcome()
	}
}

// Supervisors returns the paths of the supervisors that run.
func (s *Simulation) Supervisors() []string { return slices.Sorted(maps.Keys(s.sups)) }

// Live returns the incarnation of what runs at path; 0 if nothing does.
func (s *Simulation) Live(path string) uint64 {
	if w := s.workers[path]; w != nil {
		return w.n
	}
	if sup := s.sups[path]; sup != nil {
		return sup.n
	}
	return 0
}

func (s *Simulation) event(e SimEvent) {
	if s.script.Event != nil {
		e.At = s.Elapsed()
		s.script.Event(e)
	}
}

// step tells the machine, and does what it says.
func (sup *simSupervisor) step(in Input) {
	for _, a := range slices.Clone(sup.machine.Step(sup.sim.now, in)) {
		sup.do(a)
	}
	if idle := sup.machine.Idle(); idle != sup.idle {
		sup.idle = idle
		if idle {
			sup.sim.busy--
		} else {
			sup.sim.busy++
		}
	}
}

func (sup *simSupervisor) do(a Action) {
	s := sup.sim
	path := sup.path
	if a.ID != "" && a.Do != DoFinish { // which is about the supervisor
		path += "/" + a.ID
	}
	s.event(SimEvent{Path: path, Incarnation: a.Incarnation, Action: a})
	switch a.Do {
	case DoStart:
		sup.start(a, path)
	case DoStop, DoKill:
		if s.starting[path] != nil {
			delete(s.starting, path)
			s.failed(sup, path, a.ID, a.Incarnation, ErrCancelled)
			break
		}
		sup.end(a, path)
	case DoArm:
		s.after(a.After, func() { sup.step(TimerFired(a.ID, a.Incarnation, a.Timer)) })
	case DoReply:
		done := s.waiting[a.Reply.Ticket]
		delete(s.waiting, a.Reply.Ticket)
		if done != nil {
			done(a.Reply)
		}
	case DoBooted:
		if sup.parent != nil {
			s.soon(func() { sup.parent.step(Started(sup.id, sup.n)) })
		}
	case DoFinish:
		sup.finished(a)
	}
}

// end tells what runs at path to stop, or ends it unconditionally.
func (sup *simSupervisor) end(a Action, path string) {
	s := sup.sim
	switch a.Do {
	case DoStop:
		if sub := s.sups[path]; sub != nil {
			in := Terminate(Exit{Class: Shutdown})
			in.Cascade = a.Cascade
			s.soon(func() { sub.step(in) })
		} else if w := s.workers[path]; w != nil {
			s.told(w)
		}
	case DoKill:
		if w := s.workers[path]; w != nil {
			s.exit(w, Exit{Class: Killed})
		} else {
			s.soon(func() { sup.step(CannotKill(a.ID, a.Incarnation)) })
		}
	}
}

// start performs a start as the script says.
func (sup *simSupervisor) start(a Action, path string) {
	s := sup.sim
	s.attempts[path] = a.Incarnation
	kind, sub := Worker, sup.nested[a.ID]
	if sub == nil {
		sub = sup.tree.Template
	}
	if c := sup.machine.find(a.ID); c.spec.Kind == Supervisor {
		kind = Supervisor
		if sub == nil {
			sub = &Tree{}
		}
	}
	var how SimStart
	if s.script.Start != nil {
		how = s.script.Start(ChildRef{path, a.Incarnation, a.Cascade}, kind)
	}
	st := &simStarting{held: how.Held, outcome: func() { sup.outcome(a, path, kind, sub, how) }}
	switch {
	case how.Held:
		s.starting[path] = st
	case how.Takes > 0:
		s.starting[path] = st
		s.after(how.Takes, func() { s.proceed(path, st) })
	default:
		st.outcome()
	}
}

func (sup *simSupervisor) outcome(a Action, path string, kind Kind, sub *Tree, how SimStart) {
	s := sup.sim
	switch {
	case errors.Is(how.Err, ErrSimIgnore):
		s.soon(func() { sup.step(Ignored(a.ID, a.Incarnation)) })
	case how.Err != nil:
		s.failed(sup, path, a.ID, a.Incarnation, how.Err)
	case kind == Supervisor:
		s.startSupervisor(sub, path, a.ID, sup, a.Incarnation, a.Cascade)
	default:
		w := &simWorker{path, a.ID, a.Incarnation, sup}
		s.workers[path] = w
		s.soon(func() { sup.step(Started(a.ID, a.Incarnation)) })
		if how.Exited {
			s.exit(w, how.Exit)
		}
	}
}

func (s *Simulation) failed(parent *simSupervisor, path, id string, n uint64, err error) {
	if parent == nil {
		s.failure = err
		return
	}
	s.soon(func() {
		parent.step(StartFailed(id, n, Exit{Class: Crash, Err: err}, Cascade{Origin: path, N: n}))
	})
}

func (s *Simulation) startSupervisor(t *Tree, path, id string, parent *simSupervisor, n uint64, cascade Cascade) {
	cfg := t.Config
	cfg.Children = slices.Clone(cfg.Children)
	for i := range cfg.Children {
		cfg.Children[i].Incarnation = s.attempts[path+"/"+cfg.Children[i].ID]
	}
	m, err := NewMachine(cfg)
	if err != nil {
		s.event(SimEvent{Path: path, Incarnation: n, Exited: true, Exit: Exit{Class: Crash, Err: err}})
		s.failed(parent, path, id, n, err)
		return
	}
	nested := maps.Clone(t.Nested)
	if nested == nil {
		nested = map[string]*Tree{}
	}
	sup := &simSupervisor{sim: s, path: path, id: id, n: n, tree: t, nested: nested, parent: parent, machine: m, idle: true}
	s.sups[path] = sup
	sup.step(Boot(cascade))
}

// exit ends a worker, and lets its supervisor know.
func (s *Simulation) exit(w *simWorker, e Exit) {
	if s.workers[w.path] != w {
		return
	}
	delete(s.workers, w.path)
	s.event(SimEvent{Path: w.path, Incarnation: w.n, Exited: true, Exit: e})
	s.soon(func() { w.sup.step(Exited(w.id, w.n, e, Cascade{Origin: w.path, N: w.n})) })
}

// told is a worker's reaction to being told to stop.
func (s *Simulation) told(w *simWorker) {
	how := SimStop{Exit: Exit{Class: Shutdown}}
	if s.script.Stop != nil {
		how = s.script.Stop(ChildRef{Path: w.path, Incarnation: w.n})
	}
	if how.First != nil {
		how.First()
	}
	switch {
	case how.Hangs:
	case how.Takes == 0:
		s.exit(w, how.Exit)
	default:
		s.after(how.Takes, func() { s.exit(w, how.Exit) })
	}
}

// finished is the end of a supervisor.
func (sup *simSupervisor) finished(a Action) {
	s := sup.sim
	delete(s.sups, sup.path)
	e := a.Exit
	switch a.Why {
	case BootFailed:
		e.Class = ShutdownTerm
	case Exhausted:
		e.Class = Shutdown
	}
	s.event(SimEvent{Path: sup.path, Incarnation: sup.n, Exited: true, Exit: e})
	switch {
	case a.Why == BootFailed:
		s.failed(sup.parent, sup.path, sup.id, sup.n, &SimStartError{a.ID, a.Exit.Err})
	case sup.parent != nil:
		s.soon(func() { sup.parent.step(Exited(sup.id, sup.n, e, a.Cascade)) })
	}
}

// SimStartError is why a simulated supervisor could not start: its child ID
// could not (rule B3).
type SimStartError struct {
	ID  string
	Err error
}

func (e *SimStartError) Error() string {
	return "failed_to_start_child(" + e.ID + ": " + errText(e.Err) + ")"
}
func (e *SimStartError) Unwrap() error { return e.Err }

func errText(err error) string {
	if err == nil {
		return "no reason given"
	}
	return err.Error()
}
