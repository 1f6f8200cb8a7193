package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

const (
	callLimit = 30 * time.Second       // of a request to a supervisor
	hold      = 300 * time.Millisecond // what is up must stay so, to be called quiet
)

// Run carries out a plan on a tree, checks what came of it, and returns the
// journal. Whatever happens (ctx ends, the tree does, Progress panics) it lifts
// every fault that lasts before it returns; only a kill of this very process leaves
// something stopped. A journal whose Deviated is set is no
// error; the error says why there is no journal, or none that means something.
func Run(ctx context.Context, s Subject, p *Plan, o Options) (*Journal, error) {
	stream, err := s.Subscribe(ctx)
	if err != nil {
		return nil, fmt.Errorf("chaos: events: %w", err)
	}
	defer stream.Close()
	r := &run{subject: s, plan: p, Options: o.orDefault(), healing: make(chan struct{}), began: time.Now()}
	if r.watch, err = newWatch(stream, r.told); err != nil {
		return nil, fmt.Errorf("chaos: events: %w", err)
	}
	ctx, r.quit = context.WithCancelCause(ctx)
	defer r.quit(nil)
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watcher sync.WaitGroup
	watcher.Go(func() { r.watch.run(watching) })
	j, err := r.run(ctx)
	stop()
	watcher.Wait()
	if v := r.hasPanicked(); v != nil {
		panic(v)
	}
	return j, err
}

// run is one run. Its methods with a context and a Planned carry out faults.
type run struct {
	Options
	subject   Subject
	plan      *Plan
	list      Concrete
	watch     *watch
	sampler   *sampling
	began     time.Time // the method
	lastEvent uint64    // before the end that the tree is told to come to

	lasting sync.WaitGroup // faults that are under way
	healing chan struct{}  // closed when they are to be lifted
	healed  sync.Once

	quit     context.CancelCauseFunc
	telling  sync.Mutex // held while Progress is called; guards began and panicked
	panicked any

	mu     sync.Mutex // guards what follows
	faults []check.Fault
	calls  bool    // something was asked for as an operator does
	unheal []error // what could not be lifted
}

func (r *run) run(ctx context.Context) (*Journal, error) {
	j := &Journal{Version: JournalVersion, Title: r.plan.Title, Plan: r.plan, Start: time.Now(), Status: Completed}
	r.stage(StageReady)
	r.watch.calm(ctx, r.Settle, hold)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("chaos: before the first fault: %w", err)
	}
	if err := r.expand(ctx); err != nil {
		return nil, err
	}
	j.Seed, j.Concrete = r.list.Seed, r.list
	now := time.Now()
	j.SteadyStates.Before = r.watch.probe(r.plan, Before, now, now)
	e := &j.Evidence
	e.Before = resources(r.subject.PID())
	r.sampler = r.sample()
	defer r.sampler.stop()
	r.begin()
	if MetAll(j.SteadyStates.Before) {
		j.Status = r.method(ctx)
	} else {
		j.Status = Failed
	}
	r.heal()
	if r.hasPanicked() != nil {
		return nil, errPanic
	}
	e.Quiet = time.Now()
	r.stage(StageQuiet)
	calm := context.WithoutCancel(ctx)
	if since, ok := r.watch.calm(calm, r.Settle, hold); ok {
		e.Settled = since // it stays so from then on, or else
	}
	e.Samples = r.sampler.stop()
	e.After = resources(r.subject.PID())
	e.Closed = time.Now()
	j.SteadyStates.After = r.watch.probe(r.plan, After, e.Closed, e.Closed)
	r.lastEvent = r.watch.latest()
	r.close(calm, e)
	return j, r.judge(j)
}

// expand finds out what is to be done.
func (r *run) expand(ctx context.Context) (err error) {
	if r.Concrete != nil {
		r.list = *r.Concrete
		return nil
	}
	snapshot, err := r.subject.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("chaos: snapshot: %w", err)
	}
	if r.list, err = r.plan.Expand(r.plan.Seed, Children(snapshot, r.Injector)); err != nil {
		return fmt.Errorf("chaos: the plan does not fit the tree: %w", err)
	}
	return nil
}

