package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// spec is a random supervisor, with at least one leaf below it. All that it says is
// told to the simulation; its leaves are never started.
func (r *simRun) spec(depth int) tree.Spec {
	s := tree.Spec{
		Strategy:  strategies.Strategy(r.IntN(4)),
		Intensity: strategies.Intensity{Max: r.IntN(6) - 1, Within: 1 + r.duration(5*time.Second)},
	}
	if r.IntN(4) == 0 {
		s.AutoShutdown = strategies.AutoShutdown(1 + r.IntN(2))
	}
	if s.Strategy == strategies.OneForOne || s.Strategy == strategies.Dependents {
		s.Parallel = r.IntN(4)
	}
	for i := range 1 + r.IntN(5) {
		c := tree.Child{ID: fmt.Sprint(i), Start: leaf, Restart: strategies.Restart(r.IntN(3))}
		if i == 0 { // which brings some life
			c.Restart = strategies.Permanent
		}
		if s.AutoShutdown != strategies.Never && c.Restart != strategies.Permanent {
			c.Significant = r.IntN(2) == 0
		}
		if r.IntN(4) == 0 {
			c.Backoff = strategies.Backoff{Min: 1 + r.duration(2*time.Second), Max: 3 * time.Second, Jitter: 0.5}
		}
		if depth > 1 && r.IntN(3) == 0 {
			c.Start = tree.Sub(r.spec(depth - 1))
		} else {
			c.Shutdown = []tree.Shutdown{0, tree.BrutalKill, tree.Timeout(0), tree.Timeout(time.Millisecond), tree.Timeout(time.Second)}[r.IntN(5)]
		}
		if s.Strategy == strategies.Dependents {
			for n := range i {
				if r.IntN(3) == 0 {
					c.Needs = append(c.Needs, fmt.Sprint(n))
				}
			}
		}
		s.Children = append(s.Children, c)
	}
	return s
}

var leaf = tree.Func(func(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
})
