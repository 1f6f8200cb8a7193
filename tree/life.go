package tree

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// life is one run of a supervisor, from its boot to its end: the machine that
// decides, and the loop that carries out what it decides. The loop runs in the
// goroutine that called Init, then in the one that called Serve; a call that finds
// it at rest is carried out in the caller's, see callNow.
type life struct {
	sup     *Supervisor
	machine *strategies.Machine
	base    context.Context // the values children see; never cancelled
	events  *subscriber     // where events go; nil if nobody listens
	root    bool            // the supervisor has no coppice parent

	inbox chan message
	done  chan struct{}        // closed when nothing runs any more
	err   error                // what Serve returns; set before done is closed
	why   strategies.Cascade   // the cascade of which it ended, if any; set with err
	idle  atomic.Bool          // nothing is under way, nothing waits
	spare atomic.Pointer[call] // for the next call

	mu       sync.Mutex      // guards what follows, the machine, and what is said to be the loop's
	loops    uint8           // how many there were: one for Init, one for Serve
	ctx      context.Context // of the latest
	booted   bool
	over     bool
	feedback []message        // what carrying out an action gave rise to
	calls    map[uint64]*call // those that wait for their answer
	tickets  uint64
	retries  map[*node]*time.Timer // of children that wait to be started again
	latest   *Spec                 // that was asked for; it holds as soon as the machine says so
	drain    *time.Timer           // of a dynamic supervisor that ends; nil before
}

// message is what children, timers and callers tell the loop.
type message struct {
	proc  *proc            // the incarnation it is about; nil for a call, and for the supervisor's own timer
	op    strategies.Op    // OpStarted, OpStartFailed, OpExited, OpDeadline, OpCannotKill; OpTerminate if its context ended
	loop  uint8            // of OpTerminate: which of the life's loops it is for
	timer strategies.Timer // of OpDeadline
	asked strategies.Asked // of OpStartFailed and OpExited: whether it had been told to stop
	err   error            // of OpStartFailed and OpExited: what it returned; of OpTerminate: why
	call  *call
}

// call is a request from outside. It is used again when it was answered.
type call struct {
	in         strategies.Input       // but for StartChild and Reconfigure
	starts     bool                   // it is a StartChild
	child      Child                  // of StartChild
	ofTemplate bool                   // its Start is the template's
	anew       *anew                  // of Reconfigure
	node       *node                  // of StartChild: the entry of the child; the loop's until the answer
	reply      chan *strategies.Reply // has room for the answer; nil for Terminate
}

// input translates a message about a child for the machine.
func (m *message) input() strategies.Input {
	in := m.inputAbout(m.proc.node.id(), m.proc.ref.Incarnation)
	in.Child = m.proc.child
	return in
}

func (m *message) inputAbout(id string, n uint64) strategies.Input {
	switch m.op {
	case strategies.OpStarted:
		return strategies.Started(id, n)
	case strategies.OpExited:
		v := m.judge()
		return strategies.Exited(id, n, v.exit, v.cascade)
	case strategies.OpStartFailed:
		v := m.judge()
		if v.ignored {
			return strategies.Ignored(id, n)
		}
		return strategies.StartFailed(id, n, v.exit, v.cascade)
	case strategies.OpCannotKill:
		return strategies.CannotKill(id, n)
	}
	return strategies.TimerFired(id, n, m.timer)
}

// inboxSize lets a child that ends go its way without waiting for the loop.
const inboxSize = 128

func newLife(s *Supervisor, ctx context.Context) *life {
	l := &life{
		sup:    s,
		base:   context.WithoutCancel(ctx),
		events: s.events,
		root:   s.node.up == nil,
		inbox:  make(chan message, inboxSize),
		done:   make(chan struct{}),
	}
	spec := s.description()
	sink := spec.Sink
	if sink == nil && l.root && spec.Logger != nil {
		sink = LogSink(spec.Logger)
	}
	if sink != nil {
		l.events = s.node.subscribe(s.hub, sink, s.logger)
	}
	l.latest = spec
	l.reset()
	cfg := spec.config()
	cfg.Seed = rand.Uint64()
	for i := range cfg.Children {
		n := s.node.sup.children[cfg.Children[i].ID]
		cfg.Children[i].Tag, cfg.Children[i].Incarnation = n, n.incarnation
	}
	m, err := strategies.NewMachine(cfg)
	if err != nil {
		// New refused every Spec that NewMachine refuses.
		panic(fmt.Sprintf("%s: %v", s.node.path, err))
	}
	l.machine = m
	return l
}

