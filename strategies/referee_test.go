package strategies_test

import (
	"slices"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// referee watches a machine from outside: it knows the description, what went
// in and what came out. Of what waits inside the machine, and when its turn
// comes, it knows nothing; where that matters it allows what might be.
type referee struct {
	t        fataler
	cfg      strategies.Config
	max      int
	within   time.Duration
	parallel int

	kids      []*kid            // in start order, those removed left out
	used      map[string]uint64 // the last numbers of those that were removed
	calls     map[uint64]*request
	restarts  []time.Time
	finishers []*kid // significant children that have finished

	booted, told, failed, ending, finished bool // failed: a start did at boot
	gaveUp, treeEnded                      bool // treeEnded: some exit asked for the tree's end
	drained                                bool
	unexpected                             map[strategies.Class]int // ends of a dynamic supervisor's children, at its end
	seen                                   map[string]bool
	moments                                int // inputs so far
	now                                    time.Time
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
	ran     bool // an incarnation of it was up
	cut     bool // its start was cancelled by a call
	removed bool
	dead    bool // it ended by itself, and what follows from that may be still to come
	waits   bool // it is to be started again, when its timer has run down
	due     bool // that has run down
	since   int  // the moment when that, or its death, came about
	paused  bool // what it waits for is a restart that was counted
	resumed bool // that is under way, and it was not started yet
	ignored bool // its last start said ignore
	lost    bool // it was to be started again, and that was given up
	putOff  bool // its turn comes when it is known whether it was the last of the significant
	excused bool // that it is down is as it should be
	exit    strategies.Exit
	ticket  uint64 // of the call that added it
	work    *work

	held     []*kid    // those stopped with it, while its restart is put off
	failures int       // in a row, for Backoff
	up       time.Time // when it was last started
}

// work is a group of children to be stopped and then to be started, in order.
type work struct {
	group  []*kid
	end    bool
	begun  map[*kid]bool // those whose start was begun
	ok     map[*kid]bool // those whose start is done with, and did not fail
	paused time.Duration // the starts come later
	stays  bool          // they are not to be started
	ticket uint64        // of the call that it is carried out for
}

func newReferee(t fataler, cfg strategies.Config) *referee {
	f := &referee{
		t: t, cfg: cfg, max: cfg.Intensity.Max, within: cfg.Intensity.Within, parallel: max(1, cfg.Parallel),
		calls: map[uint64]*request{}, used: map[string]uint64{}, unexpected: map[strategies.Class]int{}, seen: map[string]bool{},
	}
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
		f.place(s)
	}
	return f
}

// place lists a child after what it needs.
func (f *referee) place(s strategies.ChildSpec) {
	if f.kid(s.ID) != nil {
		return
	}
	for _, id := range s.Needs {
		i := slices.IndexFunc(f.cfg.Children, func(s strategies.ChildSpec) bool { return s.ID == id })
		f.place(f.cfg.Children[i])
	}
	f.kids = append(f.kids, &kid{spec: s, n: s.Incarnation})
}

func (f *referee) kid(id string) *kid {
	for _, k := range f.kids {
		if k.spec.ID == id {
			return k
		}
	}
	return nil
}

func (f *referee) ids() []string {
	var ids []string
	for _, k := range f.kids {
		ids = append(ids, k.spec.ID)
	}
	return ids
}

func (k *kid) busy() bool { return k.life == starting || k.life == running && k.told }

func (f *referee) busy() bool { return slices.ContainsFunc(f.kids, (*kid).busy) }

// temporary: its record goes with its process.
func (f *referee) temporary(k *kid) bool {
	return f.cfg.Dynamic != nil || k.spec.Restart == strategies.Temporary
}

// fate returns the children that share that of k, in start order.
func (f *referee) fate(k *kid) []*kid {
	switch f.cfg.Strategy {
	case strategies.OneForAll:
		return slices.Clone(f.kids)
	case strategies.RestForOne:
		return slices.Clone(f.kids[slices.Index(f.kids, k):])
	}
	in := map[string]bool{k.spec.ID: true}
	for range f.kids { // as often as the longest chain may be
		for _, other := range f.kids {
			if slices.ContainsFunc(other.spec.Needs, func(id string) bool { return in[id] }) {
				in[other.spec.ID] = true
			}
			for _, h := range other.held {
				if in[other.spec.ID] && h.life == gone && !h.removed && !h.waits && !(h.dead && h.since > k.since) && !h.work.busy() {
					in[h.spec.ID] = true
				}
			}
		}
	}
	var group []*kid
	for _, other := range f.kids {
		if in[other.spec.ID] {
			group = append(group, other)
		}
	}
	return group
}

