package tree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/strategies"
)

// Supervisor runs the tree below it. It is made by [New], or by its parent from
// a [Sub]. It is itself a Service and an Initer, so a suture supervisor can have
// it as a child. All methods are safe for concurrent use.
type Supervisor struct {
	hub    *hub
	node   *node
	spec   atomic.Pointer[Spec]
	logger hclog.Logger // of its Spec or inherited; never nil
	events *subscriber  // inherited; nil if nobody listens

	life atomic.Pointer[life] // the one that runs, or ran last; nil before the first
	busy atomic.Bool          // Init or Serve is under way

	begin sync.Mutex // held while a life begins with the spec that there is
}

// New makes a supervisor and checks the whole tree below it before anything is
// started. The error joins one *SpecError for everything that is wrong, each
// with the path of the child or supervisor concerned.
func New(name string, s Spec) (*Supervisor, error) {
	var wrong []error
	if name == "" || strings.Contains(name, "/") {
		wrong = append(wrong, &SpecError{Path: name, Err: strategies.ErrID})
	}
	wrong = append(wrong, validate(name, &s)...)
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	logger := s.Logger
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	warn(logger, name, &s)
	s.Children = slices.Clone(s.Children) // the caller's may change
	n := newNode(nil, name, nil, &s)
	root := &Supervisor{hub: &hub{root: n, redesign: make(chan struct{}, 1)}, node: n, logger: logger}
	root.spec.Store(&s)
	return root, nil
}

// validate returns what is wrong with a Spec and those nested in it.
func validate(path string, s *Spec) []error {
	var wrong []error
	cfg := s.config()
	for _, e := range cfg.Validate() {
		if e.Path == "" {
			e.Path = path
		} else {
			e.Path = path + "/" + e.Path
		}
		wrong = append(wrong, e)
	}
	for i := range s.Children {
		c := &s.Children[i]
		if missing(c.Start) {
			wrong = append(wrong, &SpecError{Path: path + "/" + c.ID, Err: ErrNoStart})
		} else if sub := c.Start.nested(); sub != nil {
			wrong = append(wrong, validate(path+"/"+c.ID, sub)...)
		}
	}
	if d := s.Dynamic; d != nil && !missing(d.Start) {
		if sub := d.Start.nested(); sub != nil {
			wrong = append(wrong, validate(path+"/(template)", sub)...)
		}
	}
	return wrong
}

// warn tells of what is allowed but seldom meant.
func warn(logger hclog.Logger, path string, s *Spec) {
	for i := range s.Children {
		c := &s.Children[i]
		sub := c.Start.nested()
		if sub == nil {
			continue
		}
		if c.Restart == strategies.Transient {
			logger.Warn("a transient supervisor that gives up is not restarted: giving up is a clean exit", "path", path+"/"+c.ID)
		}
		warn(logger, path+"/"+c.ID, sub)
	}
}

// nested makes the supervisor of an incarnation of a Sub.
func (l *life) nested(n *node, spec *Spec) *Supervisor {
	s := &Supervisor{hub: l.sup.hub, node: n, logger: spec.Logger, events: l.events}
	s.spec.Store(spec)
	if s.logger == nil {
		s.logger = l.sup.logger
	}
	return s
}

// description is what the supervisor is at the moment. It is never changed, only
// replaced.
func (s *Supervisor) description() *Spec { return s.spec.Load() }

// Path returns the ids from the root down to the supervisor, joined with "/".
func (s *Supervisor) Path() string { return s.node.path }

// String returns the path: it is the name suture gives a service.
func (s *Supervisor) String() string { return s.node.path }

// Init starts all children in order and returns when the last one is up. If
// one cannot be started, or ctx ends first, those that were started are stopped
// again in reverse order, and the error is one of those of Serve. After a nil
// Init, Serve must be called: nothing that happens to the children is dealt
// with before. ctx bounds Init alone, but its values are what children see.
func (s *Supervisor) Init(ctx context.Context) error {
	if !s.busy.CompareAndSwap(false, true) {
		return fmt.Errorf("%s: %w", s.node.path, ErrRunning)
	}
	defer s.busy.Store(false)
	if l := s.life.Load(); l.running() {
		return fmt.Errorf("%s: %w", s.node.path, ErrRunning)
	}
	return s.init(ctx)
}

func (s *Supervisor) init(ctx context.Context) error {
	if l := s.life.Load(); l != nil {
		if s.node.up != nil { // its parent has made another in its place
			return fmt.Errorf("%s: %w", s.node.path, ErrNotRunning)
		}
		if errors.Is(l.err, ErrStuck) {
			return l.err // what is stuck must not get company
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.begin.Lock()
	l := newLife(s, ctx)
	s.life.Store(l)
	s.begin.Unlock()
	ref, _ := strategies.ChildFrom(ctx)
	l.boot(ctx, ref.Cascade)
	if !l.running() {
		return l.err
	}
	return nil
}

// Serve runs the tree until it ends, and returns when nothing of it is left:
//
//   - after ctx was cancelled, ctx's error;
//   - after [Supervisor.Stop], a *StoppedError;
//   - when it gave up, an *ExhaustedError;
//   - when a child could not be started at first, a *StartError;
//   - when its significant children have finished, an *AutoShutdownError;
//   - when a child asked for the end of the whole tree, that child's error,
//     which wraps suture.ErrTerminateSupervisorTree;
//   - when a goroutine does not stop, a *StuckError.
//
// It is ErrRunning if the supervisor is served already. Serve calls Init if
// nobody has. A nested supervisor is served once, by its parent. A root may be served again after it returned,
// unless with a *StuckError.
func (s *Supervisor) Serve(ctx context.Context) error {
	if !s.busy.CompareAndSwap(false, true) {
		return fmt.Errorf("%s: %w", s.node.path, ErrRunning)
	}
	defer s.busy.Store(false)
	l := s.life.Load()
	if !l.running() {
		if err := s.init(ctx); err != nil {
			return err
		}
		l = s.life.Load()
	}
	l.serve(ctx)
	return l.err
}

// Stop makes the supervisor stop its children in reverse order and end with
// reason, and waits until it has (rule G7). The parent takes that as any other
// exit of the child: nil as a normal one, an error made by
// strategies.WithClass by its class, any other error as a crash. The error is
// ErrNotRunning, ErrFromInit from a child's Init, or ctx's if that ends first;
// the stop is not undone then. A child that stops its own supervisor passes its
// own context, or does not wait: the supervisor waits for it.
func (s *Supervisor) Stop(ctx context.Context, reason error) error {
	l := s.life.Load()
	if !l.running() {
		return fmt.Errorf("%s: %w", s.node.path, ErrNotRunning)
	}
	if err := l.refuseFromInit(ctx); err != nil {
		return err
	}
	e := strategies.Classify(reason, strategies.Unasked)
	e.Err = &StoppedError{Path: s.node.path, Reason: reason, root: s.node.up == nil}
	if err := l.tell(ctx, message{call: &call{in: strategies.Terminate(e)}}); err != nil {
		return err
	}
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
