package tree

import (
	"context"
	"errors"
	"slices"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

// Starter makes the service of each incarnation of a child. It is one of
// [Func], [Of], [Sub] and [Suture].
type Starter interface {
	kind() strategies.Kind
	// instance is called in the goroutine of the incarnation, under recover.
	instance(p *proc) (Service, error)
	// nested is the Spec of a coppice supervisor; nil for anything else.
	nested() *Spec
}

// Func starts a child that is a goroutine running f.
func Func(f func(ctx context.Context) error) Starter { return funcStarter(f) }

type funcStarter func(ctx context.Context) error

func (f funcStarter) kind() strategies.Kind           { return strategies.Worker }
func (f funcStarter) nested() *Spec                   { return nil }
func (f funcStarter) instance(*proc) (Service, error) { return f, nil }
func (f funcStarter) Serve(ctx context.Context) error { return f(ctx) }

// Of starts a child whose service is made anew by make for every incarnation.
// An error from make is a failed start; [ErrIgnore] a start that is ignored.
//
//	tree.Of(worker.Command{Path: "postgres"}.Process)
func Of[S Service](make func() (S, error)) Starter {
	if make == nil {
		return ofStarter(nil)
	}
	return ofStarter(func() (Service, error) { return make() })
}

type ofStarter func() (Service, error)

func (f ofStarter) kind() strategies.Kind { return strategies.Worker }
func (f ofStarter) nested() *Spec         { return nil }

func (f ofStarter) instance(*proc) (Service, error) {
	s, err := f()
	if err == nil && s == nil {
		err = errors.New("the service made is nil")
	}
	return s, err
}

// Sub starts a supervisor as a child. Its name is the child's ID.
func Sub(s Spec) Starter {
	s.Children = slices.Clone(s.Children) // the caller's may change
	return &subStarter{s}
}

type subStarter struct{ spec Spec }

func (s *subStarter) kind() strategies.Kind { return strategies.Supervisor }
func (s *subStarter) nested() *Spec         { return &s.spec }

func (s *subStarter) instance(p *proc) (Service, error) {
	return p.life.nested(p.node, &s.spec), nil
}

// Suture starts a tree of suture supervisors as a child, a leaf to coppice.
// make is called for every incarnation, because a suture supervisor can be
// served only once. When told to stop, a suture supervisor stops its services
// all at once and waits for them at most its Spec.Timeout.
func Suture(make func() *suture.Supervisor) Starter { return sutureStarter(make) }

type sutureStarter func() *suture.Supervisor

func (f sutureStarter) kind() strategies.Kind { return strategies.Supervisor }
func (f sutureStarter) nested() *Spec         { return nil }

func (f sutureStarter) instance(*proc) (Service, error) {
	s := f()
	if s == nil {
		return nil, errors.New("the suture supervisor made is nil")
	}
	return s, nil
}

// Wrap returns a Starter whose services are wrapped by f, each incarnation
// anew: for tests that let a service fail, for measuring. What f returns is an
// Initer, a Killer and a process if the service is and f's result passes that
// on. Supervisors, guests included, are not wrapped.
func Wrap(s Starter, f func(Service) Service) Starter {
	if s == nil || missing(s) || s.kind() == strategies.Supervisor {
		return s
	}
	return &wrapStarter{s, f}
}

type wrapStarter struct {
	Starter
	wrap func(Service) Service
}

func (w *wrapStarter) instance(p *proc) (Service, error) {
	s, err := w.Starter.instance(p)
	if err != nil {
		return nil, err
	}
	return w.wrap(s), nil
}

// missing reports whether a Starter has nothing to start.
func missing(s Starter) bool {
	switch s := s.(type) {
	case nil:
		return true
	case funcStarter:
		return s == nil
	case ofStarter:
		return s == nil
	case sutureStarter:
		return s == nil
	}
	return false
}

// SpecOf returns the Spec that a Sub was made of; false for any other Starter.
func SpecOf(s Starter) (Spec, bool) {
	if sub, ok := s.(*subStarter); ok {
		spec := sub.spec
		spec.Children = slices.Clone(spec.Children)
		return spec, true
	}
	return Spec{}, false
}