// method does all faults in their time, and waits for their end.
func (r *run) method(ctx context.Context) Status {
	r.stage(StageMethod)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := r.abort(ctx, cancel)
	defer stop()
	for _, p := range r.list.Faults {
		select {
		case <-time.After(time.Until(r.began.Add(p.At))):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		r.fire(ctx, p)
	}
	over := make(chan struct{})
	go func() {
		r.lasting.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-r.spent():
	case <-ctx.Done():
	}
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return Completed
	case errors.Is(cause, errAbort):
		return Aborted
	}
	return Interrupted
}

// spent tells when the budget's time is over; it never is if that has no limit.
func (r *run) spent() <-chan time.Time {
	if d := r.plan.Budget.Duration; d > 0 {
		return time.After(time.Until(r.began.Add(d)))
	}
	return nil
}

var (
	errAbort = errors.New("the budget says so")
	errPanic = errors.New("Progress has panicked")
)

// abort ends the method early if the budget says so, or the tree has ended; and
// it tells now and then what the check says. What is returned ends that.
func (r *run) abort(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	ctx, done := context.WithCancel(ctx)
	var both sync.WaitGroup
	both.Go(func() {
		if r.watch.await(ctx, func() bool { return r.watch.ended || r.watch.aborts(r.plan.Budget.AbortOn) }) == nil {
			cancel(errAbort)
		}
	})
	if r.Live > 0 && r.Progress != nil {
		both.Go(func() { r.live(ctx) })
	}
	return func() {
		done()
		both.Wait()
	}
}

// close ends the evidence; and before, if that is wanted, the tree.
func (r *run) close(ctx context.Context, e *check.Evidence) {
	e.Faults = r.done()
	if r.Stop != nil && !r.watch.hasEnded() {
		r.stage(StageStop)
		r.Stop()
		limit, cancel := context.WithTimeout(ctx, r.StopLimit)
		_ = r.watch.await(limit, func() bool { return r.watch.ended })
		cancel()
	}
	if r.watch.hasEnded() {
		e.Left = r.sampler.left(ctx)
		r.watch.evidence(e)
		return
	}
	r.end(ctx, e)
}

// end takes the events and a snapshot that follows from them. On a tree that does
// not come to rest it may find none; there is none then.
func (r *run) end(ctx context.Context, e *check.Evidence) {
	for range 5 {
		snapshot, err := r.subject.Snapshot(ctx)
		if err != nil {
			break
		}
		limit, cancel := context.WithTimeout(ctx, time.Second)
		_ = r.watch.await(limit, func() bool { return r.watch.ended || r.watch.rev() >= snapshot.Rev })
		cancel()
		if r.watch.evidence(e) == snapshot.Rev {
			e.End, _ = json.Marshal(snapshot) // which is always possible
			return
		}
	}
	r.watch.evidence(e)
}

// checkOptions are those given, and what the run knows.
func (r *run) checkOptions() check.Options {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.Check
	o.Operator = o.Operator || r.calls
	return o
}

// judge makes the check, and all that is told of it.
func (r *run) judge(j *Journal) error {
	r.stage(StageCheck)
	e := &j.Evidence
	o := r.checkOptions()
	e.Operator = o.Operator
	var err error
	if j.Invariants, err = check.Check(*e, o); err != nil {
		return fmt.Errorf("chaos: the check: %w", err)
	}
	h, err := readHistory(e)
	if err != nil {
		return fmt.Errorf("chaos: the events: %w", err)
	}
	if j.Status != Failed {
		j.SteadyStates.During = r.plan.probe(h, Continuous, r.began, e.Quiet)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	j.End = time.Now()
	j.Stats = h.stats(e, r.began, r.lastEvent)
	j.record(e, r.unheal)
	j.Deviated = j.Invariants.Err() != nil || !j.steady() || r.unheal != nil
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	return r.watch.failed
}
