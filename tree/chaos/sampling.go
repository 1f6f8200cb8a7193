package chaos

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// sampling looks at /proc again and again, in a goroutine of its own.
type sampling struct {
	sampler *sampler // nil where there is no /proc
	over    context.CancelFunc
	looker  sync.WaitGroup

	mu      sync.Mutex // guards samples
	samples []check.Sample
}

// sample begins to look at the processes of the tree.
func (r *run) sample() *sampling {
	r.watch.mu.Lock()
	root := r.watch.history.begin.Root.Path
	r.watch.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	s := &sampling{sampler: newSampler(r.subject.PID(), root), over: cancel}
	if s.sampler != nil && r.Sample > 0 {
		s.looker.Go(func() { s.run(ctx, r.Sample) })
	}
	return s
}

func (s *sampling) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s.look()
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.look() // how it ends
			return
		}
	}
}

// look takes a sample. One that cannot be taken, for want of a descriptor, is
// none.
func (s *sampling) look() {
	sample, err := s.sampler.look()
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = append(s.samples, sample)
}

// so returns the samples so far; nil if there was nothing to be seen.
func (s *sampling) so() []check.Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.samples, func(x check.Sample) bool { return len(x.Processes) > 0 }) {
		return nil
	}
	return slices.Clone(s.samples)
}

// stop ends it, and returns the samples. It may be called again.
func (s *sampling) stop() []check.Sample {
	s.over()
	s.looker.Wait()
	return s.so()
}

// leftLimit is how long the processes of a tree that has ended may take to be gone.
const leftLimit = 2 * time.Second

// left returns the processes that are there after the end of the tree; nil if
// that cannot be seen.
func (s *sampling) left(ctx context.Context) []check.Process {
	if s.sampler == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, leftLimit)
	defer cancel()
	for {
		sample, err := s.sampler.look()
		if err == nil && len(sample.Processes) == 0 {
			return sample.Processes
		}
		select { // there is no event to wait for: it is whoever adopted them that reaps them
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return sample.Processes
		}
	}
}
