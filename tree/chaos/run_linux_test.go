package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/chaos/check"
	"github.com/coppice-go/coppice/worker"
)

// live serves a tree until the test ends, or stop is called.
func live(t testing.TB, name string, s tree.Spec) (root *tree.Supervisor, stop func()) {
	t.Helper()
	root, err := tree.New(name, s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = root.Serve(ctx) // how it ends is for the events to tell
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return root, cancel
}

// process is a child that does nothing until it is told to stop.
func process(id string) tree.Child {
	return tree.Child{ID: id, Start: tree.Of(worker.Command{Path: "sleep", Args: []string{"3600"}}.Process), Shutdown: tree.Timeout(2 * time.Second)}
}

// parent is a process with a child of its own.
func parent(id string) tree.Child {
	return tree.Child{ID: id, Start: tree.Of(worker.Shell("sleep 3600 & wait").Process), Shutdown: tree.Timeout(2 * time.Second)}
}

// village has twelve processes under all strategies.
func village() tree.Spec {
	often := strategies.Intensity{Max: 1000, Within: time.Minute}
	sup := func(id string, s tree.Spec) tree.Child {
		s.Intensity = often
		return tree.Child{ID: id, Start: tree.Sub(s)}
	}
	d := process("d")
	d.Needs = []string{"a"}
	return tree.Spec{Intensity: often, Children: []tree.Child{
		sup("one", tree.Spec{Children: []tree.Child{process("a"), parent("b"), process("c")}}),
		sup("all", tree.Spec{Strategy: strategies.OneForAll, Children: []tree.Child{process("a"), parent("b"), process("c")}}),
		sup("rest", tree.Spec{Strategy: strategies.RestForOne, Children: []tree.Child{process("a"), parent("b"), process("c")}}),
		sup("deps", tree.Spec{Strategy: strategies.Dependents, Children: []tree.Child{process("a"), process("b"), d}}),
	}}
}

// atOnce looks often, and does not wait long for what takes no time.
var atOnce = chaos.Options{Sample: 20 * time.Millisecond, Settle: 5 * time.Second}

func carryOut(t *testing.T, s chaos.Subject, plan string, o chaos.Options) *chaos.Journal {
	t.Helper()
	j, err := chaos.Run(t.Context(), s, parse(t, plan), o)
	if err != nil {
		t.Fatal(err)
	}
	if t.Failed() || testing.Verbose() {
		var b strings.Builder
		_ = j.Summary(&b)
		_ = j.Timeline(&b, 120)
		t.Logf("%s", b.String())
	}
	return j
}

// TestVillage is the whole: twelve processes, some seconds of kills, hangs,
// restarts and stops, and the end of the tree. All invariants hold, and nothing is
// left. The journal can be written, read, drawn, and done again.
func TestVillage(t *testing.T) {
	root, stop := live(t, "village", village())
	o := atOnce
	o.Stop = stop
	stages, faults, reported := []chaos.Stage{}, 0, 0
	o.Live = 300 * time.Millisecond
	o.Progress = func(p chaos.Progress) {
		if p.Stage != "" {
			stages = append(stages, p.Stage)
		}
		if p.Fault != nil {
			faults++
		}
		if p.Report != nil {
			reported++
			if err := p.Report.Err(); err != nil {
				t.Errorf("after %v: %v", p.Elapsed, err)
			}
		}
	}
	j := carryOut(t, chaos.Local(root), `title: a village
seed: 12
steady: [all_ready, {availability: {child: village/one/a, at_least: 0.1}}]
method:
  - {every: 20ms..120ms, until: 5s, fault: {kill: 6, hang(300ms): 2, signal(TERM): 2, restart: 1, stop(200ms): 1}, target: "village/**"}
  - {at: 1s, fault: kill, target: {path: "village/*/*", pick: all}}
  - {at: 2s, fault: kill, target: {path: "village/rest/*", pick: all}, rolling: 20ms}
  - {at: 3s, swizzle: {target: "village/one/*", over: 1s}}
`, o)
	holds(t, j, 1, 2, 4, 5, 6, 7, 8, 9, 10)
	if want := []chaos.Stage{chaos.StageReady, chaos.StageMethod, chaos.StageHeal, chaos.StageQuiet, chaos.StageStop, chaos.StageCheck}; cmp.Diff(want, stages) != "" {
		t.Errorf("stages %v", stages)
	}
	if j.Status != chaos.Completed || j.Stats.Faults < 60 || faults < j.Stats.Faults || reported < 10 {
		t.Errorf("%s, %d faults, %d were told, and %d reports", j.Status, j.Stats.Faults, faults, reported)
	}
	if s := j.Stats; s.Recovery.N < 60 || s.Recovery.Never != 0 || s.ByCause["kill"].N == 0 || s.ByCause["cascade"].N == 0 ||
		s.ByStrategy["rest_for_one"].N == 0 || s.Available <= 0 || s.Available >= 1 || s.Hangs == 0 || len(s.Children) != 12 {
		t.Errorf("%+v", s)
	}
	survivors := slices.DeleteFunc(slices.Clone(j.Evidence.Left), func(p check.Process) bool { return p.State == "Z" }) // init has yet to reap those
	if len(j.Evidence.Samples) < 50 || j.Evidence.Left == nil || len(survivors) > 0 {
		t.Errorf("%d samples, left %v", len(j.Evidence.Samples), j.Evidence.Left)
	}
	leaders := 0
	for _, p := range j.Evidence.Samples[0].Processes {
		if p.Leader {
			leaders++
		}
	}
	if n := len(j.Evidence.Samples[0].Processes); leaders != 12 || n < 15 {
		t.Errorf("%d leaders of %d processes in the first sample, want 12 of 15", leaders, n)
	}
	reports(t, j)
}

// reports looks at all that a journal can be made into.
func reports(t *testing.T, j *chaos.Journal) {
	t.Helper()
	var b bytes.Buffer
	if err := j.Write(&b); err != nil {
		t.Fatal(err)
	}
	valid(t, b.Bytes())
	text := b.String()
	again, err := chaos.ReadJournal(&b)
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := again.Write(&b); err != nil || b.String() != text {
		t.Errorf("the journal was read otherwise than it was written: %v\n%s", err, cmp.Diff(text, b.String()))
	}

	b.Reset()
	if err := j.JUnit(&b); err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Suite struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Cases    []struct {
				Name string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	if n := 10 + len(j.Probes()); len(suites.Suite.Cases) != n || suites.Suite.Tests != n || (suites.Suite.Failures > 0) != j.Deviated {
		t.Errorf("JUnit: %+v", suites)
	}

	for _, width := range []int{10, 40, 80, 200} {
		b.Reset()
		if err := j.Timeline(&b, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(b.String(), "\n") {
			if len([]rune(line)) > max(width, 40) {
				t.Errorf("a line of the timeline for %d columns has %d: %s", width, len([]rune(line)), line)
			}
		}
		for _, mark := range []string{"!", "=", "one/a"} {
			if !strings.Contains(b.String(), mark) {
				t.Errorf("no %q in the timeline:\n%s", mark, b.String())
			}
		}
	}
	b.Reset()
	if err := j.Summary(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the tree kept its rules", "after kill", "under rest_for_one", "p99", "seed 12", "cascades by size", "5 one_incarnation"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in the summary:\n%s", want, b.String())
		}
	}
}

// valid fails the test unless the journal is as its schema says.
func valid(t *testing.T, text []byte) {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(chaos.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("journal.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("journal.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(doc); err != nil {
		t.Errorf("the journal is not as its schema says: %v", err)
	}
}

// What is no journal is refused, with what is wrong about it.
func TestReadJournalErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "read the journal: EOF",
		"{}":                              `its version is "", and only "v1" is known`,
		`{"version":"v2","plan":null}`:    `its version is "v2", and only "v1" is known`,
		`{"version":"v1","seed":1}`:       "it has no plan",
		`{"version":"v1","plan":{"x":1}}`: `unknown key "x" in a plan`,
		`{"version":"v1","concrete":{"seed":1,"faults":[{"at_ms":1,"fault":"kil","step":1}]}}`: `there is no fault "kil"`,
	} {
		if _, err := chaos.ReadJournal(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// A replay does the same faults at the same times to the same children.
func TestReplay(t *testing.T) {
	const plan = "seed: 3\nmethod: [{every: 10ms..60ms, until: 600ms, fault: {kill: 2, hang(50ms): 1}, target: \"again/**\"}]"
	run := func(p *chaos.Plan, o chaos.Options) *chaos.Journal {
		root, stop := live(t, "again", village())
		o.Sample, o.Stop = atOnce.Sample, stop
		j, err := chaos.Run(t.Context(), chaos.Local(root), p, o)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, j, 1, 5, 6, 8)
		return j
	}
	first := run(parse(t, plan), chaos.Options{})
	p, o := first.Replay()
	p.Method = nil // what is done again is the list, not the plan
	second := run(p, o)
	if len(first.Concrete.Faults) < 10 {
		t.Errorf("only %d faults", len(first.Concrete.Faults))
	}
	if diff := cmp.Diff(first.Concrete, second.Concrete); diff != "" {
		t.Errorf("-first +second:\n%s", diff)
	}
	done := func(j *chaos.Journal) (all []string) {
		for _, a := range j.Run {
			all = append(all, a.Activity.Name)
		}
		return all
	}
	if diff := cmp.Diff(done(first), done(second)); diff != "" {
		t.Errorf("what was done, -first +second:\n%s", diff)
	}
}

// Whatever ends a run, everything is lifted: what hangs goes on, what was stopped
// is started, limits are as before.
func TestHeal(t *testing.T) {
	const plan = `method:
  - {at: 1ms, fault: hang(1h), target: "heal/a"}
  - {at: 1ms, fault: stop(1h), target: "heal/b"}
  - {at: 300ms, fault: emfile(1h)}
`
	for _, tt := range []struct {
		name   string
		budget string
		end    func(cancel func()) func(chaos.Progress)
		want   chaos.Status
	}{
		{"its context ends", "", func(cancel func()) func(chaos.Progress) {
			return func(p chaos.Progress) {
				if p.Fault != nil && strings.HasPrefix(p.Fault.Kind, "emfile") && p.Fault.Until.IsZero() {
					cancel()
				}
			}
		}, chaos.Interrupted},
		{"a supervisor gives up", "  - {at: 350ms, fault: kill, target: heal/sub/a}\nbudget: {abort_on: giving_up}\n", func(func()) func(chaos.Progress) { return nil }, chaos.Aborted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root, stop := live(t, "heal", tree.Spec{Intensity: strategies.Intensity{Max: 100}, Children: []tree.Child{
				process("a"), process("b"), {ID: "sub", Start: tree.Sub(tree.Spec{Intensity: strategies.Intensity{Max: tree.NoRestarts}, Children: []tree.Child{process("a")}})},
			}})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := atOnce
			o.Stop, o.Progress = stop, tt.end(cancel)
			begin := time.Now()
			j, err := chaos.Run(ctx, chaos.Local(root), parse(t, plan+tt.budget), o)
			if err != nil {
				t.Fatal(err)
			}
			if j.Status != tt.want || time.Since(begin) > 30*time.Second {
				t.Errorf("%s after %v", j.Status, time.Since(begin))
			}
			holds(t, j, 5, 6, 9)
			for _, f := range j.Evidence.Faults {
				if f.Missed != "" || f.Until.IsZero() && !strings.HasPrefix(f.Kind, "kill") {
					t.Errorf("not lifted, or not done: %+v", f)
				}
			}
			if last := j.Evidence.Samples[len(j.Evidence.Samples)-1]; len(last.Processes) != 3 {
				t.Errorf("%+v", last)
			}
			f, err := os.Open(os.DevNull) // there are descriptors again
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
		})
	}
}

// A panic in what the caller gave is the caller's; the tree is healed all the same.
func TestHealAfterPanic(t *testing.T) {
	root, _ := live(t, "panic", tree.Spec{Children: []tree.Child{process("a")}})
	o := atOnce
	o.Progress = func(p chaos.Progress) {
		if p.Event == nil && p.Fault != nil && p.Fault.Until.IsZero() {
			panic("in Progress")
		}
	}
	func() {
		defer func() {
			if v := recover(); v != "in Progress" {
				t.Errorf("recovered %v", v)
			}
		}()
		_, _ = chaos.Run(t.Context(), chaos.Local(root), parse(t, "method: [{at: 1ms, fault: hang(1h), target: panic/a}]"), o)
	}()
	st, _ := root.Find("panic/a")
	if s := stateOf(t, st.PID); s == "T" {
		t.Error("the process is stopped still")
	}
}

func stateOf(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return after[:1]
}

// doctored is a tree whose events are not what happened.
type doctored struct {
	chaos.Subject
	change func(e map[string]any) (keep bool)
}

func (d doctored) Subscribe(ctx context.Context) (chaos.Stream, error) {
	s, err := d.Subject.Subscribe(ctx)
	return doctoredStream{s, d.change}, err
}

type doctoredStream struct {
	chaos.Stream
	change func(e map[string]any) bool
}

func (s doctoredStream) Next(ctx context.Context) (json.RawMessage, error) {
	for {
		raw, err := s.Stream.Next(ctx)
		if err != nil {
			return nil, err
		}
		var e map[string]any
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, err
		}
		if s.change(e) {
			return json.Marshal(e)
		}
	}
}

// A supervisor that breaks a rule is found out.
func TestBrokenSubject(t *testing.T) {
	for _, tt := range []struct {
		name      string
		invariant int
		change    func() func(e map[string]any) bool
	}{
		{"a restart takes too few along", 1, func() func(map[string]any) bool {
			return func(e map[string]any) bool {
				if e["kind"] == "restarting" {
					e["group"] = []string{"b"}
				}
				return true
			}
		}},
		{"the next incarnation is started before this one has ended", 5, func() func(map[string]any) bool {
			return func(e map[string]any) bool { return e["kind"] != "exited" }
		}},
		{"an event is lost", 8, func() func(map[string]any) bool {
			return func(e map[string]any) bool { return e["kind"] != "child_terminated" }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root, _ := live(t, "broken", tree.Spec{Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 9}, Children: []tree.Child{process("a"), process("b")}})
			j := carryOut(t, doctored{chaos.Local(root), tt.change()}, "method: [{at: 1ms, fault: kill, target: broken/b}]", chaos.Options{Settle: time.Second})
			r := j.Invariants.Results[tt.invariant-1]
			if !j.Deviated || r.Verdict != check.Violated {
				t.Fatalf("invariant %d %s: %v", r.Number, r.Name, r.Verdict)
			}
			var summary, junit, text bytes.Buffer
			if err := errors.Join(j.Summary(&summary), j.JUnit(&junit), j.Write(&text)); err != nil {
				t.Fatal(err)
			}
			valid(t, text.Bytes())
			if s := summary.String(); !strings.Contains(s, "DEVIATED") || !strings.Contains(s, r.Violation.Message) {
				t.Errorf("%s", s)
			}
			if s := junit.String(); !strings.Contains(s, fmt.Sprintf("name=\"%d %s\">\n   <failure message=", r.Number, r.Name)) {
				t.Errorf("%s", s)
			}
		})
	}
}

