package tree

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// proc is one incarnation of a child: its goroutine, its service, and the
// context that it is given.
type proc struct {
	childContext
	node  *node
	child strategies.Ref
	told  atomic.Uint32 // a strategies.Asked: what it was told

	// Guarded by the mu of the context.
	killed bool
	svc    Service // nil until it was made

	// The loop's, guarded by life.mu.
	because strategies.Cascade // the cascade in which it was told
	timer   *time.Timer        // for its start or its stop

	// Set by the incarnation's goroutine before it says that it was started.
	pid int
}

func (l *life) newProc(a *strategies.Action) *proc {
	n := a.Tag.(*node)
	p := &proc{node: n, child: a.Child}
	p.life = l
	p.ref = strategies.ChildRef{Path: n.path, Incarnation: a.Incarnation, Cascade: a.Cascade}
	return p
}

// start carries out a Start. A Func has nothing that could fail before it
// runs, so it counts as started at once.
func (l *life) start(a *strategies.Action) {
	p := l.newProc(a)
	p.node.proc = p
	l.noRetry(p.node)
	if f, ok := p.node.start.(funcStarter); ok {
		p.svc = f
		l.feedback = append(l.feedback, message{proc: p, op: strategies.OpStarted})
	}
	go p.run()
}

// stop carries out a Stop.
func (p *proc) stop(c strategies.Cascade) {
	p.because = c
	p.told.CompareAndSwap(uint32(strategies.Unasked), uint32(strategies.ToldStop))
	p.cancelIn(c)
}

// arm carries out an Arm. The timer of an incarnation ends with it; that of the
// pause before the next attempt is its supervisor's.
func (l *life) arm(a *strategies.Action) {
	switch a.Timer {
	case strategies.DrainTimer:
		l.drain = time.AfterFunc(a.After, func() { l.send(message{op: strategies.OpDeadline}) })
	case strategies.RetryTimer:
		p := l.newProc(a)
		m := message{proc: p, op: strategies.OpDeadline, timer: a.Timer}
		if l.retries == nil {
			l.retries = make(map[*node]*time.Timer)
		}
		l.retries[p.node] = time.AfterFunc(a.After, func() { l.send(m) })
	default:
		p := a.Tag.(*node).proc
		m := message{proc: p, op: strategies.OpDeadline, timer: a.Timer}
		p.disarm()
		p.timer = time.AfterFunc(a.After, func() { l.send(m) })
	}
}

// noRetry ends the pause of a child that is started, or is not to be any more.
func (l *life) noRetry(n *node) {
	if t := l.retries[n]; t != nil {
		t.Stop()
		delete(l.retries, n)
	}
}

func (p *proc) disarm() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// settle takes note of how far the incarnation has got, before the machine is
// told. One that has ended is no longer the child's.
func (p *proc) settle(op strategies.Op) {
	switch op {
	case strategies.OpStarted:
		if p.asked() == strategies.Unasked {
			p.disarm() // of its StartLimit
		}
	case strategies.OpExited, strategies.OpStartFailed:
		p.disarm()
		if p.node.proc == p {
			p.node.proc = nil
		}
	}
}

// release lets go of what was made from the context of an incarnation that has
// ended. A restart need not wait for that.
func (p *proc) release(op strategies.Op) {
	if op == strategies.OpExited || op == strategies.OpStartFailed {
		p.cancel()
	}
}

func (p *proc) asked() strategies.Asked { return strategies.Asked(p.told.Load()) }

// run is the goroutine of the incarnation. It says how it ended last of all,
// and whether it had been told to stop by then.
func (p *proc) run() {
	op, err := strategies.OpStartFailed, ErrGoexit
	defer func() {
		if err == ErrGoexit {
			if v := recover(); v != nil {
				err = newPanicError(v)
			}
		}
		p.say(op, err)
	}()
	if p.svc == nil {
		if e := p.init(); e != nil {
			err = e
			return
		}
		if s, ok := p.svc.(interface{ PID() int }); ok {
			p.pid = s.PID()
		}
		p.say(strategies.OpStarted, nil)
	}
	op = strategies.OpExited
	err = p.svc.Serve(p)
}

// say tells the loop. It is not part of run, whose frame stays on the stack for as
// long as the child lives: one of 2 KiB, which is what a goroutine has to begin
// with, is enough for most.
//
//go:noinline
func (p *proc) say(op strategies.Op, err error) {
	p.life.send(message{proc: p, op: op, err: err, asked: p.asked()})
}

// init makes the service and gets it through its Init, if it has one.
func (p *proc) init() error {
	outer, _ := p.life.base.Value(initKey{}).(*initMark)
	p.starting = &initMark{life: p.life, outer: outer}
	defer p.starting.over.Store(true)
	svc, err := p.node.start.instance(p)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.svc = svc
	killed := p.killed
	p.mu.Unlock()
	if killed {
		p.killService()
	}
	if i, ok := svc.(Initer); ok {
		return i.Init(p)
	}
	return nil
}

// kill begins the unconditional end of the service and reports whether it is of
// a kind that can be ended so. One not made yet is killed when it is.
func (p *proc) kill(c strategies.Cascade) bool {
	p.because = c
	if !p.killService() {
		return false
	}
	p.cancelIn(c) // an Init may wait for nothing else
	return true
}

// killService is what it says. A Kill that panics has not killed.
func (p *proc) killService() (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	p.mu.Lock()
	p.killed = true
	p.told.Store(uint32(strategies.ToldDie))
	k, ok := p.svc.(Killer)
	p.mu.Unlock()
	if ok {
		k.Kill()
	}
	return ok
}

// initMark says which supervisor waits for a start that is under way.
type initMark struct {
	life  *life
	over  atomic.Bool
	outer *initMark // of the start that this one is part of
}

type initKey struct{}

// refuseFromInit returns ErrFromInit if the call that ctx belongs to comes from
// a start which this supervisor waits for.
func (l *life) refuseFromInit(ctx context.Context) error {
	m, _ := ctx.Value(initKey{}).(*initMark)
	for ; m != nil && !m.over.Load(); m = m.outer {
		if m.life == l {
			return fmt.Errorf("%s: %w", l.sup.node.path, ErrFromInit)
		}
	}
	return nil
}
