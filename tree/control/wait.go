package control

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/record"
)

func (c *call) wait() (any, error) {
	q := parseWait(c.query)
	if err := c.query.end(); err != nil {
		return nil, err
	}
	ctx := c.ctx
	if q.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.Timeout)
		defer cancel()
	}
	st, err := c.server.reach(ctx, q)
	if errors.Is(err, context.DeadlineExceeded) && c.ctx.Err() == nil {
		return nil, c.server.tooLate(q)
	}
	if err != nil {
		return nil, err
	}
	return waitAnswer{st}, nil
}

// reach waits until a child is in a state, and returns what it is then; nil if
// it is gone. It looks again after each event that can have made it so.
func (s *Server) reach(ctx context.Context, q WaitQuery) (*tree.Status, error) {
	events := s.book.Events(s.book.Rev()) // from before the first look
	if err := s.check(q.Path); err != nil {
		return nil, err
	}
	for {
		st, ok := s.root.Find(q.Path)
		switch {
		case !ok && q.State == strategies.Down:
			return nil, nil
		case !ok:
			return nil, &Error{Code: Conflict, Message: q.Path + " was removed", Hint: "it can be waited for when it was added again"}
		case st.State == q.State:
			stays, err := s.stays(ctx, &st)
			if err != nil {
				return nil, err
			}
			if stays {
				return &st, nil
			}
		}
		if err := nextAbout(ctx, events, q.Path); err != nil {
			return nil, err
		}
	}
}

// nextAbout waits for an event about a child or those above it.
func nextAbout(ctx context.Context, events *record.Reader, path string) error {
	for {
		e, err := events.Next(ctx)
		switch {
		case errors.Is(err, record.ErrClosed):
			return &Error{Code: Busy, Message: "the tree has ended"}
		case err != nil:
			return err
		case e.Kind == tree.EventDropped, path == e.Path, strings.HasPrefix(path, e.Path+"/"):
			return nil
		}
	}
}

// stays reports whether a child that is down is not about to be started with a
// group, or with its supervisor. Other states are what they are. What comes of a
// report of false is told by an event.
func (s *Server) stays(ctx context.Context, st *tree.Status) (bool, error) {
	if st.State != strategies.Down {
		return true, nil
	}
	i := strings.LastIndexByte(st.Path, '/')
	if i < 0 {
		return true, nil // nobody starts a root
	}
	up, ok := s.root.Find(st.Path[:i])
	if !ok {
		return true, nil
	}
	sup := s.root.Supervisor(up.Path)
	if sup == nil {
		if up.State != strategies.Down {
			return false, nil
		}
		return s.stays(ctx, &up)
	}
	// A call waits its turn: when it is answered, no restart is under way that
	// the child takes part in.
	_, err := sup.ChildSpec(ctx, st.ID)
	switch {
	case errors.Is(err, tree.ErrNotRunning):
		return false, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	}
	now, ok := s.root.Find(st.Path)
	return !ok || now.State == strategies.Down, nil
}

// tooLate is the error that says what the state is instead.
func (s *Server) tooLate(q WaitQuery) *Error {
	e := &Error{Code: Timeout, State: "removed"}
	if st, ok := s.root.Find(q.Path); ok {
		e.State = st.State.String()
	}
	e.Message = fmt.Sprintf("%s is not %s after %v, but %s", q.Path, nameOf(q.State), q.Timeout, e.State)
	return e
}
