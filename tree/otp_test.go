package tree

import (
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

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/strategies/otptrace"
)

// implemented names the operations and flags of a scenario that a live tree has.
var implemented = []string{"exit", "which", "count", "get_childspec", "snapshot", "stop", "stop_sup", "sleep_ms"}

// impossible are the traces that cannot be replayed here, with the reason.
var impossible = map[string]string{
	"root_ignore":              "a root that says ignore never becomes a supervisor: there is nothing to replay",
	"spec_duplicate_id_nested": "a difference: nested specs are refused up front, before anything is started",
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
			skip := impossible[f.Name]
			if w := f.Needs(implemented...); w != "" {
				skip = "not available yet: " + w
			}
			if skip != "" {
				skipped[skip]++
				t.Skip(skip)
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

	mu     sync.Mutex // guards what follows
	nodes  map[string]*otptrace.Node
	actors map[string]*actor
	events []otptrace.Event
	early  map[string]int // where in events an exit has its place that was not seen yet
}

func (p *play) run() {
	p.nodes, p.actors, p.early = map[string]*otptrace.Node{}, map[string]*actor{}, map[string]int{}
	defer func() {
		if p.end != nil {
			p.end()
		}
	}()
	p.compare("start", p.file.Trace.Start, p.start)
	for i, s := range p.file.Scenario.Steps {
		p.compare(fmt.Sprintf("step %d (%s)", i+1, s.Op), p.file.Trace.Steps[i], func() (string, any) { return p.perform(s) })
	}
	if d := diffJSON(p.file.Trace.Final, p.snapshot()); d != "" {
		p.t.Errorf("final state (-OTP +tree):\n%s", d)
	}
}

func (p *play) start() (string, any) {
	tree := &p.file.Scenario.Tree
	failed := func(err string) (string, any) { return "error:" + err, nil }
	log := func(e otptrace.Event) { p.events = append(p.events, e) }
	if o := tree.Outcome(1); o != "ok" {
		log(otptrace.Event{E: "start", P: tree.ID, N: 1, O: o})
		return failed("start_error")
	}
	spec := p.spec(tree.ID, tree)
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
	return "ok", nil
}

// spec translates a supervisor node.
func (p *play) spec(path string, n *otptrace.Node) Spec {
	p.nodes[path] = n
	cfg := n.Config()
	s := Spec{Strategy: cfg.Strategy, Intensity: cfg.Intensity, AutoShutdown: cfg.AutoShutdown}
	for i := range n.Children {
		c, cs := &n.Children[i], cfg.Children[i]
		kid := path + "/" + c.ID
		child := Child{ID: c.ID, Restart: cs.Restart, Significant: cs.Significant, Shutdown: cs.Shutdown}
		if c.Supervisor() {
			child.Start = &scriptedSub{&subStarter{p.spec(kid, c)}, c}
		} else {
			p.nodes[kid] = c
			child.Start = Of(func() (*actor, error) { return newActor(p, c), nil })
		}
		s.Children = append(s.Children, child)
	}
	return s
}

// scriptedSub is a Sub whose start may fail as the script says.
type scriptedSub struct {
	*subStarter
	node *otptrace.Node
}

func (s *scriptedSub) instance(p *proc) (Service, error) {
	switch s.node.Outcome(p.ref.Incarnation) {
	case "error":
		return nil, startErr("start_error")
	case "raise":
		panic("raised")
	case "ignore":
		return nil, ErrIgnore
	}
	return s.subStarter.instance(p)
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
	switch o := a.node.Outcome(ref.Incarnation); o {
	case "error":
		return startErr("start_error")
	case "raise":
		panic("raised")
	case "crash_in_init":
		return startErr("crash")
	case "ignore":
		return ErrIgnore
	case "exit_normal", "exit_shutdown", "exit_crash":
		a.exit <- className(o[5:])
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

func (a *actor) live(ctx context.Context) strategies.Class {
	select {
	case c := <-a.exit:
		return c
	case <-a.killed:
		return strategies.Killed
	case <-ctx.Done():
	}
	b := a.node.OnStop
	if o := b.ExitOther; o != nil {
		if other := a.play.actor(o.Child); other != nil {
			other.exit <- className(o.Reason)
			time.Sleep(time.Nanosecond) // in a bubble: until everything else is at rest
		}
	}
	var timer <-chan time.Time
	if !b.Hang {
		timer = time.After(time.Duration(b.DelayMS) * time.Millisecond)
	}
	select {
	case <-a.killed:
		return strategies.Killed
	case c := <-a.exit:
		return c
	case <-timer:
	}
	if b.Reason != "" {
		return className(b.Reason)
	}
	return strategies.Shutdown
}

func (p *play) actor(path string) *actor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.actors[path]
}

func className(name string) strategies.Class {
	if name == "kill" {
		return strategies.Killed
	}
	for c := strategies.Normal; c <= strategies.Crash; c++ {
		if c.String() == name {
			return c
		}
	}
	panic("unknown class " + name)
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
	case errors.As(err, &p):
		return "raised"
	case errors.As(err, &s):
		return startErrorName(s, path)
	}
	return err.Error()
}

// sink translates our events into those a trace has.
func (p *play) sink(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	node := p.nodes[e.Path]
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
		o := node.Outcome(e.Incarnation)
		p.events = append(p.events, otptrace.Event{E: "start", P: e.Path, N: e.Incarnation, O: o})
		if strings.HasPrefix(o, "exit_") {
			// The process is gone before its start returns. A goroutine cannot
			// be: what is seen of its exit later on belongs here.
			p.early[e.Path] = len(p.events)
			p.events = append(p.events, otptrace.Event{E: "exit", P: e.Path, N: e.Incarnation})
		}
	case EventExited:
		if i, early := p.early[e.Path]; early {
			p.events[i].R = e.Exit.Class.String()
			delete(p.early, e.Path)
			return
		}
		p.events = append(p.events, otptrace.Event{E: "exit", P: e.Path, N: e.Incarnation, R: e.Exit.Class.String()})
	case EventProgress:
		report("progress", "")
	case EventChildTerminated:
		report("child_terminated", e.Exit.Class.String())
	case EventStartError:
		var s *StartError
		if errors.As(e.Exit.Err, &s) { // its process was there, and is gone
			p.events = append(p.events, otptrace.Event{E: "exit", P: e.Path, N: e.Incarnation, R: e.Exit.Class.String()})
		}
		report("start_error", reasonName(e.Exit.Err, e.Path))
	case EventShutdownError:
		report("shutdown_error", e.Exit.Class.String())
	case EventGivingUp:
		report("shutdown", "reached_max_restart_intensity")
	}
}

