package foreground

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/tree"
)

// With Backoff a root that gives up is started again: at once if that has not
// happened for a while, else after the pause.
const (
	backoffAfter = 1 // failures, of which each counts half as much after backoffDecay
	backoffDecay = 30
	backoffPause = 15 * time.Second
)

// serve serves the root until it is told to stop, or ends for good.
func (r *runner) serve() error {
	if !r.cfg.Backoff {
		return r.root.Serve(r.stops.Order)
	}
	ctx, cancel := context.WithCancel(r.stops.Order)
	defer cancel()
	root := &persistent{runner: r, cancel: cancel}
	guardian := suture.New("guardian of "+r.root.Path(), suture.Spec{
		EventHook:        root.event,
		FailureThreshold: backoffAfter,
		FailureDecay:     backoffDecay,
		FailureBackoff:   backoffPause,
		Timeout:          1000 * time.Hour, // the tree has its own limits
	})
	guardian.Add(root)
	err := guardian.Serve(ctx)
	return root.verdict(err)
}

// persistent is the root as suture's guardian has it: started again when it gave
// up, or could not be started. Any other end is one.
type persistent struct {
	*runner
	cancel context.CancelFunc

	mu   sync.Mutex // guards last
	last error      // how the root ended for good
}

// Serve implements suture.Service.
func (p *persistent) Serve(ctx context.Context) error {
	err := p.root.Serve(ctx)
	if ctx.Err() == nil && (errors.Is(err, tree.ErrExhausted) || startFailed(err)) {
		p.tell(p.root.Path()+" ended, and will be started again:", err)
		return err
	}
	p.mu.Lock()
	p.last = err
	p.mu.Unlock()
	p.cancel() // suture would wait for others
	return err
}

func startFailed(err error) bool {
	_, ok := errors.AsType[*tree.StartError](err)
	return ok
}

func (p *persistent) String() string { return p.root.Path() }

func (p *persistent) event(e suture.Event) {
	if _, ok := e.(suture.EventBackoff); ok {
		p.log.Warn(fmt.Sprintf("%s fails too often: it is started again in %v", p.root.Path(), backoffPause))
	}
}

func (p *persistent) verdict(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil {
		return p.last
	}
	return err
}
