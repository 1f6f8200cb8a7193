package tree

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/strategies/otptrace"
)

// impossible tells why a trace cannot be replayed here, over and above what
// cannot be said at all; "" if it can.
func impossible(f *otptrace.File) string {
	t := f.Scenario.Tree.Tree()
	if len(t.Config.Validate()) == 0 && t.Validate() != nil {
		return "a difference: nested specs are refused up front, before anything is started"
	}
	return ""
}

// TestOTPTraces performs what a real OTP supervisor was seen doing on live
// trees of goroutines, and wants to see the same.
func TestOTPTraces(t *testing.T) {
	dir := os.Getenv("COPPICE_OTP_TRACES")
	if dir == "" {
		dir = "../testdata/otp"
	}
	files, err := otptrace.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	passed, skipped := 0, map[string]int{}
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			if why := cmp.Or(f.Unsayable(), impossible(&f)); why != "" {
				skipped[why]++
				t.Skip(why)
			}
			synctest.Test(t, func(t *testing.T) { (&play{t: t, file: &f}).run() })
			if !t.Failed() {
				passed++
			}
		})
	}
	t.Logf("%d of %d traces pass on live trees", passed, len(files))
	for why, n := range skipped {
		t.Logf("%4d skipped: %s", n, why)
	}
}

// play performs one scenario on a live tree, in a synctest bubble.
type play struct {
	t    *testing.T
	file *otptrace.File
	root *Supervisor
	end  func()

	mu       sync.Mutex      // guards what follows
	stage    *otptrace.Stage // what is at which path, as the events so far have it
	attempts map[string]uint64
	numbers  map[strategies.ChildRef]uint64 // of incarnations: which attempt each was
	last     map[string]uint64              // the incarnation of the process last started at a path
	actors   map[string]*actor
	events   []otptrace.Event
	early    map[string]int // where in events an exit has its place that was not seen yet
	gated    bool           // the next start with a gate is to be held up
	gate     chan struct{}  // holds a start up, until it is closed
}

func (p *play) run() {
	p.stage = otptrace.NewStage(p.file)
	p.attempts, p.last = map[string]uint64{}, map[string]uint64{}
	p.numbers = map[strategies.ChildRef]uint64{}
	p.actors, p.early = map[string]*actor{}, map[string]int{}
	defer func() {
		if p.end != nil {
			p.end()
		}
	}()
	p.compare("start", p.file.Trace.Start, p.start)
	for i, s := range p.file.Scenario.Steps {
		if why := s.Unsayable(); why != "" {
			p.t.Logf("step %d (%s) left out: %s", i+1, s.Op, why)
			continue
		}
		p.compare(fmt.Sprintf("step %d (%s)", i+1, s.Op), p.file.Trace.Steps[i], func() otptrace.Result { return p.perform(s) })
	}
	if d := diffJSON(p.file.Trace.Final, p.snapshot()); d != "" {
		p.t.Errorf("final state (-OTP +tree):\n%s", d)
	}
}

func (p *play) start() otptrace.Result {
	tree := &p.file.Scenario.Tree
	failed := func(err string) otptrace.Result { return otptrace.Result{Result: "error:" + err} }
	log := func(e otptrace.Event) { p.events = append(p.events, e) }
	if o := tree.Outcome(1); o != "ok" {
		log(otptrace.Event{E: "start", P: tree.ID, N: 1, O: o})
		return failed(map[string]string{"error": "start_error", "raise": "raised"}[o])
	}
	spec := p.spec(tree)
	spec.Sink = p.sink
	root, err := New(tree.ID, spec)
	if err != nil {
		log(otptrace.Event{E: "start", P: tree.ID, N: 1, O: "ok"})
		log(otptrace.Event{E: "exit", P: tree.ID, N: 1, R: "crash"})
		return failed(otptrace.ErrorName(err))
	}
	p.root = root
	ctx, cancel := context.WithCancel(context.Background())
	if err := root.Init(ctx); err != nil {
		cancel()
		return failed(startErrorName(err.(*StartError), tree.ID))
	}
	done := make(chan struct{})
	go func() { root.Serve(ctx); close(done) }()
	p.end = func() { cancel(); <-done }
	return otptrace.Result{Result: "ok"}
}