// before reports whether a, of the same group, must be started before b and
// stopped after it.
func (f *referee) before(group []*kid, a, b *kid) bool {
	switch f.cfg.Strategy {
	case strategies.Dependents:
		return slices.Contains(b.spec.Needs, a.spec.ID)
	case strategies.OneForOne:
		if f.parallel > 1 || f.cfg.Dynamic != nil {
			return false
		}
	}
	return slices.Index(group, a) < slices.Index(group, b)
}

func newWork(group []*kid) *work {
	return &work{group: group, begun: map[*kid]bool{}, ok: map[*kid]bool{}}
}

func (w *work) busy() bool { return w != nil && slices.ContainsFunc(w.group, (*kid).busy) }

// over: what comes next is not part of w.
func (w *work) over() {
	if w == nil {
		return
	}
	for _, k := range w.group {
		k.work = nil
	}
}

// begin makes w the work of its members. What they died of before has no further
// consequence.
func (f *referee) begin(w *work) *work {
	for _, k := range w.group {
		k.work.over()
		k.work = w
	}
	f.dealtWith(w.group)
	return w
}

// dealtWith: the exits of these children have no further consequence.
func (f *referee) dealtWith(kids []*kid) {
	for _, k := range kids {
		k.dead = false
		f.finishers = slices.DeleteFunc(f.finishers, func(other *kid) bool { return other == k })
	}
}

// check takes note of an input and judges the actions that answer it. idle is
// whether the machine was at rest before.
func (f *referee) check(now time.Time, in strategies.Input, actions []strategies.Action, idle bool) {
	f.t.Helper()
	f.moments++
	was, alone := f.finished, f.finishes(in)
	f.now = now
	f.input(in)
	for _, a := range actions {
		if (was || f.finished) && a.Do != strategies.DoReply {
			f.t.Fatalf("%v after finish", a.Do)
		}
		f.action(in, a)
	}
	if idle && alone && !f.ending {
		f.t.Fatalf("%s has finished, and the supervisor goes on", in.ID)
	}
	busy := 0
	for _, k := range f.kids {
		if k.busy() {
			busy++
		}
	}
	if busy > f.parallel && (f.cfg.Dynamic == nil || !f.ending) {
		f.t.Fatalf("%d starts and stops under way, %d allowed", busy, f.parallel)
	}
	if f.ending && len(f.calls) > 0 {
		f.t.Fatalf("the supervisor ends, and calls wait: %v", f.calls)
	}
	room := f.booted && (busy == 0 || busy < f.parallel && f.cfg.Strategy != strategies.Dependents)
	for _, k := range slices.Concat(f.kids, f.finishers) {
		if f.ending {
			break
		}
		if !k.work.busy() {
			k.work = nil // it was carried out as far as it could be
		}
		if room && k.work == nil && !(slices.Contains(f.finishers, k) && f.noOtherLeft(k)) &&
			!(k.putOff && f.newcomer(k)) { // it has had its turn
			f.dealtWith([]*kid{k})
		}
	}
}

func (f *referee) input(in strategies.Input) {
	switch in.Op {
	case strategies.OpBoot:
		if !f.told {
			f.begin(newWork(slices.Clone(f.kids)))
		}
		return
	case strategies.OpTerminate:
		f.told = true
		f.end()
		return
	}
	if in.Ticket != 0 {
		f.called(in)
		return
	}
	k := f.kid(in.ID)
	if k == nil || k.n != in.Incarnation {
		return
	}
	if in.Op == strategies.OpRetry && k.waits {
		k.due, k.since = true, f.moments
	}
	if k.life == gone {
		return
	}
	switch in.Op {
	case strategies.OpStarted:
		k.life = running
		if !k.told {
			k.ran, k.up = true, f.now
			f.startedWell(k)
		}
	case strategies.OpIgnored:
		k.life, k.ignored, k.excused = gone, true, true
		if k.cut {
			f.abandon(k)
		} else {
			f.startedWell(k)
		}
	case strategies.OpStartFailed, strategies.OpExited:
		f.ended(k, in.Exit)
	case strategies.OpDeadline:
		if in.Timer == strategies.StartTimer && k.life == starting && !k.told {
			k.late = true
			f.seen["late start"] = true
		}
	}
}

func (f *referee) startedWell(k *kid) {
	if k.work != nil {
		k.work.ok[k] = true
	}
}

