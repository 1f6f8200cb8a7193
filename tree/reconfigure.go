package tree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-go/coppice/strategies"
)

// Change is what Reconfigure does about a child.
type Change struct {
	Path   string            `json:"path"`
	Change strategies.Change `json:"change"`
	With   string            `json:"with,omitempty"` // of ChildRenewed: the path of the sibling whose fate it shares; empty if it is its own
}

// String is the path and what is done: "shop/web renewed with shop/db".
func (c Change) String() string {
	if c.With != "" {
		return fmt.Sprintf("%s %v with %s", c.Path, c.Change, c.With)
	}
	return fmt.Sprintf("%s %v", c.Path, c.Change)
}

// Reconfigure gives the supervisor, and all below it, another Spec while they run, as
// OTP's code_change does. A child that is in both keeps running, and whatever is said
// of it but its Start holds at once, as do strategy, intensity and order; the restarts
// counted so far stay counted. Its new Start is for its next incarnation. Where that
// must be now, its path is to be among those in renew: it is restarted, with those who
// share its fate by the new Spec, and not counted; if it does not run it stays as it
// is. Under each supervisor what the new Spec does not have any more, and what is to be
// restarted, is stopped first, in reverse order, and then started what is to be, in
// order. What calls have added stays, and comes last. The children of a dynamic
// supervisor keep running, whatever becomes of the template.
//
// Unlike in OTP, what leaves is removed and what comes is started by the call itself. The
// result tells what was done, parents before children. Below a child that was added or
// renewed nothing is told, because all of it is new. A root that does not run has the
// Spec when it is served next, and there is nothing to tell.
//
// The new Spec of a supervisor that has a parent lasts until the parent begins anew, as
// what was added to it by calls does (rule G6). Logger and Sink of spec itself are not
// looked at: those of the supervisor stay; those of Specs nested in it hold from the
// next start of their supervisors.
//
// The error joins a *SpecError for all that is wrong with spec or renew, and then
// nothing was changed; or a *StartError for every start that failed: that child stays
// down, and those who would come after it; nobody tries again but the next
// Reconfigure, whatever it is about. Or it is one of those of every call, see
// [Supervisor.StartChild]; what was asked for may then have been done in part. Of
// several calls in one tree each waits for the one before.
func (s *Supervisor) Reconfigure(ctx context.Context, spec Spec, renew ...string) ([]Change, error) {
	d, err := s.redesign(spec, renew)
	if err != nil {
		return nil, err
	}
	if s.becomes(&d.spec) {
		return nil, nil
	}
	l, err := s.reach(ctx)
	if err != nil {
		return nil, err
	}
	release, err := s.hub.reserve(ctx, l)
	if err != nil {
		return nil, err
	}
	defer release()
	return d.carryOut(ctx, s)
}

// PlanReconfigure tells what Reconfigure would do now, and does nothing. It never
// waits for the supervisor. It fails as Reconfigure does.
func (s *Supervisor) PlanReconfigure(spec Spec, renew ...string) ([]Change, error) {
	d, err := s.redesign(spec, renew)
	if err != nil || s.resting() {
		return nil, err
	}
	var changes []Change
	err = d.plan(s, &d.spec, func(_ *Supervisor, _ *Spec, c []Change) { changes = append(changes, c...) })
	return changes, err
}

// resting reports whether this is a root that does not run.
func (s *Supervisor) resting() bool { return s.node.up == nil && !s.life.Load().running() }

// becomes gives a root that does not run another Spec for when it does, and reports
// whether it has.
func (s *Supervisor) becomes(spec *Spec) bool {
	s.begin.Lock()
	defer s.begin.Unlock()
	if !s.resting() {
		return false
	}
	s.spec.Store(spec)
	return true
}

