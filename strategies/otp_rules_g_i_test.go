package strategies_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
)

// G. Supervisors as children, escalation.

func TestOTP_G1_APermanentSupervisorIsRestarted(t *testing.T) {
	s := booted(t, `
		r intensity=1
			s permanent intensity=0
				x
	`)
	s.on("exit r/s/x crash", `
		exit r/s/x#1 crash
		report child_terminated r/s/x crash
		report giving_up r/s/x
		exit r/s#1 shutdown
		report child_terminated r/s shutdown
		start r/s#2
		start r/s/x#2; report progress r/s/x
		report progress r/s
	`)
	s.on("exit r/s/x crash", `
		exit r/s/x#2 crash
		report child_terminated r/s/x crash
		report giving_up r/s/x
		exit r/s#2 shutdown
		report child_terminated r/s shutdown
		report giving_up r/s
		exit r#1 shutdown
	`)
}

func TestOTP_G2_ATransientSupervisorIsNot(t *testing.T) {
	s := booted(t, `
		r
			s transient intensity=0
				x
	`)
	s.on("exit r/s/x crash", `
		exit r/s/x#1 crash
		report child_terminated r/s/x crash
		report giving_up r/s/x
		exit r/s#1 shutdown
	`)
	s.on("which r", `reply which s(supervisor)=undefined`)
}

func TestOTP_G3_ATemporarySupervisorIsRemoved(t *testing.T) {
	s := booted(t, `
		r
			s temporary intensity=0
				x
	`)
	s.on("exit r/s/x crash", `
		exit r/s/x#1 crash
		report child_terminated r/s/x crash
		report giving_up r/s/x
		exit r/s#1 shutdown
	`)
	s.on("which r", `reply which`)
}

func TestOTP_G4_EscalationLevelByLevel(t *testing.T) {
	s := booted(t, `
		r intensity=1
			s intensity=1
				t intensity=1
					x
	`)
	needed := 0
	for s.sim.Live("r") != 0 && needed < 100 {
		s.do("exit r/s/t/x crash")
		needed++
	}
	if needed != 8 { // (m+1)^n, with m = 1 and n = 3
		t.Errorf("the root ended after %d exits, want 8", needed)
	}
}

// What that means to the owner is shown elsewhere.
func TestOTP_G5_TheRootExitsWithShutdown(t *testing.T) {
	s := booted(t, `
		r intensity=0
			a
	`)
	s.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		report giving_up r/a
		exit r#1 shutdown
	`)
	s.on("stop r", `no process`)
}

func TestOTP_G6_ARestartedSupervisorStartsFromItsSpecs(t *testing.T) {
	s := booted(t, `
		r
			s intensity=1
				a
				b
	`)
	s.do("start_child r/s/added")
	s.do("terminate_child r/s/a")
	s.do("delete_child r/s/a")
	s.do("exit r/s/b crash")
	s.on("which r/s", `reply which added=running#1 b=running#2`)
	s.on("exit r/s/b crash", `
		exit r/s/b#2 crash
		report child_terminated r/s/b crash
		report giving_up r/s/b
		stop r/s/added#1; exit r/s/added#1 shutdown
		exit r/s#1 shutdown
		report child_terminated r/s shutdown
		start r/s#2
		start r/s/a#2; report progress r/s/a
		start r/s/b#3; report progress r/s/b
		report progress r/s
	`)
	s.do("exit r/s/b crash") // its history is empty
	s.on("which r/s", `reply which b=running#4 a=running#2`)
}

func TestOTP_G7_StoppedByAThirdParty(t *testing.T) {
	const (
		again  = "start r/s#2; start r/s/x#2; report progress r/s/x; start r/s/y#2; report progress r/s/y; report progress r/s"
		report = "report child_terminated r/s "
	)
	for restart, then := range map[string]map[string]string{
		"permanent": {"normal": report + "normal;" + again, "shutdown": report + "shutdown;" + again, "crash": report + "crash;" + again},
		"transient": {"normal": "", "shutdown": "", "crash": report + "crash;" + again},
		"temporary": {"normal": "", "shutdown": "", "crash": report + "crash"},
	} {
		for class, what := range then {
			s := booted(t, `
				r
					s `+restart+`
						x
						y
			`)
			s.on("stop r/s "+class, `
				stop r/s/y#1; exit r/s/y#1 shutdown
				stop r/s/x#1; exit r/s/x#1 shutdown
				exit r/s#1 `+class+"\n"+what)
		}
	}
}

