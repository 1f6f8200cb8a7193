package strategies_test

import (
	"errors"
	"slices"

	"github.com/coppice-go/coppice/strategies"
)

// request is a call that has not been answered.
type request struct {
	in  strategies.Input
	at  int
	kid *kid // the one it added, or cancelled the start of
}

func (f *referee) called(in strategies.Input) {
	r := &request{in: in, at: f.moments}
	f.calls[in.Ticket] = r
	if k := f.kid(in.ID); k != nil && r.terminates(k) && r.in.Instance == (f.cfg.Dynamic != nil) &&
		f.parallel > 1 && k.life == starting && f.booted && !f.ending {
		k.cut, r.kid = true, k
	}
}

// terminates reports whether it is a call to terminate k.
func (r *request) terminates(k *kid) bool {
	return r.in.Op == strategies.OpTerminateChild && r.in.ID == k.spec.ID && (r.in.Incarnation == 0 || r.in.Incarnation == k.n)
}

// added takes up a child that a call adds.
func (f *referee) added(a strategies.Action) *kid {
	f.t.Helper()
	ticket, _ := a.Tag.(uint64)
	r := f.calls[ticket]
	if r == nil || r.in.Op != strategies.OpStartChild || r.in.ID != a.ID || r.kid != nil || f.wrong(&r.in) {
		f.t.Fatalf("%s: started, and nobody asked for it", a.ID)
	}
	n := max(r.in.Incarnation, f.used[a.ID])
	if a.Incarnation != n+1 {
		f.t.Fatalf("%s: added as #%d after #%d", a.ID, a.Incarnation, n)
	}
	spec := f.cfg.Dynamic
	if spec == nil {
		spec = r.in.Spec
	}
	r.kid = &kid{spec: *spec, n: n, ticket: ticket}
	r.kid.spec.ID, r.kid.spec.Incarnation = a.ID, n
	f.kids = append(f.kids, r.kid)
	f.begin(newWork([]*kid{r.kid})).ticket = ticket
	f.seen["start_child"] = true
	return r.kid
}

// wrong reports whether a child of this description cannot be added.
func (f *referee) wrong(in *strategies.Input) bool {
	if in.ID == "" || in.ID == "i/j" {
		return true
	}
	if f.cfg.Dynamic != nil {
		return false
	}
	s := in.Spec
	switch {
	case s.Restart > strategies.Temporary, s.Shutdown == strategies.Timeout(-1), s.Backoff.Factor == 0.5:
		return true
	case s.Significant && (s.Restart == strategies.Permanent || f.cfg.AutoShutdown == strategies.Never):
		return true
	case len(s.Needs) > 0 && f.cfg.Strategy != strategies.Dependents:
		return true
	}
	for i, id := range s.Needs {
		if slices.Contains(s.Needs[:i], id) || f.kid(id) == nil || id == s.ID {
			return true
		}
	}
	if f.kid(s.ID) != nil {
		return false
	}
	return slices.ContainsFunc(s.Needs, func(id string) bool { return f.needs(f.kid(id), s.ID) })
}

// needs reports whether k needs id, directly or not.
func (f *referee) needs(k *kid, id string) bool {
	return k != nil && slices.ContainsFunc(k.spec.Needs, func(n string) bool { return n == id || f.needs(f.kid(n), id) })
}

// reply judges the answer to a call by what the children are doing at that time.
func (f *referee) reply(got *strategies.Reply) {
	f.t.Helper()
	r := f.calls[got.Ticket]
	if r == nil {
		f.t.Fatalf("call %d: answered again, or without being asked", got.Ticket)
	}
	delete(f.calls, got.Ticket)
	if errors.Is(got.Err, strategies.ErrDown) {
		if f.mayEnd() {
			f.end()
		}
		if !f.ending {
			f.t.Fatalf("call %d: %v, and it has not", got.Ticket, got.Err)
		}
		return
	}
	if f.ending {
		f.t.Fatalf("call %d: answered at the end: %v", got.Ticket, got.Err)
	}
	if r.kid == nil || !r.kid.cut {
		f.turn(r.at)
	}
	if !f.right(r, got) {
		f.t.Fatalf("call %d, %v: the answer is %v, %+v", got.Ticket, r, got.Err, *got)
	}
	what := "answer to " + r.in.Op.String()
	if got.Err != nil && !isSpecError(got.Err) {
		what += ": " + got.Err.Error()
	}
	f.seen[what] = true
}

func isSpecError(err error) bool {
	var e *strategies.SpecError
	return errors.As(err, &e)
}

