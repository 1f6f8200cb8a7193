package chaos_test

import (
	"testing"

	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// holds fails the test unless every invariant that was judged holds, and those of
// want were judged.
func holds(t *testing.T, j *chaos.Journal, want ...int) {
	t.Helper()
	if j.Deviated {
		t.Errorf("deviated: %v %+v %v", j.Invariants.Err(), j.Probes(), j.Heal)
		show(t, j)
	}
	for _, n := range want {
		if r := j.Invariants.Results[n-1]; r.Verdict != check.Holds {
			t.Errorf("invariant %d %s: %v %s %v", n, r.Name, r.Verdict, r.Why, r.Violation)
		}
	}
}

// show logs what led to a violation.
func show(t *testing.T, j *chaos.Journal) {
	t.Helper()
	for _, f := range j.Evidence.Faults {
		t.Logf("%+v", f)
	}
	for _, r := range j.Invariants.Results {
		v := r.Violation
		if v == nil {
			continue
		}
		last := len(j.Evidence.Events)
		if v.Seq > 0 { // events may begin with any number
			last = 0
			for last < len(j.Evidence.Events) && seq(t, j.Evidence.Events[last]) <= v.Seq {
				last++
			}
		}
		for _, raw := range j.Evidence.Events[max(0, last-30):last] {
			t.Logf("%s", raw)
		}
	}
}