// reserve keeps other Reconfigures away from the tree until release is called. A start
// that a supervisor waits for must not wait for that.
func (h *hub) reserve(ctx context.Context, l *life) (release func(), err error) {
	release = func() { <-h.redesign }
	select {
	case h.redesign <- struct{}{}:
		return release, nil
	default:
	}
	if m, _ := ctx.Value(initKey{}).(*initMark); m != nil && !m.over.Load() {
		return nil, fmt.Errorf("%s: %w", l.sup.node.path, ErrFromInit)
	}
	select {
	case h.redesign <- struct{}{}:
		return release, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// redesign is a new Spec for a supervisor and all below it.
type redesign struct {
	spec  Spec
	renew map[string]bool      // paths
	had   map[*Supervisor]bool // those that had the Spec before: the caller has used it again
	done  map[*Supervisor]bool // those that were given it
	told  map[string][]Change  // what was done, by the path of the supervisor
	wrong []error              // starts that failed
}

// redesign checks what is asked for.
func (s *Supervisor) redesign(spec Spec, renew []string) (*redesign, error) {
	path := s.node.path
	wrong := validate(path, &spec)
	d := &redesign{spec: spec, renew: make(map[string]bool), had: make(map[*Supervisor]bool), done: make(map[*Supervisor]bool), told: make(map[string][]Change)}
	d.spec.Children = slices.Clone(spec.Children) // the caller's may change
	for _, r := range renew {
		if !spec.has(path, r) {
			wrong = append(wrong, &SpecError{Path: r, Err: ErrNotFound})
		}
		d.renew[r] = true
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	old := s.description()
	d.spec.Logger, d.spec.Sink = old.Logger, old.Sink
	return d, nil
}

// has reports whether there is a child of this path below a supervisor.
func (s *Spec) has(up, path string) bool {
	rest, ok := strings.CutPrefix(path, up+"/")
	if !ok {
		return false
	}
	id, below, deeper := strings.Cut(rest, "/")
	for i := range s.Children {
		c := &s.Children[i]
		if c.ID != id {
			continue
		}
		if sub := c.Start.nested(); deeper && sub != nil {
			return sub.has(up+"/"+id, up+"/"+id+"/"+below)
		}
		return !deeper
	}
	return false
}

// plan asks the machines of a supervisor, and of those below it that stay, parents
// first.
func (d *redesign) plan(s *Supervisor, spec *Spec, see func(*Supervisor, *Spec, []Change)) error {
	l := s.life.Load()
	if !l.running() {
		return fmt.Errorf("%s: %w", s.node.path, ErrNotRunning)
	}
	l.mu.Lock()
	changed, err := l.machine.Plan(d.newConfig(l, spec))
	l.mu.Unlock()
	switch {
	case errors.Is(err, strategies.ErrDown):
		return fmt.Errorf("%s: %w", s.node.path, ErrNotRunning)
	case err != nil:
		return about(err, s.node.path)
	}
	if s.description() == spec {
		d.had[s] = true
	}
	changes := told(s, changed)
	see(s, spec, changes)
	return d.below(s, spec, changes, func(s *Supervisor, spec *Spec) error { return d.plan(s, spec, see) })
}

// told gives what a machine tells its paths.
func told(s *Supervisor, changed []strategies.Changed) []Change {
	var changes []Change
	for _, c := range changed {
		t := Change{Path: s.node.path + "/" + c.ID, Change: c.Change}
		if c.With != "" {
			t.With = s.node.path + "/" + c.With
		}
		changes = append(changes, t)
	}
	return changes
}

// below goes on with the supervisors that run, are to stay, and do not begin anew.
func (d *redesign) below(s *Supervisor, spec *Spec, changes []Change, do func(*Supervisor, *Spec) error) error {
	for i := range spec.Children {
		c := &spec.Children[i]
		path := s.node.path + "/" + c.ID
		sub := c.Start.nested()
		if sub == nil || slices.ContainsFunc(changes, func(c Change) bool { return c.Path == path }) {
			continue
		}
		below := s.Supervisor(path)
		if below == nil {
			continue
		}
		if err := do(below, sub); err != nil && !errors.Is(err, ErrNotRunning) {
			return err
		}
	}
	return nil
}

// carryOut lets the machines have what is new: first those under which something only
// leaves, for what comes elsewhere may need what that holds, a port for instance, and
// then all, parents before children.
func (d *redesign) carryOut(ctx context.Context, s *Supervisor) ([]Change, error) {
	type order struct {
		sup  *Supervisor
		spec *Spec
	}
	var first []order
	err := d.plan(s, &d.spec, func(sup *Supervisor, spec *Spec, changes []Change) {
		leave := func(c Change) bool { return c.Change == strategies.ChildRemoved }
		come := func(c Change) bool { return c.Change == strategies.ChildAdded }
		if slices.ContainsFunc(changes, leave) && !slices.ContainsFunc(changes, come) {
			first = append(first, order{sup, spec})
		}
	})
	if err != nil {
		return nil, err
	}
	for _, o := range first {
		if err := d.give(ctx, o.sup, o.spec); err != nil && (o.sup == s || !errors.Is(err, ErrNotRunning)) {
			return nil, err
		}
	}
	changes, err := d.giveAll(ctx, s, &d.spec)
	if err != nil {
		return changes, err
	}
	return changes, errors.Join(d.wrong...)
}

// giveAll gives a supervisor and those below it what is new, and returns what was done.
func (d *redesign) giveAll(ctx context.Context, s *Supervisor, spec *Spec) ([]Change, error) {
	if err := d.give(ctx, s, spec); err != nil {
		return nil, err
	}
	changes := d.told[s.node.path]
	err := d.below(s, spec, changes, func(s *Supervisor, spec *Spec) error {
		more, err := d.giveAll(ctx, s, spec)
		changes = append(changes, more...)
		return err
	})
	return changes, err
}

// give lets a supervisor's machine have what is new, unless it has it already: it was
// given it, or has begun anew with it by itself.
func (d *redesign) give(ctx context.Context, s *Supervisor, spec *Spec) error {
	if s.description() == spec && (d.done[s] || !d.had[s]) {
		return nil
	}
	l, err := s.reach(ctx)
	if err != nil {
		return err
	}
	q := l.newCall()
	q.anew = &anew{design: d, spec: spec}
	r, _, err := l.ask(ctx, q)
	if err != nil && !errors.Is(err, strategies.ErrStart) {
		return about(err, s.node.path)
	}
	path := s.node.path
	d.done[s], d.told[path] = true, append(d.told[path], told(s, r.Changed)...)
	for _, c := range r.Changed {
		if c.Failed {
			d.wrong = append(d.wrong, &StartError{Path: path + "/" + c.ID, Err: c.Exit.Err})
		}
	}
	return nil
}
