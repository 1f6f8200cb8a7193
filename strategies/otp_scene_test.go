package strategies_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/strategies/otptrace"
)

// scene is a tree to which things happen. Trees, steps and what is seen are text.
//
// A tree is a list of ids, each followed by words about it, its children below
// it. The words are those of OTP. For a supervisor: one of the strategies, or
// dynamic (simple_one_for_one, the one child is the template), or just
// supervisor; intensity=2 (as in OTP, 0 is none), within=5s, any_significant,
// all_significant. For every child: a restart type, significant, brutal_kill,
// infinity, shutdown=50ms. How a child behaves:
//
//	starts=ok,error,ignore  how its starts go, the last again and again; also
//	                        raise, crash (in its init), exit_normal (it starts,
//	                        and has ended at once)
//	stops=crash             how it ends when told to stop, otherwise shutdown
//	takes=10ms              how long that takes
//	first=r/b:crash         which other child ends, and how, just before
//	hangs                   it does not stop
//
// The steps:
//
//	boot
//	exit r/a crash            the worker ends by itself
//	stop r [normal]           somebody tells the supervisor to end
//	start_child r/a WORDS     the calls; r/a#1 means the incarnation, OTP's pid
//	terminate_child r/a, restart_child r/a, delete_child r/a
//	get_childspec r/a, which r, count r
//	pass 2s                   time passes
//	hold r/a, release r/a     its next start takes until it is released
//
// What is seen: the orders start, stop and kill with the incarnation they are
// about, exits, the reports that OTP makes, answers, and "after 10ms" where time
// has passed since what was seen before, or since the step was taken.
type scene struct {
	t      *testing.T
	sim    *strategies.Simulation
	root   string
	actors map[string]*actor // by path; under a dynamic supervisor the template is *
	hold   string            // the next start there is held up
	at     time.Duration     // when the latest event was
	seen   []string
}

// actor is how a child behaves.
type actor struct {
	starts       []string
	stop         strategies.SimStop
	first, class string // who ends first, and how
}

// stage sets a tree up.
func stage(t *testing.T, tree string) *scene {
	t.Helper()
	cite(t)
	s := &scene{t: t, actors: map[string]*actor{}}
	lines := strings.Split(strings.TrimRight(strings.TrimLeft(tree, "\n"), "\n\t "), "\n")
	s.root = strings.Fields(lines[0])[0]
	root, _, rest := s.parse(s.root, lines)
	if len(rest) > 0 {
		t.Fatalf("more than one root: %q", rest)
	}
	s.sim = strategies.NewSimulation(root, strategies.Script{Start: s.starts, Stop: s.stops, Event: s.event})
	return s
}

// booted sets a tree up and starts it, which must go well.
func booted(t *testing.T, tree string) *scene {
	t.Helper()
	s := stage(t, tree)
	if s.do("boot"); s.sim.Failure() != nil {
		t.Fatalf("boot: %v", s.sim.Failure())
	}
	return s
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, "\t")) }

// parse reads the first of the lines, which is about path, and those below it.
func (s *scene) parse(path string, lines []string) (*strategies.Tree, strategies.ChildSpec, []string) {
	s.t.Helper()
	t, spec, dynamic := s.words(path, strings.Fields(lines[0]))
	rest := lines[1:]
	for len(rest) > 0 && indent(rest[0]) > indent(lines[0]) {
		below := path + "/*"
		if !dynamic {
			below = path + "/" + strings.Fields(rest[0])[0]
		}
		var sub *strategies.Tree
		var child strategies.ChildSpec
		sub, child, rest = s.parse(below, rest)
		switch {
		case dynamic && t.Config.Dynamic == nil:
			t.Config.Dynamic, t.Template = &child, sub
		default:
			t.Config.Children = append(t.Config.Children, child)
			t.Nested[child.ID] = sub
		}
		spec.Kind = strategies.Supervisor
	}
	return t, spec, rest
}

