package strategies_test

import (
	"errors"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/strategies/otptrace"
)

// A. Specifications and flags.

func TestOTP_A1_DefaultsOfAChild(t *testing.T) {
	s := booted(t, `
		r
			a
			s supervisor
	`)
	s.on("get_childspec r/a", `reply id=a permanent worker shutdown=5s significant=false`)
	s.on("get_childspec r/s", `reply id=s permanent supervisor shutdown=infinity significant=false`)
}

func TestOTP_A2_DefaultsOfASupervisor(t *testing.T) {
	s := booted(t, `
		r
			a
			b
	`)
	s.on("start_child r/c transient significant", `reply error bad_combination`) // auto_shutdown never
	s.on("exit r/b crash", `
		exit r/b#1 crash
		report child_terminated r/b crash
		start r/b#2
		report progress r/b
	`) // one_for_one
	s.do("pass 5000000001ns") // the period is over, by a nanosecond
	s.on("exit r/b crash", `
		exit r/b#2 crash
		report child_terminated r/b crash
		start r/b#3
		report progress r/b
	`)
	s.do("pass 5s") // it is not: both edges belong to it
	s.on("exit r/b crash", `
		exit r/b#3 crash
		report child_terminated r/b crash
		report giving_up r/b
		stop r/a#1; exit r/a#1 shutdown
		exit r#1 shutdown
	`)
}

// Start functions are not the machine's affair, and unknown keys not Go's: see
// elsewhere.
func TestOTP_A3_IDIsMandatory(t *testing.T) {
	cite(t)
	var c strategies.Config
	refused(t, "a child without id", c, strategies.ChildSpec{}, strategies.ErrID)
	refused(t, "a child with one", c, strategies.ChildSpec{ID: "a"})
}

// refused wants exactly these errors, in this order, of a child in the initial
// list; and the first of them of one that is added.
func refused(t *testing.T, what string, c strategies.Config, child strategies.ChildSpec, want ...error) {
	t.Helper()
	added := c
	c.Children = []strategies.ChildSpec{child}
	wrong := c.Validate()
	if len(wrong) != len(want) {
		t.Errorf("%s: %v, want %v", what, wrong, want)
		return
	}
	for i := range want {
		if !errors.Is(wrong[i], want[i]) {
			t.Errorf("%s: error %d is %v, want %v", what, i+1, wrong[i], want[i])
		}
	}
	_, err := strategies.NewMachine(c)
	m, _ := strategies.NewMachine(added)
	m.Step(time.Time{}, strategies.Boot(strategies.Cascade{}))
	last := m.Step(time.Time{}, strategies.StartChild(1, child))
	reply := last[len(last)-1].Reply
	if want == nil {
		if err != nil || reply != nil { // no answer yet: it is being started
			t.Errorf("%s: %v, added: %+v", what, err, reply)
		}
		return
	}
	if !errors.Is(err, want[0]) {
		t.Errorf("%s: %v, want %v", what, err, want[0])
	}
	if reply == nil || !errors.Is(reply.Err, want[0]) {
		t.Errorf("%s, added: %+v, want %v", what, reply, want[0])
	}
}

// A significant that is no boolean cannot be said in Go.
func TestOTP_A4_RejectedValues(t *testing.T) {
	cite(t)
	var c strategies.Config
	type spec = strategies.ChildSpec
	refused(t, "restart", c, spec{ID: "a", Restart: strategies.Temporary + 1}, strategies.ErrRestart)
	refused(t, "type", c, spec{ID: "a", Kind: strategies.Supervisor + 1}, strategies.ErrKind)
	refused(t, "shutdown -1", c, spec{ID: "a", Shutdown: strategies.Timeout(-1)}, strategies.ErrShutdown)
	for _, ok := range []strategies.ShutdownLimit{strategies.Timeout(0), strategies.Timeout(1), strategies.Infinity, strategies.BrutalKill} {
		refused(t, "shutdown "+ok.String(), c, spec{ID: "a", Shutdown: ok})
	}
	refused(t, "everything", c, spec{
		ID: "a", Restart: strategies.Temporary + 1, Significant: true,
		Kind: strategies.Supervisor + 1, Shutdown: strategies.Timeout(-1),
	}, strategies.ErrRestart, strategies.ErrSignificant, strategies.ErrKind, strategies.ErrShutdown)
}