func (f *referee) right(r *request, got *strategies.Reply) bool {
	f.t.Helper()
	dynamic := f.cfg.Dynamic != nil
	k := f.kid(r.in.ID)
	if r.kid != nil {
		k = r.kid
	}
	switch r.in.Op {
	case strategies.OpWhich:
		return got.Err == nil && f.rightList(got.Children)
	case strategies.OpCount:
		return got.Err == nil && got.Counts == f.counts()
	case strategies.OpStartChild:
		return f.rightStart(r, k, got)
	case strategies.OpRestartChild, strategies.OpDeleteChild:
		if dynamic {
			return got.Err == strategies.ErrDynamic
		}
	default:
		switch {
		case dynamic && !r.in.Instance:
			return got.Err == strategies.ErrDynamic
		case !dynamic && r.in.Instance:
			return got.Err == strategies.ErrNotFound
		}
	}
	if got.Err == strategies.ErrNotFound {
		return k == nil
	}
	if r.in.Op == strategies.OpDeleteChild && got.Err == nil {
		return k == nil
	}
	if r.in.Op == strategies.OpTerminateChild {
		return got.Err == nil && f.rightTerminate(r, k)
	}
	switch {
	case k == nil:
		return false
	case r.in.Op == strategies.OpSpec:
		s := got.Spec
		return got.Err == nil && (dynamic || s.ID == k.spec.ID) && s.Incarnation == k.n &&
			s.Restart == k.spec.Restart && s.Kind == k.spec.Kind && s.Significant == k.spec.Significant
	case got.Err == strategies.ErrRunning:
		return k.life == running && !k.told || k.dead
	case got.Err == strategies.ErrRestarting:
		return k.waits
	}
	return r.in.Op == strategies.OpRestartChild && f.rightOutcome(k, got)
}

// rightTerminate: the child is down, unless another incarnation was meant.
func (f *referee) rightTerminate(r *request, k *kid) bool {
	f.finishers = slices.DeleteFunc(f.finishers, r.terminates)
	switch {
	case k == nil || r.kid != nil && r.kid.removed:
		return true // it went with its process
	case r.in.Incarnation != 0 && r.in.Incarnation != k.n:
		return true
	}
	if k.lost {
		f.abandon(k)
	}
	k.excused = true
	f.dealtWith([]*kid{k})
	return k.life == gone && !k.waits
}

func (f *referee) rightStart(r *request, k *kid, got *strategies.Reply) bool {
	switch {
	case r.kid != nil: // it was there to be judged then
	case isSpecError(got.Err) || f.wrong(&r.in):
		return isSpecError(got.Err) && f.wrong(&r.in)
	case got.Err == strategies.ErrAlreadyStarted:
		return k != nil && got.Incarnation == k.n && (k.life == running && !k.told || k.dead)
	case got.Err == strategies.ErrAlreadyPresent:
		return k != nil && k.life == gone
	default: // under Dependents it may be started later
		return got.Err == nil && got.Incarnation == 0 && f.waiting(r.in.Spec) && f.addedForLater(r)
	}
	if r.kid.removed && r.kid.ignored && got.Err == nil {
		return f.temporary(r.kid) && got.Incarnation == 0
	}
	return f.rightOutcome(r.kid, got) && r.kid.removed == (got.Err != nil)
}

// rightOutcome judges how a start went that was asked for.
func (f *referee) rightOutcome(k *kid, got *strategies.Reply) bool {
	switch {
	case got.Err == strategies.ErrCancelled:
		return k.life == gone && k.cut
	case got.Err == strategies.ErrStart:
		return k.life == gone && !k.cut && (got.Exit.Err == k.exit.Err || k.late)
	case got.Err != nil:
		return false
	case got.Incarnation == 0:
		if f.waiting(&k.spec) {
			k.excused = false // it will be started
			return k.life == gone
		}
		return k.ignored
	}
	return k.life == running && !k.told && got.Incarnation == k.n
}

// waiting reports whether something that a child needs waits to be started again.
func (f *referee) waiting(s *strategies.ChildSpec) bool {
	return slices.ContainsFunc(s.Needs, func(id string) bool {
		n := f.kid(id)
		return n != nil && n.life == gone && (n.waits || f.waiting(&n.spec))
	})
}

func (f *referee) addedForLater(r *request) bool {
	f.kids = append(f.kids, &kid{spec: *r.in.Spec, n: max(r.in.Incarnation, f.used[r.in.ID])})
	f.seen["start_child of what waits with another"] = true
	return true
}

func (f *referee) counts() strategies.Counts {
	n := strategies.Counts{Specs: len(f.kids)}
	if f.cfg.Dynamic != nil {
		n.Specs = 1
	}
	for _, k := range f.kids {
		if k.life == running && !k.told {
			n.Active++
		}
		if k.spec.Kind == strategies.Supervisor {
			n.Supervisors++
		} else {
			n.Workers++
		}
	}
	return n
}

// rightList: all children are there, newest first, and each is said to do what
// it does.
func (f *referee) rightList(got []strategies.ChildInfo) bool {
	if len(got) != len(f.kids) {
		return false
	}
	for i, info := range got {
		k := f.kids[len(f.kids)-1-i]
		right := false
		switch info.State {
		case strategies.Up:
			right = k.life == running && !k.told
		case strategies.Starting:
			right = k.life == starting
		case strategies.Stopping:
			right = k.life == running && k.told
		case strategies.Dead:
			right = k.life == gone && (k.dead || k.work != nil)
		case strategies.Waiting:
			right = k.life == gone && k.waits
		case strategies.Down:
			right = k.life == gone && (!k.waits || k.due)
		}
		if !right || info.ID != k.spec.ID || info.Incarnation != k.n || info.Kind != k.spec.Kind {
			f.t.Fatalf("which: %+v, and %s#%d: life %v, told %v, dead %v, waits %v", info, k.spec.ID, k.n, k.life, k.told, k.dead, k.waits)
		}
	}
	return true
}
