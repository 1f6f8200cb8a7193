package chaos

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// fire does a fault. What waits for somebody, or lasts, goes on by itself.
func (r *run) fire(ctx context.Context, p Planned) {
	r.mu.Lock()
	i := len(r.faults)
	r.faults = append(r.faults, check.Fault{Time: time.Now(), Kind: p.Fault.String(), Path: p.Path})
	r.mu.Unlock()
	if p.Fault.class().Group == "operator" {
		r.lasting.Go(func() { r.perform(ctx, i, p) })
		return
	}
	r.perform(ctx, i, p)
}

// perform does it, and sees to it that it is lifted.
func (r *run) perform(ctx context.Context, i int, p Planned) {
	f := check.Fault{Time: time.Now(), Kind: p.Fault.String(), Path: p.Path}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	lasts, err := p.Fault.class().do(r, limit, p, &f)
	if err != nil {
		f.Missed = err.Error()
	}
	r.note(i, f)
	if lasts == nil {
		return
	}
	r.lasting.Go(func() {
		r.last(p, lasts)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
		defer cancel()
		if err := lasts.lift(limit); err != nil {
			r.mu.Lock()
			r.unheal = append(r.unheal, fmt.Errorf("%v of %s is not lifted: %w", p.Fault, p.Path, err))
			r.mu.Unlock()
		}
		f.Until = time.Now()
		r.note(i, f)
	})
}

// last waits until a fault is to be lifted.
func (r *run) last(p Planned, l *lasting) {
	takes := p.Fault.duration()
	if l.over != nil {
		takes = r.Settle // what does not come to its end in that time does not
	}
	select {
	case <-time.After(takes):
	case <-l.over:
	case <-r.healing:
	}
}

func (r *run) note(i int, f check.Fault) {
	r.mu.Lock()
	r.faults[i] = f
	r.mu.Unlock()
	r.tell(Progress{Fault: &f})
}

// done returns the faults so far, by time.
func (r *run) done() []check.Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	faults := append([]check.Fault{}, r.faults...)
	slices.SortStableFunc(faults, func(a, b check.Fault) int { return a.Time.Compare(b.Time) })
	return faults
}

// heal lifts everything that lasts, and waits until that is done.
func (r *run) heal() {
	r.healed.Do(func() {
		r.stage(StageHeal)
		close(r.healing)
		r.lasting.Wait()
	})
}
