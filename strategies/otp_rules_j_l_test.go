package strategies_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
)

// J. simple_one_for_one: dynamic supervisors.

func TestOTP_J1_StartsWithoutChildren(t *testing.T) {
	s := stage(t, `
		r dynamic
			t
	`)
	s.on("boot", ``)
	s.on("count r", `reply specs=1 active=0 supervisors=0 workers=0`)
	s.do("start_child r/x")
	s.do("start_child r/y")
	s.on("count r", `reply specs=1 active=2 supervisors=0 workers=2`)
	stage(t, `
		r dynamic
			t shutdown=-1s
	`).on("boot", `exit r#1 crash; failed invalid_shutdown`)
}

// An extra argument is, in Go, what the closure of the instance knows; the
// machine has its Tag.
func TestOTP_J2_StartChild(t *testing.T) {
	s := booted(t, `
		r dynamic
			t
	`)
	s.on("start_child r/x", `start r/x#1; reply ok #1`)
	s.on("start_child r/y starts=error", `start r/y#1; reply error start_error`)
	s.on("start_child r/z starts=ignore", `start r/z#1; reply ok undefined`)
	s.on("which r", `reply which x=running#1`)
	a := machine(t, strategies.Config{Dynamic: &strategies.ChildSpec{}})
	a.on("boot", strategies.Boot(strategies.Cascade{}), `booted`)
	started := a.m.Step(a.now, strategies.StartInstance(1, "x", 0, "the arguments"))[0]
	if started.Do != strategies.DoStart || started.Tag != "the arguments" {
		t.Errorf("%v with %v", started.Do, started.Tag)
	}
}

func TestOTP_J3_EachInstanceIsRestartedByItself(t *testing.T) {
	s := booted(t, `
		r dynamic intensity=1
			t
	`)
	s.do("start_child r/x")
	s.do("start_child r/y")
	s.on("exit r/x crash", `exit r/x#1 crash; report child_terminated r/x crash; start r/x#2`)
	s.on("exit r/y crash", `
		exit r/y#1 crash
		report child_terminated r/y crash
		report giving_up r/y
		stop r/x#2; exit r/x#2 shutdown
		exit r#1 shutdown
	`)
	a := machine(t, strategies.Config{Dynamic: &strategies.ChildSpec{}})
	a.on("boot", strategies.Boot(strategies.Cascade{}), `booted`)
	a.m.Step(a.now, strategies.StartInstance(1, "x", 0, "the arguments"))
	a.on("start", strategies.Started("x", 1), `reply ok`)
	decided := a.m.Step(a.now, strategies.Exited("x", 1, strategies.Exit{Class: strategies.Crash}, strategies.Cascade{}))
	if again := decided[len(decided)-1]; again.Do != strategies.DoStart || again.Tag != "the arguments" {
		t.Errorf("%v with %v", again.Do, again.Tag)
	}
}

// In coppice instances have ids, because they have paths; the calls by id are not
// there all the same.
func TestOTP_J4_NoCallsByID(t *testing.T) {
	s := booted(t, `
		r dynamic
			t
	`)
	s.do("start_child r/x")
	for _, step := range []string{"restart_child r/x", "delete_child r/x", "terminate_child r/x", "terminate_child r/nobody"} {
		s.on(step, `reply error simple_one_for_one`)
	}
	s.on("which r", `reply which x=running#1`)
}

// Of a process that is not there the machine does not know whether it is dead: it
// says not_found, which is a success to who knows.
func TestOTP_J5_TerminateChildByPid(t *testing.T) {
	s := booted(t, `
		r dynamic intensity=9
			t transient
	`)
	s.do("start_child r/x")
	s.on("get_childspec r/x#1", `reply id=t transient worker shutdown=5s significant=false`)
	s.do("exit r/x crash")
	s.on("terminate_child r/x#1", `reply ok`) // dead: #2 stays
	s.on("which r", `reply which x=running#2`)
	s.on("terminate_child r/x#2", `stop r/x#2; exit r/x#2 shutdown; reply ok`)
	s.on("which r", `reply which`)
	s.on("terminate_child r/x#2", `reply error not_found`)
	s.on("terminate_child r/nobody#1", `reply error not_found`)
	s.on("get_childspec r/nobody#1", `reply error not_found`)
}