// words reads a line, or what start_child says about a child.
func (s *scene) words(path string, words []string) (t *strategies.Tree, spec strategies.ChildSpec, dynamic bool) {
	s.t.Helper()
	t = &strategies.Tree{Name: words[0], Nested: map[string]*strategies.Tree{}}
	spec.ID = words[0]
	a := &actor{stop: strategies.SimStop{Exit: strategies.Exit{Class: strategies.Shutdown}}}
	s.actors[path] = a
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "supervisor":
			spec.Kind = strategies.Supervisor
		case "dynamic":
			dynamic = true
		case "one_for_one", "one_for_all", "rest_for_one":
			t.Config.Strategy = strategies.Strategy(slices.Index([]string{"one_for_one", "one_for_all", "rest_for_one"}, key))
		case "any_significant":
			t.Config.AutoShutdown = strategies.AnySignificant
		case "all_significant":
			t.Config.AutoShutdown = strategies.AllSignificant
		case "intensity":
			n, err := strconv.Atoi(value)
			if t.Config.Intensity.Max = n; err != nil || n == 0 {
				t.Config.Intensity.Max = strategies.NoRestarts
			}
		case "within":
			t.Config.Intensity.Within = s.duration(value)
		case "permanent", "transient", "temporary":
			spec.Restart = strategies.Restart(slices.Index([]string{"permanent", "transient", "temporary"}, key))
		case "significant":
			spec.Significant = true
		case "brutal_kill":
			spec.Shutdown = strategies.BrutalKill
		case "infinity":
			spec.Shutdown = strategies.Infinity
		case "shutdown":
			spec.Shutdown = strategies.Timeout(s.duration(value))
		case "starts":
			a.starts = strings.Split(value, ",")
		case "stops":
			a.stop.Exit.Class = s.class(value)
		case "takes":
			a.stop.Takes = s.duration(value)
		case "hangs":
			a.stop.Hangs = true
		case "first":
			a.first, a.class, _ = strings.Cut(value, ":")
		default:
			s.t.Fatalf("%s: %q is not a word", path, w)
		}
	}
	return t, spec, dynamic
}