// rest waits until nothing is under way in the tree, letting time pass if it
// takes time.
func (p *play) rest() {
	for range 100_000 {
		synctest.Wait()
		if p.root == nil || p.root.atRest() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	p.t.Fatal("the tree does not come to rest")
}

func (s *Supervisor) atRest() bool {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.node.atRest()
}

func (n *node) atRest() bool {
	if n.sup == nil || n.sup.running == nil {
		return true
	}
	if !n.sup.running.life.Load().idle.Load() {
		return false
	}
	for c := n.sup.first; c != nil; c = c.next {
		if !c.atRest() {
			return false
		}
	}
	return true
}

func (p *play) compare(what string, want otptrace.Result, do func() (string, any)) {
	p.t.Helper()
	result, value := do()
	p.rest()
	p.mu.Lock()
	events := p.events
	p.events = nil
	p.mu.Unlock()
	if d := cmp.Diff(want.Events, events, cmpopts.EquateEmpty()); d != "" {
		p.t.Fatalf("%s: events (-OTP +tree):\n%s", what, d)
	}
	if result != want.Result {
		p.t.Fatalf("%s: result %q, OTP %q", what, result, want.Result)
	}
	if d := diffJSON(want.Value, value); d != "" {
		p.t.Fatalf("%s: value (-OTP +tree):\n%s", what, d)
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

func (p *play) perform(s otptrace.Step) (string, any) {
	ctx := context.Background()
	stop := func(sup *Supervisor, c strategies.Class) (string, any) {
		if sup == nil || sup.Stop(ctx, strategies.WithClass(c, nil)) != nil {
			return "no_process", nil
		}
		return "ok", nil
	}
	sup := p.supervisor(s.Sup)
	switch s.Op {
	case "sleep_ms":
		time.Sleep(time.Duration(s.MS) * time.Millisecond)
		return "ok", nil
	case "exit":
		a := p.actor(s.Child.(string))
		switch {
		case a == nil:
			return "no_process", nil
		case s.Reason == "kill":
			a.Kill()
		default:
			a.exit <- className(s.Reason)
		}
		return "ok", nil
	case "stop":
		return stop(p.root, strategies.Shutdown)
	case "stop_sup":
		return stop(sup, className(s.Reason))
	case "snapshot":
		return "ok", p.snapshot()
	}
	if sup == nil {
		return "noproc", nil
	}
	var v any
	var err error
	switch s.Op {
	case "which":
		v, err = whichValue(sup)
	case "count":
		v, err = countValue(sup)
	case "get_childspec":
		v, err = specValue(sup, s.ID)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return "error:not_found", nil
	case errors.Is(err, ErrNotRunning):
		return "noproc", nil
	case err != nil:
		p.t.Fatal(err)
	}
	return "ok", v
}

func (p *play) supervisor(path string) *Supervisor {
	if path == "" || p.root == nil {
		return nil
	}
	return p.root.Supervisor(path)
}

func whichValue(s *Supervisor) (any, error) {
	children, err := s.WhichChildren(context.Background())
	list := []any{}
	for _, c := range children {
		e := map[string]any{"id": c.ID, "type": c.Kind.String()}
		switch c.State {
		case strategies.Up, strategies.Dead, strategies.Stopping:
			e["s"], e["n"] = "running", c.Incarnation
		case strategies.Waiting:
			e["s"] = "restarting"
		default:
			e["s"] = "undefined"
		}
		list = append(list, e)
	}
	return list, err
}

func countValue(s *Supervisor) (any, error) {
	c, err := s.CountChildren(context.Background())
	return map[string]any{"specs": c.Specs, "active": c.Active, "supervisors": c.Supervisors, "workers": c.Workers}, err
}

func specValue(s *Supervisor, id string) (any, error) {
	c, err := s.ChildSpec(context.Background(), id)
	return map[string]any{
		"id": c.ID, "restart": c.Restart.String(), "type": c.Kind.String(),
		"shutdown": otptrace.ShutdownValue(c.Shutdown), "significant": c.Significant,
	}, err
}

func (p *play) snapshot() any {
	if p.root == nil || p.root.Supervisor(p.root.Path()) == nil {
		return map[string]any{"root": "dead"}
	}
	sups := map[string]any{}
	for st := range p.root.Walk() {
		s := p.root.Supervisor(st.Path)
		if s == nil {
			continue
		}
		which, err1 := whichValue(s)
		count, err2 := countValue(s)
		if err := errors.Join(err1, err2); err != nil {
			p.t.Fatal(err)
		}
		sups[st.Path] = map[string]any{"which": which, "count": count}
	}
	return map[string]any{"root": "alive", "sups": sups}
}
