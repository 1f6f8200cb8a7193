package strategies_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
)

var errDisk = errors.New("no disk")

// log collects the starts and ends of a simulation, and other events on demand.
type log struct {
	lines []string
	also  map[strategies.Do]bool
}

func (l *log) event(e strategies.SimEvent) {
	switch a := e.Action; {
	case e.Exited:
		l.lines = append(l.lines, fmt.Sprintf("%v %s#%d: %v", e.At, e.Path, e.Incarnation, e.Exit))
	case a.Do == strategies.DoStart || l.also[a.Do]:
		l.lines = append(l.lines, fmt.Sprintf("%v %v %s#%d", e.At, a.Do, e.Path, e.Incarnation))
	}
}

func (l *log) expect(t *testing.T, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, l.lines); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	l.lines = nil
}

func settled(t *testing.T, s *strategies.Simulation) {
	t.Helper()
	if err := s.Settle(); err != nil {
		t.Fatal(err)
	}
}

// Starts may take time, fail, say "ignore", or be followed by the end at once.
func TestSimulationStarts(t *testing.T) {
	var l log
	how := map[string]strategies.SimStart{
		"shop/store#1":   {Takes: 2 * time.Second},
		"shop/web#1":     {Takes: time.Second},
		"shop/web/api#1": {Err: strategies.ErrSimIgnore},
		"shop/mail#1":    {Exited: true, Exit: strategies.Exit{Class: strategies.Crash}},
	}
	s := strategies.NewSimulation(shop(), strategies.Script{Event: l.event, Start: func(ref strategies.ChildRef, _ strategies.Kind) strategies.SimStart {
		return how[fmt.Sprintf("%s#%d", ref.Path, ref.Incarnation)]
	}})
	if err := s.Boot(); err != nil {
		t.Fatal(err)
	}
	settled(t, s)
	l.expect(t,
		"0s start shop/store#1", "2s start shop/web#1", "3s start shop/web/api#1", "3s start shop/web/cache#1",
		"3s start shop/mail#1", "3s shop/mail#1: crash", "3s start shop/mail#2")
	for path, n := range map[string]uint64{"shop": 1, "shop/web": 1, "shop/web/cache": 1, "shop/mail": 2, "shop/web/api": 0, "nobody": 0} {
		if got := s.Live(path); got != n {
			t.Errorf("%s#%d lives, want #%d", path, got, n)
		}
	}
	if d := cmp.Diff([]string{"shop", "shop/web"}, s.Supervisors()); d != "" {
		t.Error(d)
	}
}