// spec translates a supervisor node.
func (p *play) spec(n *otptrace.Node) Spec {
	cfg := n.Config()
	s := Spec{Strategy: cfg.Strategy, Intensity: cfg.Intensity, AutoShutdown: cfg.AutoShutdown}
	if cfg.Dynamic != nil {
		t := p.child(&n.Children[0], *cfg.Dynamic)
		s.Dynamic = &t
	}
	for i := range cfg.Children {
		s.Children = append(s.Children, p.child(&n.Children[i], cfg.Children[i]))
	}
	return s
}

func (p *play) child(n *otptrace.Node, cs strategies.ChildSpec) Child {
	return Child{ID: cs.ID, Restart: cs.Restart, Significant: cs.Significant, Shutdown: cs.Shutdown, Start: p.starter(n, cs.Kind)}
}

func (p *play) starter(n *otptrace.Node, kind strategies.Kind) Starter {
	switch {
	case n.Supervisor():
		return &scriptedSub{&subStarter{p.spec(n)}, p, n}
	case kind != strategies.Worker:
		return kindStarter{kind}
	}
	return Of(func() (*actor, error) { return newActor(p, n), nil })
}

// kindStarter has a kind that there is not.
type kindStarter struct{ k strategies.Kind }

func (s kindStarter) kind() strategies.Kind             { return s.k }
func (s kindStarter) nested() *Spec                     { return nil }
func (s kindStarter) instance(p *proc) (Service, error) { return nil, ErrIgnore }

// scriptedSub is a Sub whose start may fail as the script says.
type scriptedSub struct {
	*subStarter
	play *play
	node *otptrace.Node
}

func (s *scriptedSub) instance(p *proc) (Service, error) {
	switch _, o := s.play.attempt(p.node.path, s.node); o {
	case "error":
		return nil, startErr("start_error")
	case "raise":
		panic("raised")
	case "ignore":
		return nil, ErrIgnore
	}
	return s.subStarter.instance(p)
}

// attempt counts a start attempt, and tells how it is to go.
func (p *play) attempt(path string, n *otptrace.Node) (gate chan struct{}, outcome string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts[path]++
	outcome, held := strings.CutPrefix(n.Outcome(p.attempts[path]), "gate_")
	if held && p.gated {
		p.gated, p.gate = false, make(chan struct{})
		gate = p.gate
	}
	return gate, outcome
}

type startErr string

func (e startErr) Error() string { return string(e) }

// actor is a scripted worker: an Initer, and like a process a Killer.
type actor struct {
	play   *play
	node   *otptrace.Node
	exit   chan strategies.Class
	killed chan struct{}
	once   sync.Once
}

func newActor(p *play, n *otptrace.Node) *actor {
	return &actor{play: p, node: n, exit: make(chan strategies.Class, 1), killed: make(chan struct{})}
}

func (a *actor) Kill() { a.once.Do(func() { close(a.killed) }) }

func (a *actor) Init(ctx context.Context) error {
	ref, _ := strategies.ChildFrom(ctx)
	gate, o := a.play.attempt(ref.Path, a.node)
	if gate != nil {
		<-gate
	}
	switch o {
	case "error":
		return startErr("start_error")
	case "raise":
		panic("raised")
	case "crash_in_init":
		return startErr("crash")
	case "ignore":
		return ErrIgnore
	case "exit_normal", "exit_shutdown", "exit_crash":
		a.exit <- a.play.class(o[5:])
	}
	return nil
}

func (a *actor) Serve(ctx context.Context) error {
	ref, _ := strategies.ChildFrom(ctx)
	p := a.play
	p.mu.Lock()
	if p.actors[ref.Path] != nil {
		p.t.Errorf("%s: two live incarnations", ref.Path)
	}
	p.actors[ref.Path] = a
	p.mu.Unlock()
	c := a.live(ctx)
	p.mu.Lock()
	delete(p.actors, ref.Path)
	p.mu.Unlock()
	return strategies.WithClass(c, nil)
}

// ended tells whether it came to an end by itself or was killed, whatever else
// there is to choose from: a select among several that are ready takes any.
func (a *actor) ended() (c strategies.Class, yes bool) {
	select {
	case c := <-a.exit:
		return c, true
	default:
	}
	select {
	case <-a.killed:
		return strategies.Killed, true
	default:
		return 0, false
	}
}

