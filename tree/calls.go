package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/coppice-go/coppice/strategies"
)

// WhichChildren lists the children, newest first (rule I6). It waits its turn:
// while a start or a group restart is under way, until that is done. For a look
// that never waits see [Supervisor.Snapshot].
//
// The error of this and the other calls is ErrNotRunning if the supervisor does
// not run or ends first, ErrFromInit from a child's Init, or ctx's.
func (s *Supervisor) WhichChildren(ctx context.Context) ([]strategies.ChildInfo, error) {
	r, err := s.call(ctx, strategies.WhichChildren(0))
	return r.Children, err
}

// CountChildren counts the children (rule I7). It waits its turn and fails as
// WhichChildren does.
func (s *Supervisor) CountChildren(ctx context.Context) (strategies.Counts, error) {
	r, err := s.call(ctx, strategies.CountChildren(0))
	return r.Counts, err
}

// ChildSpec returns the description of a child, defaults filled in (rule A9).
// It waits its turn and fails as WhichChildren does, or with ErrNotFound.
func (s *Supervisor) ChildSpec(ctx context.Context, id string) (strategies.ChildSpec, error) {
	r, err := s.call(ctx, strategies.GetChildSpec(0, id))
	if errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("%s/%s: %w", s.node.path, id, ErrNotFound)
	}
	return r.Spec, err
}

func (s *Supervisor) call(ctx context.Context, in strategies.Input) (*strategies.Reply, error) {
	none := &strategies.Reply{}
	l := s.life.Load()
	if !l.running() {
		return none, fmt.Errorf("%s: %w", s.node.path, ErrNotRunning)
	}
	if err := l.refuseFromInit(ctx); err != nil {
		return none, err
	}
	reply := make(chan *strategies.Reply, 1)
	if err := l.tell(ctx, message{call: &call{in, reply}}); err != nil {
		return none, err
	}
	select {
	case r := <-reply:
		if errors.Is(r.Err, strategies.ErrDown) {
			r.Err = fmt.Errorf("%s: %w", s.node.path, ErrNotRunning)
		}
		return r, r.Err
	case <-l.done:
		return none, fmt.Errorf("%s: %w", s.node.path, ErrNotRunning)
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