// ended takes note of the end of what lived.
func (f *referee) ended(k *kid, e strategies.Exit) {
	was := *k
	k.life, k.exit = gone, e
	if k.cut {
		f.abandon(k)
	}
	if was.life == starting || was.late {
		f.startFailed(k, e)
	}
	if e.Directive >= strategies.EndTree {
		f.treeEnded = true
		f.seen["a call for the tree's end"] = true
		if was.told || was.life == starting {
			f.end()
		}
	}
	switch {
	case was.life == running && !was.told:
		k.dead, k.since = true, f.moments
		f.notUp(k)
		if k.spec.Significant && !f.restartable(k) {
			f.finishers = append(f.finishers, k)
			k.putOff = f.newcomer(k)
		}
	case f.ending && was.life == running && !f.fine(k):
		f.unexpected[e.Class]++
	}
}

// notUp: k was up until now. If that was long enough, its failures do not count
// any more.
func (f *referee) notUp(k *kid) {
	reset := k.spec.Backoff.Reset
	if reset == 0 {
		reset = max(k.spec.Backoff.Max, k.spec.Backoff.Min)
	}
	if !f.now.Before(k.up.Add(reset)) {
		k.failures = 0
	}
}

func (f *referee) startFailed(k *kid, e strategies.Exit) {
	w := k.work
	switch {
	case f.ending || e.Directive >= strategies.EndTree:
	case k.cut:
		f.seen["start cancelled by a call"] = true
	case w.ticket != 0:
		f.seen["failed start by a call"] = true
		k.excused = true
	case e.Directive == strategies.DoNotRestart:
		w.ok[k] = true
	default:
		k.waits, k.due, k.paused = true, false, false
		f.failed = f.failed || !f.booted
		if f.booted && len(w.group) > 1 {
			f.seen["failed start in a group"] = true
		}
	}
}

// abandon: k will not be started, and nobody will start those who were to be
// started with it.
func (f *referee) abandon(k *kid) {
	for _, other := range f.fate(k) {
		if other.life == gone {
			other.excused = true
		}
	}
}

func (f *referee) restartable(k *kid) bool {
	switch {
	case k.exit.Directive != strategies.ByRestart, k.spec.Restart == strategies.Temporary:
		return false
	case k.spec.Restart == strategies.Transient:
		return k.exit.Class > strategies.ShutdownTerm
	}
	return true
}

// finishes reports whether in is the end of a child that must be the end of the
// supervisor, too, if nothing else is going on (rules K2, K3).
func (f *referee) finishes(in strategies.Input) bool {
	k := f.kid(in.ID)
	if in.Op != strategies.OpExited || k == nil || k.n != in.Incarnation || k.life != running || k.told || !k.spec.Significant {
		return false
	}
	after := *k
	after.exit = in.Exit
	return !f.restartable(&after) && f.noOtherLeft(k)
}

// newcomer reports whether a call is starting another significant child than k,
// or stops it again because it was late.
func (f *referee) newcomer(k *kid) bool {
	return f.parallel > 1 && f.cfg.AutoShutdown == strategies.AllSignificant && slices.ContainsFunc(f.kids, func(other *kid) bool {
		return other != k && other.spec.Significant && (other.life == starting || other.cut || other.life == running && other.late) && other.work != nil && other.work.ticket != 0
	})
}

func (f *referee) noOtherLeft(k *kid) bool {
	return f.cfg.AutoShutdown == strategies.AnySignificant || !slices.ContainsFunc(f.kids, func(other *kid) bool {
		return other != k && other.spec.Significant && (other.life != gone || other.waits && !other.due)
	})
}

// mayEnd: it may be that the turn has come of an exit which ends the supervisor
// without any report.
func (f *referee) mayEnd() bool {
	return !f.ending && f.booted && (f.treeEnded || slices.ContainsFunc(f.finishers, f.noOtherLeft))
}

// turn: something that came about at a certain moment has its turn. What was
// before that has had its own, and did not end the supervisor.
func (f *referee) turn(at int) {
	if f.ending || f.parallel > 1 && f.cfg.Strategy == strategies.Dependents { // there turns may be put off
		return
	}
	for _, k := range slices.Clone(f.finishers) {
		if k.since < at && !k.putOff {
			f.dealtWith([]*kid{k})
		}
	}
}

// endsSince returns since when.
func (f *referee) endsSince() int {
	at := f.moments
	for _, k := range f.kids {
		if k.dead && k.exit.Directive >= strategies.EndTree {
			at = min(at, k.since)
		}
	}
	for _, k := range f.finishers {
		if f.noOtherLeft(k) {
			at = min(at, k.since)
		}
	}
	return at
}

func (f *referee) end() {
	if f.ending {
		return
	}
	f.ending = true
	for _, k := range f.kids {
		if k.dead && !f.fine(k) {
			f.unexpected[k.exit.Class]++
		}
	}
	finishers := slices.Clone(f.finishers)
	f.begin(newWork(slices.Clone(f.kids))).end = true
	f.finishers = finishers
}
