package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// blow is one crash of a storm's plan.
type blow struct {
	at     time.Duration
	victim int // index among the leaves
	fault  Fault
}

// plan makes a storm's crashes. The same seed makes the same plan.
func (s *Storm) plan(seed uint64, leaves int) []blow {
	random := rand.New(rand.NewPCG(seed, 0))
	var plan []blow
	for at := time.Duration(0); ; {
		at += time.Duration(random.ExpFloat64() * float64(s.Crash))
		if at > s.Lasts {
			return plan
		}
		plan = append(plan, blow{at, random.IntN(leaves), [...]Fault{Kill, Exit, Panic}[random.IntN(3)]})
	}
}

// storm carries out a plan, waits until all is ready again, and counts.
func (p *player) storm(ctx context.Context, seed uint64) error {
	var leaves []*Cell
	for _, c := range p.board.Cells {
		if !c.Supervisor {
			leaves = append(leaves, c)
		}
	}
	plan := p.scene.Storm.plan(seed, len(leaves))
	p.totals = newTotals(seed)
	p.view.Say(fmt.Sprintf("%d crashes planned within %v, seed %d", len(plan), p.scene.Storm.Lasts, seed))
	struck := map[*Cell]int{} // the latest process of each that was
	begin := time.Now()
	for _, b := range plan {
		if err := p.wait(ctx, begin.Add(b.at)); err != nil {
			return err
		}
		victim := leaves[b.victim]
		if victim.State != strategies.Up {
			p.totals.Missed++ // it is down because of an earlier one
			continue
		}
		p.totals.Faults[b.fault.String()]++
		struck[victim] = victim.PID
		if err := b.fault.strike(victim.PID); err != nil {
			return err
		}
	}
	if _, err := p.until(ctx, "the recovery of the whole tree", func() bool { return p.calm(struck) }); err != nil {
		return err
	}
	p.totals.finish()
	if n := p.totals.Crashes; n == 0 {
		return fmt.Errorf("nothing crashed")
	}
	return nil
}

// calm reports whether every process that was struck is gone, and everything is
// ready again.
func (p *player) calm(struck map[*Cell]int) bool {
	for c, pid := range struck {
		if c.PID == pid {
			return false
		}
	}
	return p.board.ready()
}

// wait shows what happens until a moment has come.
func (p *player) wait(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	for {
		p.see()
		select {
		case <-p.news:
		case <-timer.C:
			p.see()
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Totals is what a storm came to.
type Totals struct {
	Seed     uint64                `json:"seed"`
	Faults   map[string]int        `json:"faults"`   // by kind
	Missed   int                   `json:"missed"`   // planned for a child that was down
	Crashes  int                   `json:"crashes"`  // processes that ended unasked
	Stopped  int                   `json:"stopped"`  // processes stopped because of another's crash
	Restarts map[string]int        `json:"restarts"` // counted against an intensity, by strategy
	Recovery map[string]Percentile `json:"recovery"` // from the end of a process to the next being ready, by strategy

	downs map[string]time.Time
	times map[string][]time.Duration
}

// Percentile is a distribution of times, in milliseconds.
type Percentile struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50_ms"`
	P90 float64 `json:"p90_ms"`
	Max float64 `json:"max_ms"`
}

func newTotals(seed uint64) *Totals {
	return &Totals{
		Seed: seed, Faults: map[string]int{}, Restarts: map[string]int{}, Recovery: map[string]Percentile{},
		downs: map[string]time.Time{}, times: map[string][]time.Duration{},
	}
}

// see counts an event; b has seen it.
func (t *Totals) see(e tree.Event, b *Board) {
	up := b.cells[parent(e.Path)]
	if up == nil {
		return
	}
	strategy := up.Strategy.String()
	switch {
	case e.Kind == tree.EventRestarting:
		t.Restarts[strategy]++
	case e.Supervisor:
	case e.Kind == tree.EventChildTerminated:
		t.Crashes++
		t.downs[e.Path] = e.Time
	case e.Kind == tree.EventStopping:
		t.Stopped++
		t.downs[e.Path] = e.Time
	case e.Kind == tree.EventProgress:
		if down, ok := t.downs[e.Path]; ok {
			t.times[strategy] = append(t.times[strategy], e.Time.Sub(down))
			delete(t.downs, e.Path)
		}
	}
}

func (t *Totals) finish() {
	for strategy, times := range t.times {
		slices.Sort(times)
		at := func(q float64) float64 {
			return float64(times[int(q*float64(len(times)-1))]) / float64(time.Millisecond)
		}
		t.Recovery[strategy] = Percentile{len(times), at(0.5), at(0.9), at(1)}
	}
}
