package strategies_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/coppice-go/coppice/strategies"
)

// runner carries out what a machine orders, as far as a random choice says.
type runner struct {
	t       *rapid.T
	m       *strategies.Machine
	ref     *referee
	cfg     strategies.Config
	now     time.Time
	timers  []alarm
	killing map[string]bool // children with a Kill to be carried out
	ticket  uint64
}

type alarm struct {
	id    string
	n     uint64
	timer strategies.Timer
	at    time.Time
}

func newRunner(t *rapid.T, m *strategies.Machine, cfg strategies.Config) *runner {
	return &runner{t: t, m: m, cfg: cfg, ref: newReferee(t, cfg), now: time.Unix(0, 0), killing: map[string]bool{}}
}

func (r *runner) do(in strategies.Input) {
	idle := r.m.Idle()
	actions := r.m.Step(r.now, in)
	r.t.Logf("%v %v %s#%d %v %v: %s", r.now.UnixNano(), in.Op, in.ID, in.Incarnation, in.Exit, in.Timer, brief(actions))
	if in.Spec != nil {
		r.t.Logf("  %s: %v, needs %v", in.ID, in.Spec.Restart, in.Spec.Needs)
	}
	r.ref.check(r.now, in, actions, idle)
	if in.Op == strategies.OpExited || in.Op == strategies.OpStartFailed || in.Op == strategies.OpCannotKill {
		delete(r.killing, in.ID)
	}
	for _, a := range actions {
		switch a.Do {
		case strategies.DoArm:
			r.timers = append(r.timers, alarm{a.ID, a.Incarnation, a.Timer, r.now.Add(a.After)})
		case strategies.DoKill:
			r.killing[a.ID] = true
		}
	}
	r.ref.atRest(r.m.Idle())
	if !r.m.Idle() && r.ref.booted && !r.ref.busy() && len(r.timers) == 0 {
		r.t.Fatal("nothing is under way, no timer runs, and the machine is not idle")
	}
}

func brief(actions []strategies.Action) string {
	s := ""
	for _, a := range actions {
		s += fmt.Sprintf("[%v %s#%d", a.Do, a.ID, a.Incarnation)
		switch a.Do {
		case strategies.DoArm:
			s += fmt.Sprintf(" %v %v", a.Timer, a.After)
		case strategies.DoReport:
			s += fmt.Sprintf(" %v %v", a.Report, a.Exit)
		case strategies.DoReply:
			s += fmt.Sprintf(" %d %v", a.Reply.Ticket, a.Reply.Err)
		case strategies.DoFinish:
			s += fmt.Sprintf(" %v %v", a.Why, a.Exit)
		}
		s += "]"
	}
	return s
}

// random does one of the things that can happen now.
func (r *runner) random() {
	var can []func()
	for _, k := range r.ref.kids {
		can = append(can, r.answers(k)...)
		if k.life == starting && r.cfg.Parallel > 1 {
			can = append(can, func() { r.cancel(k) }, func() { r.cancel(k) })
		}
	}
	if len(r.timers) > 0 {
		can = append(can, r.fire)
	}
	can = append(can, r.pass, r.call, r.call, r.stray)
	if oneIn(r.t, 32) {
		can = append(can, func() { r.do(strategies.Terminate(strategies.Exit{Class: drawClass(r.t)})) })
	}
	pick(r.t, can)()
}

// answers are the things that a live child can do.
func (r *runner) answers(k *kid) []func() {
	id, n := k.spec.ID, k.n
	from := strategies.Cascade{Origin: id, N: n}
	exited := func() { r.do(strategies.Exited(id, n, drawExit(r.t), from)) }
	switch {
	case k.life == gone:
		return nil
	case k.life == running && !k.told && !r.killing[id]:
		return []func(){exited}
	}
	var can []func()
	if k.life == starting {
		for range 24 {
			can = append(can, func() { r.do(strategies.Started(id, n)) })
		}
		can = append(can,
			func() { r.do(strategies.StartFailed(id, n, drawExit(r.t), from)) },
			func() { r.do(strategies.Ignored(id, n)) },
		)
	}
	can = append(can, exited)
	if r.killing[id] {
		can = append(can, func() { r.do(strategies.CannotKill(id, n)) })
	}
	return can
}

// fire lets the next timer run down.
func (r *runner) fire() {
	i := 0
	for j := range r.timers {
		if r.timers[j].at.Before(r.timers[i].at) {
			i = j
		}
	}
	a := r.timers[i]
	r.timers = slices.Delete(r.timers, i, i+1)
	if a.at.After(r.now) {
		r.now = a.at
	}
	r.do(strategies.TimerFired(a.id, a.n, a.timer))
}