// Faults of leaves reach processes as well, if an Injector has wrapped them.
func TestWrappedProcess(t *testing.T) {
	var in chaos.Injector
	root, stop := live(t, "wrapped", in.Spec(tree.Spec{Strategy: strategies.RestForOne, Intensity: strategies.Intensity{Max: 99}, Children: []tree.Child{
		process("a"), {ID: "b", Start: tree.Of(worker.Shell("trap '' TERM; while :; do sleep 1; done").Process), Shutdown: tree.Timeout(100 * time.Millisecond)},
	}}))
	o := atOnce
	o.Stop, o.Injector = stop, &in
	j := carryOut(t, chaos.Local(root), `method:
  - {at: 1ms, fault: exit(3), target: wrapped/b}
  - {at: 300ms, fault: fail_start(2), target: wrapped/a}
  - {at: 600ms, fault: kill, target: wrapped/a}
  - {at: 900ms, fault: hang(100ms), target: wrapped/a}
  - {at: 1200ms, fault: panic, target: wrapped/a}
`, o)
	holds(t, j, 1, 2, 5, 6, 7, 8, 9)
	for _, f := range j.Evidence.Faults {
		if f.Missed != "" {
			t.Errorf("%+v", f)
		}
	}
	if s := j.Stats; s.ByCause["exit"].N != 1 || s.ByCause["fail_start"].N != 1 || s.ByCause["kill"].N != 1 || s.ByCause["panic"].N != 1 || s.Hangs != 1 {
		t.Errorf("%+v", s)
	}
}

