package tree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/coppice-go/coppice/strategies"
)

// The calls on a running supervisor. Each waits its turn: while a start or a
// group restart is under way, until that is done. For a look that never waits
// see [Supervisor.Snapshot]. They are safe from any goroutine, from a child's
// Serve too. During the end of the supervisor the answer comes at once.
//
// The error of each is, besides its own, ErrNotRunning if the supervisor does
// not run or ends first, ErrFromInit from a child's Init, or ctx's. If ctx ends
// while the call waits, what was asked for may still be done. A child that
// terminates itself passes its own context, or does not wait: its supervisor
// waits for it.

// StartChild adds a child and starts it (rules I1, J2), and returns what was
// started, with Incarnation 0 if the start said ErrIgnore. The child is the last
// in start order, and is gone when the supervisor is restarted (rule G6).
//
// The error is a *SpecError, or several joined, for a description that is not
// valid; an *AlreadyStartedError or ErrAlreadyPresent if there is a child of that
// id; a *StartError if it could not be started, which leaves nothing behind;
// ErrCancelled.
//
// A dynamic supervisor has its children's description already: the child brings
// its Start, unless the template has one, and may bring an ID that is no
// number. Without, it gets a number for one.
func (s *Supervisor) StartChild(ctx context.Context, c Child) (strategies.ChildRef, error) {
	l, err := s.reach(ctx)
	if err != nil {
		return strategies.ChildRef{}, err
	}
	ofTemplate := missing(c.Start)
	if err := s.checkNew(&c); err != nil {
		return strategies.ChildRef{}, err
	}
	c.Needs = slices.Clone(c.Needs) // the caller's may change
	q := l.newCall()
	q.child, q.starts, q.ofTemplate = c, true, ofTemplate
	r, path, err := l.ask(ctx, q)
	if path == "" {
		return strategies.ChildRef{}, err
	}
	ref := strategies.ChildRef{Path: path, Incarnation: r.Incarnation}
	switch {
	case errors.Is(err, ErrAlreadyStarted):
		return ref, &AlreadyStartedError{ref}
	case errors.Is(err, strategies.ErrStart):
		return ref, &StartError{Path: ref.Path, Err: r.Exit.Err}
	}
	return ref, about(err, path)
}

// TerminateChild stops a child (rule I4). It is started no more, unless by
// RestartChild or with a group; a temporary one is removed. That it does not run
// is no error. The error is ErrNotFound, or ErrDynamic: see TerminateInstance.
func (s *Supervisor) TerminateChild(ctx context.Context, id string) error {
	_, err := s.call(ctx, id, strategies.TerminateChild(0, id))
	return err
}

// RestartChild starts a child that does not run (rule I3), and returns what was
// started, with Incarnation 0 if the start said ErrIgnore. The error is
// ErrNotFound, ErrChildRunning, ErrRestarting, ErrDynamic, ErrCancelled, or a
// *StartError if it could not be started, which leaves it as it was.
func (s *Supervisor) RestartChild(ctx context.Context, id string) (strategies.ChildRef, error) {
	return s.startByCall(ctx, id, strategies.RestartChild(0, id))
}

func (s *Supervisor) startByCall(ctx context.Context, id string, in strategies.Input) (strategies.ChildRef, error) {
	r, err := s.call(ctx, id, in)
	ref := strategies.ChildRef{Path: s.node.path + "/" + id, Incarnation: r.Incarnation}
	if errors.Is(err, strategies.ErrStart) {
		err = &StartError{Path: ref.Path, Err: r.Exit.Err}
	}
	return ref, err
}

// RenewChild restarts a child because somebody wants that: it is stopped, with the
// siblings that share its fate, and all are started again, as if it had failed. If
// it does not run, or waits to be started, that is done now. It does not count
// against the Intensity. The result is what was started, with Incarnation 0 if the
// start said ErrIgnore. OTP has no such call.
//
// The error is ErrNotFound, ErrDynamic, ErrCancelled, or a *StartError if one of
// them could not be started: that will be tried again, as after any failure.
func (s *Supervisor) RenewChild(ctx context.Context, id string) (strategies.ChildRef, error) {
	return s.startByCall(ctx, id, strategies.RenewChild(0, id))
}

// DeleteChild removes a child that does not run (rule I5). The error is
// ErrNotFound, ErrChildRunning, ErrRestarting or ErrDynamic.
func (s *Supervisor) DeleteChild(ctx context.Context, id string) error {
	_, err := s.call(ctx, id, strategies.DeleteChild(0, id))
	return err
}

