package strategies

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is a child's type.
type Kind uint8

const (
	Worker     Kind = iota // a leaf
	Supervisor             // a supervisor with children of its own
)

var kindNames = [...]string{"worker", "supervisor"}

func (k Kind) String() string { return enumName(kindNames[:], int(k), "Kind") }

// ChildSpec is what a Machine knows of a child. OTP's child_spec without the
// start function, which is the runner's affair.
type ChildSpec struct {
	ID          string
	Kind        Kind
	Restart     Restart
	Significant bool          // counts for AutoShutdown
	Shutdown    ShutdownLimit // zero: 5 s for a worker, Infinity for a supervisor
	StartLimit  time.Duration // a start that takes longer has failed; zero: no limit, as OTP

	// Tag is the runner's own. It comes back with every Action about the
	// child, so that the runner need not look the child up.
	Tag any

	// Incarnation is the last number already used for this child. Its first
	// start gets the next one, so numbers need not repeat when a supervisor
	// that was restarted starts its children anew.
	Incarnation uint64

	Backoff Backoff  // zero: restarts are not delayed, as OTP
	Needs   []string // ids of siblings, for Dependents
}

// orDefault returns the description with defaults filled in (rule A9).
func (s *ChildSpec) orDefault() ChildSpec {
	d := *s
	d.Shutdown = s.Shutdown.Or(s.Kind)
	d.Backoff = s.Backoff.OrDefault()
	d.Needs = slices.Clone(s.Needs)
	return d
}

// Config describes one supervisor. The zero Config is OTP's default: one for
// one, one restart in 5 s, no children.
type Config struct {
	Strategy  Strategy
	Intensity Intensity
	// Parallel bounds the starts and stops that are under way at once.
	// Zero is 1, OTP's order exactly. More needs OneForOne, where order
	// between siblings carries no meaning, or Dependents, where only that
	// between a child and what it needs does.
	Parallel     int
	AutoShutdown AutoShutdown
	Children     []ChildSpec // in start order; under Dependents each starts after what it needs
	// Dynamic is the template of a dynamic supervisor (OTP's
	// simple_one_for_one, rules J1 to J10): it starts without children, and
	// all that are started later share this description.
	Dynamic *ChildSpec
	Seed    uint64 // of the random numbers for Backoff.Jitter
}

// What can be wrong with a Config. Each is found in a [SpecError] by errors.Is.
var (
	ErrStrategy      = errors.New("unknown strategy")
	ErrIntensity     = errors.New("invalid intensity: Max must be NoRestarts (-1) or more")
	ErrPeriod        = errors.New("invalid period: Within must not be negative")
	ErrAutoShutdown  = errors.New("unknown auto_shutdown")
	ErrParallel      = errors.New("invalid Parallel")
	ErrID            = errors.New("invalid id: it must not be empty nor contain a slash")
	ErrRestart       = errors.New("unknown restart type")
	ErrShutdown      = errors.New("invalid shutdown: the time must not be negative")
	ErrKind          = errors.New("unknown child type")
	ErrSignificant   = errors.New("a significant child must be transient or temporary, under a supervisor with auto_shutdown")
	ErrDuplicate     = errors.New("duplicate id")
	ErrBadStartLimit = errors.New("invalid start limit: it must not be negative")
	ErrBackoff       = errors.New("invalid backoff")
	ErrNeeds         = errors.New("invalid needs")
	ErrTemplate      = errors.New("invalid dynamic supervisor")
)

// SpecError is one thing wrong with a supervisor's or a child's description.
type SpecError struct {
	Path string // of the child or supervisor; from Validate just the child's id, "" for the supervisor itself
	Err  error
}

func (e *SpecError) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

func (e *SpecError) Unwrap() error { return e.Err }