// H. Termination.

func TestOTP_H1_OneByOneLastFirst(t *testing.T) {
	s := booted(t, `
		r
			a takes=1ms
			b takes=3ms
			c takes=2ms
	`)
	s.on("stop r", `
		stop r/c#1; after 2ms; exit r/c#1 shutdown
		stop r/b#1; after 3ms; exit r/b#1 shutdown
		stop r/a#1; after 1ms; exit r/a#1 shutdown
		exit r#1 shutdown
	`)
}

// What cannot be killed, a goroutine, is another matter: see rule H8.
func TestOTP_H2_BrutalKill(t *testing.T) {
	s := booted(t, `
		r
			a brutal_kill hangs
	`)
	s.on("stop r", `kill r/a#1; exit r/a#1 killed; exit r#1 shutdown`)
}

func TestOTP_H3_Timeout(t *testing.T) {
	s := booted(t, `
		r
			at_once shutdown=0s hangs
			late shutdown=50ms takes=51ms
			in_time shutdown=50ms takes=49ms
	`)
	s.on("stop r", `
		stop r/in_time#1; after 49ms; exit r/in_time#1 shutdown
		stop r/late#1; after 50ms; kill r/late#1; exit r/late#1 killed
		report shutdown_error r/late killed
		stop r/at_once#1; kill r/at_once#1; exit r/at_once#1 killed
		report shutdown_error r/at_once killed
		exit r#1 shutdown
	`)
}

func TestOTP_H4_Infinity(t *testing.T) {
	s := booted(t, `
		r
			a infinity takes=1000h
	`)
	s.on("stop r", `stop r/a#1; after 1000h0m0s; exit r/a#1 shutdown; exit r#1 shutdown`)
}

func TestOTP_H5_ShutdownErrorIsReported(t *testing.T) {
	const yes, no = true, false
	got := map[string][]bool{}
	want := map[string][]bool{ //   normal shutdown shutdown_term killed crash
		"permanent shutdown=50ms": {yes, no, yes, yes, yes},
		"permanent infinity":      {yes, no, yes, yes, yes},
		"permanent brutal_kill":   {yes, yes, yes, no, yes},
		"transient shutdown=50ms": {no, no, no, yes, yes},
		"transient infinity":      {no, no, no, yes, yes},
		"transient brutal_kill":   {no, no, no, no, yes},
		"temporary shutdown=50ms": {no, no, no, yes, yes},
		"temporary infinity":      {no, no, no, yes, yes},
		"temporary brutal_kill":   {no, no, no, no, yes},
	}
	for child := range want {
		for _, class := range exits {
			// In two ways, with the same result: it ends like that when told to
			// stop, and is found dead.
			told := booted(t, "r\n\ta "+child+" stops="+class)
			dead := booted(t, "r\n\ta "+child+"\n\tb first=r/a:"+class)
			told.do("stop r")
			dead.do("stop r")
			reported := func(s *scene) bool {
				n := len(s.seen)
				if s.seen[n-1] != "exit r#1 shutdown" {
					t.Errorf("%s, %s: the report changed something: %q", child, class, s.seen)
				}
				return s.seen[n-2] == "report shutdown_error r/a "+class
			}
			got[child] = append(got[child], reported(dead))
			if told.seen[0] == "stop r/a#1" && reported(told) != reported(dead) {
				t.Errorf("%s, %s: told to stop %q, found dead %q", child, class, told.seen, dead.seen)
			}
		}
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("reported (-want +got):\n%s", d)
	}
}

func TestOTP_H6_ASupervisorTerminatesItsSubtreeFirst(t *testing.T) {
	s := booted(t, `
		r
			a
			s
				x
				y
	`)
	s.on("stop r", `
		stop r/s#1
		stop r/s/y#1; exit r/s/y#1 shutdown
		stop r/s/x#1; exit r/s/x#1 shutdown
		exit r/s#1 shutdown
		stop r/a#1; exit r/a#1 shutdown
		exit r#1 shutdown
	`)
}

