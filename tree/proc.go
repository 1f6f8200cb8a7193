package tree

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/strategies"
)

// proc is one incarnation of a child: its goroutine, its service, and the
// context that it is given.
type proc struct {
	context.Context // cancelled by the loop alone
	cancel          context.CancelCauseFunc

	life *life
	node *node
	ref  strategies.ChildRef
	told atomic.Uint32 // a strategies.Asked: what it was told

	timer *time.Timer // armed by the loop: for its start or its stop

	mu     sync.Mutex // guards what follows
	svc    Service    // nil until it was made
	killed bool
}

// Value answers for what every child's context carries, so that the context
// of an incarnation is one object.
func (p *proc) Value(key any) any {
	switch key {
	case strategies.ChildRefKey{}:
		return &p.ref
	case loggerKey:
		return hclog.Logger(&p.node.logger)
	}
	return p.Context.Value(key)
}

// loggerKey is the key under which hclog.FromContext looks for a logger. It is
// not exported; what is asked of a context tells it.
var loggerKey = func() any {
	probe := &keyProbe{Context: context.Background()}
	hclog.FromContext(probe)
	return probe.key
}()

type keyProbe struct {
	context.Context
	key any
}

func (p *keyProbe) Value(key any) any {
	p.key = key
	return nil
}

// start carries out a Start. A Func has nothing that could fail before it
// runs, so it counts as started at once.
func (l *life) start(a *strategies.Action) {
	n := a.Tag.(*node)
	p := &proc{life: l, node: n, ref: strategies.ChildRef{Path: n.path, Incarnation: a.Incarnation, Cascade: a.Cascade}}
	p.Context, p.cancel = context.WithCancelCause(l.base)
	n.proc = p
	if f, ok := n.start.(funcStarter); ok {
		p.svc = f
		l.feedback = append(l.feedback, message{proc: p, op: strategies.OpStarted})
	}
	go p.run()
}

// stop carries out a Stop.
func (p *proc) stop() {
	p.told.CompareAndSwap(uint32(strategies.Unasked), uint32(strategies.ToldStop))
	p.cancel(ErrStopped)
}

// arm carries out an Arm. The timer of an incarnation ends with it.
func (l *life) arm(a *strategies.Action) {
	n := a.Tag.(*node)
	p := n.proc
	if p == nil { // it could not be started, and this is the pause before the next attempt
		p = &proc{life: l, node: n, ref: strategies.ChildRef{Incarnation: a.Incarnation}}
	}
	m := message{proc: p, op: strategies.OpDeadline, timer: a.Timer}
	p.disarm()
	p.timer = time.AfterFunc(a.After, func() { l.send(m) })
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
		p.cancel(nil)
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
		p.life.send(message{proc: p, op: op, err: err, asked: p.asked()})
	}()
	if p.svc == nil {
		if e := p.init(); e != nil {
			err = e
			return
		}
		p.life.send(message{proc: p, op: strategies.OpStarted})
	}
	op = strategies.OpExited
	err = p.svc.Serve(p)
}

// init makes the service and gets it through its Init, if it has one.
func (p *proc) init() error {
	waits := &initMark{life: p.life}
	waits.outer, _ = p.Value(initKey{}).(*initMark)
	defer waits.over.Store(true)
	svc, err := p.node.start.instance(p)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.svc = svc
	killed := p.killed
	p.mu.Unlock()
	if killed {
		p.kill()
	}
	if i, ok := svc.(Initer); ok {
		return i.Init(context.WithValue(p, initKey{}, waits))
	}
	return nil
}

// kill begins the unconditional end of the service and reports whether it is of
// a kind that can be ended so. One not made yet is killed when it is.
func (p *proc) kill() bool {
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

// pid returns the process id of the service; 0 if it is no process.
func (p *proc) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.svc.(interface{ PID() int }); ok {
		return s.PID()
	}
	return 0
}

// initMark says which supervisor waits for the Init that a context belongs to.
type initMark struct {
	life  *life
	over  atomic.Bool
	outer *initMark
}

type initKey struct{}

// refuseFromInit returns ErrFromInit if the call that ctx belongs to comes from
// a start which this supervisor waits for.
func (l *life) refuseFromInit(ctx context.Context) error {
	m, _ := ctx.Value(initKey{}).(*initMark)
	for ; m != nil; m = m.outer {
		if m.life == l && !m.over.Load() {
			return ErrFromInit
		}
	}
	return nil
}
