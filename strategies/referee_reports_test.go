package strategies_test

import (
	"slices"

	"github.com/coppice-go/coppice/strategies"
)

func (f *referee) report(in strategies.Input, k *kid, a strategies.Action) {
	f.t.Helper()
	if k == nil {
		f.drainedReport(a)
		return
	}
	abnormal := a.Exit.Class == strategies.Killed || a.Exit.Class == strategies.Crash
	switch a.Report {
	case strategies.Progress, strategies.Running:
		if k.life != running || k.told || (a.Report == strategies.Running) != (f.cfg.Dynamic != nil) {
			f.t.Fatalf("%s: %v", a.ID, a.Report)
		}
	case strategies.Restarting, strategies.GivingUp:
		f.restart(k, a)
	case strategies.Removed:
		f.removed(k)
	case strategies.ChildTerminated:
		if !k.dead || a.Exit != k.exit || k.spec.Restart != strategies.Permanent && !abnormal {
			f.t.Fatalf("%s: child_terminated with %v after %v", a.ID, a.Exit, k.exit)
		}
	case strategies.ShutdownError:
		if f.fine(k) {
			f.t.Fatalf("%s: shutdown_error with %v", a.ID, a.Exit)
		}
		f.seen["shutdown_error"] = true
	case strategies.StartError:
		if !k.waits && a.Exit.Directive < strategies.EndTree {
			f.t.Fatalf("%s: start_error without a failed start", a.ID)
		}
	case strategies.NotStarted:
		if k.work.ticket == 0 || k.life != gone || k.ignored {
			f.t.Fatalf("%s: not_started without a call, or without a failed start", a.ID)
		}
	case strategies.Cancelled:
		if k.life != gone || !f.ending && !k.waits && !k.cut && !k.resumed {
			f.t.Fatalf("%s: cancelled, though nothing was to be started", a.ID)
		}
		k.waits, k.due, k.resumed, k.lost = false, false, false, true
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

// drainedReport is one about several children at the end of a dynamic supervisor.
func (f *referee) drainedReport(a strategies.Action) {
	if f.cfg.Dynamic == nil || !f.ending || a.Report != strategies.ShutdownError || a.ID != "" {
		f.t.Fatalf("%v of %q, who was removed", a.Report, a.ID)
	}
	f.unexpected[a.Exit.Class] -= a.Group
	f.seen["shutdown_error of several"] = true
}

// removed: for one of the reasons there are, and it does not run.
func (f *referee) removed(k *kid) {
	f.t.Helper()
	deleted := false
	for _, r := range f.calls {
		deleted = deleted || r.in.Op == strategies.OpDeleteChild && r.in.ID == k.spec.ID
	}
	added := k.ticket != 0 && f.calls[k.ticket] != nil // by a call that failed
	if k.life != gone || k.waits || !f.temporary(k) && k.exit.Directive != strategies.DoNotRestart && !deleted && !added {
		f.t.Fatalf("%s: removed", k.spec.ID)
	}
	if deleted {
		f.abandon(k)
	}
	if !f.noOtherLeft(k) {
		f.dealtWith([]*kid{k})
	}
	k.removed = true
	f.used[k.spec.ID] = max(k.n, f.used[k.spec.ID])
	f.kids = slices.DeleteFunc(f.kids, func(other *kid) bool { return other == k })
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
func (f *referee) restart(k *kid, a strategies.Action) {
	f.t.Helper()
	again := k.waits && !k.paused
	switch {
	case k.life != gone || f.ending || !f.booted || k.work != nil && k.work.begun[k] && !again && !k.dead:
		f.t.Fatalf("%s: a restart at the wrong time", a.ID)
	case again && !k.due:
		f.t.Fatalf("%s: another attempt before its time", a.ID)
	case again:
		f.seen["retry"] = true
	case !k.dead || !f.restartable(k):
		f.t.Fatalf("%s: %v, and restarted after %v", a.ID, k.spec.Restart, k.exit)
	}
	k.waits, k.due, k.dead = false, false, false
	f.turn(k.since)
	spent := 1
	for _, at := range f.restarts {
		if f.now.Sub(at) <= f.within {
			spent++
		}
	}
	f.restarts = append(f.restarts, f.now)
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
	group := f.fate(k)
	for _, other := range group {
		if other.busy() {
			f.t.Fatalf("%s: restarted with %s, which is being started or stopped", a.ID, other.spec.ID)
		}
	}
	w := f.begin(newWork(group))
	w.paused = a.After
	if again {
		if a.After != 0 {
			f.t.Fatalf("%s: put off by %v, twice", a.ID, a.After)
		}
	} else {
		f.delay(k, a.After)
	}
	var ids []string
	for _, other := range group {
		ids = append(ids, other.spec.ID)
	}
	if got := a.Members(); a.Group != len(group) || !slices.Equal(got, ids) {
		f.t.Fatalf("%s: group of %d, %v, want %v", a.ID, a.Group, got, ids)
	}
}