func (s *scene) duration(text string) time.Duration {
	s.t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *scene) class(word string) strategies.Class {
	s.t.Helper()
	c, err := otptrace.Class(word)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// actor finds who acts at a path.
func (s *scene) actor(path string) *actor {
	if a := s.actors[path]; a != nil {
		return a
	}
	ids := strings.Split(path, "/")
	for i := range ids {
		id := ids[i]
		ids[i] = "*"
		if a := s.actors[strings.Join(ids, "/")]; a != nil {
			return a
		}
		ids[i] = id
	}
	s.t.Fatalf("nobody acts at %s", path)
	return nil
}

func (s *scene) starts(ref strategies.ChildRef, _ strategies.Kind) strategies.SimStart {
	how := strategies.SimStart{Held: ref.Path == s.hold}
	if how.Held {
		s.hold = ""
	}
	list := s.actor(ref.Path).starts
	if len(list) == 0 {
		return how
	}
	switch outcome := list[min(ref.Incarnation, uint64(len(list)))-1]; outcome {
	case "ok":
	case "error":
		how.Err = startErr("start_error")
	case "raise":
		how.Err = startErr("raised")
	case "crash":
		how.Err = startErr("crash")
	case "ignore":
		how.Err = strategies.ErrSimIgnore
	default:
		how.Exited, how.Exit.Class = true, s.class(strings.TrimPrefix(outcome, "exit_"))
	}
	return how
}

func (s *scene) stops(ref strategies.ChildRef) strategies.SimStop {
	a := s.actor(ref.Path)
	how := a.stop
	if a.first != "" {
		how.First = func() { s.sim.Exit(a.first, strategies.Exit{Class: s.class(a.class)}) }
	}
	return how
}

func (s *scene) event(e strategies.SimEvent) {
	switch line := actionLine(e.Path, &e.Action); {
	case e.Exited:
		s.log("exit %s#%d %v", e.Path, e.Incarnation, e.Exit.Class)
	case line != "":
		s.log("%s", line)
	}
}

func (s *scene) log(format string, args ...any) {
	if now := s.sim.Elapsed(); now != s.at {
		s.seen = append(s.seen, fmt.Sprint("after ", now-s.at))
		s.at = now
	}
	s.seen = append(s.seen, fmt.Sprintf(format, args...))
}

// actionLine writes an order or a report; "" if it is neither, or is one that
// OTP does not make.
func actionLine(path string, a *strategies.Action) string {
	switch a.Do {
	case strategies.DoStart, strategies.DoStop, strategies.DoKill:
		return fmt.Sprintf("%v %s#%d", a.Do, path, a.Incarnation)
	case strategies.DoReport:
	default:
		return ""
	}
	switch a.Report {
	case strategies.Progress:
		return "report progress " + path
	case strategies.ChildTerminated:
		return fmt.Sprintf("report child_terminated %s %v", path, a.Exit.Class)
	case strategies.StartError:
		return fmt.Sprintf("report start_error %s %s", path, reason(a.Exit.Err))
	case strategies.ShutdownError:
		if a.ID == "" {
			return fmt.Sprintf("report shutdown_error %s/* %v, %d", path, a.Exit.Class, a.Group)
		}
		return fmt.Sprintf("report shutdown_error %s %v", path, a.Exit.Class)
	case strategies.GivingUp: // OTP calls it shutdown
		return "report giving_up " + path
	}
	return ""
}

// on takes a step, and wants to see what is listed, one thing a line or between
// semicolons.
func (s *scene) on(step, want string) {
	s.t.Helper()
	s.do(step)
	if d := gocmp.Diff(split(want), s.seen, cmpopts.EquateEmpty()); d != "" {
		s.t.Fatalf("on %s (-want +got):\n%s", step, d)
	}
}

func split(list string) []string {
	var lines []string
	for _, line := range strings.FieldsFunc(list, func(r rune) bool { return r == '\n' || r == ';' }) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// do takes a step.
func (s *scene) do(step string) {
	s.t.Helper()
	s.seen, s.at = nil, s.sim.Elapsed()
	words := strings.Fields(step)
	path := s.root
	if len(words) > 1 {
		path = words[1]
	}
	switch words[0] {
	case "boot":
		_ = s.sim.Boot() // see Failure
		s.rest()
		if err := s.sim.Failure(); err != nil {
			s.log("failed %s", reason(err))
		}
	case "exit":
		if !s.sim.Exit(path, strategies.Exit{Class: s.class(words[2])}) {
			s.log("no process")
		}
	case "stop":
		class := strategies.Shutdown
		if len(words) > 2 {
			class = s.class(words[2])
		}
		if !s.sim.Terminate(path, strategies.Exit{Class: class}) {
			s.log("no process")
		}
	case "pass":
		s.sim.Pass(s.duration(path))
		s.at = s.sim.Elapsed()
	case "hold":
		s.hold = path
	case "release":
		s.sim.Release(path)
	default:
		s.call(words[0], path, words[2:])
	}
	s.rest()
}

// rest lets the tree come to rest, or everybody know what has happened while a
// start is held up.
func (s *scene) rest() {
	s.t.Helper()
	s.sim.Deliver()
	if len(s.sim.Held()) > 0 {
		return
	}
	if err := s.sim.Settle(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) call(op, path string, words []string) {
	s.t.Helper()
	path, number, instance := strings.Cut(path, "#")
	n, _ := strconv.ParseUint(number, 10, 64)
	sup, id := "", path
	if i := strings.LastIndex(path, "/"); i >= 0 {
		sup, id = path[:i], path[i+1:]
	}
	var in strategies.Input
	switch op {
	case "start_child":
		var spec strategies.ChildSpec
		if len(words) > 0 || s.actors[sup+"/*"] == nil {
			_, spec, _ = s.words(path, append([]string{id}, words...))
		}
		spec.ID = id
		if !s.sim.StartChild(sup, spec, nil, s.reply(op)) {
			s.log("reply error noproc")
		}
		return
	case "which":
		sup, in = path, strategies.WhichChildren(0)
	case "count":
		sup, in = path, strategies.CountChildren(0)
	case "get_childspec":
		if in = strategies.GetChildSpec(0, id); instance {
			in = strategies.GetInstanceSpec(0, id, n)
		}
	case "terminate_child":
		if in = strategies.TerminateChild(0, id); instance {
			in = strategies.TerminateInstance(0, id, n)
		}
	case "restart_child":
		in = strategies.RestartChild(0, id)
	case "delete_child":
		in = strategies.DeleteChild(0, id)
	default:
		s.t.Fatalf("%q is not a step", op)
	}
	if !s.sim.Call(sup, in, s.reply(op)) {
		s.log("reply error noproc")
	}
}

func (s *scene) reply(op string) func(*strategies.Reply) {
	return func(r *strategies.Reply) { s.log("%s", replyLine(op, r)) }
}

// replyLine writes the answer to a call.
func replyLine(op string, r *strategies.Reply) string {
	switch {
	case errors.Is(r.Err, strategies.ErrDown):
		return "reply error down"
	case errors.Is(r.Err, strategies.ErrStart):
		return "reply error " + reason(r.Exit.Err)
	case errors.Is(r.Err, strategies.ErrAlreadyStarted):
		return fmt.Sprintf("reply error already_started #%d", r.Incarnation)
	case r.Err != nil:
		return "reply error " + otptrace.ErrorName(r.Err)
	}
	switch op {
	case "which":
		list := "reply which"
		for _, c := range r.Children {
			list += " " + c.ID
			if c.Kind == strategies.Supervisor {
				list += "(supervisor)"
			}
			switch c.State {
			case strategies.Up, strategies.Dead, strategies.Stopping:
				list += fmt.Sprintf("=running#%d", c.Incarnation)
			case strategies.Waiting:
				list += "=restarting"
			default:
				list += "=undefined"
			}
		}
		return list
	case "count":
		return fmt.Sprintf("reply specs=%d active=%d supervisors=%d workers=%d",
			r.Counts.Specs, r.Counts.Active, r.Counts.Supervisors, r.Counts.Workers)
	case "get_childspec":
		return fmt.Sprintf("reply id=%s %v %v shutdown=%v significant=%v",
			r.Spec.ID, r.Spec.Restart, r.Spec.Kind, r.Spec.Shutdown, r.Spec.Significant)
	case "start_child", "restart_child":
		if r.Incarnation == 0 {
			return "reply ok undefined"
		}
		return fmt.Sprintf("reply ok #%d", r.Incarnation)
	}
	return "reply ok"
}

// alone is one Machine that is told things by hand, among them what a runner
// that is in order would not tell it.
type alone struct {
	t   *testing.T
	m   *strategies.Machine
	now time.Time
}

func machine(t *testing.T, cfg strategies.Config) *alone {
	t.Helper()
	cite(t)
	m, err := strategies.NewMachine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &alone{t, m, time.Unix(0, 0)}
}

// on tells the machine something, and wants the decisions that are listed. What
// it arms and how it finishes is among them.
func (a *alone) on(what string, in strategies.Input, want string) {
	a.t.Helper()
	var got []string
	for _, d := range a.m.Step(a.now, in) {
		line := actionLine(d.ID, &d)
		switch d.Do {
		case strategies.DoArm:
			line = fmt.Sprintf("arm %v %s#%d %v", d.Timer, d.ID, d.Incarnation, d.After)
		case strategies.DoReply:
			line = replyLine("", d.Reply)
		case strategies.DoBooted:
			line = "booted"
		case strategies.DoFinish:
			line = fmt.Sprintf("finish %v %v", d.Why, d.Exit.Class)
		case strategies.DoReport:
			if d.Report == strategies.Stuck {
				line = "report stuck " + d.ID
			}
		}
		if line != "" {
			got = append(got, line)
		}
	}
	if d := gocmp.Diff(split(want), got, cmpopts.EquateEmpty()); d != "" {
		a.t.Fatalf("on %s (-want +got):\n%s", what, d)
	}
}