func (a *actor) live(ctx context.Context) strategies.Class {
	select {
	case c := <-a.exit:
		return c
	case <-a.killed:
	case <-ctx.Done():
	}
	if c, yes := a.ended(); yes {
		return c
	}
	b := a.node.OnStop
	if o := b.ExitOther; o != nil {
		if other := a.play.actor(o.Child); other != nil {
			other.exit <- a.play.class(o.Reason)
			time.Sleep(time.Nanosecond) // in a bubble: until everything else is at rest
		}
	}
	// Not time.After: a select on its channel, due at that moment, can crash the
	// race detector's runtime in a bubble (seen with Go 1.26.8).
	over := make(chan struct{})
	switch {
	case b.Hang:
	case b.DelayMS == 0:
		close(over)
	default:
		time.AfterFunc(time.Duration(b.DelayMS)*time.Millisecond, func() { close(over) })
	}
	select {
	case <-a.killed:
		return strategies.Killed
	case c := <-a.exit:
		return c
	case <-over:
	}
	if b.Reason != "" {
		return a.play.class(b.Reason)
	}
	return strategies.Shutdown
}

func (p *play) actor(path string) *actor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.actors[path]
}

func (p *play) class(word string) strategies.Class {
	c, err := otptrace.Class(word)
	if err != nil {
		p.t.Error(err)
	}
	return c
}

// startErrorName is the OTP way to write why a supervisor could not start.
func startErrorName(e *StartError, supervisor string) string {
	id := e.Path[len(supervisor)+1:]
	return fmt.Sprintf("failed_to_start_child(%s:%s)", id, reasonName(e.Err, e.Path))
}

func reasonName(err error, path string) string {
	var p *PanicError
	var s *StartError
	switch {
	case errors.As(err, &s):
		return startErrorName(s, path)
	case errors.As(err, &p):
		return "raised"
	}
	return err.Error()
}

// sink translates our events into those a trace has.
func (p *play) sink(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	node := p.stage.Node(e.Path)
	sup, id := "", e.Path
	for i := len(e.Path) - 1; i > 0; i-- {
		if e.Path[i] == '/' {
			sup, id = e.Path[:i], e.Path[i+1:]
			break
		}
	}
	report := func(t, reason string) {
		if sup != "" {
			p.events = append(p.events, otptrace.Event{E: "report", T: t, S: sup, C: id, R: reason})
		}
	}
	switch e.Kind {
	case EventStarting:
		p.starts(e, node)
	case EventExited:
		if node.Supervisor() { // what it begins with again (rule G6)
			p.stage.Set(e.Path, node)
		}
		if i, early := p.early[e.Path]; early {
			p.events[i].R = e.Exit.Class.String()
			delete(p.early, e.Path)
			return
		}
		p.events = append(p.events, otptrace.Event{E: "exit", P: e.Path, N: p.number(e), R: e.Exit.Class.String()})
	case EventProgress:
		report("progress", "")
	case EventChildTerminated:
		report("child_terminated", e.Exit.Class.String())
	case EventStartError, EventNotStarted:
		var s *StartError
		if errors.As(e.Exit.Err, &s) { // its process was there, and is gone
			p.events = append(p.events, otptrace.Event{E: "exit", P: e.Path, N: p.number(e), R: e.Exit.Class.String()})
			p.stage.Set(e.Path, node)
		}
		if e.Kind == EventNotStarted {
			return
		}
		report("start_error", reasonName(e.Exit.Err, e.Path))
	case EventShutdownError:
		if e.N > 0 {
			p.events = append(p.events, otptrace.Event{E: "report", T: "shutdown_error", S: e.Path, C: "*", R: e.Exit.Class.String(), Nb: int(e.N)})
			return
		}
		report("shutdown_error", e.Exit.Class.String())
	case EventGivingUp:
		report("shutdown", "reached_max_restart_intensity")
	}
}

// starts takes note of a start.
func (p *play) starts(e Event, node *otptrace.Node) {
	n, o := p.stage.Start(e.Path)
	p.numbers[strategies.ChildRef{Path: e.Path, Incarnation: e.Incarnation}] = n
	p.events = append(p.events, otptrace.Event{E: "start", P: e.Path, N: n, O: o})
	switch o {
	case "error", "raise", "ignore", "crash_in_init", "gate_error":
		return
	}
	p.last[e.Path] = e.Incarnation
	if strings.HasPrefix(o, "exit_") {
		// The process is gone before its start returns. A goroutine cannot
		// be: what is seen of its exit later on belongs here.
		p.early[e.Path] = len(p.events)
		p.events = append(p.events, otptrace.Event{E: "exit", P: e.Path, N: n})
	}
}

