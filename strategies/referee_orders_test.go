package strategies_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// action judges one order of the machine.
func (f *referee) action(in strategies.Input, a strategies.Action) {
	f.t.Helper()
	k := f.kid(a.ID)
	for _, other := range f.kids { // what waits for nothing goes on at once, or is done with
		if w := other.work; w != nil && !w.end && !w.busy() && !slices.Contains(w.group, k) {
			w.over()
		}
	}
	switch a.Do {
	case strategies.DoStart:
		f.start(k, a)
	case strategies.DoStop:
		if k.told && (k.spec.Shutdown != strategies.BrutalKill || in.Op != strategies.OpCannotKill) {
			f.t.Fatalf("%s: told to stop twice", a.ID)
		}
		if k.spec.Shutdown == strategies.BrutalKill && in.Op != strategies.OpCannotKill {
			f.t.Fatalf("%s: told to stop, where it should be killed", a.ID)
		}
		f.stop(in, k)
	case strategies.DoKill:
		if k.spec.Shutdown != strategies.BrutalKill && in.Op != strategies.OpDeadline {
			f.t.Fatalf("%s: killed before its time", a.ID)
		}
		f.stop(in, k)
	case strategies.DoArm:
		f.arm(in, k, a)
	case strategies.DoReply:
		f.reply(a.Reply)
	case strategies.DoBooted:
		f.isBooted()
	case strategies.DoReport:
		f.report(in, k, a)
	case strategies.DoFinish:
		f.finish(a)
	}
}

func (f *referee) isBooted() {
	if f.booted || f.failed || f.ending {
		f.t.Fatalf("booted: again, or after a failure")
	}
	f.booted = true
	for _, k := range f.kids {
		if k.n != k.spec.Incarnation+1 || k.life == starting {
			f.t.Fatalf("booted, and %s has not been started", k.spec.ID)
		}
	}
}

// start: no other incarnation lives, the number is the next, and there is a
// reason to start the child, and to do so now.
func (f *referee) start(k *kid, a strategies.Action) {
	f.t.Helper()
	if k == nil {
		k = f.added(a)
	}
	id := k.spec.ID
	switch {
	case k.life != gone || a.Incarnation != k.n+1:
		f.t.Fatalf("%s: start of #%d, and #%d lives", id, a.Incarnation, k.n)
	case f.ending:
		f.t.Fatalf("%s: started at the end", id)
	case k.spec.Restart == strategies.Temporary && k.ran:
		f.t.Fatalf("%s: temporary, and started again", id)
	}
	if wrong := f.because(k, f.early); wrong != "" {
		f.t.Fatalf("%s: started %s", id, wrong)
	}
	if f.booted && len(k.work.begun) == 0 {
		f.dealtWith(k.work.group) // found dead
	}
	k.work.begun[k] = true
	k.life, k.n = starting, k.n+1
	k.told, k.late, k.cut, k.dead, k.ignored, k.excused = false, false, false, false, false, false
	k.waits, k.due, k.paused, k.resumed, k.lost, k.held = false, false, false, false, false, nil
}

// early says what is wrong with starting k now.
func (f *referee) early(w *work, k *kid) string {
	switch {
	case w == nil || w.stays:
		return "though it is not concerned"
	case w.begun[k]:
		return "again"
	case w.paused > 0:
		return "before the pause is over"
	}
	for _, other := range w.group {
		if other.removed || other == k {
			continue
		}
		if len(w.begun) == 0 && other.life != gone && f.booted {
			return "before " + other.spec.ID + " is down"
		}
		if f.before(w.group, other, k) && !w.ok[other] && (f.booted || f.parallel == 1 || f.cfg.Strategy == strategies.Dependents) {
			return "before " + other.spec.ID + " has been"
		}
	}
	for _, id := range k.spec.Needs {
		if n := f.kid(id); n != nil && (n.busy() || n.waits && !n.due) && (w.ticket != 0 || slices.Contains(w.group, n)) {
			return "beside " + id + ", which it needs"
		}
	}
	return ""
}

