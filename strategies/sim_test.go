package strategies_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/strategies/otptrace"
)

// sim runs a tree of Machines with scripted workers on a virtual clock, one
// input at a time, and keeps the events a trace has.
type sim struct {
	now      time.Time
	inbox    []func()
	timers   []timer // by time, then by age
	attempts map[string]uint64
	sups     map[string]*simSup
	workers  map[string]*simWorker
	events   []otptrace.Event
	replies  []*strategies.Reply
	root     startResult
}

type startResult struct {
	err  error
	done bool
}

type timer struct {
	at time.Time
	do func()
}

type simSup struct {
	*sim
	path   string
	node   *otptrace.Node
	n      uint64
	parent *simSup
	m      *strategies.Machine
	booted bool
}

type simWorker struct {
	path string
	node *otptrace.Node
	n    uint64
	sup  *simSup
}

func newSim() *sim {
	return &sim{
		now:      time.Unix(1000, 0),
		attempts: map[string]uint64{},
		sups:     map[string]*simSup{},
		workers:  map[string]*simWorker{},
	}
}

func (w *sim) log(e otptrace.Event) { w.events = append(w.events, e) }

func (w *sim) later(d time.Duration, do func()) {
	at := w.now.Add(d)
	i, _ := slices.BinarySearchFunc(w.timers, at, func(t timer, at time.Time) int {
		if t.at.After(at) {
			return 1
		}
		return -1
	})
	w.timers = slices.Insert(w.timers, i, timer{at, do})
}

// settle runs until nothing is under way anywhere, moving the clock as needed.
func (w *sim) settle() error {
	for steps := 0; steps < 100_000; steps++ {
		switch {
		case len(w.inbox) > 0:
			do := w.inbox[0]
			w.inbox = w.inbox[1:]
			do()
		case w.idle():
			return nil
		case len(w.timers) == 0:
			return errors.New("hangs: a machine is waiting for something that will not come")
		default:
			w.fire()
		}
	}
	return errors.New("does not come to rest")
}

func (w *sim) fire() {
	t := w.timers[0]
	w.timers = w.timers[1:]
	w.now = t.at
	t.do()
}

func (w *sim) sleep(d time.Duration) {
	end := w.now.Add(d)
	for len(w.timers) > 0 && !w.timers[0].at.After(end) {
		w.fire()
	}
	w.now = end
}

func (w *sim) idle() bool {
	for _, s := range w.sups {
		if !s.m.Idle() {
			return false
		}
	}
	return true
}

// startErr is a start error in the words of the traces.
type startErr string

func (e startErr) Error() string { return string(e) }

// start performs a start attempt. The answer goes to the parent's machine, or
// for the root to sim.root.
func (w *sim) start(path string, node *otptrace.Node, parent *simSup, n uint64, cascade strategies.Cascade) {
	w.attempts[path]++
	if n != w.attempts[path] {
		panic(fmt.Sprintf("%s: attempt %d has incarnation %d", path, w.attempts[path], n))
	}
	outcome := node.Outcome(n)
	answer := func(in func(id string, n uint64) strategies.Input) {
		if parent == nil {
			return
		}
		w.inbox = append(w.inbox, func() { parent.step(in(node.ID, n)) })
	}
	w.log(otptrace.Event{E: "start", P: path, N: n, O: outcome})
	fail := func(err error) {
		w.failed(path, node, parent, n, err)
	}
	switch outcome {
	case "error":
		fail(startErr("start_error"))
	case "raise":
		fail(startErr("raised"))
	case "crash_in_init":
		fail(startErr("crash"))
	case "ignore":
		answer(strategies.Ignored)
	default:
		if node.Supervisor() {
			w.startSup(path, node, parent, n, cascade)
			return
		}
		p := &simWorker{path, node, n, parent}
		if w.workers[path] != nil {
			panic(path + ": two live incarnations")
		}
		w.workers[path] = p
		answer(strategies.Started)
		if len(outcome) > 5 && outcome[:5] == "exit_" {
			w.exit(p, class(outcome[5:]))
		}
	}
}