func (p *play) number(e Event) uint64 {
	return p.numbers[strategies.ChildRef{Path: e.Path, Incarnation: e.Incarnation}]
}

// rest waits until nothing is under way in the tree, letting time pass if it
// takes time.
func (p *play) rest() {
	synctest.Wait()
	for p.root != nil && !p.root.Idle() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		err := p.root.AwaitIdle(ctx)
		cancel()
		if err != nil {
			p.t.Fatal("the tree does not come to rest")
		}
		synctest.Wait()
	}
}

func (p *play) compare(what string, want otptrace.Result, do func() otptrace.Result) {
	p.t.Helper()
	got := do()
	p.rest()
	p.mu.Lock()
	events := p.events
	p.events = nil
	p.stage.Canonical(events)
	p.mu.Unlock()
	if d := gocmp.Diff(want.Events, events, cmpopts.EquateEmpty()); d != "" {
		p.t.Fatalf("%s: events (-OTP +tree):\n%s", what, d)
	}
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
		t.Fatalf("%s: value (-OTP +tree):\n%s", what, d)
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
	return gocmp.Diff(x, y)
}

func toJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (p *play) perform(s otptrace.Step) otptrace.Result {
	if s.Op != "gated" {
		return p.issue(s)()
	}
	p.mu.Lock()
	p.gated = true
	p.mu.Unlock()
	trigger := p.issue(*s.Trigger)
	synctest.Wait()
	p.mu.Lock()
	gate := p.gate
	p.gate = nil
	p.mu.Unlock()
	if gate == nil {
		p.t.Fatal("no start is held up")
	}
	var queued []func() otptrace.Result
	for _, q := range s.Queued {
		queued = append(queued, p.issue(q))
		synctest.Wait()
	}
	close(gate)
	result := trigger()
	for _, q := range queued {
		result.Queued = append(result.Queued, q())
	}
	return result
}

// issue performs a step. What is returned waits for the result.
func (p *play) issue(s otptrace.Step) func() otptrace.Result {
	ctx := context.Background()
	now := func(word string) func() otptrace.Result {
		return func() otptrace.Result { return otptrace.Result{Result: word} }
	}
	stop := func(sup *Supervisor, c strategies.Class) func() otptrace.Result {
		if sup == nil || sup.Stop(ctx, strategies.WithClass(c, nil)) != nil {
			return now("no_process")
		}
		return now("ok")
	}
	sup := p.supervisor(s.Sup)
	switch s.Op {
	case "sleep_ms":
		time.Sleep(time.Duration(s.MS) * time.Millisecond)
		return now("ok")
	case "exit":
		a := p.actor(s.Path())
		switch {
		case a == nil:
			return now("no_process")
		case s.Reason == "kill":
			a.Kill()
		default:
			a.exit <- p.class(s.Reason)
		}
		return now("ok")
	case "stop":
		return stop(p.root, strategies.Shutdown)
	case "stop_sup":
		return stop(sup, p.class(s.Reason))
	case "snapshot":
		return func() otptrace.Result { return otptrace.Result{Result: "ok", Value: p.snapshot()} }
	}
	if sup == nil {
		return now("noproc")
	}
	answered := make(chan func() otptrace.Result, 1)
	go func() { answered <- p.call(ctx, sup, s) }()
	return func() otptrace.Result {
		r := <-answered
		p.rest() // until what the answer is about has been seen
		return r()
	}
}