// stop: the child lives, there is a reason to stop it, and those that go before
// it are down.
func (f *referee) stop(in strategies.Input, k *kid) {
	f.t.Helper()
	if k == nil || k.life == gone {
		f.t.Fatalf("stop of a child that does not live")
	}
	id := k.spec.ID
	if k.told { // a kill after a stop, or a stop after a kill
		return
	}
	defer func() { k.told = true }()
	if k.life == starting {
		if !f.ending && !k.late && !k.cut && f.mayEnd() {
			f.end()
		}
		if !f.ending && !k.late && !k.cut {
			f.t.Fatalf("%s: start cancelled without reason", id)
		}
		return
	}
	f.notUp(k)
	if wrong := f.because(k, f.misplaced); wrong != "" {
		f.t.Fatalf("%s: stopped %s", id, wrong)
	}
}

// misplaced says what is wrong with stopping k now.
func (f *referee) misplaced(w *work, k *kid) string {
	switch {
	case w == nil:
		return "though it is not concerned"
	case len(w.begun) > 0:
		return "when starts have begun"
	}
	for _, other := range w.group {
		if other == k || other.life == gone {
			continue
		}
		if f.parallel == 1 && other.told && f.cfg.Dynamic == nil {
			return "before " + other.spec.ID + " is down"
		}
		if f.before(w.group, k, other) {
			return "before " + other.spec.ID
		}
	}
	return ""
}

// because finds out what k is started or stopped for: what is being carried out,
// or else something that no report tells of. If there is more than one such
// thing, it is the one that has waited longest. wrong says what is wrong with k's
// being part of some work now.
func (f *referee) because(k *kid, wrong func(w *work, k *kid) string) string {
	why := wrong(k.work, k)
	if why == "" {
		return ""
	}
	var causes []cause
	for _, r := range f.calls {
		w := newWork([]*kid{k})
		w.ticket, w.stays = r.in.Ticket, r.terminates(k)
		if w.stays || r.in.Op == strategies.OpRestartChild && r.in.ID == k.spec.ID && !k.waits && k.life == gone {
			causes = append(causes, cause{r.at, w, func() { r.kid = k; f.seen[r.in.Op.String()] = true }})
		}
	}
	for _, other := range f.kids {
		if other.due && other.paused && slices.Contains(f.fate(other), k) {
			causes = append(causes, cause{other.since, newWork(f.fate(other)), func() {
				other.waits, other.due, other.paused, other.resumed = false, false, false, true
				f.seen["pause over"] = true
			}})
		}
	}
	if f.mayEnd() && k.life != gone && len(f.calls) == 0 { // calls would have been answered
		causes = append(causes, cause{f.endsSince(), newWork(slices.Clone(f.kids)), f.end})
	}
	slices.SortFunc(causes, func(a, b cause) int { return a.at - b.at })
	for _, r := range causes {
		if wrong(r.work, k) == "" {
			r.accept()
			f.turn(r.at)
			if !f.ending {
				f.begin(r.work)
			}
			return ""
		}
	}
	return why
}

// cause is something that may have had its turn.
type cause struct {
	at     int // since when
	work   *work
	accept func()
}

func (f *referee) arm(in strategies.Input, k *kid, a strategies.Action) {
	switch a.Timer {
	case strategies.StartTimer:
		f.time(a, k.spec.StartLimit)
	case strategies.StopTimer:
		want, limited := limit(&k.spec)
		if in.Op == strategies.OpCannotKill && in.ID == a.ID && k.spec.Shutdown != strategies.BrutalKill {
			want = 5*time.Second - want // the rest of what nobody who cannot be killed has less of
			if want <= 0 {
				f.t.Fatalf("%s: more time than it is to have", a.ID)
			}
		}
		if !limited {
			f.t.Fatalf("%s: a timer for a stop without limit", a.ID)
		}
		f.time(a, want)
	case strategies.DrainTimer:
		want, limited := limit(f.cfg.Dynamic)
		if !limited || f.drained || !f.ending {
			f.t.Fatalf("a common time to stop: again, or without limit, or not at the end")
		}
		f.drained = true
		f.time(a, want)
	case strategies.RetryTimer:
		f.pause(k, a)
	}
}

func (f *referee) time(a strategies.Action, want time.Duration) {
	if a.After != want {
		f.t.Fatalf("%s: %v timer of %v, want %v", a.ID, a.Timer, a.After, want)
	}
}

