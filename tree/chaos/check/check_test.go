package check_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// TestScenes: recordings of real trees hold, and there is much in them that was
// compared. One has all that evidence can have, and everything is judged by it.
func TestScenes(t *testing.T) {
	for name, scene := range scenes {
		t.Run(name, func(t *testing.T) {
			r := check1(t, scene(t), check.Options{Operator: slices.Contains(byCall, name)})
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			for _, res := range r.Results {
				known := name == "one for one" || !slices.Contains([]int{6, 10}, res.Number)
				known = known && !(res.Number == 3 && slices.Contains([]string{"finished", "stubborn", "significant", "dynamic"}, name)) // no restarts
				if known && res.Verdict != check.Holds {
					t.Errorf("%s: %v: %s", res.Name, res.Verdict, res.Why)
				}
				if !known && (res.Verdict != check.NotChecked || res.Why == "") {
					t.Errorf("%s: %v: %q", res.Name, res.Verdict, res.Why)
				}
			}
		})
	}
}

// TestDoctored: in a recording of which one thing was changed the check finds
// that, names the event, and has nothing to say about the rest.
func TestDoctored(t *testing.T) {
	seen := map[int]int{}
	for _, c := range doctored {
		t.Run(c.name, func(t *testing.T) {
			j := edit(t, scenes[c.scene](t))
			culprit := c.doctor(j)
			r := check1(t, j.evidence(), c.o)
			var violated []int
			for _, res := range r.Results {
				if res.Violation == nil {
					continue
				}
				violated = append(violated, res.Number)
				if v := res.Violation; v.Message == "" || v.Time.IsZero() {
					t.Errorf("%d: an incomplete violation: %+v", res.Number, v)
				}
			}
			want := append([]int{c.violates}, c.also...)
			slices.Sort(want)
			if diff := cmp.Diff(want, violated); diff != "" {
				t.Fatalf("violated invariants (-want +got):\n%s%v", diff, r.Err())
			}
			v := r.Results[c.violates-1].Violation
			if v.Seq != culprit || !strings.Contains(v.Message, c.says) {
				t.Errorf("event %d: %s\nwant event %d, %q", v.Seq, v.Message, culprit, c.says)
			}
			t.Log(v)
		})
		seen[c.violates]++
	}
	for i := 1; i <= 10; i++ {
		if seen[i] < 2 {
			t.Errorf("invariant %d is violated in %d cases only", i, seen[i])
		}
	}
}

// TestUnreadable: evidence that cannot be read is an error that says where.
func TestUnreadable(t *testing.T) {
	good := oneForAll(t)
	for _, c := range []struct {
		name  string
		spoil func(e *check.Evidence)
		want  string
	}{
		{"no begin", func(e *check.Evidence) { e.Begin = nil }, `snapshot "begin"`},
		{"begin of another version", func(e *check.Evidence) { e.Begin = json.RawMessage(`{"v":"v2"}`) }, `"v2"`},
		{"begin of nothing", func(e *check.Evidence) { e.Begin = json.RawMessage(`{"v":"v1","root":{"path":"t"}}`) }, "not that of a supervisor"},
		{"event that is no JSON", func(e *check.Evidence) { e.Events[4] = json.RawMessage(`{`) }, "event 5 of the evidence"},
		{"event of another version", func(e *check.Evidence) { e.Events[4] = json.RawMessage(`{"v":"v2"}`) }, "event 5 of the evidence"},
		{"event without a kind", func(e *check.Evidence) { e.Events[0] = json.RawMessage(`{"v":"v1"}`) }, "event 1 of the evidence"},
		{"event without a path", func(e *check.Evidence) { e.Events[0] = json.RawMessage(`{"v":"v1","kind":"starting"}`) }, "has no path"},
		{"exit without an exit", func(e *check.Evidence) { e.Events[0] = json.RawMessage(`{"v":"v1","kind":"exited","path":"t/a"}`) }, "has no exit"},
		{"added without a child", func(e *check.Evidence) { e.Events[0] = json.RawMessage(`{"v":"v1","kind":"added","path":"t/a"}`) }, "what was added"},
		{"new description without one", func(e *check.Evidence) {
			e.Events[0] = json.RawMessage(`{"v":"v1","kind":"reconfigured","path":"t","child":{}}`)
		}, "what the supervisor is now"},
		{"end", func(e *check.Evidence) { e.End = json.RawMessage(`[]`) }, `snapshot "end"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := good
			e.Events = slices.Clone(good.Events)
			c.spoil(&e)
			_, err := check.Check(e, check.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
		})
	}
}

// TestNotChecked: what the evidence does not tell is not said to hold.
func TestNotChecked(t *testing.T) {
	e := oneForAll(t)
	e.Events, e.End = nil, nil
	for _, res := range check1(t, e, check.Options{}).Results {
		if res.Verdict == check.Holds {
			t.Errorf("%s holds, by %d facts", res.Name, res.Facts)
		}
	}
	e = oneForAll(t)
	e.Closed = e.Quiet.Add(time.Second)
	var events []json.RawMessage
	for _, raw := range e.Events { // but the end
		if !strings.Contains(string(raw), "00:00:30") {
			events = append(events, raw)
		}
	}
	e.Events, e.End = events, nil
	if res := check1(t, e, check.Options{}).Results[8]; res.Verdict != check.NotChecked || !strings.Contains(res.Why, "the evidence ends at") {
		t.Errorf("%+v", res)
	}
}

// TestReportJSON: the form that is described.
func TestReportJSON(t *testing.T) {
	j := edit(t, oneForAll(t))
	j.cut(len(j.events)-3, 0)
	j.drop(j.at("child_terminated", "t/b", 0))
	r := check1(t, j.evidence(), check.Options{})
	b := marshal(t, r)
	var got check.Report
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
	for _, want := range []string{`{"number":1,"name":"radius","verdict":"holds","facts":`, `"verdict":"violated"`, `"violation":{"seq":`, `"path":"t/b","message":"t/b: `, `"verdict":"not_checked","why":"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
	if err := json.Unmarshal([]byte(`{"results":[{"verdict":"fine"}]}`), &got); err == nil || !strings.Contains(err.Error(), "no verdict") {
		t.Errorf("a verdict %q is read, error %v", "fine", err)
	}
	if got := check.Verdict(9).String(); got != "Verdict(9)" {
		t.Errorf("String is %q", got)
	}
}