func (w *sim) failed(path string, node *otptrace.Node, parent *simSup, n uint64, err error) {
	if parent == nil {
		w.root = startResult{err, true}
		return
	}
	w.inbox = append(w.inbox, func() {
		parent.step(strategies.StartFailed(node.ID, n, strategies.Exit{Class: strategies.Crash, Err: err}, strategies.Cascade{Origin: path, N: n}))
	})
}

func (w *sim) startSup(path string, node *otptrace.Node, parent *simSup, n uint64, cascade strategies.Cascade) {
	cfg := node.Config()
	for i := range cfg.Children {
		cfg.Children[i].Incarnation = w.attempts[path+"/"+cfg.Children[i].ID]
	}
	m, err := strategies.NewMachine(cfg)
	if err != nil {
		w.log(otptrace.Event{E: "exit", P: path, N: n, R: "crash"})
		w.failed(path, node, parent, n, startErr(otptrace.ErrorName(err)))
		return
	}
	s := &simSup{sim: w, path: path, node: node, n: n, parent: parent, m: m}
	w.sups[path] = s
	s.step(strategies.Boot(cascade))
}

func class(name string) strategies.Class {
	if name == "kill" {
		return strategies.Killed
	}
	for c := strategies.Normal; c <= strategies.Crash; c++ {
		if c.String() == name {
			return c
		}
	}
	panic("unknown class " + name)
}

func (w *sim) exit(p *simWorker, c strategies.Class) {
	if w.workers[p.path] != p {
		return
	}
	delete(w.workers, p.path)
	w.log(otptrace.Event{E: "exit", P: p.path, N: p.n, R: c.String()})
	w.inbox = append(w.inbox, func() {
		p.sup.step(strategies.Exited(p.node.ID, p.n, strategies.Exit{Class: c}, strategies.Cascade{Origin: p.path, N: p.n}))
	})
}

// told is a worker's reaction to the order to stop.
func (w *sim) told(p *simWorker) {
	b := p.node.OnStop
	if b.Hang {
		return
	}
	if o := b.ExitOther; o != nil && w.workers[o.Child] != nil {
		w.exit(w.workers[o.Child], class(o.Reason))
	}
	reason := strategies.Shutdown
	if b.Reason != "" {
		reason = class(b.Reason)
	}
	if b.DelayMS == 0 {
		w.exit(p, reason)
		return
	}
	w.later(time.Duration(b.DelayMS)*time.Millisecond, func() { w.exit(p, reason) })
}

func (s *simSup) child(id string) *otptrace.Node {
	for i := range s.node.Children {
		if s.node.Children[i].ID == id {
			return &s.node.Children[i]
		}
	}
	panic("no child " + id)
}

func (s *simSup) step(in strategies.Input) {
	for _, a := range slices.Clone(s.m.Step(s.now, in)) {
		s.do(a)
	}
}

func (s *simSup) do(a strategies.Action) {
	path := s.path + "/" + a.ID
	switch a.Do {
	case strategies.DoStart:
		s.start(path, s.child(a.ID), s, a.Incarnation, a.Cascade)
	case strategies.DoStop:
		if sub := s.sups[path]; sub != nil {
			s.inbox = append(s.inbox, func() { sub.step(strategies.Terminate(strategies.Exit{Class: strategies.Shutdown})) })
		} else if p := s.workers[path]; p != nil {
			s.told(p)
		}
	case strategies.DoKill:
		if p := s.workers[path]; p != nil {
			s.exit(p, strategies.Killed)
		}
	case strategies.DoArm:
		fired := func() { s.step(strategies.TimerFired(a.ID, a.Incarnation, a.Timer)) }
		if a.After == 0 {
			s.inbox = append(s.inbox, fired)
		} else {
			s.later(a.After, fired)
		}
	case strategies.DoReply:
		s.replies = append(s.replies, a.Reply)
	case strategies.DoReport:
		s.reported(a)
	case strategies.DoBooted:
		s.booted = true
		if s.parent == nil {
			s.root = startResult{nil, true}
		} else {
			s.inbox = append(s.inbox, func() { s.parent.step(strategies.Started(s.node.ID, s.n)) })
		}
	case strategies.DoFinish:
		s.finished(a)
	}
}