// In OTP 25 the count of active children is one too low from then on.
func TestOTP_J6_ARestartThatFails(t *testing.T) {
	s := booted(t, `
		r dynamic intensity=9
			t
	`)
	s.do("start_child r/x starts=ok,error,ok,error,ok")
	s.do("start_child r/y")
	s.do("hold r/x")
	s.on("exit r/x crash", `exit r/x#1 crash; report child_terminated r/x crash; start r/x#2`)
	s.do("which r")
	s.do("count r")
	s.on("release r/x", `
		report start_error r/x start_error
		reply which y=running#1 x=restarting
		reply specs=1 active=1 supervisors=0 workers=2
		start r/x#3
	`)
	s.do("hold r/x")
	s.on("exit r/x crash", `exit r/x#3 crash; report child_terminated r/x crash; start r/x#4`)
	s.do("terminate_child r/x#3")
	s.on("release r/x", `report start_error r/x start_error; reply ok`)
	s.on("which r", `reply which y=running#1`)
	s.on("count r", `reply specs=1 active=1 supervisors=0 workers=1`)
}

// OTP makes one report for each reason, coppice for each class of exit.
func TestOTP_J7_AllStopTogether(t *testing.T) {
	s := booted(t, `
		r dynamic
			t shutdown=50ms takes=10ms
	`)
	s.do("start_child r/v")
	s.do("start_child r/w stops=crash takes=20ms")
	s.do("start_child r/x stops=crash takes=30ms")
	s.do("start_child r/y hangs")
	s.do("start_child r/z hangs")
	s.on("stop r", `
		stop r/v#1; stop r/w#1; stop r/x#1; stop r/y#1; stop r/z#1
		after 10ms; exit r/v#1 shutdown
		after 10ms; exit r/w#1 crash
		after 10ms; exit r/x#1 crash
		after 20ms
		kill r/y#1; exit r/y#1 killed
		kill r/z#1; exit r/z#1 killed
		report shutdown_error r/* killed, 2
		report shutdown_error r/* crash, 2
		exit r#1 shutdown
	`)
	for _, c := range []struct{ restart, want string }{ // rule H5
		{"permanent", "report shutdown_error r/* normal, 1"},
		{"transient", ""},
		{"temporary", ""},
	} {
		s := booted(t, "r dynamic\n\tt stops=normal "+c.restart)
		s.do("start_child r/x")
		s.on("stop r", "stop r/x#1; exit r/x#1 normal;"+c.want+"; exit r#1 shutdown")
	}
}

func TestOTP_J8_TheTemplateMayBeASupervisor(t *testing.T) {
	s := booted(t, `
		r dynamic
			t
				a
				b
	`)
	s.on("start_child r/x", `
		start r/x#1
		start r/x/a#1; report progress r/x/a
		start r/x/b#1; report progress r/x/b
		reply ok #1
	`)
	s.on("count r", `reply specs=1 active=1 supervisors=1 workers=0`)
	s.on("which r/x", `reply which b=running#1 a=running#1`)
}

func TestOTP_J9_InstancesAreLostWithTheirSupervisor(t *testing.T) {
	s := booted(t, `
		r
			s dynamic intensity=0
				t
	`)
	s.do("start_child r/s/x")
	s.do("start_child r/s/y")
	s.on("exit r/s/x crash", `
		exit r/s/x#1 crash
		report child_terminated r/s/x crash
		report giving_up r/s/x
		stop r/s/y#1; exit r/s/y#1 shutdown
		exit r/s#1 shutdown
		report child_terminated r/s shutdown
		start r/s#2
		report progress r/s
	`)
	s.on("which r/s", `reply which`)
}

func TestOTP_J10_NoProgressOfInstances(t *testing.T) {
	s := booted(t, `
		r dynamic
			t
	`)
	s.on("start_child r/x", `start r/x#1; reply ok #1`)
	s.on("exit r/x crash", `exit r/x#1 crash; report child_terminated r/x crash; start r/x#2`)
	s.on("which r", `reply which x=running#2`)
}

// OTP 25 keeps what is no process, and crashes when it stops. Here the instance
// is removed, as after a start_child that is ignored (rule J2).
func TestOTP_J11_ARestartThatIsIgnored(t *testing.T) {
	s := booted(t, `
		r dynamic
			t
	`)
	s.do("start_child r/x starts=ok,ignore")
	s.do("start_child r/y")
	s.on("exit r/x crash", `exit r/x#1 crash; report child_terminated r/x crash; start r/x#2`)
	s.on("which r", `reply which y=running#1`)
	s.on("stop r", `stop r/y#1; exit r/y#1 shutdown; exit r#1 shutdown`)
}

// K. Significant children and auto_shutdown.

func TestOTP_K1_Never(t *testing.T) {
	stage(t, `
		r
			a transient significant
	`).on("boot", `exit r#1 crash; failed bad_combination`)
	s := booted(t, `
		r
			a transient
			b temporary
	`)
	s.do("exit r/a normal")
	s.do("exit r/b normal")
	s.on("which r", `reply which a=undefined`)
}

