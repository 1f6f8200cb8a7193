package strategies_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coppice-go/coppice/strategies"
)

// TestReconfigureProperties drives random supervisors through random descriptions,
// with children that die, starts that fail and calls in between. What keeps running,
// what is stopped and started and in which order the children are is known from the
// descriptions alone.
func TestReconfigureProperties(t *testing.T) {
	changes := 0
	for range 10 {
		rapid.Check(t, func(t *rapid.T) {
			x := newChanger(t)
			x.do(strategies.Boot(strategies.Cascade{}))
			for x.finish == nil && !oneIn(t, 64) {
				x.random()
			}
			x.settle()
			x.compare()
			if x.finish == nil {
				x.do(strategies.Terminate(strategies.Exit{Class: strategies.Shutdown}))
				x.settle()
			}
			if len(x.live) > 0 || x.finish == nil {
				t.Fatalf("it ended with %v live, finish %+v", x.live, x.finish)
			}
			changes += x.changes
		})
	}
	t.Logf("%d descriptions took effect", changes)
	if changes < 1000 {
		t.Errorf("that is too few to mean much")
	}
}

// changer is a machine, its runner, and what is known of both.
type changer struct {
	t       *rapid.T
	m       *strategies.Machine
	cfg     strategies.Config // the latest that took effect
	now     time.Time
	live    map[string]uint64 // the incarnations that start, run or stop
	coming  map[string]bool   // of them those whose start is under way
	told    map[string]bool   // of them those that were told to stop
	highest map[string]uint64
	extra   []string // those that calls have added, in order
	gone    map[string]bool
	retries map[string]uint64
	asked   map[uint64]*strategies.NewConfig
	plans   map[uint64][]strategies.Changed // what was planned when the call came, if it had its turn at once
	order   []uint64                        // of the tickets
	before  map[string]bool                 // the children before the step under way
	members []string                        // of the change under way: who may be stopped, then started
	stage   int                             // 0: none; 1: stops; 2: starts
	ticket  uint64
	changes int
	finish  *strategies.Action
}

func newChanger(t *rapid.T) *changer {
	x := &changer{
		t: t, now: time.Unix(0, 0), live: map[string]uint64{}, coming: map[string]bool{}, told: map[string]bool{}, highest: map[string]uint64{},
		gone: map[string]bool{}, retries: map[string]uint64{}, asked: map[uint64]*strategies.NewConfig{}, plans: map[uint64][]strategies.Changed{},
	}
	x.cfg = x.draw()
	m, err := strategies.NewMachine(x.cfg)
	if err != nil {
		t.Fatal(err)
	}
	x.m = m
	return x
}

// draw draws a description of some of the children a to h.
func (x *changer) draw() strategies.Config {
	cfg := strategies.Config{
		Strategy:  strategies.Strategy(rapid.IntRange(0, 3).Draw(x.t, "strategy")),
		Intensity: strategies.Intensity{Max: rapid.SampledFrom([]int{100, 100, 3, strategies.NoRestarts}).Draw(x.t, "max")},
	}
	if cfg.Strategy == strategies.OneForOne || cfg.Strategy == strategies.Dependents {
		cfg.Parallel = rapid.IntRange(0, 3).Draw(x.t, "parallel")
	}
	for _, id := range rapid.Permutation([]string{"a", "b", "c", "d", "e", "f", "g", "h"}).Draw(x.t, "ids")[:rapid.IntRange(0, 8).Draw(x.t, "children")] {
		s := drawChild(x.t, &cfg)
		s.ID, s.StartLimit = id, 0
		if oneIn(x.t, 2) {
			s.Restart, s.Kind = strategies.Permanent, strategies.Worker
		}
		if cfg.Strategy == strategies.Dependents {
			for _, before := range cfg.Children {
				if oneIn(x.t, 4) {
					s.Needs = append(s.Needs, before.ID)
				}
			}
		}
		cfg.Children = append(cfg.Children, s)
	}
	return cfg
}

func idsOf(cfg *strategies.Config) (ids []string) {
	for _, c := range cfg.Children {
		ids = append(ids, c.ID)
	}
	return ids
}

// change asks for another description.
func (x *changer) change() {
	n := &strategies.NewConfig{Config: x.draw()}
	latest := x.cfg
	if len(x.order) > 0 {
		latest = x.asked[x.order[len(x.order)-1]].Config
	}
	for i := range n.Children {
		c := &n.Children[i]
		c.Incarnation = x.highest[c.ID]
		if !slices.Contains(idsOf(&latest), c.ID) {
			n.Added = append(n.Added, c.ID)
		} else if oneIn(x.t, 4) {
			n.Renew = append(n.Renew, c.ID)
		}
	}
	x.ticket++
	x.asked[x.ticket] = n
	x.order = append(x.order, x.ticket)
	if x.m.Idle() {
		plan, err := x.m.Plan(n)
		if err != nil {
			x.t.Fatal(err)
		}
		x.plans[x.ticket] = plan
	}
	x.do(strategies.Reconfigure(x.ticket, n))
}