func (s *simSup) reported(a strategies.Action) {
	e := otptrace.Event{E: "report", S: s.path, C: a.ID}
	switch a.Report {
	case strategies.Progress:
		e.T = "progress"
	case strategies.ChildTerminated:
		e.T, e.R = "child_terminated", a.Exit.Class.String()
	case strategies.StartError:
		e.T, e.R = "start_error", a.Exit.Err.Error()
	case strategies.ShutdownError:
		e.T, e.R = "shutdown_error", a.Exit.Class.String()
	case strategies.GivingUp:
		e.T, e.R = "shutdown", "reached_max_restart_intensity"
	default:
		return
	}
	s.log(e)
}

func (s *simSup) finished(a strategies.Action) {
	delete(s.sups, s.path)
	c := a.Exit.Class
	switch a.Why {
	case strategies.BootFailed:
		c = strategies.ShutdownTerm
	case strategies.Exhausted:
		c = strategies.Shutdown
	}
	s.log(otptrace.Event{E: "exit", P: s.path, N: s.n, R: c.String()})
	switch {
	case a.Why == strategies.BootFailed:
		s.failed(s.path, s.node, s.parent, s.n, startErr(fmt.Sprintf("failed_to_start_child(%s:%v)", a.ID, a.Exit.Err)))
	case s.parent != nil:
		s.inbox = append(s.inbox, func() {
			s.parent.step(strategies.Exited(s.node.ID, s.n, strategies.Exit{Class: c}, a.Cascade))
		})
	}
}

// value types, as the traces write them

func whichValue(children []strategies.ChildInfo) []any {
	list := []any{}
	for _, c := range children {
		e := map[string]any{"id": c.ID, "type": c.Kind.String()}
		switch c.State {
		case strategies.Up, strategies.Dead, strategies.Stopping:
			e["s"], e["n"] = "running", c.Incarnation
		case strategies.Waiting:
			e["s"] = "restarting"
		default:
			e["s"] = "undefined"
		}
		list = append(list, e)
	}
	return list
}

func countValue(c strategies.Counts) map[string]any {
	return map[string]any{"specs": c.Specs, "active": c.Active, "supervisors": c.Supervisors, "workers": c.Workers}
}

func specValue(s strategies.ChildSpec) map[string]any {
	return map[string]any{
		"id": s.ID, "restart": s.Restart.String(), "type": s.Kind.String(),
		"shutdown": otptrace.ShutdownValue(s.Shutdown), "significant": s.Significant,
	}
}

func (w *sim) call(s *simSup, in strategies.Input) (*strategies.Reply, error) {
	w.replies = nil
	s.step(in)
	if err := w.settle(); err != nil {
		return nil, err
	}
	if len(w.replies) != 1 {
		return nil, fmt.Errorf("%d replies to one call", len(w.replies))
	}
	return w.replies[0], nil
}

func (w *sim) snapshot(root string) (any, error) {
	if w.sups[root] == nil {
		return map[string]any{"root": "dead"}, nil
	}
	sups := map[string]any{}
	for _, path := range slices.Sorted(maps.Keys(w.sups)) {
		which, err := w.call(w.sups[path], strategies.WhichChildren(1))
		if err != nil {
			return nil, err
		}
		count, err := w.call(w.sups[path], strategies.CountChildren(2))
		if err != nil {
			return nil, err
		}
		sups[path] = map[string]any{"which": whichValue(which.Children), "count": countValue(count.Counts)}
	}
	return map[string]any{"root": "alive", "sups": sups}, nil
}
