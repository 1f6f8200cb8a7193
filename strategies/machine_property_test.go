package strategies_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coppice-go/coppice/strategies"
)

// TestMachineProperties drives random supervisors with a random, well-behaved
// runner: it answers every order sooner or later in one of the ways it may, its
// children die when they like, its timers fire in the order of time. A referee
// that shares no code with Machine checks every action, and that a machine told
// to end does.
func TestMachineProperties(t *testing.T) {
	for _, strategy := range []strategies.Strategy{strategies.OneForOne, strategies.OneForAll, strategies.RestForOne} {
		t.Run(strategy.String(), func(t *testing.T) { checkMachines(t, strategy) })
	}
}

func checkMachines(t *testing.T, strategy strategies.Strategy) {
	const rounds = 10 // of as many runs as rapid makes: 100, without a flag that says otherwise
	seen := map[string]int{}
	for range rounds {
		rapid.Check(t, func(t *rapid.T) { checkMachine(t, strategy, seen) })
	}
	t.Logf("of the runs, so many had: %v", seen)
}

func checkMachine(t *rapid.T, strategy strategies.Strategy, seen map[string]int) {
	cfg := drawConfig(t, strategy)
	m, err := strategies.NewMachine(cfg)
	if err != nil {
		t.Fatalf("%+v: %v", cfg, err)
	}
	r := newRunner(t, m, cfg)
	r.do(strategies.Boot(strategies.Cascade{}))
	for !r.ref.finished && !oneIn(t, 128) {
		r.random()
	}
	r.end()
	for what := range r.ref.seen {
		seen[what]++
	}
}

func drawConfig(t *rapid.T, strategy strategies.Strategy) strategies.Config {
	cfg := strategies.Config{
		Strategy: strategy,
		Intensity: strategies.Intensity{
			Max:    rapid.SampledFrom([]int{100, 10, 3, 2, 1, 0, strategies.NoRestarts}).Draw(t, "max"),
			Within: rapid.SampledFrom([]time.Duration{0, 1, time.Millisecond, 2 * time.Second, time.Minute}).Draw(t, "within"),
		},
	}
	if cfg.Strategy == strategies.OneForOne {
		cfg.Parallel = rapid.IntRange(0, 4).Draw(t, "parallel")
	}
	for i := range pick(t, []int{0, 1, 2, 3, 3, 4, 4, 5, 6, 7}) {
		cfg.Children = append(cfg.Children, strategies.ChildSpec{
			ID:          string(rune('a' + i)),
			Kind:        rapid.SampledFrom([]strategies.Kind{strategies.Worker, strategies.Worker, strategies.Supervisor}).Draw(t, "kind"),
			Restart:     rapid.SampledFrom([]strategies.Restart{strategies.Permanent, strategies.Permanent, strategies.Transient, strategies.Temporary}).Draw(t, "restart"),
			Shutdown:    rapid.SampledFrom([]strategies.ShutdownLimit{0, strategies.Infinity, strategies.BrutalKill, strategies.Timeout(0), strategies.Timeout(time.Second)}).Draw(t, "shutdown"),
			StartLimit:  rapid.SampledFrom([]time.Duration{0, 0, 3 * time.Second}).Draw(t, "start limit"),
			Incarnation: rapid.SampledFrom([]uint64{0, 0, 7}).Draw(t, "incarnation"),
		})
	}
	return cfg
}

// runner carries out what a machine orders, as far as a random choice says.
type runner struct {
	t       *rapid.T
	m       *strategies.Machine
	ref     *referee
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
	return &runner{t: t, m: m, ref: newReferee(t, cfg), now: time.Unix(0, 0), killing: map[string]bool{}}
}

func (r *runner) do(in strategies.Input) {
	actions := r.m.Step(r.now, in)
	r.t.Logf("%v %v %s#%d %v %v: %s", r.now.UnixNano(), in.Op, in.ID, in.Incarnation, in.Exit, in.Timer, brief(actions))
	r.ref.check(r.now, in, actions)
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
}