// A boot that fails says why, level by level.
func TestSimulationBootFails(t *testing.T) {
	var l log
	takes := time.Duration(0)
	s := strategies.NewSimulation(shop(), strategies.Script{Event: l.event, Start: func(ref strategies.ChildRef, _ strategies.Kind) (how strategies.SimStart) {
		if ref.Path == "shop/web/cache" {
			how.Takes, how.Err = takes, errDisk
		}
		return how
	}})
	err := s.Boot()
	settled(t, s)
	if err == nil {
		err = s.Failure()
	}
	var nested *strategies.SimStartError
	if !errors.As(err, &nested) || nested.ID != "web" || !errors.Is(err, errDisk) {
		t.Errorf("%v", err)
	}
	if got, want := fmt.Sprint(err), "failed_to_start_child(web: failed_to_start_child(cache: no disk))"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	l.expect(t, "0s start shop/store#1", "0s start shop/web#1", "0s start shop/web/api#1", "0s start shop/web/cache#1",
		"0s shop/web/api#1: shutdown", "0s shop/web#1: shutdown_term: no disk",
		"0s shop/store#1: shutdown", "0s shop#1: shutdown_term: failed_to_start_child(cache: no disk)")

	// With time between, Boot cannot know.
	takes = time.Second
	if err := s.Boot(); err != nil {
		t.Errorf("Boot: %v", err)
	}
	settled(t, s)
	if s.Failure() == nil {
		t.Error("no failure")
	}

	// A description that is not valid is found when it is reached.
	tree := shop()
	tree.Nested["web"].Config.Parallel = -1
	s = strategies.NewSimulation(tree, strategies.Script{})
	_ = s.Boot()
	settled(t, s)
	if err := s.Failure(); !errors.Is(err, strategies.ErrParallel) {
		t.Errorf("%v", err)
	}
	if got, want := (&strategies.SimStartError{ID: "a"}).Error(), "failed_to_start_child(a: no reason given)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A worker may take its time to stop, do something else first, or hang and be
// killed. A supervisor cannot be killed.
func TestSimulationStops(t *testing.T) {
	l := log{also: map[strategies.Do]bool{strategies.DoKill: true}}
	tree := shop()
	tree.Config.Children[1].Shutdown = strategies.BrutalKill
	tree.Config.Children[2].Shutdown = strategies.Timeout(time.Second)
	var s *strategies.Simulation
	s = strategies.NewSimulation(tree, strategies.Script{Event: l.event, Stop: func(ref strategies.ChildRef) strategies.SimStop {
		switch ref.Path {
		case "shop/web/cache":
			return strategies.SimStop{Takes: 3 * time.Second, Exit: strategies.Exit{Class: strategies.Normal}}
		case "shop/web/api":
			return strategies.SimStop{First: func() { s.Exit("shop/store", strategies.Exit{Class: strategies.Crash}) }, Exit: strategies.Exit{Class: strategies.Shutdown}}
		}
		return strategies.SimStop{Hangs: true}
	}})
	if err := s.Boot(); err != nil {
		t.Fatal(err)
	}
	settled(t, s)
	l.lines = nil
	if s.Terminate("nobody", strategies.Exit{}) || s.Exit("nobody", strategies.Exit{}) || s.Call("nobody", strategies.CountChildren(0), nil) || s.StartChild("nobody", leaf("a"), nil, nil) {
		t.Error("somebody is there who is not")
	}
	s.Terminate("shop", strategies.Exit{Class: strategies.Shutdown})
	s.Pass(2 * time.Second)
	s.Exit("shop/web/cache", strategies.Exit{Class: strategies.Killed}) // before it has stopped
	settled(t, s)
	s.Pass(2 * time.Second)
	l.expect(t, "1s kill shop/mail#1", "1s shop/mail#1: killed", "1s kill shop/web#1",
		"2s shop/web/cache#1: killed", "2s shop/store#1: crash", "2s shop/web/api#1: shutdown", "2s shop/web#1: shutdown", "2s shop#1: shutdown")
	if s.Elapsed() < 4*time.Second {
		t.Errorf("%v have passed", s.Elapsed())
	}
}

// A start that is held up goes on when it is released; one that is given up does not.
func TestSimulationHeld(t *testing.T) {
	var l log
	held := true
	s := strategies.NewSimulation(shop(), strategies.Script{Event: l.event, Start: func(ref strategies.ChildRef, _ strategies.Kind) strategies.SimStart {
		return strategies.SimStart{Held: held && ref.Path != "shop/store"}
	}})
	if err := s.Boot(); err != nil {
		t.Fatal(err)
	}
	s.Deliver()
	if d := cmp.Diff([]string{"shop/web"}, s.Held()); d != "" {
		t.Fatal(d)
	}
	if err := s.Settle(); err == nil {
		t.Error("settled, and a start is held up")
	}
	s.Release("nobody")
	held = false
	s.Release("shop/web")
	settled(t, s)
	held = true
	s.Exit("shop/mail", strategies.Exit{Class: strategies.Crash})
	s.Deliver()
	s.Terminate("shop", strategies.Exit{})
	settled(t, s)
	s.Release("shop/mail")
	if s.Live("shop") != 0 || s.Live("shop/mail") != 0 || len(s.Held()) != 0 {
		t.Error("it lives on")
	}
}

// Children are added to supervisors that run, supervisors among them.
func TestSimulationCalls(t *testing.T) {
	var answers []string
	done := func(r *strategies.Reply) { answers = append(answers, fmt.Sprint(r.Incarnation, " ", r.Err)) }
	tree := &strategies.Tree{Name: "pool", Config: strategies.Config{Dynamic: &strategies.ChildSpec{Kind: strategies.Supervisor}},
		Template: &strategies.Tree{Config: strategies.Config{Children: []strategies.ChildSpec{leaf("a")}}}}
	s := strategies.NewSimulation(tree, strategies.Script{})
	if err := s.Boot(); err != nil {
		t.Fatal(err)
	}
	s.StartChild("pool", leaf("k"), nil, done)
	settled(t, s)
	s.StartChild("pool/k", branch("more"), &strategies.Tree{Config: strategies.Config{Children: []strategies.ChildSpec{leaf("b")}}}, done)
	s.StartChild("pool/k", branch("none"), nil, done)
	settled(t, s)
	s.Call("pool/k", strategies.TerminateChild(0, "more"), done)
	settled(t, s)
	s.Call("pool/k", strategies.DeleteChild(0, "more"), done)
	s.StartChild("pool/k", leaf("more"), nil, done)
	settled(t, s)
	if d := cmp.Diff([]string{"1 <nil>", "1 <nil>", "1 <nil>", "0 <nil>", "0 <nil>", "2 <nil>"}, answers); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"pool", "pool/k", "pool/k/none"}, s.Supervisors()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if s.Live("pool/k/a") != 1 || s.Live("pool/k/more/b") != 0 || s.Live("pool/k/more") != 2 {
		t.Error("somebody does not live who should, or the other way round")
	}
}