func TestOTP_A5_AnIDTwice(t *testing.T) {
	s := stage(t, `
		r
			a
			b
			a
	`)
	s.on("boot", `exit r#1 crash; failed duplicate_child_id`)
}

func TestOTP_A6_SignificantIsRefused(t *testing.T) {
	for flag, restarts := range map[string]map[string]string{
		"intensity=1":     {"permanent": "bad_combination", "transient": "bad_combination", "temporary": "bad_combination"},
		"any_significant": {"permanent": "bad_combination", "transient": "", "temporary": ""},
		"all_significant": {"permanent": "bad_combination", "transient": "", "temporary": ""},
	} {
		for restart, wrong := range restarts {
			init := stage(t, "r "+flag+"\n\ta "+restart+" significant")
			added := booted(t, "r "+flag)
			if wrong != "" {
				init.on("boot", "exit r#1 crash; failed "+wrong)
				added.on("start_child r/a significant "+restart, "reply error "+wrong)
				continue
			}
			init.on("boot", "start r/a#1; report progress r/a")
			added.on("start_child r/a significant "+restart, "start r/a#1; report progress r/a; reply ok #1")
		}
	}
}

// The zero values are the defaults: a period of 0, which OTP refuses, is 5 s, and
// OTP's intensity 0 is NoRestarts.
func TestOTP_A7_FlagsAreChecked(t *testing.T) {
	cite(t)
	for want, c := range map[string]strategies.Config{
		"invalid_strategy":      {Strategy: strategies.Dependents + 1},
		"invalid_intensity":     {Intensity: strategies.Intensity{Max: strategies.NoRestarts - 1}},
		"invalid_period":        {Intensity: strategies.Intensity{Within: -time.Second}},
		"invalid_auto_shutdown": {AutoShutdown: strategies.AllSignificant + 1},
	} {
		if _, err := strategies.NewMachine(c); err == nil || otptrace.ErrorName(errors.Unwrap(err)) != want {
			t.Errorf("%v, want %s", err, want)
		}
		tree := &strategies.Tree{Name: "r", Config: c}
		if err := strategies.NewSimulation(tree, strategies.Script{}).Boot(); err == nil {
			t.Errorf("%s: the supervisor started", want)
		}
	}
	if _, err := strategies.NewMachine(strategies.Config{Intensity: strategies.Intensity{Max: strategies.NoRestarts}}); err != nil {
		t.Errorf("intensity 0: %v", err)
	}
}

// Without a template a supervisor is not a dynamic one.
func TestOTP_A8_ExactlyOneTemplate(t *testing.T) {
	stage(t, `
		r dynamic
			t
	`).on("boot", ``)
	stage(t, `
		r dynamic
			t
			u
	`).on("boot", `exit r#1 crash; failed bad_start_spec`)
}

func TestOTP_A9_TheSpecIsComplete(t *testing.T) {
	s := booted(t, `
		r any_significant
			a temporary significant brutal_kill
			b transient shutdown=7ms
			d dynamic infinity
				t
	`)
	s.on("get_childspec r/a", `reply id=a temporary worker shutdown=brutal_kill significant=true`)
	s.on("get_childspec r/b", `reply id=b transient worker shutdown=7ms significant=false`)
	s.on("get_childspec r/d", `reply id=d permanent supervisor shutdown=infinity significant=false`)
	s.do("start_child r/d/x")
	s.on("get_childspec r/d/x#1", `reply id=t permanent worker shutdown=5s significant=false`)
}

// Package tree checks nested supervisors, too, before anything is started. Here
// they are checked as in OTP, when they are reached.
func TestOTP_A10_CheckedBeforeAnythingStarts(t *testing.T) {
	stage(t, `
		r
			a
			b significant
	`).on("boot", `exit r#1 crash; failed bad_combination`)
	stage(t, `
		r
			a
			s supervisor
				x
				y significant
	`).on("boot", `
		start r/a#1
		report progress r/a
		start r/s#1; exit r/s#1 crash
		report start_error r/s bad_combination
		stop r/a#1; exit r/a#1 shutdown
		exit r#1 shutdown_term
		failed failed_to_start_child(s:bad_combination)
	`)
}

// B. Starting.

func TestOTP_B1_OneAtATimeInOrder(t *testing.T) {
	s := stage(t, `
		r
			a
			b
			c
	`)
	s.do("hold r/b")
	s.on("boot", `
		start r/a#1
		report progress r/a
		start r/b#1
	`)
	s.on("release r/b", `
		report progress r/b
		start r/c#1
		report progress r/c
	`)
}

