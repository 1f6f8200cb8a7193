package strategies_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/strategies/otptrace"
)

// implemented names the operations and flags of a scenario that Machine has.
var implemented = []string{"exit", "which", "count", "get_childspec", "snapshot", "stop", "stop_sup", "sleep_ms"}

// impossible are the traces that cannot be replayed here, with the reason.
var impossible = map[string]string{
	"root_ignore": "a root that says ignore never becomes a machine: there is nothing to replay",
}

func traceDir() string {
	if dir := os.Getenv("COPPICE_OTP_TRACES"); dir != "" {
		return dir
	}
	return "../testdata/otp"
}

// TestOTPTraces replays what a real OTP supervisor did on a tree of Machines.
func TestOTPTraces(t *testing.T) {
	files, err := otptrace.Load(traceDir())
	if err != nil {
		t.Fatal(err)
	}
	passed, skipped := 0, map[string]int{}
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			skip := impossible[f.Name]
			if w := f.Needs(implemented...); w != "" {
				skip = "not available yet: " + w
			}
			if skip != "" {
				skipped[skip]++
				t.Skip(skip)
			}
			replay(t, &f)
			if !t.Failed() {
				passed++
			}
		})
	}
	t.Logf("%d of %d traces pass on Machine", passed, len(files))
	for why, n := range skipped {
		t.Logf("%4d skipped: %s", n, why)
	}
}

func replay(t *testing.T, f *otptrace.File) {
	w := newSim()
	tree := &f.Scenario.Tree
	w.start(tree.ID, tree, nil, 1, strategies.Cascade{})
	compare(t, w, "start", f.Trace.Start, func() (string, any, error) {
		if err := w.settle(); err != nil {
			return "", nil, err
		}
		if w.root.err != nil {
			return "error:" + w.root.err.Error(), nil, nil
		}
		return "ok", nil, nil
	})
	for i, s := range f.Scenario.Steps {
		compare(t, w, fmt.Sprintf("step %d (%s)", i+1, s.Op), f.Trace.Steps[i], func() (string, any, error) { return w.perform(tree.ID, s) })
	}
	final, err := w.snapshot(tree.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := diffJSON(f.Trace.Final, final); d != "" {
		t.Errorf("final state (-OTP +Machine):\n%s", d)
	}
}

func compare(t *testing.T, w *sim, what string, want otptrace.Result, do func() (string, any, error)) {
	t.Helper()
	result, value, err := do()
	if err == nil {
		err = w.settle()
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if d := cmp.Diff(want.Events, w.events, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s: events (-OTP +Machine):\n%s", what, d)
	}
	w.events = nil
	if result != want.Result {
		t.Fatalf("%s: result %q, OTP %q", what, result, want.Result)
	}
	if d := diffJSON(want.Value, value); d != "" {
		t.Fatalf("%s: value (-OTP +Machine):\n%s", what, d)
	}
}

// diffJSON compares a recorded value with ours.
func diffJSON(want json.RawMessage, got any) string {
	if want == nil && got == nil {
		return ""
	}
	b, err := json.Marshal(got)
	if err != nil {
		return err.Error()
	}
	var x, y any
	if err := errors.Join(json.Unmarshal(want, &x), json.Unmarshal(b, &y)); err != nil {
		return err.Error()
	}
	return cmp.Diff(x, y)
}

func (w *sim) perform(root string, s otptrace.Step) (string, any, error) {
	sup := w.sups[s.Sup]
	switch s.Op {
	case "sleep_ms":
		w.sleep(time.Duration(s.MS) * time.Millisecond)
		return "ok", nil, nil
	case "exit":
		p := w.workers[s.Child.(string)]
		if p == nil {
			return "no_process", nil, nil
		}
		w.exit(p, class(s.Reason))
		return "ok", nil, nil
	case "stop":
		if w.sups[root] == nil {
			return "no_process", nil, nil
		}
		w.sups[root].step(strategies.Terminate(strategies.Exit{Class: strategies.Shutdown}))
		return "ok", nil, nil
	case "stop_sup":
		if sup == nil {
			return "no_process", nil, nil
		}
		sup.step(strategies.Terminate(strategies.Exit{Class: class(s.Reason)}))
		return "ok", nil, nil
	case "snapshot":
		v, err := w.snapshot(root)
		return "ok", v, err
	}
	if sup == nil {
		return "noproc", nil, nil
	}
	in := map[string]strategies.Input{
		"which":         strategies.WhichChildren(1),
		"count":         strategies.CountChildren(1),
		"get_childspec": strategies.GetChildSpec(1, s.ID),
	}[s.Op]
	r, err := w.call(sup, in)
	switch {
	case err != nil:
		return "", nil, err
	case errors.Is(r.Err, strategies.ErrNotFound):
		return "error:not_found", nil, nil
	case s.Op == "which":
		return "ok", whichValue(r.Children), nil
	case s.Op == "count":
		return "ok", countValue(r.Counts), nil
	}
	return "ok", specValue(r.Spec), nil
}
