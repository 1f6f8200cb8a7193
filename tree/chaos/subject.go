package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/coppice-go/coppice/tree"
)

// Subject is a tree that runs, in this process ([Local]) or another one of the
// same machine. It must be safe for concurrent use.
//
// There is no method that sends a signal: who knows a pid can do that, and the run
// does it so that it hits the incarnation which is meant, or nobody.
type Subject interface {
	// PID is that of the process which runs the tree.
	PID() int
	// Snapshot tells what is so now. A tree that has ended has a snapshot too, or
	// an error.
	Snapshot(context.Context) (tree.Snapshot, error)
	// Subscribe begins a stream of events that loses none.
	Subscribe(context.Context) (Stream, error)
	// Restart, Stop and Start ask the supervisor of a child to do that, as an
	// operator can (RenewChild, TerminateChild, RestartChild of package tree), and
	// wait until it is done. That the child runs already, or is about to, is
	// tree.ErrChildRunning or tree.ErrRestarting.
	Restart(ctx context.Context, path string) error
	Stop(ctx context.Context, path string) error
	Start(ctx context.Context, path string) error
}

// Stream is a snapshot and all events that follow it, both in the JSON form of
// package tree.
type Stream interface {
	Begin() json.RawMessage
	// Next waits for the next event. The error is io.EOF when there will be no
	// more, ctx's, or says that the stream broke off.
	Next(context.Context) (json.RawMessage, error)
	Close()
}

// Local is a tree of this process. Its root may be served already or not.
func Local(root *tree.Supervisor) Subject { return local{root} }

type local struct{ root *tree.Supervisor }

func (l local) PID() int { return os.Getpid() }

func (l local) Snapshot(context.Context) (tree.Snapshot, error) { return l.root.Snapshot(), nil }

func (l local) Subscribe(context.Context) (Stream, error) {
	sub := l.root.Subscribe(tree.Lossless)
	begin, err := json.Marshal(sub.Snapshot())
	if err != nil {
		sub.Close()
		return nil, fmt.Errorf("snapshot of %s: %w", l.root.Path(), err)
	}
	return &localStream{sub, begin}, nil
}

type localStream struct {
	*tree.Subscription
	begin json.RawMessage
}

func (s *localStream) Begin() json.RawMessage { return s.begin }

func (s *localStream) Next(ctx context.Context) (json.RawMessage, error) {
	e, err := s.Subscription.Next(ctx)
	if errors.Is(err, tree.ErrClosed) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(e)
}

// of finds the supervisor of a child, and the id of the child there.
func (l local) of(path string) (*tree.Supervisor, string, error) {
	up := above(path)
	if up == "" {
		return nil, "", fmt.Errorf("%s is the root: nobody is above it to ask", path)
	}
	sup := l.root.Supervisor(up)
	if sup == nil {
		return nil, "", fmt.Errorf("%s: %w", up, tree.ErrNotRunning)
	}
	return sup, path[len(up)+1:], nil
}

func (l local) Restart(ctx context.Context, path string) error {
	sup, id, err := l.of(path)
	if err == nil {
		_, err = sup.RenewChild(ctx, id)
	}
	return err
}

func (l local) Stop(ctx context.Context, path string) error {
	sup, id, err := l.of(path)
	if err == nil {
		err = sup.TerminateChild(ctx, id)
	}
	return err
}

func (l local) Start(ctx context.Context, path string) error {
	sup, id, err := l.of(path)
	if err == nil {
		_, err = sup.RestartChild(ctx, id)
	}
	return err
}