func (x *changer) do(in strategies.Input) {
	x.t.Logf("%v %s#%d", in.Op, in.ID, in.Incarnation)
	switch in.Op {
	case strategies.OpStarted:
		delete(x.coming, in.ID)
	case strategies.OpExited, strategies.OpStartFailed, strategies.OpIgnored:
		delete(x.live, in.ID)
		delete(x.coming, in.ID)
		delete(x.told, in.ID)
	}
	x.before = map[string]bool{}
	for _, id := range strategies.StartOrder(x.m) {
		x.before[id] = true
	}
	for _, a := range x.m.Step(x.now, in) {
		x.t.Logf("    %s%s", brief([]strategies.Action{a}), a.Members())
		x.obey(a)
	}
	if x.m.Idle() {
		x.compare()
	}
	if !x.m.Idle() && x.finish == nil && len(x.live) == 0 && len(x.retries) == 0 {
		x.t.Fatal("nothing is under way, no timer runs, and the machine is not idle")
	}
}

func (x *changer) obey(a strategies.Action) {
	switch a.Do {
	case strategies.DoStart:
		if x.live[a.ID] != 0 {
			x.t.Fatalf("%s#%d starts beside #%d", a.ID, a.Incarnation, x.live[a.ID])
		}
		if a.Incarnation <= x.highest[a.ID] {
			x.t.Fatalf("%s#%d starts after #%d", a.ID, a.Incarnation, x.highest[a.ID])
		}
		if x.stage == 1 || x.stage == 2 && !slices.Contains(x.members, a.ID) {
			x.t.Fatalf("%s starts in stage %d of a change that is about %v", a.ID, x.stage, x.members)
		}
		x.live[a.ID], x.highest[a.ID], x.coming[a.ID] = a.Incarnation, a.Incarnation, true
		delete(x.gone, a.ID)
		delete(x.retries, a.ID)
	case strategies.DoStop, strategies.DoKill:
		if x.live[a.ID] != a.Incarnation {
			x.t.Fatalf("%s#%d is stopped, and #%d lives", a.ID, a.Incarnation, x.live[a.ID])
		}
		if x.stage == 1 && !slices.Contains(x.members, a.ID) {
			x.t.Fatalf("%s is stopped in a change that stops %v", a.ID, x.members)
		}
		x.told[a.ID] = true
	case strategies.DoArm:
		if a.Timer == strategies.RetryTimer {
			x.retries[a.ID] = a.Incarnation
		}
	case strategies.DoReply:
		x.answered(a.Reply)
	case strategies.DoReport:
		x.report(a)
	case strategies.DoFinish:
		x.finish, x.stage = &a, 0
	}
}

func (x *changer) report(a strategies.Action) {
	switch a.Report {
	case strategies.Removed:
		x.gone[a.ID] = true
		x.extra = slices.DeleteFunc(x.extra, func(id string) bool { return id == a.ID })
	case strategies.Reconfiguring:
		n := x.asked[x.order[0]]
		for _, id := range a.Members() {
			if slices.Contains(idsOf(&n.Config), id) && x.live[id] != 0 && !x.mayStop(n, id, a.Members()) {
				x.t.Fatalf("%s is stopped, and nothing asks for that", id)
			}
		}
		for _, id := range n.Renew {
			if x.live[id] != 0 && !slices.Contains(a.Members(), id) {
				x.t.Fatalf("%s lives, is to run something else, and is not stopped", id)
			}
		}
		for id := range x.live {
			if slices.Contains(idsOf(&x.cfg), id) && !slices.Contains(idsOf(&n.Config), id) && !slices.Contains(x.extra, id) && !slices.Contains(a.Members(), id) {
				x.t.Fatalf("%s lives, is in the description no more, and is not stopped", id)
			}
		}
		x.members, x.stage = a.Members(), 1
	case strategies.Reconfigured:
		for _, id := range x.members {
			if x.live[id] != 0 {
				x.t.Fatalf("%s lives, and the new description holds already", id)
			}
		}
		n := x.asked[x.order[0]]
		x.cfg = n.Config
		x.extra = slices.DeleteFunc(x.extra, func(id string) bool { return slices.Contains(idsOf(&x.cfg), id) })
		for _, id := range n.Added {
			if !slices.Contains(a.Members(), id) && !x.before[id] {
				x.t.Fatalf("%s is new, and is not started", id)
			}
			delete(x.gone, id)
		}
		x.members, x.stage = a.Members(), 2
		x.changes++
	case strategies.StartError, strategies.Cancelled:
		delete(x.retries, a.ID)
	}
}

// known reports whether there is such a child.
func (x *changer) known(id string) bool { return x.m.Radius(id) != nil }