// call puts a call to a supervisor, and returns the result, for when all events
// until then have been seen.
func (p *play) call(ctx context.Context, sup *Supervisor, s otptrace.Step) func() otptrace.Result {
	var err error
	value := func() any { return nil }
	word := func() string { return "ok" }
	var ref strategies.ChildRef
	switch s.Op {
	case "which":
		var children []strategies.ChildInfo
		children, err = sup.WhichChildren(ctx)
		value = func() any { return p.which(sup.Path(), children) }
	case "count":
		var counts strategies.Counts
		counts, err = sup.CountChildren(ctx)
		value = func() any { return otptrace.Count(counts) }
	case "get_childspec":
		var spec strategies.ChildSpec
		if s.Instance != "" {
			spec, err = sup.InstanceSpec(ctx, p.instance(s))
		} else {
			spec, err = sup.ChildSpec(ctx, s.ID)
		}
		value = func() any { return otptrace.Spec(spec) }
	case "terminate_child":
		if s.Instance != "" {
			err = sup.TerminateInstance(ctx, p.instance(s))
		} else {
			err = sup.TerminateChild(ctx, s.ID)
		}
	case "delete_child":
		err = sup.DeleteChild(ctx, s.ID)
	case "restart_child":
		ref, err = sup.RestartChild(ctx, s.ID)
		word = func() string { return p.started(ref) }
	case "start_child":
		ref, err = p.startChild(ctx, sup, s)
		word = func() string { return p.started(ref) }
	default:
		p.t.Errorf("unknown step %q", s.Op)
	}
	return func() otptrace.Result {
		var start *StartError
		switch {
		case errors.Is(err, ErrNotRunning):
			return otptrace.Result{Result: "down"}
		case errors.As(err, &start):
			return otptrace.Result{Result: "error:" + reasonName(start.Err, start.Path)}
		case err != nil:
			return otptrace.Result{Result: "error:" + otptrace.ErrorName(err)}
		}
		r := otptrace.Result{Result: word()}
		if v := value(); v != nil {
			r.Value = toJSON(v)
		}
		return r
	}
}

// started is the result of a call that started ref.
func (p *play) started(ref strategies.ChildRef) string {
	if ref.Incarnation == 0 {
		return "ok:undefined"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stage.Node(ref.Path).Outcome(p.numbers[strategies.ChildRef{Path: ref.Path, Incarnation: ref.Incarnation}]) == "ok_info" {
		return "ok:info"
	}
	return "ok"
}

// instance is the process last started under a path, or else the root, which is
// nobody's child.
func (p *play) instance(s otptrace.Step) strategies.ChildRef {
	p.mu.Lock()
	defer p.mu.Unlock()
	path := s.Sup + "/" + s.Instance
	if n := p.last[path]; n != 0 {
		return strategies.ChildRef{Path: path, Incarnation: n}
	}
	return strategies.ChildRef{Path: p.root.Path(), Incarnation: p.last[p.root.Path()]}
}

func (p *play) startChild(ctx context.Context, sup *Supervisor, s otptrace.Step) (strategies.ChildRef, error) {
	if s.Name != "" {
		p.mu.Lock()
		p.stage.Instance(s)
		n := p.stage.Node(s.Sup + "/" + s.Name)
		p.mu.Unlock()
		return sup.StartChild(ctx, Child{ID: s.Name, Start: p.starter(n, 0)})
	}
	n, err := s.Node()
	if err != nil {
		return strategies.ChildRef{}, err
	}
	path := s.Sup + "/" + n.ID
	if _, there := p.root.Find(path); !there {
		p.mu.Lock()
		p.stage.Set(path, n)
		p.mu.Unlock()
	}
	return sup.StartChild(ctx, p.child(n, n.ChildSpec()))
}

func (p *play) supervisor(path string) *Supervisor {
	if path == "" || p.root == nil {
		return nil
	}
	return p.root.Supervisor(path)
}

func (p *play) which(sup string, children []strategies.ChildInfo) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return otptrace.Which(children, p.stage.Simple(sup), func(id string, n uint64) uint64 {
		return p.numbers[strategies.ChildRef{Path: sup + "/" + id, Incarnation: n}]
	})
}

func (p *play) snapshot() json.RawMessage {
	if p.root == nil || p.root.Supervisor(p.root.Path()) == nil {
		return json.RawMessage(`{"root":"dead"}`)
	}
	sups := map[string]any{}
	for st := range p.root.Walk() {
		s := p.root.Supervisor(st.Path)
		if s == nil {
			continue
		}
		which, err1 := s.WhichChildren(context.Background())
		count, err2 := s.CountChildren(context.Background())
		if err := errors.Join(err1, err2); err != nil {
			p.t.Fatal(err)
		}
		sups[st.Path] = map[string]any{"which": p.which(st.Path, which), "count": otptrace.Count(count)}
	}
	return toJSON(map[string]any{"root": "alive", "sups": sups})
}