func TestOTP_B2_DepthFirst(t *testing.T) {
	s := stage(t, `
		r
			s
				x
				y
			b
	`)
	s.on("boot", `
		start r/s#1
		start r/s/x#1
		report progress r/s/x
		start r/s/y#1
		report progress r/s/y
		report progress r/s
		start r/b#1
		report progress r/b
	`)
}

func TestOTP_B3_AFailedStartIsRolledBack(t *testing.T) {
	s := stage(t, `
		r intensity=9
			a
			b
			c temporary starts=error
			d
	`)
	s.on("boot", `
		start r/a#1; report progress r/a
		start r/b#1; report progress r/b
		start r/c#1
		report start_error r/c start_error
		stop r/b#1; exit r/b#1 shutdown
		stop r/a#1; exit r/a#1 shutdown
		exit r#1 shutdown_term
		failed failed_to_start_child(c:start_error)
	`)
}

func TestOTP_B4_ReasonsNest(t *testing.T) {
	s := stage(t, `
		r
			s
				t
					a starts=error
	`)
	s.on("boot", `
		start r/s#1
		start r/s/t#1
		start r/s/t/a#1
		report start_error r/s/t/a start_error
		exit r/s/t#1 shutdown_term
		report start_error r/s/t failed_to_start_child(a:start_error)
		exit r/s#1 shutdown_term
		report start_error r/s failed_to_start_child(t:failed_to_start_child(a:start_error))
		exit r#1 shutdown_term
		failed failed_to_start_child(s:failed_to_start_child(t:failed_to_start_child(a:start_error)))
	`)
}

func TestOTP_B5_IgnoreIsSuccess(t *testing.T) {
	s := stage(t, `
		r
			a permanent starts=ignore,ok
			b transient starts=ignore
			c temporary starts=ignore
	`)
	s.on("boot", `start r/a#1; start r/b#1; start r/c#1`)
	s.on("which r", `reply which b=undefined a=undefined`)
	s.on("restart_child r/a", `start r/a#2; report progress r/a; reply ok #2`)
	s.on("start_child r/d transient starts=ignore", `start r/d#1; reply ok undefined`)
	s.on("start_child r/e temporary starts=ignore", `start r/e#1; reply ok undefined`)
	s.on("which r", `reply which d=undefined b=undefined a=running#2`)
}

func TestOTP_B6_RaisingIsAnError(t *testing.T) {
	stage(t, `
		r
			a starts=raise
	`).on("boot", `
		start r/a#1
		report start_error r/a raised
		exit r#1 shutdown_term
		failed failed_to_start_child(a:raised)
	`)
	s := booted(t, `
		r
			a
	`)
	s.on("start_child r/b starts=raise", `start r/b#1; reply error raised`)
	s.on("which r", `reply which a=running#1`)
}

// What dies in its init may also be told as an exit.
func TestOTP_B7_DeathInInitIsAStartError(t *testing.T) {
	a := machine(t, strategies.Config{Children: []strategies.ChildSpec{{ID: "a"}, {ID: "b"}}})
	a.on("boot", strategies.Boot(strategies.Cascade{}), `start a#1`)
	a.on("start", strategies.Started("a", 1), `report progress a; start b#1`)
	died := strategies.Exit{Class: strategies.Crash, Err: startErr("crash")}
	a.on("exit", strategies.Exited("b", 1, died, strategies.Cascade{}), `
		report start_error b crash
		stop a#1
		arm stop a#1 5s
	`)
	a.on("stopped", strategies.Exited("a", 1, strategies.Exit{Class: strategies.Shutdown}, strategies.Cascade{}), `finish boot_failed crash`)
}

func TestOTP_B8_ASupervisorThatSaysIgnore(t *testing.T) {
	s := stage(t, `
		r
			s starts=ignore,ok
				x
			t temporary starts=ignore
				y
	`)
	s.on("boot", `start r/s#1; start r/t#1`)
	s.on("which r", `reply which s(supervisor)=undefined`)
	s.on("restart_child r/s", `
		start r/s#2
		start r/s/x#1
		report progress r/s/x
		report progress r/s
		reply ok #2
	`)
}