// running reports whether the life has not ended; nil has.
func (l *life) running() bool {
	if l == nil {
		return false
	}
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

func (l *life) boot(ctx context.Context, c strategies.Cascade) {
	l.publishRunning(l.sup)
	l.mu.Lock()
	if l.root {
		n := l.sup.node
		l.publish(Event{Kind: EventStarting, Incarnation: n.incarnation + 1, Cascade: c}, n)
	}
	l.step(strategies.Boot(c), nil)
	l.mu.Unlock()
	l.loop(ctx, func() bool { return l.booted })
	if l.root && l.running() {
		l.publish(Event{Kind: EventProgress, Incarnation: l.sup.node.incarnation, Cascade: c}, l.sup.node)
	}
}

func (l *life) serve(ctx context.Context) { l.loop(ctx, func() bool { return false }) }

// loop deals with what comes in until the life is over, or enough is true.
// When ctx ends the machine is told, once, and then goes on to its end.
//
// It waits for one channel only, because a choice between two is what a restart
// would take longest for.
func (l *life) loop(ctx context.Context, enough func() bool) {
	l.mu.Lock() // but while it waits
	defer l.mu.Unlock()
	l.loops++
	end := message{op: strategies.OpTerminate, loop: l.loops}
	l.ctx = ctx
	defer context.AfterFunc(ctx, func() { end.err = ctx.Err(); l.send(end) })()
	for !l.over && !enough() {
		l.mu.Unlock()
		m := <-l.inbox
		l.mu.Lock()
		l.deal(m)
	}
	if l.over && l.root {
		l.sup.hub.closeSinks()
	}
}

func (l *life) deal(m message) {
	switch {
	case m.call != nil:
		l.called(m.call)
	case m.op == strategies.OpTerminate:
		if m.loop == l.loops {
			l.terminate(m.err)
		}
	case m.proc == nil:
		l.step(strategies.TimerFired("", 0, strategies.DrainTimer), nil)
	default:
		m.proc.settle(m.op)
		l.step(m.input(), m.proc)
		m.proc.release(m.op)
	}
}

// terminate tells the machine to end, which it does once.
func (l *life) terminate(why error) {
	if l.root {
		l.publish(Event{Kind: EventStopping, Incarnation: l.sup.node.incarnation}, l.sup.node)
	}
	in := strategies.Terminate(strategies.Exit{Class: strategies.Shutdown, Err: why})
	if c, ok := l.ctx.Value(endKey{}).(*childContext); ok && !l.root {
		in.Cascade = c.because()
	}
	l.step(in, nil)
}

// called deals with a request from outside. One to end is the only sign there
// is that the supervisor stops: its parent has not told it to.
func (l *life) called(c *call) {
	in := c.in
	if c.starts {
		in = l.adding(&c.child)
		c.node = in.Tag.(*node)
		c.node.ofTemplate = c.ofTemplate
	}
	if c.anew != nil {
		in = l.reconfiguring(c.anew)
	}
	if c.reply != nil {
		in.Ticket = l.ticket(c)
	} else {
		l.publish(Event{Kind: EventStopping, Incarnation: l.sup.node.incarnation}, l.sup.node)
	}
	l.step(in, nil)
}

func (l *life) ticket(c *call) uint64 {
	if l.calls == nil {
		l.calls = make(map[uint64]*call)
	}
	l.tickets++
	l.calls[l.tickets] = c
	return l.tickets
}

// step feeds the machine and does as it says, and goes on for as long as doing
// so gives rise to something new. A whole step is recorded before any of it is
// done, so that what follows from an action is recorded after it.
func (l *life) step(in strategies.Input, p *proc) {
	for next := 0; ; next++ {
		l.idle.Store(false)
		now := time.Now()
		actions := l.machine.Step(now, in)
		l.record(now, &in, p, actions)
		for i := range actions {
			l.perform(&actions[i])
		}
		if next == len(l.feedback) {
			l.feedback = l.feedback[:0]
			l.rest()
			return
		}
		m := &l.feedback[next]
		p = m.proc
		p.settle(m.op)
		in = m.input()
	}
}

// rest says whether nothing is under way now, and wakes those who wait for that.
func (l *life) rest() {
	if !l.machine.Idle() {
		return
	}
	l.idle.Store(true)
	h := l.sup.hub
	if !h.awaited.Load() { // set before idle is looked at: one of both sees the other
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.idle != nil {
		close(h.idle)
		h.idle = nil
	}
	h.awaited.Store(false)
}

func (l *life) perform(a *strategies.Action) {
	switch a.Do {
	case strategies.DoStart:
		l.start(a)
	case strategies.DoStop:
		if p := a.Tag.(*node).proc; p != nil {
			p.stop(a.Cascade)
		}
	case strategies.DoKill:
		if p := a.Tag.(*node).proc; p != nil && !p.kill(a.Cascade) {
			l.feedback = append(l.feedback, message{proc: p, op: strategies.OpCannotKill})
		}
	case strategies.DoArm:
		l.arm(a)
	case strategies.DoReply:
		c := l.calls[a.Reply.Ticket]
		delete(l.calls, a.Reply.Ticket)
		c.reply <- a.Reply
	case strategies.DoBooted:
		l.booted = true
	case strategies.DoReport:
		if a.Report == strategies.Cancelled {
			l.noRetry(a.Tag.(*node))
		}
	case strategies.DoFinish:
		l.finish(a)
	}
}

// finish ends the life. The error says why, in the terms of [Supervisor.Serve].
func (l *life) finish(a *strategies.Action) {
	path := l.sup.node.path
	child := path + "/" + a.ID
	switch a.Why {
	case strategies.Told:
		l.err = a.Exit.Err
	case strategies.BootFailed:
		l.err = &StartError{Path: child, Cascade: a.Cascade, Err: a.Exit.Err}
	case strategies.Exhausted:
		l.err = &ExhaustedError{
			Path: path, Child: child, Restarts: a.Spent,
			Intensity: l.sup.node.sup.window.Intensity(), Cascade: a.Cascade, Cause: a.Exit.Err,
		}
	case strategies.AutoStopped:
		l.err = &AutoShutdownError{Path: path, Child: child, root: l.root}
	case strategies.TreeEnded:
		l.err = a.Exit.Err
		if l.err == nil { // it is this child that is stuck
			l.err = &StuckError{Path: child}
		}
	}
	l.why = a.Cascade
	if l.drain != nil {
		l.drain.Stop()
	}
	l.publishRunning(nil)
	if l.root {
		n := l.sup.node
		e := Event{Kind: EventExited, Incarnation: n.incarnation, Cascade: a.Cascade, Exit: a.Exit}
		switch a.Why {
		case strategies.BootFailed:
			e.Exit.Class = strategies.ShutdownTerm
		case strategies.Exhausted, strategies.AutoStopped:
			e.Exit.Class = strategies.Shutdown
		}
		e.Exit.Err = l.err
		l.publish(e, n)
	}
	l.over = true
	close(l.done)
}

func (l *life) publishRunning(s *Supervisor) {
	h := l.sup.hub
	h.mu.Lock()
	l.sup.node.sup.running = s
	h.mu.Unlock()
}

// tell gives the loop a message, unless ctx or the life ends first.
func (l *life) tell(ctx context.Context, m message) error {
	select {
	case l.inbox <- m:
		return nil
	default:
	}
	select {
	case l.inbox <- m:
		return nil
	case <-l.done:
		return fmt.Errorf("%s: %w", l.sup.node.path, ErrNotRunning)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send gives the loop what a child or timer has to say. Nobody listens once the
// life has ended: that is how a stuck goroutine finds it when it returns at last.
func (l *life) send(m message) {
	select {
	case l.inbox <- m:
		return
	default:
	}
	select {
	case l.inbox <- m:
	case <-l.done:
	}
}
