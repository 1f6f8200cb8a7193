package tree

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/strategies"
)

// proc is one incarnation of a child: its goroutine, its context, its service.
type proc struct {
	life   *life
	node   *node
	ref    strategies.ChildRef
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // armed by the loop: for its start or its stop

	mu     sync.Mutex // guards what follows
	svc    Service    // nil until it was made
	killed bool
}

// start carries out a Start. A Func has nothing that could fail before it
// runs, so it counts as started at once.
func (l *life) start(a *strategies.Action) {
	n := l.child(a.ID)
	ref := strategies.ChildRef{Path: n.path, Incarnation: a.Incarnation, Cascade: a.Cascade}
	ctx, cancel := context.WithCancelCause(l.base)
	ctx = hclog.WithContext(strategies.WithChild(ctx, ref), &childLogger{base: l.sup.logger, path: n.path})
	p := &proc{life: l, node: n, ref: ref, ctx: ctx, cancel: cancel}
	n.proc = p
	if f, ok := n.spec.Start.(funcStarter); ok {
		p.svc = f
		l.feedback = append(l.feedback, strategies.Started(a.ID, a.Incarnation))
	}
	go p.run()
}

// arm carries out an Arm. The timer of an incarnation ends with it.
func (l *life) arm(a *strategies.Action) {
	in := strategies.TimerFired(a.ID, a.Incarnation, a.Timer)
	t := time.AfterFunc(a.After, func() { l.send(in) })
	if p := l.child(a.ID).proc; p != nil {
		p.disarm()
		p.timer = t
	}
}

func (p *proc) disarm() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// settle lets go of what an incarnation no longer needs: of everything when it
// has ended, of its StartLimit's timer when it was started.
func (l *life) settle(in *strategies.Input) {
	n := l.child(in.ID)
	if n == nil || n.proc == nil || n.proc.ref.Incarnation != in.Incarnation {
		return
	}
	switch in.Op {
	case strategies.OpStarted:
		if n.proc.ctx.Err() == nil {
			n.proc.disarm()
		}
	case strategies.OpExited, strategies.OpStartFailed, strategies.OpIgnored:
		n.proc.disarm()
		n.proc.cancel(nil)
		n.proc = nil
	}
}

// run is the goroutine of the incarnation.
func (p *proc) run() {
	up := p.svc != nil
	var err error
	returned := false
	defer func() {
		if !returned {
			err = ErrGoexit
			if v := recover(); v != nil {
				err = &PanicError{Value: v, Stack: callers()}
			}
		}
		p.report(up, err)
	}()
	if !up {
		if err = p.init(); err == nil {
			up = true
			p.life.send(strategies.Started(p.node.id, p.ref.Incarnation))
		}
	}
	if up {
		err = p.svc.Serve(p.ctx)
	}
	returned = true
}

// init makes the service and gets it through its Init, if it has one.
func (p *proc) init() error {
	waits := &initMark{life: p.life}
	waits.outer, _ = p.ctx.Value(initKey{}).(*initMark)
	defer waits.over.Store(true)
	svc, err := p.node.spec.Start.instance(p)
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
		return i.Init(context.WithValue(p.ctx, initKey{}, waits))
	}
	return nil
}

// report tells the loop how the start or the run ended. Whether the child had
// been told to stop is judged now, by what it could know itself.
func (p *proc) report(up bool, err error) {
	asked := strategies.Unasked
	if p.ctx.Err() != nil {
		asked = strategies.ToldStop
	}
	id, n := p.node.id, p.ref.Incarnation
	e := classify(err, asked)
	switch {
	case up:
		p.life.send(strategies.Exited(id, n, e, cascadeOf(err, p.ref)))
	case errors.Is(err, ErrIgnore):
		p.life.send(strategies.Ignored(id, n))
	default:
		p.life.send(strategies.StartFailed(id, n, e, cascadeOf(err, p.ref)))
	}
}

// kill begins the unconditional end of the service and reports whether it is of
// a kind that can be ended so. One not made yet is killed when it is.
func (p *proc) kill() bool {
	p.mu.Lock()
	p.killed = true
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