// deaf is a tree whose supervisor cannot be asked for anything.
type deaf struct{ chaos.Subject }

var errDeaf = errors.New("nobody listens")

func (deaf) Snapshot(context.Context) (tree.Snapshot, error)       { return tree.Snapshot{}, errDeaf }
func (d deaf) Subscribe(ctx context.Context) (chaos.Stream, error) { return nil, errDeaf }
func (deaf) Stop(context.Context, string) error                    { return errDeaf }

type ending struct{ chaos.Stream }

func (ending) Next(context.Context) (json.RawMessage, error) { return nil, io.ErrUnexpectedEOF }

type breaksOff struct{ chaos.Subject }

func (b breaksOff) Subscribe(ctx context.Context) (chaos.Stream, error) {
	s, err := b.Subject.Subscribe(ctx)
	return ending{s}, err
}

// What keeps a run from meaning anything is an error.
func TestRunErrors(t *testing.T) {
	root, _ := live(t, "wrong", tree.Spec{Children: []tree.Child{process("a")}})
	s := chaos.Local(root)
	for _, tt := range []struct {
		name    string
		subject chaos.Subject
		plan    string
		want    string
	}{
		{"no events", deaf{s}, "method: []", "events: nobody listens"},
		{"a plan that does not fit", s, "method: [{at: 1s, fault: kill, target: wrong/x}]", "the plan does not fit the tree: step 1 of the method: nothing in the tree matches"},
		{"the events break off", breaksOff{s}, "method: []", "unexpected EOF"},
	} {
		_, err := chaos.Run(t.Context(), tt.subject, parse(t, tt.plan), atOnce)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// A tree that is not as wanted before is left alone.
func TestNotSteadyBefore(t *testing.T) {
	root, _ := live(t, "unwell", tree.Spec{Intensity: strategies.Intensity{Max: 1000}, Children: []tree.Child{
		process("a"),
		{ID: "late", Start: tree.Of(worker.Command{Path: "sleep", Args: []string{"3600"}, Ready: worker.Line("never")}.Process)},
	}})
	j := carryOut(t, chaos.Local(root), "steady: [all_ready]\nmethod: [{at: 1ms, fault: kill, target: unwell/a}]", chaos.Options{Settle: 300 * time.Millisecond})
	if j.Status != chaos.Failed || !j.Deviated || len(j.Run) > 0 || !strings.Contains(j.SteadyStates.Before[0].Message, "unwell/late") {
		t.Errorf("%s, %+v, %v", j.Status, j.SteadyStates, j.Run)
	}
}