func TestOTP_H7_FoundDead(t *testing.T) {
	s := booted(t, `
		r
			a
			b
			c transient
			d first=r/b:crash
			e first=r/c:normal
	`)
	s.on("stop r", `
		stop r/e#1; exit r/c#1 normal; exit r/e#1 shutdown
		stop r/d#1; exit r/b#1 crash; exit r/d#1 shutdown
		report shutdown_error r/b crash
		stop r/a#1; exit r/a#1 shutdown
		exit r#1 shutdown
	`)
}

// A machine cannot be made to wait for ever. In OTP the kill always works; here,
// one that is impossible makes the child stuck, and ends the tree.
func TestOTP_H8_TerminationDoesNotNeedTheChild(t *testing.T) {
	a := machine(t, strategies.Config{Children: []strategies.ChildSpec{
		{ID: "a", Shutdown: strategies.Timeout(time.Second)},
	}})
	a.on("boot", strategies.Boot(strategies.Cascade{}), `start a#1`)
	a.on("start", strategies.Started("a", 1), `report progress a; booted`)
	a.on("stop", strategies.Terminate(strategies.Exit{Class: strategies.Shutdown}), `stop a#1; arm stop a#1 1s`)
	a.on("time is up", strategies.TimerFired("a", 1, strategies.StopTimer), `kill a#1`)
	a.on("no way", strategies.CannotKill("a", 1), `arm stop a#1 4s`)
	a.on("time is up", strategies.TimerFired("a", 1, strategies.StopTimer), `kill a#1`)
	a.on("no way", strategies.CannotKill("a", 1), `report stuck a; finish tree_ended crash`)
}

func TestOTP_H9_ItExitsAsItWasTold(t *testing.T) {
	s := booted(t, `
		r
			s shutdown=1h
				x stops=crash
				y shutdown=50ms hangs
	`)
	s.on("stop r", `
		stop r/s#1
		stop r/s/y#1; after 50ms; kill r/s/y#1; exit r/s/y#1 killed
		report shutdown_error r/s/y killed
		stop r/s/x#1; exit r/s/x#1 crash
		report shutdown_error r/s/x crash
		exit r/s#1 shutdown
		exit r#1 shutdown
	`)
}

// I. The calls.

func TestOTP_I1_StartChild(t *testing.T) {
	s := booted(t, `
		r intensity=9
			a
			b starts=ok,error,ok
	`)
	s.on("start_child r/c", `start r/c#1; report progress r/c; reply ok #1`)
	s.on("start_child r/c", `reply error already_started #1`)
	s.do("terminate_child r/c")
	s.on("start_child r/c", `reply error already_present`)
	s.do("hold r/b")
	s.do("exit r/b crash")
	s.do("start_child r/b starts=ok,error,ok")
	s.on("release r/b", `
		report start_error r/b start_error
		reply error already_present
		start r/b#3; report progress r/b
	`) // it was restarting
	s.on("start_child r/d starts=error", `start r/d#1; reply error start_error`)
	s.on("start_child r/e starts=ignore", `start r/e#1; reply ok undefined`)
	s.on("start_child r/f temporary starts=ignore", `start r/f#1; reply ok undefined`)
	s.on("start_child r/g shutdown=-1s", `reply error invalid_shutdown`)
	s.on("which r", `reply which e=undefined c=undefined b=running#3 a=running#1`)
}

func TestOTP_I2_UnknownIDs(t *testing.T) {
	s := booted(t, `
		r
			a
	`)
	for _, step := range []string{
		"terminate_child r/b", "restart_child r/b", "delete_child r/b", "get_childspec r/b",
		"terminate_child r/a#1", "get_childspec r/a#1", // by pid
	} {
		s.on(step, `reply error not_found`)
	}
	s.on("which r", `reply which a=running#1`)
}

func TestOTP_I3_RestartChild(t *testing.T) {
	s := booted(t, `
		r intensity=9
			a starts=ok,error,ok,ignore,error,ok
	`)
	s.on("restart_child r/a", `reply error running`)
	s.do("hold r/a")
	s.do("exit r/a crash")
	s.do("restart_child r/a")
	s.on("release r/a", `
		report start_error r/a start_error
		reply error restarting
		start r/a#3; report progress r/a
	`)
	s.do("terminate_child r/a")
	s.on("restart_child r/a", `start r/a#4; reply ok undefined`)
	s.on("which r", `reply which a=undefined`)
	s.on("restart_child r/a", `start r/a#5; reply error start_error`)
	s.on("which r", `reply which a=undefined`)
	s.on("restart_child r/a", `start r/a#6; report progress r/a; reply ok #6`)
}