// pass lets time pass, as far as no timer is skipped.
func (r *runner) pass() {
	now := r.now.Add(rapid.SampledFrom([]time.Duration{1, time.Millisecond, time.Second, time.Hour}).Draw(r.t, "time"))
	for _, a := range r.timers {
		if a.at.Before(now) {
			now = a.at
		}
	}
	if now.After(r.now) {
		r.now = now
	}
}

// call makes a call, mostly one about a child that is there.
func (r *runner) call() {
	r.ticket++
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "x", "y"}
	if len(r.ref.kids) > 0 && !oneIn(r.t, 4) {
		ids = r.ref.ids()
	}
	id := pick(r.t, ids)
	n := uint64(0)
	if k := r.ref.kid(id); k != nil {
		n = k.n - pick(r.t, []uint64{0, 0, k.n, 1})
	}
	r.do(pick(r.t, []func() strategies.Input{
		func() strategies.Input { return strategies.WhichChildren(r.ticket) },
		func() strategies.Input { return strategies.CountChildren(r.ticket) },
		func() strategies.Input { return strategies.GetChildSpec(r.ticket, id) },
		func() strategies.Input { return strategies.GetInstanceSpec(r.ticket, id, n) },
		r.startChild, r.startChild,
		func() strategies.Input { return strategies.TerminateChild(r.ticket, id) },
		func() strategies.Input { return strategies.TerminateInstance(r.ticket, id, n) },
		func() strategies.Input { return strategies.RestartChild(r.ticket, id) },
		func() strategies.Input { return strategies.DeleteChild(r.ticket, id) },
	})())
}

// cancel makes a call to terminate a child that is being started.
func (r *runner) cancel(k *kid) {
	r.ticket++
	if r.cfg.Dynamic != nil {
		r.do(strategies.TerminateInstance(r.ticket, k.spec.ID, k.n))
	} else {
		r.do(strategies.TerminateChild(r.ticket, k.spec.ID))
	}
}

// startChild draws a call that adds a child. Its Tag tells which of the calls it
// was that a start is for; the numbers of its incarnations are all its own.
func (r *runner) startChild() strategies.Input {
	id := pick(r.t, []string{"a", "b", "c", "d", "e", "f", "g", "h", "", "i/j"})
	if r.cfg.Dynamic != nil {
		return strategies.StartInstance(r.ticket, id, 1000*r.ticket, r.ticket)
	}
	s := drawAdded(r.t, &r.cfg, r.ref.ids())
	s.ID, s.Tag, s.Incarnation = id, r.ticket, 1000*r.ticket
	return strategies.StartChild(r.ticket, s)
}

// stray is news of an incarnation that is gone, or of a child that is unknown.
func (r *runner) stray() {
	if len(r.ref.kids) == 0 {
		r.do(strategies.Exited("nobody", 1, strategies.Exit{Class: strategies.Crash}, strategies.Cascade{}))
		return
	}
	k := r.ref.kids[rapid.IntRange(0, len(r.ref.kids)-1).Draw(r.t, "stray")]
	if k.n > k.spec.Incarnation {
		in := strategies.Exited(k.spec.ID, k.n-1, drawExit(r.t), strategies.Cascade{})
		in.Op = rapid.SampledFrom([]strategies.Op{strategies.OpExited, strategies.OpStarted, strategies.OpStartFailed, strategies.OpIgnored, strategies.OpCannotKill, strategies.OpDeadline, strategies.OpRetry}).Draw(r.t, "news")
		if actions := r.m.Step(r.now, in); len(actions) > 0 {
			r.t.Fatalf("stray %v: %s", in.Op, brief(actions))
		}
	}
}

// end tells the machine to end, and answers until it has.
func (r *runner) end() {
	if !r.ref.finished {
		r.do(strategies.Terminate(strategies.Exit{Class: strategies.Shutdown}))
	}
	for steps := 0; !r.ref.finished; steps++ {
		if steps > 300 {
			r.t.Fatal("told to end, answered 300 times, and still not finished")
		}
		var can []func()
		for _, k := range r.ref.kids {
			if k.life == starting || k.told || r.killing[k.spec.ID] {
				can = append(can, r.answers(k)...)
			}
		}
		if len(can) == 0 {
			r.t.Fatal("told to end, and waits for nothing")
		}
		if len(r.timers) > 0 {
			can = append(can, r.fire)
		}
		pick(r.t, can)()
	}
	r.do(strategies.Boot(strategies.Cascade{}))
	r.do(strategies.Terminate(strategies.Exit{}))
	r.call()
	for _, k := range r.ref.kids {
		r.do(strategies.Exited(k.spec.ID, k.n, strategies.Exit{}, strategies.Cascade{}))
	}
}
