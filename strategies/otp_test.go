package strategies_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/strategies/otptrace"
)

func traceDir() string {
	if dir := os.Getenv("COPPICE_OTP_TRACES"); dir != "" {
		return dir
	}
	return "../testdata/otp"
}

// TestOTPTraces replays what a real OTP supervisor did on a Simulation.
func TestOTPTraces(t *testing.T) {
	files, err := otptrace.Load(traceDir())
	if err != nil {
		t.Fatal(err)
	}
	passed, skipped := 0, map[string]int{}
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			if why := f.Unsayable(); why != "" {
				skipped[why]++
				t.Skip(why)
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

// play performs one scenario on a Simulation.
type play struct {
	t      *testing.T
	stage  *otptrace.Stage
	sim    *strategies.Simulation
	root   string
	events []otptrace.Event
	last   map[string]uint64 // the incarnation of the process last started at a path
	gates  bool              // the next start with a gate is to be held up
}

func replay(t *testing.T, f *otptrace.File) {
	tree := &f.Scenario.Tree
	p := &play{t: t, stage: otptrace.NewStage(f), root: tree.ID, last: map[string]uint64{}}
	p.sim = strategies.NewSimulation(tree.Tree(), strategies.Script{Start: p.start, Stop: p.stop, Event: p.event})
	p.compare("start", f.Trace.Start, func() otptrace.Result {
		n, outcome := p.stage.Start(p.root)
		p.log(otptrace.Event{E: "start", P: p.root, N: n, O: outcome})
		if how := p.how(p.root, n, outcome); how.Err != nil {
			return otptrace.Result{Result: "error:" + how.Err.Error()}
		}
		_ = p.sim.Boot() // see Failure
		p.settle()
		if err := p.sim.Failure(); err != nil {
			return otptrace.Result{Result: "error:" + reason(err)}
		}
		return otptrace.Result{Result: "ok"}
	})
	for i, s := range f.Scenario.Steps {
		if why := s.Unsayable(); why != "" {
			t.Logf("step %d (%s) left out: %s", i+1, s.Op, why)
			continue
		}
		p.compare(fmt.Sprintf("step %d (%s)", i+1, s.Op), f.Trace.Steps[i], func() otptrace.Result { return p.perform(s) })
	}
	if d := diffJSON(f.Trace.Final, p.snapshot()); d != "" {
		t.Errorf("final state (-OTP +Machine):\n%s", d)
	}
}

func (p *play) log(e otptrace.Event) { p.events = append(p.events, e) }

func (p *play) settle() {
	p.t.Helper()
	if err := p.sim.Settle(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *play) compare(what string, want otptrace.Result, do func() otptrace.Result) {
	p.t.Helper()
	got := do()
	p.settle()
	p.stage.Canonical(p.events)
	if d := cmp.Diff(want.Events, p.events, cmpopts.EquateEmpty()); d != "" {
		p.t.Fatalf("%s: events (-OTP +Machine):\n%s", what, d)
	}
	p.events = nil
	sameResult(p.t, what, want, got)
	if len(want.Queued) != len(got.Queued) {
		p.t.Fatalf("%s: %d queued, OTP %d", what, len(got.Queued), len(want.Queued))
	}
	for i := range want.Queued {
		sameResult(p.t, fmt.Sprintf("%s, queued %d", what, i+1), want.Queued[i], got.Queued[i])
	}
}

func sameResult(t *testing.T, what string, want, got otptrace.Result) {
	t.Helper()
	if got.Result != want.Result {
		t.Fatalf("%s: result %q, OTP %q", what, got.Result, want.Result)
	}
	if d := diffJSON(want.Value, got.Value); d != "" {
		t.Fatalf("%s: value (-OTP +Machine):\n%s", what, d)
	}
}

// diffJSON compares a recorded value with ours.
func diffJSON(want, got json.RawMessage) string {
	if want == nil && got == nil {
		return ""
	}
	var x, y any
	if err := errors.Join(json.Unmarshal(want, &x), json.Unmarshal(got, &y)); err != nil {
		return err.Error()
	}
	return cmp.Diff(x, y)
}

func toJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// startErr is a start error in the words of the traces.
type startErr string

func (e startErr) Error() string { return string(e) }

func (p *play) start(ref strategies.ChildRef, _ strategies.Kind) strategies.SimStart {
	n, outcome := p.stage.Start(ref.Path)
	if n != ref.Incarnation {
		p.t.Errorf("%s: attempt %d is incarnation %d", ref.Path, n, ref.Incarnation)
	}
	p.log(otptrace.Event{E: "start", P: ref.Path, N: n, O: outcome})
	return p.how(ref.Path, n, outcome)
}

// how translates the outcome of a start attempt.
func (p *play) how(path string, n uint64, outcome string) strategies.SimStart {
	how := strategies.SimStart{}
	if strings.HasPrefix(outcome, "gate_") {
		how.Held, p.gates = p.gates, false
		outcome = outcome[len("gate_"):]
	}
	switch outcome {
	case "error":
		how.Err = startErr("start_error")
	case "raise":
		how.Err = startErr("raised")
	case "crash_in_init":
		how.Err = startErr("crash")
	case "ignore":
		how.Err = strategies.ErrSimIgnore
	default:
		p.last[path] = n
		if c, exits := strings.CutPrefix(outcome, "exit_"); exits {
			how.Exited, how.Exit = true, strategies.Exit{Class: p.class(c)}
		}
	}
	return how
}

func (p *play) stop(ref strategies.ChildRef) strategies.SimStop {
	b := p.stage.Node(ref.Path).OnStop
	how := strategies.SimStop{Hangs: b.Hang, Takes: time.Duration(b.DelayMS) * time.Millisecond}
	how.Exit.Class = strategies.Shutdown
	if b.Reason != "" {
		how.Exit.Class = p.class(b.Reason)
	}
	if o := b.ExitOther; o != nil && !b.Hang {
		how.First = func() { p.sim.Exit(o.Child, strategies.Exit{Class: p.class(o.Reason)}) }
	}
	return how
}

func (p *play) class(word string) strategies.Class {
	c, err := otptrace.Class(word)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// event translates what happens into what a trace has.
func (p *play) event(e strategies.SimEvent) {
	if e.Exited {
		p.log(otptrace.Event{E: "exit", P: e.Path, N: e.Incarnation, R: e.Exit.Class.String()})
		if n := p.stage.Node(e.Path); n.Supervisor() { // what it begins with again (rule G6)
			p.stage.Set(e.Path, n)
		}
		return
	}
	a := e.Action
	if a.Do != strategies.DoReport {
		return
	}
	r := otptrace.Event{E: "report", C: a.ID, S: strings.TrimSuffix(e.Path, "/"+a.ID)}
	switch a.Report {
	case strategies.Progress:
		r.T = "progress"
	case strategies.ChildTerminated:
		r.T, r.R = "child_terminated", a.Exit.Class.String()
	case strategies.StartError:
		r.T, r.R = "start_error", reason(a.Exit.Err)
	case strategies.ShutdownError:
		r.T, r.R = "shutdown_error", a.Exit.Class.String()
		if a.ID == "" {
			r.S, r.C, r.Nb = e.Path, "*", a.Group
		}
	case strategies.GivingUp:
		r.T, r.R = "shutdown", "reached_max_restart_intensity"
	default:
		return
	}
	p.log(r)
}

// reason writes a start error as a trace does.
func reason(err error) string {
	var nested *strategies.SimStartError
	var spec *strategies.SpecError
	switch {
	case errors.As(err, &nested):
		return fmt.Sprintf("failed_to_start_child(%s:%s)", nested.ID, reason(nested.Err))
	case errors.As(err, &spec):
		return otptrace.ErrorName(err)
	}
	return err.Error()
}

func (p *play) perform(s otptrace.Step) otptrace.Result {
	if s.Op == "gated" {
		return p.gated(s)
	}
	r, done := p.issue(s)
	p.settle()
	if done != nil {
		return done()
	}
	return r
}

// gated performs the trigger, the queued steps while the start that it brings
// about is held up, and lets that start go on.
func (p *play) gated(s otptrace.Step) otptrace.Result {
	p.gates = true
	result, done := p.issue(*s.Trigger)
	p.sim.Deliver()
	held := p.sim.Held()
	if len(held) != 1 {
		p.t.Fatalf("%d starts held up, want 1", len(held))
	}
	queued := make([]otptrace.Result, len(s.Queued))
	later := make([]func() otptrace.Result, len(s.Queued))
	for i, q := range s.Queued {
		queued[i], later[i] = p.issue(q)
		p.sim.Deliver()
	}
	p.sim.Release(held[0])
	p.settle()
	if done != nil {
		result = done()
	}
	for i := range later {
		if later[i] != nil {
			queued[i] = later[i]()
		}
	}
	result.Queued = queued
	return result
}

// issue performs a step. The result of a call is there later.
func (p *play) issue(s otptrace.Step) (otptrace.Result, func() otptrace.Result) {
	ok := otptrace.Result{Result: "ok"}
	was := func(there bool) (otptrace.Result, func() otptrace.Result) {
		if !there {
			return otptrace.Result{Result: "no_process"}, nil
		}
		return ok, nil
	}
	switch s.Op {
	case "sleep_ms":
		p.sim.Pass(time.Duration(s.MS) * time.Millisecond)
		return ok, nil
	case "exit":
		return was(p.sim.Exit(s.Path(), strategies.Exit{Class: p.class(s.Reason)}))
	case "stop":
		return was(p.sim.Terminate(p.root, strategies.Exit{Class: strategies.Shutdown}))
	case "stop_sup":
		return was(p.sim.Terminate(s.Sup, strategies.Exit{Class: p.class(s.Reason)}))
	case "snapshot":
		return otptrace.Result{Result: "ok", Value: p.snapshot()}, nil
	}
	var reply *strategies.Reply
	if !p.call(s, func(r *strategies.Reply) { reply = r }) {
		return otptrace.Result{Result: "noproc"}, nil
	}
	return otptrace.Result{}, func() otptrace.Result {
		if reply == nil {
			p.t.Fatalf("%s is not answered", s.Op)
		}
		return p.result(s, reply)
	}
}

// call puts a call to a supervisor and reports whether that runs.
func (p *play) call(s otptrace.Step, done func(*strategies.Reply)) bool {
	id, instance := s.ID, s.Instance != ""
	var n uint64
	if instance {
		id = s.Instance
		if n = p.last[s.Sup+"/"+id]; n == 0 { // any process that is no child
			id = "no child"
		}
	}
	switch s.Op {
	case "which":
		return p.sim.Call(s.Sup, strategies.WhichChildren(0), done)
	case "count":
		return p.sim.Call(s.Sup, strategies.CountChildren(0), done)
	case "get_childspec":
		if instance {
			return p.sim.Call(s.Sup, strategies.GetInstanceSpec(0, id, n), done)
		}
		return p.sim.Call(s.Sup, strategies.GetChildSpec(0, id), done)
	case "terminate_child":
		if instance {
			return p.sim.Call(s.Sup, strategies.TerminateInstance(0, id, n), done)
		}
		return p.sim.Call(s.Sup, strategies.TerminateChild(0, id), done)
	case "restart_child":
		return p.sim.Call(s.Sup, strategies.RestartChild(0, id), done)
	case "delete_child":
		return p.sim.Call(s.Sup, strategies.DeleteChild(0, id), done)
	case "start_child":
		return p.startChild(s, done)
	}
	p.t.Fatalf("unknown step %q", s.Op)
	return false
}

func (p *play) startChild(s otptrace.Step, done func(*strategies.Reply)) bool {
	if p.sim.Live(s.Sup) == 0 {
		return false
	}
	if s.Name != "" {
		p.stage.Instance(s)
		return p.sim.StartChild(s.Sup, strategies.ChildSpec{ID: s.Name}, nil, done)
	}
	n, err := s.Node()
	if err != nil {
		p.t.Fatal(err)
	}
	var sub *strategies.Tree
	if n.Supervisor() {
		sub = n.Tree()
	}
	// Whether it is added turns out when its turn comes; until then what is
	// there is what counts.
	path := s.Sup + "/" + n.ID
	if !p.present(s.Sup, n.ID) {
		p.stage.Set(path, n)
	}
	return p.sim.StartChild(s.Sup, n.ChildSpec(), sub, done)
}

func (p *play) present(sup, id string) bool {
	there := false
	p.sim.Call(sup, strategies.GetChildSpec(0, id), func(r *strategies.Reply) { there = r.Err == nil })
	return there
}

func (p *play) result(s otptrace.Step, r *strategies.Reply) otptrace.Result {
	path := s.Sup + "/" + s.ID
	switch {
	case s.Name != "":
		path = s.Sup + "/" + s.Name
	case s.Op == "start_child":
		n, _ := s.Node()
		path = s.Sup + "/" + n.ID
	}
	known := s.Instance != "" && p.last[s.Sup+"/"+s.Instance] != 0
	switch {
	case errors.Is(r.Err, strategies.ErrDown):
		return otptrace.Result{Result: "down"}
	case errors.Is(r.Err, strategies.ErrStart):
		return otptrace.Result{Result: "error:" + reason(r.Exit.Err)}
	case errors.Is(r.Err, strategies.ErrNotFound) && known: // a dead process (rule J5)
	case r.Err != nil:
		return otptrace.Result{Result: "error:" + otptrace.ErrorName(r.Err)}
	}
	ok := otptrace.Result{Result: "ok"}
	switch s.Op {
	case "which":
		ok.Value = toJSON(p.which(s.Sup, r))
	case "count":
		ok.Value = toJSON(otptrace.Count(r.Counts))
	case "get_childspec":
		ok.Value = toJSON(otptrace.Spec(*r.Spec))
	case "start_child", "restart_child":
		switch {
		case r.Incarnation == 0:
			ok.Result = "ok:undefined"
		case p.stage.Node(path).Outcome(r.Incarnation) == "ok_info":
			ok.Result = "ok:info"
		}
	}
	return ok
}

func (p *play) which(sup string, r *strategies.Reply) any {
	return otptrace.Which(r.Children, p.stage.Simple(sup), func(_ string, n uint64) uint64 { return n })
}

func (p *play) snapshot() json.RawMessage {
	if p.sim.Live(p.root) == 0 {
		return json.RawMessage(`{"root":"dead"}`)
	}
	sups := map[string]any{}
	for _, path := range p.sim.Supervisors() {
		s := map[string]any{}
		p.sim.Call(path, strategies.WhichChildren(0), func(r *strategies.Reply) { s["which"] = p.which(path, r) })
		p.sim.Call(path, strategies.CountChildren(0), func(r *strategies.Reply) { s["count"] = otptrace.Count(r.Counts) })
		sups[path] = s
	}
	return toJSON(map[string]any{"root": "alive", "sups": sups})
}