// The template of a dynamic supervisor, and the trees below it, are checked like any.
func TestTreeValidate(t *testing.T) {
	tree := &strategies.Tree{Name: "pool", Config: strategies.Config{Dynamic: &strategies.ChildSpec{Kind: strategies.Supervisor}},
		Template: &strategies.Tree{Config: strategies.Config{Parallel: -1, Children: []strategies.ChildSpec{leaf("a"), leaf("a")}}}}
	lines := strings.Split(fmt.Sprint(tree.Validate()), "\n")
	slices.Sort(lines)
	want := []string{"pool/(template): invalid Parallel: it must not be negative", "pool/(template)/a: duplicate id"}
	slices.Sort(want)
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Time that is let pass, passes, whatever happens meanwhile.
func TestSimulationPass(t *testing.T) {
	tree := shop()
	tree.Config.Children[2].Backoff = strategies.Backoff{Min: time.Minute}
	s := strategies.NewSimulation(tree, strategies.Script{})
	if err := s.Boot(); err != nil {
		t.Fatal(err)
	}
	s.Pass(time.Second)
	s.Exit("shop/mail", strategies.Exit{Class: strategies.Crash})
	s.Pass(30 * time.Second)
	if s.Live("shop/mail") != 0 || s.Elapsed() != 31*time.Second {
		t.Errorf("mail#%d after %v", s.Live("shop/mail"), s.Elapsed())
	}
	s.Pass(31 * time.Second)
	if s.Live("shop/mail") != 2 || s.Elapsed() != 62*time.Second {
		t.Errorf("mail#%d after %v", s.Live("shop/mail"), s.Elapsed())
	}
}

// A tree whose children cannot be started, and are tried again without end, does
// not come to rest.
func TestSimulationWithoutEnd(t *testing.T) {
	tree := &strategies.Tree{Name: "a", Config: strategies.Config{Intensity: limited(1 << 40), Children: []strategies.ChildSpec{leaf("b")}}}
	s := strategies.NewSimulation(tree, strategies.Script{Start: func(ref strategies.ChildRef, _ strategies.Kind) (how strategies.SimStart) {
		if ref.Incarnation > 1 {
			how.Err = errDisk
		}
		return how
	}})
	if err := s.Boot(); err != nil {
		t.Fatal(err)
	}
	settled(t, s)
	s.Exit("a/b", strategies.Exit{})
	if err := s.Settle(); err == nil {
		t.Error("it comes to rest")
	}
}
