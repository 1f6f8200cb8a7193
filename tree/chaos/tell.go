package chaos

import (
	"context"
	"time"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// live tells what the check says so far.
func (r *run) live(ctx context.Context) {
	tick := time.NewTicker(r.Live)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		var e check.Evidence
		r.watch.evidence(&e)
		e.Faults, e.Samples = r.done(), r.sampler.so()
		e.Closed = time.Now()
		if report, err := check.Check(e, r.checkOptions()); err == nil {
			r.tell(Progress{Report: &report})
		}
	}
}

// begin begins the time that Progress is told.
func (r *run) begin() {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.began = time.Now()
}

func (r *run) stage(s Stage)          { r.tell(Progress{Stage: s}) }
func (r *run) told(event *tree.Event) { r.tell(Progress{Event: event}) }

// tell calls Progress. A panic of it is kept for the end of the run, which comes at
// once: it must not keep the tree from being healed.
func (r *run) tell(p Progress) {
	r.telling.Lock()
	defer r.telling.Unlock()
	if r.Progress == nil || r.panicked != nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			r.panicked = v
			r.quit(errPanic)
		}
	}()
	p.Elapsed = time.Since(r.began)
	r.Progress(p)
}

// hasPanicked returns what Progress panicked with; nil if it has not.
func (r *run) hasPanicked() any {
	r.telling.Lock()
	defer r.telling.Unlock()
	return r.panicked
}