// mayStop reports whether there is a reason why a live child of the new description
// is stopped: it, or one whose fate it shares then, runs something else, is of another
// kind, or does not run and is started for the change.
func (x *changer) mayStop(n *strategies.NewConfig, id string, members []string) bool {
	cfg := n.Config
	cfg.Children = slices.Clone(cfg.Children)
	for _, extra := range x.extra {
		if !slices.Contains(idsOf(&cfg), extra) {
			cfg.Children = append(cfg.Children, strategies.ChildSpec{ID: extra})
		}
	}
	next, err := strategies.NewMachine(cfg)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, m := range members {
		reason := slices.Contains(n.Renew, m) || slices.Contains(n.Added, m) || x.live[m] == 0 || kindOf(&n.Config, m) != x.kind(m)
		if reason && slices.Contains(next.Radius(m), id) {
			return true
		}
	}
	return false
}

// kind is that of a child that there is.
func (x *changer) kind(id string) strategies.Kind {
	if slices.Contains(x.extra, id) {
		return strategies.Worker
	}
	return kindOf(&x.cfg, id)
}

func kindOf(cfg *strategies.Config, id string) strategies.Kind {
	for _, c := range cfg.Children {
		if c.ID == id {
			return c.Kind
		}
	}
	return strategies.Worker
}

func (x *changer) answered(r *strategies.Reply) {
	n := x.asked[r.Ticket]
	if n == nil {
		return
	}
	if r.Ticket != x.order[0] {
		x.t.Fatalf("call %d is answered before call %d", r.Ticket, x.order[0])
	}
	x.order, x.members, x.stage = x.order[1:], nil, 0
	did := slices.Clone(r.Changed)
	for i := range did {
		did[i].Failed, did[i].Exit = false, strategies.Exit{}
	}
	if plan, ok := x.plans[r.Ticket]; ok && r.Err != strategies.ErrDown && !slices.Equal(plan, did) {
		x.t.Fatalf("planned %v, did %v", plan, r.Changed)
	}
	if r.Err != nil && r.Err != strategies.ErrDown && r.Err != strategies.ErrStart {
		x.t.Fatalf("%v", r.Err)
	}
}

// compare holds the children against the description: in its order, then what calls
// have added.
func (x *changer) compare() {
	if x.finish != nil {
		return
	}
	m, err := strategies.NewMachine(x.cfg)
	if err != nil {
		x.t.Fatal(err)
	}
	want := slices.DeleteFunc(strategies.StartOrder(m), func(id string) bool { return x.gone[id] || slices.Contains(x.extra, id) })
	want = append(want, x.extra...)
	if got := strategies.StartOrder(x.m); !slices.Equal(got, want) {
		x.t.Fatalf("the children are %v, want %v", got, want)
	}
}

// random does one of the things that can happen.
func (x *changer) random() {
	var can []func()
	for _, id := range slices.Sorted(maps.Keys(x.live)) {
		can = append(can, x.answers(id)...)
	}
	for _, id := range slices.Sorted(maps.Keys(x.retries)) {
		can = append(can, func() { x.retry(id) })
	}
	can = append(can, x.change, x.call)
	pick(x.t, can)()
}

func (x *changer) retry(id string) {
	n := x.retries[id]
	delete(x.retries, id)
	x.do(strategies.TimerFired(id, n, strategies.RetryTimer))
}

func (x *changer) answers(id string) (can []func()) {
	n := x.live[id]
	from := strategies.Cascade{Origin: id, N: n}
	if x.coming[id] {
		for range 8 {
			can = append(can, func() { x.do(strategies.Started(id, n)) })
		}
		return append(can, func() {
			x.do(strategies.StartFailed(id, n, strategies.Exit{Class: strategies.Crash}, from))
		})
	}
	class := strategies.Crash
	if x.told[id] {
		class = strategies.Shutdown
	}
	return append(can, func() { x.do(strategies.Exited(id, n, strategies.Exit{Class: class}, from)) })
}

func (x *changer) call() {
	x.ticket++
	id := pick(x.t, []string{"a", "b", "c", "d", "x", "y"})
	pick(x.t, []func(){
		func() {
			if x.m.Idle() && !x.known(id) {
				x.extra = append(x.extra, id)
				delete(x.gone, id)
				x.do(strategies.StartChild(x.ticket, strategies.ChildSpec{ID: id, Incarnation: x.highest[id]}))
			}
		},
		func() { x.do(strategies.TerminateChild(x.ticket, id)) },
		func() { x.do(strategies.RestartChild(x.ticket, id)) },
		func() { x.do(strategies.RenewChild(x.ticket, id)) },
		func() { x.do(strategies.DeleteChild(x.ticket, id)) },
	})()
}

// settle lets everything go well until nothing is under way.
func (x *changer) settle() {
	for x.finish == nil || len(x.live) > 0 {
		var next func()
		for _, id := range slices.Sorted(maps.Keys(x.live)) {
			if x.coming[id] || x.told[id] {
				next = x.answers(id)[0]
				break
			}
		}
		if next == nil {
			for _, id := range slices.Sorted(maps.Keys(x.retries)) {
				next = func() { x.retry(id) }
				break
			}
		}
		if next == nil {
			break
		}
		next()
	}
	if x.finish == nil && !x.m.Idle() {
		x.t.Fatalf("not idle, with %v live", x.live)
	}
}
