package top

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/record"
)

// logTail is how many lines of output there were already are asked for.
const logTail = 500

// Tree is a running tree, as a client of its control socket has it. Its methods
// are called from many goroutines.
type Tree interface {
	Snapshot(context.Context) (tree.Snapshot, error)
	Events(context.Context, control.EventsQuery) iter.Seq2[tree.Event, error]
	Logs(context.Context, control.LogsQuery) iter.Seq2[record.Line, error]
	Plan(context.Context, control.Action, string) (control.Radius, error)
	Start(context.Context, string) (control.Done, error)
	Stop(context.Context, string) (control.Done, error)
	Restart(context.Context, string) (control.Done, error)
	Signal(context.Context, string, string) (control.Done, error)
	Report(context.Context, string) (show.Report, error) // why a child ended
}

// live does what a Model wants of a running tree.
type live struct {
	tree Tree
	ctx  context.Context
	feed *feed

	cancel  context.CancelFunc // of ctx
	streams sync.WaitGroup

	mu      sync.Mutex // guards what follows, and that no stream begins after close
	log     int        // the number of the log that is open
	stopLog context.CancelFunc
}

func newLive(ctx context.Context, t Tree) *live {
	ctx, cancel := context.WithCancel(ctx)
	return &live{tree: t, ctx: ctx, cancel: cancel, feed: &feed{ctx: ctx, in: make(chan fed)}, stopLog: func() {}}
}

// close ends all streams, and waits for their end.
func (l *live) close() {
	l.mu.Lock()
	l.cancel()
	l.mu.Unlock()
	l.streams.Wait()
}

// follow feeds what happens: the events that are kept, and those that come.
func (l *live) follow(send func(Msg)) {
	l.streams.Go(func() { l.feed.run(send) })
	l.streams.Go(func() {
		var last error
		for e, err := range l.tree.Events(l.ctx, control.EventsQuery{Follow: true}) {
			if last = err; err == nil && !l.feed.put(fed{event: &e}) {
				return
			}
		}
		l.feed.put(fed{msg: Ended{last}})
	})
}

// open feeds the output of a child, and no more of the one before. Of two calls
// at the same time the one with the higher number counts.
func (l *live) open(o OpenLog) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil || o.Log < l.log {
		return
	}
	l.stopLog()
	ctx, cancel := context.WithCancel(l.ctx)
	l.log, l.stopLog = o.Log, cancel
	q := control.LogsQuery{Path: o.Path, Tail: logTail, Previous: o.Previous, Follow: !o.Previous}
	l.streams.Go(func() {
		defer cancel()
		for line, err := range l.tree.Logs(ctx, q) {
			x := fed{line: &Output{o.Log, line}}
			if err != nil {
				x = fed{msg: LogEnded{o.Log, err}}
			}
			if ctx.Err() != nil || !l.feed.put(x) {
				return
			}
		}
	})
}

// do carries out an effect, and returns what came of it; nil if that comes in a
// stream.
func (l *live) do(e Effect) Msg {
	switch e := e.(type) {
	case AskSnapshot:
		s, err := l.tree.Snapshot(l.ctx)
		return Snapshot{s, err}
	case AskPlan:
		r, err := l.tree.Plan(l.ctx, e.Do, e.Path)
		return Plan{e.Do, e.Path, r, err}
	case AskWhy:
		r, err := l.tree.Report(l.ctx, e.Path)
		return Why{r, err}
	case OpenLog:
		l.open(e)
	case Act:
		d, err := l.act(e.Order)
		return Done{e.Order, d, err}
	case Sample:
		return Usage{time.Now(), sample(e.PIDs)}
	}
	return nil
}

func (l *live) act(o show.Order) (control.Done, error) {
	switch o.Do {
	case control.Start:
		return l.tree.Start(l.ctx, o.Path)
	case control.Stop:
		return l.tree.Stop(l.ctx, o.Path)
	case control.Restart:
		return l.tree.Restart(l.ctx, o.Path)
	default:
		return l.tree.Signal(l.ctx, o.Path, o.Signal)
	}
}
