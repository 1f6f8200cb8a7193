package chaos_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/coppice-go/coppice/tree/chaos"
)

// TestSim lets two thousand random trees live through random faults.
func TestSim(t *testing.T) {
	n := 2000
	if testing.Short() || raceEnabled { // which takes ten times as long
		n = 200
	}
	begin := time.Now()
	r, err := chaos.Sim(t.Context(), 4711, n)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
		for _, f := range r.Failed {
			about(t, &f)
		}
	}
	t.Logf("%d trees, %d events, %d faults, facts by invariant %v, in %v", r.Trees, r.Events, r.Faults, r.Facts, time.Since(begin).Round(time.Millisecond))
	if r.Trees != n || r.Events < 10*n {
		t.Errorf("%d trees, %d events: that is no life", r.Trees, r.Events)
	}
	for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 9} { // the others need processes
		if r.Facts[k-1] < n {
			t.Errorf("invariant %d: only %d facts in %d trees", k, r.Facts[k-1], n)
		}
	}
}

// BenchmarkSim is a random tree's life under faults, checked.
func BenchmarkSim(b *testing.B) {
	events := 0
	for n := 0; b.Loop(); n++ {
		r, err := chaos.Sim(b.Context(), uint64(n), 10)
		if err != nil {
			b.Fatal(err)
		}
		events += r.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "trees/s")
}

// about shows what led to a violation.
func about(t *testing.T, f *chaos.SimFailure) {
	t.Helper()
	t.Logf("tree %d of seed %d: %v", f.Tree, f.Seed, f.Report.Err())
	for _, result := range f.Report.Results {
		if v := result.Violation; v != nil && v.Seq > 0 {
			for _, raw := range f.Evidence.Events[max(0, int(v.Seq)-25):v.Seq] {
				t.Logf("%s", raw)
			}
		}
	}
}

// The same seed makes the same runs, another one others.
func TestSimSeed(t *testing.T) {
	digest := func(seed uint64) string {
		r, err := chaos.Sim(t.Context(), seed, 50)
		if err != nil {
			t.Fatal(err)
		}
		return r.Digest
	}
	if a, b := digest(1), digest(1); a != b {
		t.Errorf("seed 1: %s, and then %s", a, b)
	}
	if digest(1) == digest(2) {
		t.Error("seeds 1 and 2 make the same")
	}
}

// Fifty random trees in virtual time.
func ExampleSim() {
	var report *chaos.SimReport
	report, err := chaos.Sim(ctx, 1, 50)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Trees, "trees,", len(report.Failed), "did not keep their rules")
	// Output: 50 trees, 0 did not keep their rules
}

// With the seed and the number of a tree it can be made again.
func ExampleSimFailure() {
	failed := []chaos.SimFailure{{Seed: 1, Tree: 7}} // of a SimReport
	for _, f := range failed {
		evidence, report, err := chaos.SimTree(f.Seed, f.Tree)
		fmt.Println(len(evidence.Events) > 0, report.Err(), err)
	}
	// Output: true <nil> <nil>
}