func TestOTP_I4_TerminateChild(t *testing.T) {
	s := booted(t, `
		r one_for_all intensity=0 any_significant
			a shutdown=50ms hangs
			b transient significant
			c temporary
	`)
	s.on("terminate_child r/a", `
		stop r/a#1; after 50ms; kill r/a#1; exit r/a#1 killed
		report shutdown_error r/a killed
		reply ok
	`)
	s.on("terminate_child r/a", `reply ok`)
	s.on("terminate_child r/b", `stop r/b#1; exit r/b#1 shutdown; reply ok`)
	s.on("terminate_child r/c", `stop r/c#1; exit r/c#1 shutdown; reply ok`)
	s.on("which r", `reply which b=undefined a=undefined`)
}

func TestOTP_I5_DeleteChild(t *testing.T) {
	s := booted(t, `
		r intensity=9
			a starts=ok,error,ok
			b
	`)
	s.on("delete_child r/a", `reply error running`)
	s.do("hold r/a")
	s.do("exit r/a crash")
	s.do("delete_child r/a")
	s.on("release r/a", `
		report start_error r/a start_error
		reply error restarting
		start r/a#3; report progress r/a
	`)
	s.do("terminate_child r/a")
	s.on("delete_child r/a", `reply ok`)
	s.on("which r", `reply which b=running#1`)
}

func TestOTP_I6_WhichChildren(t *testing.T) {
	s := booted(t, `
		r intensity=9
			a starts=ok,error,ok
			s supervisor
			b transient
			c
	`)
	s.do("exit r/b normal")
	s.do("hold r/a")
	s.do("exit r/a crash")
	s.do("which r")
	s.on("release r/a", `
		report start_error r/a start_error
		reply which c=running#1 b=undefined s(supervisor)=running#1 a=restarting
		start r/a#3; report progress r/a
	`)
}

func TestOTP_I7_CountChildren(t *testing.T) {
	s := booted(t, `
		r
			a
			b transient
			s supervisor
			t supervisor
	`)
	s.on("count r", `reply specs=4 active=4 supervisors=2 workers=2`)
	s.do("exit r/b normal")
	s.do("terminate_child r/t")
	s.on("count r", `reply specs=4 active=2 supervisors=2 workers=2`)
	s.do("delete_child r/t")
	s.on("count r", `reply specs=3 active=2 supervisors=1 workers=2`)
}

func TestOTP_I8_GetChildSpec(t *testing.T) {
	s := booted(t, `
		r
			a transient
	`)
	s.on("get_childspec r/a", `reply id=a transient worker shutdown=5s significant=false`)
	s.on("get_childspec r/b", `reply error not_found`)
}

// In OTP calls that wait when the supervisor begins to end fail when it has
// ended; here they are answered at once. How calls fail in the caller is shown
// elsewhere.
func TestOTP_I9_CallsToADeadSupervisor(t *testing.T) {
	s := booted(t, `
		r one_for_all intensity=0
			a takes=10ms
			b
	`)
	s.do("hold r/c")
	s.on("start_child r/c", `start r/c#1`)
	s.do("which r")
	s.do("terminate_child r/a")
	s.on("exit r/b crash", `exit r/b#1 crash`)
	s.on("stop r", `
		reply error down
		reply error down
		reply error down
		stop r/c#1
		report shutdown_error r/b crash
		stop r/a#1; after 10ms; exit r/a#1 shutdown
		exit r#1 shutdown
	`)
	for _, step := range []string{
		"which r", "count r", "start_child r/d", "terminate_child r/a", "restart_child r/a", "delete_child r/a", "get_childspec r/a",
	} {
		s.on(step, `reply error noproc`)
	}
	a := machine(t, strategies.Config{})
	a.on("boot", strategies.Boot(strategies.Cascade{}), `booted`)
	a.on("stop", strategies.Terminate(strategies.Exit{Class: strategies.Shutdown}), `finish told shutdown`)
	a.on("which", strategies.WhichChildren(1), `reply error down`)
}
