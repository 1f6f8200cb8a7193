package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
)

// OnRunning carries out a plan on a tree that runs, if its file allows that.
func OnRunning(ctx context.Context, c *client.Client, p *chaos.Plan, o chaos.Options) (*chaos.Journal, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return nil, err
	}
	if !info.Chaos {
		return nil, fmt.Errorf("%s does not allow faults to be injected: its file must say `chaos: allowed`", info.Name)
	}
	return chaos.Run(ctx, live{c, info.PID}, p, o)
}

// live is a tree at the other end of a control socket.
type live struct {
	c   *client.Client
	pid int
}

func (l live) PID() int { return l.pid }

func (l live) Snapshot(ctx context.Context) (tree.Snapshot, error) { return l.c.Snapshot(ctx) }

// Subscribe begins with a snapshot and goes on with all events after it, which the
// other end keeps for a while.
func (l live) Subscribe(ctx context.Context) (chaos.Stream, error) {
	s, err := l.c.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	begin, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	streaming, stop := context.WithCancel(context.WithoutCancel(ctx))
	st := &stream{begin: begin, events: make(chan event), ended: make(chan struct{}), stop: stop}
	go func() {
		defer close(st.ended)
		for e, err := range l.c.Events(streaming, control.EventsQuery{Since: control.After(s.Rev), Follow: true}) {
			if err == nil && e.Kind == tree.EventDropped {
				err = fmt.Errorf("%d events were lost: the tree makes them faster than they can be read", e.N)
			}
			select {
			case st.events <- event{e, err}:
			case <-streaming.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return st, nil
}

type event struct {
	tree.Event
	err error
}

type stream struct {
	begin  json.RawMessage
	events chan event
	ended  chan struct{}
	stop   func()
}

func (s *stream) Begin() json.RawMessage { return s.begin }

func (s *stream) Next(ctx context.Context) (json.RawMessage, error) {
	select {
	case e := <-s.events:
		if e.err != nil {
			return nil, e.err
		}
		return json.Marshal(e.Event)
	case <-s.ended:
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *stream) Close() {
	s.stop()
	<-s.ended
}

func (l live) Restart(ctx context.Context, path string) error {
	_, err := l.c.Restart(ctx, path)
	return inTreesTerms(err)
}

func (l live) Stop(ctx context.Context, path string) error {
	_, err := l.c.Stop(ctx, path)
	return inTreesTerms(err)
}

func (l live) Start(ctx context.Context, path string) error {
	_, err := l.c.Start(ctx, path)
	return inTreesTerms(err)
}

// inTreesTerms makes of an answer what a call of the tree would have returned.
func inTreesTerms(err error) error {
	if e, ok := errors.AsType[*control.Error](err); ok {
		switch e.Code {
		case control.Conflict:
			return fmt.Errorf("%w: %w", tree.ErrChildRunning, err)
		case control.NotFound:
			return fmt.Errorf("%w: %w", tree.ErrNotFound, err)
		}
	}
	return err
}