// TerminateInstance stops a child of a dynamic supervisor, which it removes
// (rule J5). ref says which incarnation is meant, as OTP's pid does: if that is
// dead there is nothing to do, and no error. Incarnation 0 stands for whichever
// runs. The error is ErrNotFound if ref lives, but not here, or if its
// Incarnation is 0.
func (s *Supervisor) TerminateInstance(ctx context.Context, ref strategies.ChildRef) error {
	id := s.idOf(ref)
	_, err := s.call(ctx, id, strategies.TerminateInstance(0, id, ref.Incarnation))
	if errors.Is(err, ErrNotFound) && s.description().Dynamic != nil && s.dead(ref) {
		return nil
	}
	return err
}

// InstanceSpec returns the description of a child of a dynamic supervisor, which
// is the template's (rule J5). It fails as TerminateInstance does.
func (s *Supervisor) InstanceSpec(ctx context.Context, ref strategies.ChildRef) (strategies.ChildSpec, error) {
	id := s.idOf(ref)
	r, err := s.call(ctx, id, strategies.GetInstanceSpec(0, id, ref.Incarnation))
	if errors.Is(err, ErrNotFound) && s.description().Dynamic != nil && s.dead(ref) {
		err = nil
	}
	return specOf(r), err
}

// WhichChildren lists the children, newest first (rule I6).
func (s *Supervisor) WhichChildren(ctx context.Context) ([]strategies.ChildInfo, error) {
	r, err := s.call(ctx, "", strategies.WhichChildren(0))
	return r.Children, err
}

// CountChildren counts the children (rule I7).
func (s *Supervisor) CountChildren(ctx context.Context) (strategies.Counts, error) {
	r, err := s.call(ctx, "", strategies.CountChildren(0))
	return r.Counts, err
}

// ChildSpec returns the description of a child, defaults filled in (rule A9).
// The error is ErrNotFound, or ErrDynamic: see InstanceSpec.
func (s *Supervisor) ChildSpec(ctx context.Context, id string) (strategies.ChildSpec, error) {
	r, err := s.call(ctx, id, strategies.GetChildSpec(0, id))
	return specOf(r), err
}

func specOf(r *strategies.Reply) strategies.ChildSpec {
	if r.Spec == nil {
		return strategies.ChildSpec{}
	}
	return *r.Spec
}

// idOf returns the id of the child that ref is about; "" if it is none of this
// supervisor's.
func (s *Supervisor) idOf(ref strategies.ChildRef) string {
	id, ok := strings.CutPrefix(ref.Path, s.node.path+"/")
	if !ok || strings.Contains(id, "/") {
		return ""
	}
	return id
}

// dead reports whether an incarnation is known not to run.
func (s *Supervisor) dead(ref strategies.ChildRef) bool {
	if ref.Incarnation == 0 {
		return false
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	n := s.hub.root.find(ref.Path)
	return n == nil || n.incarnation != ref.Incarnation || n.state == strategies.Down || n.state == strategies.Waiting
}

// reach returns the life that a call is for.
func (s *Supervisor) reach(ctx context.Context) (*life, error) {
	l := s.life.Load()
	if !l.running() {
		return nil, fmt.Errorf("%s: %w", s.node.path, ErrNotRunning)
	}
	return l, l.refuseFromInit(ctx)
}

// call puts a call about a child, or about none.
func (s *Supervisor) call(ctx context.Context, id string, in strategies.Input) (*strategies.Reply, error) {
	l, err := s.reach(ctx)
	if err != nil {
		return &strategies.Reply{}, err
	}
	q := l.newCall()
	q.in = in
	r, _, err := l.ask(ctx, q)
	if err != nil {
		err = about(err, s.node.path+"/"+id)
	}
	return r, err
}

// about names the child that an answer is about.
func about(err error, path string) error {
	var spec *SpecError
	switch {
	case err == nil, errors.Is(err, ErrNotRunning), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &spec):
		return &SpecError{Path: path, Err: spec.Err}
	}
	return fmt.Errorf("%s: %w", path, err)
}

// newCall returns an empty call: the one that was answered last, if nobody else
// has it.
func (l *life) newCall() *call {
	if c := l.spare.Swap(nil); c != nil {
		return c
	}
	return &call{reply: make(chan *strategies.Reply, 1)}
}