// like reports whether s, which has its defaults, describes other in all but
// what is a child's own: children that are alike share one description.
func (s *ChildSpec) like(other *ChildSpec) bool {
	return s.Needs == nil && other.Needs == nil &&
		s.Kind == other.Kind && s.Restart == other.Restart && s.Significant == other.Significant &&
		s.StartLimit == other.StartLimit && s.Shutdown == other.Shutdown.Or(other.Kind) && s.Backoff == other.Backoff.OrDefault()
}

// Validate returns everything that is wrong with the description, in OTP's
// order of checks (rules A4 to A7), each a *SpecError; nil if nothing is.
func (c *Config) Validate() []*SpecError {
	seen := make(map[string]bool, len(c.Children))
	return c.validate(func(id string) (again bool) {
		again = seen[id]
		seen[id] = true
		return again
	})
}

// wrong is Validate but for ids that are there twice.
func (c *Config) wrong() []*SpecError {
	return c.validate(func(string) bool { return false })
}

func (c *Config) validate(again func(id string) bool) []*SpecError {
	var v validation
	v.supervisor(c)
	for i := range c.Children {
		s := &c.Children[i]
		name := s.ID
		if name == "" {
			name = fmt.Sprintf("(child %d)", i+1)
		}
		v.check(validID(s.ID), name, ErrID)
		v.child(c, name, s)
		v.check(s.ID == "" || !again(s.ID), name, ErrDuplicate)
	}
	if c.Strategy == Dependents {
		v.needs(c.Children)
	}
	if c.Dynamic != nil {
		v.template(c)
	}
	return v
}

// ValidateChild returns everything that is wrong with a child that is to be
// added to a running supervisor of this description.
func (c *Config) ValidateChild(s *ChildSpec) []*SpecError {
	var v validation
	v.check(validID(s.ID), s.ID, ErrID)
	v.child(c, s.ID, s)
	return v
}

func validID(id string) bool { return id != "" && !strings.Contains(id, "/") }

type validation []*SpecError

func (v *validation) add(path string, err error) { *v = append(*v, &SpecError{path, err}) }

func (v *validation) check(ok bool, path string, err error) {
	if !ok {
		v.add(path, err)
	}
}

func (v *validation) supervisor(c *Config) {
	v.check(int(c.Strategy) < len(strategyNames), "", ErrStrategy)
	v.check(c.Intensity.Max >= NoRestarts, "", ErrIntensity)
	v.check(c.Intensity.Within >= 0, "", ErrPeriod)
	v.check(int(c.AutoShutdown) < len(autoShutdownNames), "", ErrAutoShutdown)
	v.check(c.Parallel >= 0, "", fmt.Errorf("%w: it must not be negative", ErrParallel))
	v.check(c.Parallel <= 1 || c.Strategy == OneForOne || c.Strategy == Dependents, "",
		fmt.Errorf("%w: under %v children start and stop in order, one at a time", ErrParallel, c.Strategy))
}

func (v *validation) child(c *Config, name string, s *ChildSpec) {
	v.check(int(s.Restart) < len(restartNames), name, ErrRestart)
	v.check(!s.Significant || c.AutoShutdown != Never && s.Restart != Permanent, name, ErrSignificant)
	v.check(int(s.Kind) < len(kindNames), name, ErrKind)
	v.check(s.Shutdown.valid(), name, ErrShutdown)
	v.check(s.StartLimit >= 0, name, ErrBadStartLimit)
	if err := s.Backoff.validate(); err != nil {
		v.add(name, err)
	}
	if len(s.Needs) > 0 && c.Strategy != Dependents {
		v.add(name, fmt.Errorf("%w: only under the strategy dependents may a child need another", ErrNeeds))
	}
}

func (v *validation) template(c *Config) {
	v.check(c.Strategy == OneForOne, "", fmt.Errorf("%w: its strategy is one_for_one, not %v", ErrTemplate, c.Strategy))
	v.check(len(c.Children) == 0, "", fmt.Errorf("%w: it starts without children; they share the one description that Dynamic is", ErrTemplate))
	v.child(c, "(template)", c.Dynamic)
}