func brief(actions []strategies.Action) string {
	s := ""
	for _, a := range actions {
		s += fmt.Sprintf("[%v %s#%d", a.Do, a.ID, a.Incarnation)
		switch a.Do {
		case strategies.DoReport:
			s += fmt.Sprintf(" %v %v", a.Report, a.Exit)
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
		switch k.life {
		case starting, running:
			can = append(can, r.answers(k)...)
		}
	}
	if len(r.timers) > 0 {
		can = append(can, r.fire)
	}
	can = append(can, r.pass, r.ask, r.stray)
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
	if k.life == running && !k.told && !r.killing[id] {
		return []func(){exited}
	}
	var can []func()
	if k.life == starting {
		for range 12 {
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

func (r *runner) ask() {
	r.ticket++
	r.do([]strategies.Input{strategies.WhichChildren(r.ticket), strategies.CountChildren(r.ticket), strategies.GetChildSpec(r.ticket, "a")}[rapid.IntRange(0, 2).Draw(r.t, "question")])
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
		if steps > 200 {
			r.t.Fatal("told to end, answered 200 times, and still not finished")
		}
		var can []func()
		for _, k := range r.ref.kids {
			if k.life == starting || k.life == running && (k.told || r.killing[k.spec.ID]) {
				can = append(can, r.answers(k)...)
			}
		}
		if len(can) == 0 {
			r.t.Fatal("told to end, and waits for nothing")
		}
		pick(r.t, can)()
	}
	r.do(strategies.Boot(strategies.Cascade{}))
	r.do(strategies.Terminate(strategies.Exit{}))
	r.ask()
	for _, k := range r.ref.kids {
		r.do(strategies.Exited(k.spec.ID, k.n, strategies.Exit{}, strategies.Cascade{}))
	}
}

// oneIn is true once in n times, n a power of two. (Numbers that rapid draws are
// mostly small; a coin is fair.)
func oneIn(t *rapid.T, n int) bool {
	for ; n > 1; n /= 2 {
		if rapid.Bool().Draw(t, "coin") {
			return false
		}
	}
	return true
}

// pick takes one of list, each as likely as the others or nearly so.
func pick[E any](t *rapid.T, list []E) E {
	i := 0
	for n := 1; n < 4*len(list); n *= 2 {
		i *= 2
		if rapid.Bool().Draw(t, "pick") {
			i++
		}
	}
	return list[i%len(list)]
}

func drawClass(t *rapid.T) strategies.Class {
	return strategies.Class(rapid.IntRange(int(strategies.Normal), int(strategies.Crash)).Draw(t, "class"))
}

func drawExit(t *rapid.T) strategies.Exit {
	e := strategies.Exit{Class: drawClass(t), Err: errors.New("why")}
	if oneIn(t, 32) {
		e.Directive = strategies.Directive(rapid.IntRange(1, 3).Draw(t, "directive"))
	}
	return e
}

// referee watches a machine from outside: it knows the description, what went
// in and what came out.
type referee struct {
	t         fataler
	cfg       strategies.Config
	max       int
	within    time.Duration
	parallel  int
	kids      []*kid // in start order, those removed left out
	plan      *plan  // what is being carried out, where that is one thing at a time
	restarts  []time.Time
	gaveUp    bool
	booted    bool
	told      bool
	ending    bool
	finished  bool
	failed    bool // a start failed at boot
	treeEnded bool // some exit asked for the tree's end
	asked     map[uint64]int
	seen      map[string]bool
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

type life int

const (
	gone life = iota
	starting
	running
)

// kid is a child as it looks from outside.
type kid struct {
	spec    strategies.ChildSpec
	life    life
	n       uint64
	told    bool // told to stop, or killed
	late    bool // its start limit ran down
	removed bool
	open    bool            // a restart of it was decided on, its start is due
	retry   bool            // its last start failed, and is to be tried again
	ignored bool            // its last start said ignore
	exit    strategies.Exit // how it last ended
}

// plan is a group of children to be stopped in reverse order and then started in
// order.
type plan struct {
	group  []*kid
	next   int // group[:next] have been started
	failed bool
}

func newReferee(t fataler, cfg strategies.Config) *referee {
	f := &referee{t: t, cfg: cfg, max: cfg.Intensity.Max, within: cfg.Intensity.Within, parallel: max(1, cfg.Parallel), asked: map[uint64]int{}, seen: map[string]bool{}}
	switch f.max {
	case 0:
		f.max = 1
	case -1:
		f.max = 0
	}
	if f.within == 0 {
		f.within = 5 * time.Second
	}
	for _, s := range cfg.Children {
		f.kids = append(f.kids, &kid{spec: s, n: s.Incarnation})
	}
	return f
}

func (f *referee) kid(id string) *kid {
	i := slices.IndexFunc(f.kids, func(k *kid) bool { return k.spec.ID == id })
	if i < 0 {
		return nil
	}
	return f.kids[i]
}

// check takes note of an input and judges the actions that answer it.
func (f *referee) check(now time.Time, in strategies.Input, actions []strategies.Action) {
	f.t.Helper()
	was := f.finished
	f.input(in)
	for _, a := range actions {
		if (was || f.finished) && (a.Do != strategies.DoReply || !errors.Is(a.Reply.Err, strategies.ErrDown)) {
			f.t.Fatalf("%v after finish", a.Do)
		}
		f.action(now, in, a)
	}
	busy := 0
	for _, k := range f.kids {
		if k.life == starting || k.life == running && k.told {
			busy++
		}
	}
	if busy > f.parallel {
		f.t.Fatalf("%d starts and stops under way, %d allowed", busy, f.parallel)
	}
	if f.finished && !was {
		for ticket, n := range f.asked {
			if n != 0 {
				f.t.Fatalf("call %d was answered %d times too few", ticket, n)
			}
		}
	}
}

func (f *referee) input(in strategies.Input) {
	switch in.Op {
	case strategies.OpBoot:
		if f.plan == nil && !f.told {
			f.plan = &plan{group: slices.Clone(f.kids)}
		}
		return
	case strategies.OpTerminate:
		f.told = true
		f.end()
		return
	case strategies.OpWhich, strategies.OpCount, strategies.OpSpec:
		f.asked[in.Ticket]++
		return
	}
	k := f.kid(in.ID)
	if k == nil || k.n != in.Incarnation || k.life == gone {
		return
	}
	switch in.Op {
	case strategies.OpStarted:
		k.life = running
	case strategies.OpIgnored:
		k.life, k.ignored = gone, true
	case strategies.OpStartFailed, strategies.OpExited:
		if k.life == starting || k.late {
			f.startFailed(k, in.Exit)
		}
		if in.Exit.Directive >= strategies.EndTree {
			f.treeEnded = true
			f.seen["a call for the tree's end"] = true
			if k.told || k.life == starting {
				f.end()
			}
		}
		k.life, k.exit = gone, in.Exit
	case strategies.OpDeadline:
		if in.Timer == strategies.StartTimer && k.life == starting && !k.told {
			k.late = true
			f.seen["late start"] = true
		}
	}
}

func (f *referee) startFailed(k *kid, e strategies.Exit) {
	if !f.ending && e.Directive != strategies.DoNotRestart {
		k.retry = true
		f.failed = f.failed || !f.booted
		if f.plan != nil {
			f.plan.failed = true
			if i := slices.Index(f.plan.group, k); i >= 0 && i < len(f.plan.group)-1 && f.booted {
				f.seen["failed start in a group"] = true
			}
		}
	}
}

func (f *referee) action(now time.Time, in strategies.Input, a strategies.Action) {
	k := f.kid(a.ID)
	switch a.Do {
	case strategies.DoStart:
		f.start(k)
	case strategies.DoStop:
		if k.told && (k.spec.Shutdown != strategies.BrutalKill || in.Op != strategies.OpCannotKill) {
			f.t.Fatalf("%s: told to stop twice", a.ID)
		}
		if k.spec.Shutdown == strategies.BrutalKill && in.Op != strategies.OpCannotKill {
			f.t.Fatalf("%s: told to stop, where it should be killed", a.ID)
		}
		f.stop(k)
	case strategies.DoKill:
		if k.spec.Shutdown != strategies.BrutalKill && in.Op != strategies.OpDeadline {
			f.t.Fatalf("%s: killed before its time", a.ID)
		}
		f.stop(k)
	case strategies.DoArm:
		f.arm(in, k, a)
	case strategies.DoReply:
		f.asked[a.Reply.Ticket]--
		if f.asked[a.Reply.Ticket] < 0 {
			f.t.Fatalf("call %d: answered without being asked", a.Reply.Ticket)
		}
	case strategies.DoBooted:
		if f.booted || f.failed || f.ending {
			f.t.Fatalf("booted: again, or after a failure")
		}
		f.booted = true
		for _, k := range f.kids {
			if k.n != k.spec.Incarnation+1 || k.life == starting {
				f.t.Fatalf("booted, and %s has not been started", k.spec.ID)
			}
		}
	case strategies.DoReport:
		f.report(now, in, k, a)
	case strategies.DoFinish:
		f.finish(in, a)
	}
}

// start: no other incarnation lives, the number is the next, and it is the
// child's turn.
func (f *referee) start(k *kid) {
	if k == nil || k.life != gone {
		f.t.Fatalf("start of a child that lives or was removed")
	}
	if f.ending {
		f.t.Fatalf("%s: started at the end", k.spec.ID)
	}
	if k.spec.Restart == strategies.Temporary && k.n != k.spec.Incarnation {
		f.t.Fatalf("%s: temporary, and started again", k.spec.ID)
	}
	first := !f.booted
	if f.parallel > 1 && !first {
		if !k.open {
			f.t.Fatalf("%s: started without a restart of it", k.spec.ID)
		}
	} else {
		f.turn(k)
	}
	k.life, k.n, k.told, k.late, k.open, k.retry, k.ignored = starting, k.n+1, false, false, false, false, false
}

// turn checks a start against the plan: it is the next of the group, and, once
// booted, all others of the group are down or have been started before it.
func (f *referee) turn(k *kid) {
	p := f.plan
	for p.next < len(p.group) && p.group[p.next].removed {
		p.next++
	}
	if p.failed || p.next == len(p.group) || p.group[p.next] != k {
		f.t.Fatalf("%s: started out of turn", k.spec.ID)
	}
	for i, other := range p.group {
		if i > p.next && other.life != gone && !other.removed {
			f.t.Fatalf("%s: started before %s is down", k.spec.ID, other.spec.ID)
		}
	}
	p.next++
}

// stop: the child lives, is of the group, and of those that run the last.
func (f *referee) stop(k *kid) {
	if k == nil || k.life == gone {
		f.t.Fatalf("stop of a child that does not live")
	}
	id := k.spec.ID
	if k.told { // a kill after a stop, or a stop after a kill
		return
	}
	defer func() { k.told = true }()
	if k.life == starting {
		if f.treeEnded && !k.late { // the turn of an exit that ends the tree, and is not reported
			f.end()
		}
		if !f.ending && !k.late {
			f.t.Fatalf("%s: start cancelled without reason", id)
		}
		return
	}
	wrong := f.misplaced(k)
	if wrong != "" && f.treeEnded && !f.ending { // the turn of an exit that ends the tree, and is not reported
		f.end()
		wrong = f.misplaced(k)
	}
	if wrong != "" {
		f.t.Fatalf("%s: stopped %s", id, wrong)
	}
}

// misplaced says what is wrong with stopping k now.
func (f *referee) misplaced(k *kid) string {
	p := f.plan
	i := slices.Index(p.group, k)
	switch {
	case i < 0:
		return "though it is not concerned"
	case p.next > 0:
		return "when starts have begun"
	case f.parallel > 1 && !f.ending:
		return "under one_for_one"
	case f.parallel > 1:
		return ""
	}
	for j, other := range p.group {
		if other == k || other.life == gone {
			continue
		}
		if other.told {
			return "before " + other.spec.ID + " is down"
		}
		if j > i {
			return "before " + other.spec.ID
		}
	}
	return ""
}

func (f *referee) arm(in strategies.Input, k *kid, a strategies.Action) {
	want := time.Duration(0)
	switch a.Timer {
	case strategies.StartTimer:
		want = k.spec.StartLimit
	case strategies.StopTimer:
		switch s := k.spec.Shutdown; {
		case s == strategies.Infinity, s == 0 && k.spec.Kind == strategies.Supervisor:
			f.t.Fatalf("%s: a timer for a stop without limit", a.ID)
		case s == strategies.Timeout(0):
		case s > 0:
			want = time.Duration(s)
		default:
			want = 5 * time.Second
		}
		if in.Op == strategies.OpCannotKill && in.ID == a.ID && k.spec.Shutdown != strategies.BrutalKill {
			want = 5*time.Second - want // the rest of what nobody who cannot be killed has less of
			if want <= 0 {
				f.t.Fatalf("%s: more time than it is to have", a.ID)
			}
		}
	}
	if a.After != want {
		f.t.Fatalf("%s: %v timer of %v, want %v", a.ID, a.Timer, a.After, want)
	}
}

func (f *referee) report(now time.Time, in strategies.Input, k *kid, a strategies.Action) {
	if k == nil {
		f.t.Fatalf("%v of a child that was removed", a.Report)
	}
	abnormal := a.Exit.Class == strategies.Killed || a.Exit.Class == strategies.Crash
	switch a.Report {
	case strategies.Restarting, strategies.GivingUp:
		f.restart(now, k, a)
	case strategies.Removed:
		if k.life != gone || k.spec.Restart != strategies.Temporary && k.exit.Directive != strategies.DoNotRestart {
			f.t.Fatalf("%s: removed", a.ID)
		}
		k.removed = true
		f.kids = slices.DeleteFunc(f.kids, func(other *kid) bool { return other == k })
	case strategies.ChildTerminated:
		if a.Exit != k.exit || k.spec.Restart != strategies.Permanent && !abnormal {
			f.t.Fatalf("%s: child_terminated with %v after %v", a.ID, a.Exit, k.exit)
		}
	case strategies.ShutdownError:
		if f.fine(k) {
			f.t.Fatalf("%s: shutdown_error with %v", a.ID, a.Exit)
		}
		f.seen["shutdown_error"] = true
	case strategies.StartError:
		if !k.retry {
			f.t.Fatalf("%s: start_error without a failed start", a.ID)
		}
	case strategies.Cancelled:
		if k.life != gone || !f.ending && !k.retry {
			f.t.Fatalf("%s: cancelled, though nothing was to be started", a.ID)
		}
		k.retry = false
	case strategies.Stuck:
		if in.Op != strategies.OpCannotKill || in.ID != a.ID || !k.told {
			f.t.Fatalf("%s: stuck without being unkillable", a.ID)
		}
		k.life = gone
		f.treeEnded = true
		f.end()
		f.seen["stuck"] = true
	}
	if a.Report != strategies.Removed && a.Exit.Directive >= strategies.EndTree && !f.ending {
		f.end()
	}
	if a.Report == strategies.StartError && !f.booted {
		f.end()
	}
}

// fine is rule H5.
func (f *referee) fine(k *kid) bool {
	switch k.exit.Class {
	case strategies.Shutdown:
		return k.spec.Shutdown != strategies.BrutalKill || k.spec.Restart != strategies.Permanent
	case strategies.Killed:
		return k.spec.Shutdown == strategies.BrutalKill
	case strategies.Normal, strategies.ShutdownTerm:
		return k.spec.Restart != strategies.Permanent
	}
	return false
}

// restart: there is a reason for it, the count is right, and so is the group.
func (f *referee) restart(now time.Time, k *kid, a strategies.Action) {
	abnormal := k.exit.Class == strategies.Killed || k.exit.Class == strategies.Crash
	switch {
	case k.life != gone || k.open || f.ending || !f.booted:
		f.t.Fatalf("%s: a restart at the wrong time", a.ID)
	case k.retry:
		f.seen["retry"] = true
	case k.exit.Directive != strategies.ByRestart, k.spec.Restart == strategies.Temporary, k.spec.Restart == strategies.Transient && !abnormal:
		f.t.Fatalf("%s: %v, and restarted after %v", a.ID, k.spec.Restart, k.exit)
	}
	spent := 1
	for _, at := range f.restarts {
		if now.Sub(at) <= f.within {
			spent++
		}
	}
	f.restarts = append(f.restarts, now)
	if a.Spent != spent {
		f.t.Fatalf("%s: %d restarts in the window, the machine says %d", a.ID, spent, a.Spent)
	}
	if (a.Report == strategies.GivingUp) != (spent > f.max) {
		f.t.Fatalf("%v at restart %d of %d", a.Report, spent, f.max)
	}
	if spent > f.max {
		f.gaveUp = true
		f.end()
		f.seen["giving up"] = true
		return
	}
	f.seen["restart"] = true
	k.open = true
	i := slices.Index(f.kids, k)
	group := map[strategies.Strategy][]*kid{
		strategies.OneForOne:  {k},
		strategies.OneForAll:  f.kids,
		strategies.RestForOne: f.kids[i:],
	}[f.cfg.Strategy]
	f.plan = &plan{group: slices.Clone(group)}
	if a.Group != len(group) {
		f.t.Fatalf("%s: group of %d, want %d", a.ID, a.Group, len(group))
	}
}

func (f *referee) end() {
	if f.ending {
		return
	}
	f.ending = true
	f.plan = &plan{group: slices.Clone(f.kids)}
}

func (f *referee) finish(in strategies.Input, a strategies.Action) {
	f.finished = true
	for _, k := range f.kids {
		if k.life != gone {
			f.t.Fatalf("finish, and %s lives", k.spec.ID)
		}
	}
	right := map[strategies.Why]bool{
		strategies.Told:       f.told,
		strategies.Exhausted:  f.gaveUp,
		strategies.BootFailed: f.failed,
		strategies.TreeEnded:  f.treeEnded,
	}[a.Why]
	if !right {
		f.t.Fatalf("finish %v: without that reason", a.Why)
	}
	f.seen["finish "+a.Why.String()] = true
}

// atRest: when nothing is under way nor waits, everybody is where the rules
// want them.
func (f *referee) atRest(idle bool) {
	f.t.Helper()
	if !idle || f.finished {
		return
	}
	for _, k := range f.kids {
		clean := k.exit.Class <= strategies.ShutdownTerm && k.n > k.spec.Incarnation
		switch {
		case k.life == running && !k.told, k.ignored:
		case k.spec.Restart == strategies.Transient && clean && k.life == gone && !k.retry:
		default:
			f.t.Fatalf("at rest, and %s, %v, is not up: last exit %v", k.spec.ID, k.spec.Restart, k.exit)
		}
	}
	for ticket, n := range f.asked {
		if n != 0 {
			f.t.Fatalf("at rest, and call %d waits", ticket)
		}
	}
}
