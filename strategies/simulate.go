package strategies

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Failure is the end of a worker, some time after the tree was started.
type Failure struct {
	Path string
	At   time.Duration
	Exit Exit // the zero Exit is a normal end
}

// Simulate starts the tree, lets workers end as said, and returns everything
// that happens until the tree is at rest again or has ended. Every child starts
// and stops at once and as it should. A failure of a worker that does not run
// at its time has no effect. The error is that of [Tree.Validate], or says that
// a path is not that of a worker of the tree.
func Simulate(t *Tree, failures ...Failure) ([]SimEvent, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	for _, f := range failures {
		if err := t.worker(f.Path); err != nil {
			return nil, err
		}
	}
	var events []SimEvent
	s := NewSimulation(t, Script{Event: func(e SimEvent) { events = append(events, e) }})
	_ = s.Boot() // a valid tree whose children start as they should starts
	s.Deliver()
	inOrder := slices.Clone(failures)
	slices.SortStableFunc(inOrder, func(a, b Failure) int { return cmp.Compare(a.At, b.At) })
	for _, f := range inOrder {
		s.Pass(max(0, f.At-s.Elapsed()))
		s.Exit(f.Path, f.Exit)
	}
	return events, s.Settle()
}

// worker returns an error unless path is that of a worker of the tree.
func (t *Tree) worker(path string) error {
	kind, ok := t.kind(path)
	switch {
	case !ok:
		return fmt.Errorf("%s: %w", path, ErrNotFound)
	case kind != Worker:
		return fmt.Errorf("%s is a supervisor: it ends because of its children", path)
	}
	return nil
}