// goneForGood lets the child a, which is significant, end in every way there is,
// and returns whether that ended its supervisor.
func goneForGood(t *testing.T, restart string) map[string]bool {
	t.Helper()
	ended := map[string]bool{}
	for _, class := range exits {
		s := booted(t, "r any_significant\n\ta significant "+restart)
		s.do("exit r/a " + class)
		ended[class] = s.sim.Live("r") == 0
	}
	return ended
}

func TestOTP_K2_AnySignificant(t *testing.T) {
	s := booted(t, `
		r any_significant
			a
			b transient significant
			c temporary significant
	`)
	s.on("exit r/b normal", `
		exit r/b#1 normal
		stop r/c#1; exit r/c#1 shutdown
		stop r/a#1; exit r/a#1 shutdown
		exit r#1 shutdown
	`)
	for restart, want := range map[string]map[string]bool{
		"transient": {"normal": true, "shutdown": true, "shutdown_term": true, "killed": false, "crash": false},
		"temporary": {"normal": true, "shutdown": true, "shutdown_term": true, "killed": true, "crash": true},
	} {
		if d := gocmp.Diff(want, goneForGood(t, restart)); d != "" {
			t.Errorf("%s: ended (-want +got):\n%s", restart, d)
		}
	}
}

func TestOTP_K3_AllSignificant(t *testing.T) {
	s := booted(t, `
		r all_significant intensity=9
			a
			b transient significant
			c temporary significant
			never transient significant starts=ignore
			d transient significant starts=ok,error,ok
	`)
	s.on("exit r/b normal", `exit r/b#1 normal`)
	s.do("hold r/d")
	s.on("exit r/d crash", `exit r/d#1 crash; report child_terminated r/d crash; start r/d#2`)
	s.on("exit r/c crash", `exit r/c#1 crash`)
	s.on("release r/d", `
		report start_error r/d start_error
		report child_terminated r/c crash
		start r/d#3; report progress r/d
	`) // when c had gone, d was restarting
	s.on("exit r/d normal", `
		exit r/d#3 normal
		stop r/a#1; exit r/a#1 shutdown
		exit r#1 shutdown
	`)
}

func TestOTP_K4_OthersNeverTriggerIt(t *testing.T) {
	for _, flag := range []string{"any_significant", "all_significant"} {
		s := booted(t, "r "+flag+`
			a transient
			b temporary
			c transient significant
		`)
		s.on("exit r/a normal", `exit r/a#1 normal`)
		s.on("exit r/b crash", `exit r/b#1 crash; report child_terminated r/b crash`)
		s.on("which r", `reply which c=running#1 a=undefined`)
	}
}

func TestOTP_K5_TerminateChildNeverTriggersIt(t *testing.T) {
	for _, flag := range []string{"any_significant", "all_significant"} {
		s := booted(t, "r "+flag+`
			a transient significant
			b temporary significant
		`)
		s.on("terminate_child r/a", `stop r/a#1; exit r/a#1 shutdown; reply ok`)
		s.on("terminate_child r/b", `stop r/b#1; exit r/b#1 shutdown; reply ok`)
		s.on("which r", `reply which a=undefined`)
	}
	s := booted(t, `
		r all_significant
			a transient significant
			b transient significant
	`)
	s.do("terminate_child r/a")
	s.on("exit r/b normal", `exit r/b#1 normal; exit r#1 shutdown`)
}

func TestOTP_K6_TerminatedWithAGroup(t *testing.T) {
	for _, flag := range []string{"any_significant", "all_significant"} {
		for _, strategy := range []string{"one_for_all", "rest_for_one"} {
			s := booted(t, "r "+flag+" "+strategy+`
				a
				b temporary significant
				c temporary significant stops=normal
			`)
			s.on("exit r/a crash", `
				exit r/a#1 crash
				report child_terminated r/a crash
				stop r/c#1; exit r/c#1 normal
				stop r/b#1; exit r/b#1 shutdown
				start r/a#2; report progress r/a
			`)
			s.on("which r", `reply which a=running#2`)
		}
	}
}

func TestOTP_K7_Dynamic(t *testing.T) {
	s := booted(t, `
		r dynamic all_significant
			t transient significant
	`)
	s.do("start_child r/x")
	s.do("start_child r/y")
	s.do("start_child r/z")
	s.on("exit r/x normal", `exit r/x#1 normal`)
	s.on("terminate_child r/y#1", `stop r/y#1; exit r/y#1 shutdown; reply ok`)
	s.on("exit r/z normal", `exit r/z#1 normal; exit r#1 shutdown`)
}