func TestOTP_B10_DeathDuringTheBootWaits(t *testing.T) {
	s := stage(t, `
		r
			a starts=exit_normal,ok
			b
	`)
	s.on("boot", `
		start r/a#1; exit r/a#1 normal
		report progress r/a
		start r/b#1
		report progress r/b
		report child_terminated r/a normal
		start r/a#2
		report progress r/a
	`)
}

// C. Restart types.

var exits = []string{"normal", "shutdown", "shutdown_term", "killed", "crash"}

// afterEveryExit lets the child a of a supervisor end in every way there is, and
// returns whether it was started again.
func afterEveryExit(t *testing.T, restart string) map[string]bool {
	t.Helper()
	again := map[string]bool{}
	for _, class := range exits {
		s := booted(t, "r\n\ta "+restart+"\n\tb")
		s.do("exit r/a " + class)
		again[class] = s.sim.Live("r/a") == 2
		if live := s.sim.Live("r/b"); live != 1 {
			t.Errorf("exit %s of a: b is #%d", class, live)
		}
	}
	return again
}

func TestOTP_C1_PermanentIsAlwaysRestarted(t *testing.T) {
	want := map[string]bool{"normal": true, "shutdown": true, "shutdown_term": true, "killed": true, "crash": true}
	if d := gocmp.Diff(want, afterEveryExit(t, "permanent")); d != "" {
		t.Errorf("restarted (-want +got):\n%s", d)
	}
}

func TestOTP_C2_TransientIsRestartedAfterAbnormalExits(t *testing.T) {
	want := map[string]bool{"normal": false, "shutdown": false, "shutdown_term": false, "killed": true, "crash": true}
	if d := gocmp.Diff(want, afterEveryExit(t, "transient")); d != "" {
		t.Errorf("restarted (-want +got):\n%s", d)
	}
	s := booted(t, `
		r
			a transient
	`)
	s.on("exit r/a normal", `exit r/a#1 normal`)
	s.on("which r", `reply which a=undefined`)
}

func TestOTP_C3_TemporaryIsNeverRestarted(t *testing.T) {
	want := map[string]bool{"normal": false, "shutdown": false, "shutdown_term": false, "killed": false, "crash": false}
	if d := gocmp.Diff(want, afterEveryExit(t, "temporary")); d != "" {
		t.Errorf("restarted (-want +got):\n%s", d)
	}
}

func TestOTP_C4_TheRecordOfATemporaryGoesWithIt(t *testing.T) {
	s := booted(t, `
		r one_for_all
			a
			b transient
			x temporary
			y temporary
			z temporary
	`)
	s.do("exit r/x crash")
	s.on("which r", `reply which z=running#1 y=running#1 b=running#1 a=running#1`)
	s.do("terminate_child r/y")
	s.on("which r", `reply which z=running#1 b=running#1 a=running#1`)
	s.do("exit r/a crash") // the group is terminated
	s.on("which r", `reply which b=running#2 a=running#2`)
	s.do("terminate_child r/a")
	s.do("exit r/b normal")
	s.on("which r", `reply which b=undefined a=undefined`)
	s.do("delete_child r/a")
	s.do("delete_child r/b")
	s.on("which r", `reply which`)
}

func TestOTP_C5_KilledIsAbnormal(t *testing.T) {
	s := booted(t, `
		r
			a transient
	`)
	s.on("exit r/a kill", `
		exit r/a#1 killed
		report child_terminated r/a killed
		start r/a#2
		report progress r/a
	`)
}

func TestOTP_C6_ExitsOfStrangersAreIgnored(t *testing.T) {
	a := machine(t, strategies.Config{Children: []strategies.ChildSpec{{ID: "a"}}})
	shutdown, crash := strategies.Exit{Class: strategies.Shutdown}, strategies.Exit{Class: strategies.Crash}
	a.on("boot", strategies.Boot(strategies.Cascade{}), `start a#1`)
	a.on("start", strategies.Started("a", 1), `report progress a; booted`)
	a.on("a stranger's exit", strategies.Exited("stranger", 1, shutdown, strategies.Cascade{}), ``)
	a.on("a crash", strategies.Exited("a", 1, crash, strategies.Cascade{}), `report child_terminated a crash; start a#2`)
	a.on("start", strategies.Started("a", 2), `report progress a`)
	a.on("the same exit again", strategies.Exited("a", 1, crash, strategies.Cascade{}), ``)
	if live := a.m.Step(a.now, strategies.CountChildren(1))[0].Reply.Counts.Active; live != 1 {
		t.Errorf("%d children are active, want 1", live)
	}
}