func limit(s *strategies.ChildSpec) (time.Duration, bool) {
	switch {
	case s.Shutdown == strategies.Infinity, s.Shutdown == 0 && s.Kind == strategies.Supervisor:
		return 0, false
	case s.Shutdown == strategies.Timeout(0):
		return 0, true
	case s.Shutdown > 0:
		return time.Duration(s.Shutdown), true
	}
	return 5 * time.Second, true
}

// pause is a wait before the next start of k: after a failed start, or of its
// group after a failure.
func (f *referee) pause(k *kid, a strategies.Action) {
	f.t.Helper()
	w := k.work
	if w.paused == 0 {
		if !k.waits {
			f.t.Fatalf("%s: to be started again, without a failed start", a.ID)
		}
		f.delay(k, a.After)
		return
	}
	if a.After != w.paused {
		f.t.Fatalf("%s: a pause of %v, announced was one of %v", a.ID, a.After, w.paused)
	}
	for _, other := range w.group {
		if other.life != gone {
			f.t.Fatalf("%s: the pause begins before %s is down", a.ID, other.spec.ID)
		}
	}
	f.dealtWith(w.group)
	k.waits, k.due, k.paused, k.held = true, false, true, w.group
	f.seen["pause"] = true
}

// delay checks a delay against the child's Backoff, and takes note of one more
// failure.
func (f *referee) delay(k *kid, got time.Duration) {
	f.t.Helper()
	b := k.spec.Backoff
	if b == (strategies.Backoff{}) {
		if got != 0 {
			f.t.Fatalf("%s: a delay of %v without a backoff", k.spec.ID, got)
		}
		return
	}
	b.Max = max(b.Max, b.Min)
	if b.Factor == 0 {
		b.Factor = 2
	}
	want := float64(b.Min)
	for range k.failures {
		want = min(want*b.Factor, float64(b.Max))
	}
	k.failures++
	const rounding = 10
	if low, high := want*(1-b.Jitter)-rounding, want*(1+b.Jitter)+rounding; float64(got) < low || float64(got) > high {
		f.t.Fatalf("%s: a delay of %v after %d failures, want %v times 1±%v", k.spec.ID, got, k.failures, time.Duration(want), b.Jitter)
	}
}

// finish: nothing lives any more, and there is a reason.
func (f *referee) finish(a strategies.Action) {
	f.t.Helper()
	if f.mayEnd() {
		f.end()
	}
	f.finished = true
	for _, k := range f.kids {
		if k.life != gone {
			f.t.Fatalf("finish, and %s lives", k.spec.ID)
		}
	}
	right := map[strategies.Why]bool{
		strategies.Told:        f.told,
		strategies.Exhausted:   f.gaveUp,
		strategies.BootFailed:  f.failed,
		strategies.TreeEnded:   f.treeEnded,
		strategies.AutoStopped: slices.ContainsFunc(f.finishers, func(k *kid) bool { return k.spec.ID == a.ID }),
	}[a.Why]
	if !right || a.Why == strategies.AutoStopped && a.Exit != (strategies.Exit{Class: strategies.Shutdown}) {
		f.t.Fatalf("finish %v of %s with %v: without that reason", a.Why, a.ID, a.Exit)
	}
	f.seen["finish "+a.Why.String()] = true
	if f.cfg.Dynamic != nil && !f.treeEnded {
		for class, n := range f.unexpected {
			if n != 0 {
				f.t.Fatalf("%d children more ended with %v than was reported", n, class)
			}
		}
	}
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
		case k.life == running && !k.told:
		case k.life == gone && (!k.waits || k.due) && f.cfg.Dynamic == nil && (k.excused || k.spec.Restart == strategies.Transient && clean):
		default:
			f.t.Fatalf("at rest, and %s, %v, is not up: last exit %v", k.spec.ID, k.spec.Restart, k.exit)
		}
	}
	if len(f.calls) > 0 {
		f.t.Fatalf("at rest, and calls wait: %v", f.calls)
	}
}

func (r *request) String() string { return fmt.Sprintf("%v %s", r.in.Op, r.in.ID) }