func TestOTP_K8_AnOrdinaryExitToTheParent(t *testing.T) {
	const rest = "any_significant\n\t\tx transient significant\n\tb"
	s := booted(t, "r any_significant\n\ts transient significant "+rest)
	s.on("exit r/s/x normal", `
		exit r/s/x#1 normal
		exit r/s#1 shutdown
		stop r/b#1; exit r/b#1 shutdown
		exit r#1 shutdown
	`)
	s = booted(t, "r any_significant\n\ts transient "+rest)
	s.do("exit r/s/x normal")
	s.on("which r", `reply which b=running#1 s(supervisor)=undefined`)
	s = booted(t, "r any_significant\n\ts temporary "+rest)
	s.do("exit r/s/x normal")
	s.on("which r", `reply which b=running#1`)
	s = booted(t, "r any_significant\n\ts permanent "+rest)
	s.on("exit r/s/x normal", `
		exit r/s/x#1 normal
		exit r/s#1 shutdown
		report child_terminated r/s shutdown
		start r/s#2
		start r/s/x#2; report progress r/s/x
		report progress r/s
	`)
}

func TestOTP_K9_NoReport(t *testing.T) {
	s := booted(t, `
		r
			s temporary all_significant
				x temporary significant
	`)
	s.on("exit r/s/x normal", `exit r/s/x#1 normal; exit r/s#1 shutdown`)
}

// L. Reports.

func TestOTP_L1_ChildTerminated(t *testing.T) {
	const yes, no = true, false
	got := map[string][]bool{}
	want := map[string][]bool{ // normal shutdown shutdown_term killed crash
		"permanent": {yes, yes, yes, yes, yes},
		"transient": {no, no, no, yes, yes},
		"temporary": {no, no, no, yes, yes},
	}
	for restart := range want {
		for _, class := range exits {
			s := booted(t, "r\n\ta "+restart+"\n\tb")
			s.do("exit r/a " + class)
			got[restart] = append(got[restart], len(s.seen) > 1 && s.seen[1] == "report child_terminated r/a "+class)
		}
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("reported, before anything else is done (-want +got):\n%s", d)
	}
}

func TestOTP_L2_StartError(t *testing.T) {
	stage(t, `
		r
			a starts=error
	`).on("boot", `
		start r/a#1
		report start_error r/a start_error
		exit r#1 shutdown_term
		failed failed_to_start_child(a:start_error)
	`)
	s := booted(t, `
		r intensity=9
			a starts=ok,error,error,ok,error
	`)
	s.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		start r/a#2; report start_error r/a start_error
		start r/a#3; report start_error r/a start_error
		start r/a#4; report progress r/a
	`)
	s.do("terminate_child r/a")
	s.on("restart_child r/a", `start r/a#5; reply error start_error`)
	s.on("start_child r/b starts=error", `start r/b#1; reply error start_error`)
}

func TestOTP_L3_ShutdownErrorComesAtOnce(t *testing.T) {
	s := booted(t, `
		r one_for_all
			a
			b stops=normal
			c stops=crash
	`)
	s.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		stop r/c#1; exit r/c#1 crash
		report shutdown_error r/c crash
		stop r/b#1; exit r/b#1 normal
		report shutdown_error r/b normal
		start r/a#2; report progress r/a
		start r/b#2; report progress r/b
		start r/c#2; report progress r/c
	`)
	s.on("terminate_child r/b", `
		stop r/b#2; exit r/b#2 normal
		report shutdown_error r/b normal
		reply ok
	`)
}

func TestOTP_L4_GivingUpIsReportedFirst(t *testing.T) {
	s := booted(t, `
		r intensity=0
			a stops=crash
			b
	`)
	s.on("exit r/b crash", `
		exit r/b#1 crash
		report child_terminated r/b crash
		report giving_up r/b
		stop r/a#1; exit r/a#1 crash
		report shutdown_error r/a crash
		exit r#1 shutdown
	`)
}

func TestOTP_L5_Progress(t *testing.T) {
	s := stage(t, `
		r
			a starts=ignore,ok
			s
				x
			d dynamic
				t
	`)
	s.on("boot", `
		start r/a#1
		start r/s#1
		start r/s/x#1; report progress r/s/x
		report progress r/s
		start r/d#1
		report progress r/d
	`)
	s.on("restart_child r/a", `start r/a#2; report progress r/a; reply ok #2`)
	s.on("start_child r/b", `start r/b#1; report progress r/b; reply ok #1`)
	s.on("start_child r/d/y", `start r/d/y#1; reply ok #1`)
	s.on("exit r/a crash", `
		exit r/a#2 crash
		report child_terminated r/a crash
		start r/a#3; report progress r/a
	`)
}

func TestOTP_L6_ARetryIsNoSecondChildTerminated(t *testing.T) {
	s := booted(t, `
		r intensity=3
			a starts=ok,error,crash,ok
	`)
	s.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		start r/a#2; report start_error r/a start_error
		start r/a#3; report start_error r/a crash
		start r/a#4; report progress r/a
	`)
}
