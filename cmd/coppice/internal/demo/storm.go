package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// plan is a storm's crashes as package chaos takes them: children of the demo exit
// and panic by a signal.
func (s *Storm) plan(root string, seed uint64) *chaos.Plan {
	var fault chaos.Choice
	for _, f := range []Fault{Kill, Exit, Panic} {
		fault = append(fault, chaos.One(f.inPlans())...)
	}
	return &chaos.Plan{
		Title: "the storm of the demo", Seed: seed,
		Method: []chaos.Step{chaos.Storm{
			Over: s.Lasts, Rate: float64(time.Second) / float64(s.Crash), Fault: fault,
			Target: chaos.Target{Path: root + "/**"},
		}},
	}
}

// storm carries out the plan, until all is ready again and was checked, and counts.
func (p *player) storm(ctx context.Context, seed uint64) error {
	p.totals = newTotals(seed)
	p.view.Say(fmt.Sprintf("Crashes at random, %v long, seed %d", p.scene.Storm.Lasts, seed))
	var j *chaos.Journal
	var failed error
	over := make(chan struct{})
	go func() {
		defer p.wake()
		defer close(over)
		j, failed = chaos.Run(ctx, chaos.Local(p.root), p.scene.Storm.plan(p.scene.Root, seed), chaos.Options{Live: -1})
	}()
	if _, err := p.until(ctx, "the recovery of the whole tree", func() bool {
		select {
		case <-over:
			return p.board.ready()
		default:
			return false
		}
	}); err != nil {
		<-over // it heals what it has done
		return err
	}
	if failed != nil {
		return failed
	}
	p.totals.count(j)
	p.totals.finish()
	if n := p.totals.Crashes; n == 0 {
		return fmt.Errorf("nothing crashed")
	}
	return j.Invariants.Err()
}

// Totals is what a storm came to.
type Totals struct {
	Seed     uint64                `json:"seed"`
	Faults   map[string]int        `json:"faults"`          // by kind
	Missed   int                   `json:"missed"`          // planned for a child that was down
	Crashes  int                   `json:"crashes"`         // processes that ended unasked
	Stopped  int                   `json:"stopped"`         // processes stopped because of another's crash
	Restarts map[string]int        `json:"restarts"`        // counted against an intensity, by strategy
	Holds    int                   `json:"invariants_hold"` // of those that could be checked
	Facts    int                   `json:"facts"`           // that were compared for that
	Recovery map[string]Percentile `json:"recovery"`        // from the end of a process to the next being ready, by strategy

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

// count takes what the journal of the storm tells.
func (t *Totals) count(j *chaos.Journal) {
	for _, f := range j.Evidence.Faults {
		if f.Missed != "" {
			t.Missed++ // it is down because of an earlier one
			continue
		}
		t.Faults[faultInPlans(f.Kind).String()]++
	}
	for _, r := range j.Invariants.Results {
		if r.Verdict == check.Holds {
			t.Holds++
			t.Facts += r.Facts
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