// ask puts a call and waits for the answer. It returns the path of the child too,
// if the call added one.
func (l *life) ask(ctx context.Context, c *call) (r *strategies.Reply, added string, err error) {
	if !l.callNow(c) {
		if err := l.tell(ctx, message{call: c}); err != nil {
			return new(strategies.Reply), "", err
		}
	}
	select {
	case r = <-c.reply:
	case <-ctx.Done():
		return new(strategies.Reply), "", ctx.Err()
	case <-l.done:
		select {
		case r = <-c.reply: // the last thing it did
		default:
			return new(strategies.Reply), "", fmt.Errorf("%s: %w", l.sup.node.path, ErrNotRunning)
		}
	}
	if c.node != nil {
		added = c.node.path
	}
	*c = call{reply: c.reply}
	l.spare.Store(c)
	return r, added, l.answered(r)
}

// callNow carries out a call without the loop if that is at rest, which spares
// two switches between goroutines. A call alone never ends a life, so that the
// loop need not hear of it.
func (l *life) callNow(c *call) bool {
	if !l.mu.TryLock() {
		return false
	}
	defer l.mu.Unlock()
	if l.over || len(l.inbox) > 0 || !l.machine.Idle() {
		return false
	}
	l.called(c)
	return true
}

func (l *life) answered(r *strategies.Reply) error {
	if errors.Is(r.Err, strategies.ErrDown) {
		return fmt.Errorf("%s: %w", l.sup.node.path, ErrNotRunning)
	}
	return r.Err
}

// checkNew checks the description of a child to be added, with what is nested
// in it, and fills in what a template has.
func (s *Supervisor) checkNew(c *Child) error {
	path := func() string {
		if c.ID == "" {
			return s.node.path + "/(new child)"
		}
		return s.node.path + "/" + c.ID
	}
	if d := s.description().Dynamic; d != nil {
		if missing(c.Start) {
			c.Start = d.Start
		}
		if err := instanceOf(d, c); err != nil {
			return &SpecError{Path: path(), Err: err}
		}
	} else {
		cs, cfg := c.childSpec(), strategies.Config{Strategy: s.description().Strategy, AutoShutdown: s.description().AutoShutdown}
		if wrong := cfg.ValidateChild(&cs); wrong != nil { // OTP tells the first
			return &SpecError{Path: path(), Err: wrong[0].Err}
		}
	}
	if missing(c.Start) {
		return &SpecError{Path: path(), Err: ErrNoStart}
	}
	if sub := c.Start.nested(); sub != nil {
		return errors.Join(validate(path(), sub)...)
	}
	return nil
}

// instanceOf checks that a child brings nothing that is the template's to say.
func instanceOf(template, c *Child) error {
	switch {
	case strings.Contains(c.ID, "/"):
		return strategies.ErrID
	case generated(c.ID):
		return fmt.Errorf("%w: numbers are given by the dynamic supervisor itself", strategies.ErrID)
	case c.Restart != 0, c.Significant, c.Shutdown != 0, c.StartLimit != 0, c.Backoff != strategies.Backoff{}, c.Needs != nil:
		return fmt.Errorf("%w: but for ID and Start, a child is as the template says", strategies.ErrTemplate)
	case !missing(c.Start) && c.Start.kind() != template.kind():
		return fmt.Errorf("%w: the template is a %v's", strategies.ErrKind, template.kind())
	}
	return nil
}

// kind is the kind of a child; without a Start it is a worker.
func (c *Child) kind() strategies.Kind {
	if missing(c.Start) {
		return strategies.Worker
	}
	return c.Start.kind()
}

// generated reports whether an id is a number, as those that dynamic supervisors
// give.
func generated(id string) bool {
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
	}
	return id != ""
}

// adding makes the entry of a child that is to be added, and the request.
func (l *life) adding(c *Child) strategies.Input {
	up := l.sup.node
	d := l.sup.description().Dynamic
	if d == nil {
		n := newChildNode(up, c)
		n.incarnation = up.sup.latest(c.ID)
		spec := c.childSpec()
		spec.Tag, spec.Incarnation = n, n.incarnation
		return strategies.StartChild(0, spec)
	}
	d = d.with(c)
	if d.ID == "" {
		up.sup.serial++
		d.ID = strconv.FormatUint(up.sup.serial, 10)
	}
	n := newChildNode(up, d)
	if c.ID != "" || up.sup.numerals {
		n.incarnation = up.sup.latest(d.ID)
	} else {
		n.name = up.sup.serial
	}
	return strategies.StartInstance(0, n.id(), n.incarnation, n)
}

// with is the template with what a child brings.
func (c *Child) with(brings *Child) *Child {
	d := *c
	d.ID, d.Start = brings.ID, brings.Start
	return &d
}
