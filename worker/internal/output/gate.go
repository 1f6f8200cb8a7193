package output

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// gate stands before a sink, a logger or a file, which may take its time or
// never return. In the ordinary case the sink is called right here. When a call
// is overdue another goroutine goes on with the stream, and lines are dropped
// and counted until the first one has come back and has caught up.
//
//	owed, ok := g.enter()
//	if !ok { g.drop(n); go on with the stream }
//	call the sink
//	if g.leave() { go on with the stream }
//	g.catchUp(say)
type gate struct {
	stream *stream

	mu       sync.Mutex    // guards what follows
	timer    *time.Timer   // of overdue; nil if the sink has not been called for a while
	fires    time.Time     // when it will; zero if it will not
	deadline time.Time     // of the call
	behind   chan struct{} // not nil: the call is overdue. Closed when the sink has caught up
	owed     owed
	telling  int64 // dropped lines that the sink is being told of
	total    int64 // lines dropped in all
	busy     bool  // a call is under way
	ended    bool  // there will be no more calls from the stream

	after  stage        // where the stream goes on behind this sink
	inHand atomic.Int64 // lines of the present call which the sink has not taken yet
}

// owed is what the sink has not been told of yet.
type owed struct {
	dropped int64 // lines
	reports []report
}

// owing reports whether the sink is owed anything.
func (g *gate) owing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.owed.nothing()
}

func (o owed) nothing() bool { return o.dropped == 0 && len(o.reports) == 0 }

// report is something that is to be said about the output.
type report struct {
	level   hclog.Level
	message string
	fields  []any
}

// enter reports whether the sink may be called now, and what it is owed. The
// caller calls leave.
func (g *gate) enter() (_ owed, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.behind != nil {
		return owed{}, false
	}
	g.busy = true
	g.due(g.stream.out.bound())
	return g.take(), true
}

// due makes the call overdue after d. The timer is left to run when a call ends
// in time: that is cheaper than to stop and start it for each. It is called with
// g.mu held.
func (g *gate) due(d time.Duration) {
	g.deadline = time.Now().Add(d)
	if !g.fires.IsZero() && !g.deadline.Before(g.fires) {
		return
	}
	g.fires = g.deadline
	if g.timer == nil {
		g.timer = time.AfterFunc(d, g.overdue)
	} else {
		g.timer.Reset(d)
	}
}

// leave ends the call that enter began. It reports whether the caller still has
// the stream; if not, it calls catchUp and returns.
func (g *gate) leave() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy = false
	return g.behind == nil
}

// take is called with g.mu held.
func (g *gate) take() owed {
	o := g.owed
	g.owed, g.telling = owed{}, o.dropped
	return o
}

// drop counts lines that the sink did not get.
func (g *gate) drop(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owed.dropped += n
	g.total += n
}

// dropInHand counts as dropped what the present call has not delivered.
func (g *gate) dropInHand() {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.inHand.Swap(0)
	g.owed.dropped += n
	g.total += n
}

// untold is for when the sink could not be told.
func (g *gate) untold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owed.dropped += g.telling
	g.telling = 0
}

// report has something said by the next call, or by the one that is overdue.
func (g *gate) report(r report) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owed.reports = append(g.owed.reports, r)
}

// overdue is the timer's. It may come for a call that has ended.
func (g *gate) overdue() {
	g.mu.Lock()
	g.fires = time.Time{}
	if !g.busy || g.behind != nil {
		g.timer = nil // an idle stream keeps none
		g.mu.Unlock()
		return
	}
	if left := time.Until(g.deadline); left > 0 {
		g.due(left)
		g.mu.Unlock()
		return
	}
	g.behind = make(chan struct{})
	g.mu.Unlock()
	g.stream.pump(g.after)
}

// hurry makes the call in progress overdue after d, if it would not be earlier.
func (g *gate) hurry(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy && g.behind == nil && time.Until(g.deadline) > d {
		g.due(d)
	}
}

// catchUp is called when an overdue call has come back: say tells the sink what
// it is owed, and returns false if it could not. What is dropped while it says
// so is left to the stream's next call, or the sink would hear of nothing but
// dropped lines; at the end of the stream there is none, and say is called once
// more.
func (g *gate) catchUp(say func(owed) bool) {
	for said := false; ; {
		g.mu.Lock()
		if g.owed.nothing() || said && !g.ended {
			break
		}
		o := g.take()
		g.mu.Unlock()
		said = true
		if !say(o) {
			g.mu.Lock()
			break
		}
	}
	close(g.behind)
	g.behind = nil
	g.mu.Unlock()
}

// end is called before the stream's last call of the sink. If a call is
// overdue then, catchUp says the last word.
func (g *gate) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
}

// await waits for an overdue call until the deadline, and returns how many
// lines the sink has not taken. It is called after the stream has ended.
func (g *gate) await(deadline time.Time) (lost int64) {
	g.mu.Lock()
	behind := g.behind
	g.mu.Unlock()
	if behind != nil {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		select {
		case <-behind:
		case <-timer.C:
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer != nil {
		g.timer.Stop()
	}
	return g.total + g.inHand.Load()
}
