package strategies_test

import (
	"testing"

	"github.com/coppice-go/coppice/strategies"
)

// D. Strategies.

func TestOTP_D1_OneForOne(t *testing.T) {
	s := booted(t, `
		r one_for_one
			a
			b
			c
	`)
	s.on("exit r/b crash", `
		exit r/b#1 crash
		report child_terminated r/b crash
		start r/b#2
		report progress r/b
	`)
}

func TestOTP_D2_OneForAll(t *testing.T) {
	s := booted(t, `
		r one_for_all
			a
			b
			c
	`)
	s.on("exit r/b crash", `
		exit r/b#1 crash
		report child_terminated r/b crash
		stop r/c#1; exit r/c#1 shutdown
		stop r/a#1; exit r/a#1 shutdown
		start r/a#2; report progress r/a
		start r/b#2; report progress r/b
		start r/c#2; report progress r/c
	`)
}

func TestOTP_D3_RestForOne(t *testing.T) {
	s := booted(t, `
		r rest_for_one
			a
			b
			c
			d
	`)
	s.on("exit r/b crash", `
		exit r/b#1 crash
		report child_terminated r/b crash
		stop r/d#1; exit r/d#1 shutdown
		stop r/c#1; exit r/c#1 shutdown
		start r/b#2; report progress r/b
		start r/c#2; report progress r/c
		start r/d#2; report progress r/d
	`)
	s.on("which r", `reply which d=running#2 c=running#2 b=running#2 a=running#1`)
}

func TestOTP_D4_TemporaryInAGroupIsDropped(t *testing.T) {
	for _, strategy := range []string{"one_for_all", "rest_for_one"} {
		s := booted(t, "r "+strategy+`
			a
			b temporary
			c
		`)
		s.on("exit r/a crash", `
			exit r/a#1 crash
			report child_terminated r/a crash
			stop r/c#1; exit r/c#1 shutdown
			stop r/b#1; exit r/b#1 shutdown
			start r/a#2; report progress r/a
			start r/c#2; report progress r/c
		`)
		s.on("which r", `reply which c=running#2 a=running#2`)
	}
}

func TestOTP_D5_GroupStartsEveryRecord(t *testing.T) {
	for _, strategy := range []string{"one_for_all", "rest_for_one"} {
		s := booted(t, "r "+strategy+`
			a
			terminated
			finished transient
			ignored starts=ignore,ok
		`)
		s.do("terminate_child r/terminated")
		s.do("exit r/finished normal")
		s.on("which r", `reply which ignored=undefined finished=undefined terminated=undefined a=running#1`)
		s.on("exit r/a crash", `
			exit r/a#1 crash
			report child_terminated r/a crash
			start r/a#2; report progress r/a
			start r/terminated#2; report progress r/terminated
			start r/finished#2; report progress r/finished
			start r/ignored#2; report progress r/ignored
		`)
	}
}

func TestOTP_D6_NoRestartNoEffectOnSiblings(t *testing.T) {
	for _, strategy := range []string{"one_for_one", "one_for_all", "rest_for_one"} {
		s := booted(t, "r "+strategy+` intensity=0
			a transient
			b temporary
			c temporary
			d
		`)
		s.on("exit r/a normal", `exit r/a#1 normal`)
		s.on("exit r/b normal", `exit r/b#1 normal`)
		s.on("exit r/c crash", `exit r/c#1 crash; report child_terminated r/c crash`)
		s.on("which r", `reply which d=running#1 a=undefined`)
	}
}

func TestOTP_D7_TheOrderNeverChanges(t *testing.T) {
	s := booted(t, `
		r intensity=9
			a
			b
			c
	`)
	s.do("start_child r/d")
	s.do("exit r/b crash")
	s.do("terminate_child r/a")
	s.do("restart_child r/a")
	s.on("which r", `reply which d=running#1 c=running#1 b=running#2 a=running#2`)
	s.do("terminate_child r/b")
	s.do("delete_child r/b")
	s.do("start_child r/b") // a new record
	s.on("which r", `reply which b=running#3 d=running#1 c=running#1 a=running#2`)
	s.on("stop r", `
		stop r/b#3; exit r/b#3 shutdown
		stop r/d#1; exit r/d#1 shutdown
		stop r/c#1; exit r/c#1 shutdown
		stop r/a#2; exit r/a#2 shutdown
		exit r#1 shutdown
	`)
}

func TestOTP_D8_AGroupIsNotInterrupted(t *testing.T) {
	s := booted(t, `
		r one_for_all intensity=9
			a
			b
			c
	`)
	s.do("hold r/b")
	s.on("exit r/c crash", `
		exit r/c#1 crash
		report child_terminated r/c crash
		stop r/b#1; exit r/b#1 shutdown
		stop r/a#1; exit r/a#1 shutdown
		start r/a#2; report progress r/a
		start r/b#2
	`)
	s.on("exit r/a crash", `exit r/a#2 crash`)
	s.on("count r", ``)
	s.on("terminate_child r/c", ``)
	s.on("release r/b", `
		report progress r/b
		start r/c#2; report progress r/c
		report child_terminated r/a crash
		stop r/c#2; exit r/c#2 shutdown
		stop r/b#2; exit r/b#2 shutdown
		start r/a#3; report progress r/a
		start r/b#3; report progress r/b
		start r/c#3; report progress r/c
		reply specs=3 active=3 supervisors=0 workers=3
		stop r/c#3; exit r/c#3 shutdown
		reply ok
	`)
}

func TestOTP_D9_ASiblingThatDiesMeanwhile(t *testing.T) {
	member := booted(t, `
		r one_for_all intensity=1
			a
			b
			c first=r/b:crash
	`)
	member.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		stop r/c#1; exit r/b#1 crash; exit r/c#1 shutdown
		report shutdown_error r/b crash
		start r/a#2; report progress r/a
		start r/b#2; report progress r/b
		start r/c#2; report progress r/c
	`)
	another := booted(t, `
		r rest_for_one intensity=2
			a
			b
			c first=r/a:crash
	`)
	another.on("exit r/b crash", `
		exit r/b#1 crash
		report child_terminated r/b crash
		stop r/c#1; exit r/a#1 crash; exit r/c#1 shutdown
		start r/b#2; report progress r/b
		start r/c#2; report progress r/c
		report child_terminated r/a crash
		stop r/c#2; exit r/c#2 shutdown
		stop r/b#2; exit r/b#2 shutdown
		start r/a#2; report progress r/a
		start r/b#3; report progress r/b
		start r/c#3; report progress r/c
	`)
	another.on("exit r/c crash", `
		exit r/c#3 crash
		report child_terminated r/c crash
		report giving_up r/c
		stop r/b#3; exit r/b#3 shutdown
		stop r/a#2; exit r/a#2 shutdown
		exit r#1 shutdown
	`) // the two restarts were counted
}

// E. A restart that fails.

func TestOTP_E1_AFailedStartIsTriedAgain(t *testing.T) {
	s := booted(t, `
		r intensity=2
			a starts=ok,error
			b
	`)
	s.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		start r/a#2
		report start_error r/a start_error
		start r/a#3
		report start_error r/a start_error
		report giving_up r/a
		stop r/b#1; exit r/b#1 shutdown
		exit r#1 shutdown
	`)
}

// A Backoff is coppice's own; without one there is none.
func TestOTP_E2_NoDelayBetweenRetries(t *testing.T) {
	s := booted(t, `
		r intensity=5
			a starts=ok,error,error,error,ok
	`)
	s.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		start r/a#2; report start_error r/a start_error
		start r/a#3; report start_error r/a start_error
		start r/a#4; report start_error r/a start_error
		start r/a#5; report progress r/a
	`)
	if d := s.sim.Elapsed(); d != 0 {
		t.Errorf("that took %v", d)
	}
}

func TestOTP_E3_WhatWaitsComesBeforeTheRetry(t *testing.T) {
	s := booted(t, `
		r intensity=9
			a starts=ok,error,ok
			b
	`)
	s.do("hold r/a")
	s.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		start r/a#2
	`)
	for _, step := range []string{"which r", "count r", "start_child r/a", "restart_child r/a", "delete_child r/a", "get_childspec r/a"} {
		s.on(step, ``)
	}
	s.on("exit r/b crash", `exit r/b#1 crash`)
	s.on("release r/a", `
		report start_error r/a start_error
		reply which b=running#1 a=restarting
		reply specs=2 active=0 supervisors=0 workers=2
		reply error already_present
		reply error restarting
		reply error restarting
		reply id=a permanent worker shutdown=5s significant=false
		report child_terminated r/b crash
		start r/b#2; report progress r/b
		start r/a#3; report progress r/a
	`)
}

// A temporary child is never being restarted. What is removed when its retry is
// cancelled is a child of a dynamic supervisor: see rule J6.
func TestOTP_E4_TerminateChildCancelsTheRetry(t *testing.T) {
	s := booted(t, `
		r intensity=9
			a starts=ok,error,ok
	`)
	s.do("hold r/a")
	s.do("exit r/a crash")
	s.do("terminate_child r/a")
	s.on("release r/a", `
		report start_error r/a start_error
		reply ok
	`)
	s.on("which r", `reply which a=undefined`)
}

// OTP finishes a start that is under way before it stops; coppice cancels it.
func TestOTP_E5_StoppedBetweenAttempts(t *testing.T) {
	a := machine(t, strategies.Config{
		Intensity: strategies.Intensity{Max: 9},
		Children:  []strategies.ChildSpec{{ID: "a"}, {ID: "b"}},
	})
	crash := strategies.Exit{Class: strategies.Crash, Err: startErr("start_error")}
	shutdown := strategies.Exit{Class: strategies.Shutdown}
	none := strategies.Cascade{}
	a.on("boot", strategies.Boot(none), `start a#1`)
	a.on("start", strategies.Started("a", 1), `report progress a; start b#1`)
	a.on("start", strategies.Started("b", 1), `report progress b; booted`)
	a.on("exit", strategies.Exited("a", 1, crash, none), `report child_terminated a crash; start a#2`)
	a.on("failure", strategies.StartFailed("a", 2, crash, none), `report start_error a start_error; arm retry a#2 0s`)
	a.on("stop", strategies.Terminate(shutdown), `stop b#1; arm stop b#1 5s`)
	a.on("retry", strategies.TimerFired("a", 2, strategies.RetryTimer), ``)
	a.on("end of b", strategies.Exited("b", 1, shutdown, none), `finish told shutdown`)

	s := booted(t, `
		r intensity=9
			a starts=ok,error
			b
	`)
	s.do("hold r/a")
	s.do("exit r/a crash")
	s.on("stop r", `
		stop r/a#2
		stop r/b#1; exit r/b#1 shutdown
		exit r#1 shutdown
	`)
}

func TestOTP_E6_OneForAllIsTriedAgainFromTheFirst(t *testing.T) {
	s := booted(t, `
		r one_for_all intensity=2
			a
			b starts=ok,error,ok
			c
	`)
	s.do("hold r/b")
	s.on("exit r/c crash", `
		exit r/c#1 crash
		report child_terminated r/c crash
		stop r/b#1; exit r/b#1 shutdown
		stop r/a#1; exit r/a#1 shutdown
		start r/a#2; report progress r/a
		start r/b#2
	`)
	s.do("which r")
	s.on("release r/b", `
		report start_error r/b start_error
		reply which c=undefined b=restarting a=running#2
		stop r/a#2; exit r/a#2 shutdown
		start r/a#3; report progress r/a
		start r/b#3; report progress r/b
		start r/c#2; report progress r/c
	`)
}

func TestOTP_E7_RestForOneIsTriedAgainFromTheOneThatFailed(t *testing.T) {
	s := booted(t, `
		r rest_for_one intensity=2
			a
			b
			c starts=ok,error,ok
			d
	`)
	s.do("hold r/c")
	s.on("exit r/b crash", `
		exit r/b#1 crash
		report child_terminated r/b crash
		stop r/d#1; exit r/d#1 shutdown
		stop r/c#1; exit r/c#1 shutdown
		start r/b#2; report progress r/b
		start r/c#2
	`)
	s.do("which r")
	s.on("release r/c", `
		report start_error r/c start_error
		reply which d=undefined c=restarting b=running#2 a=running#1
		start r/c#3; report progress r/c
		start r/d#2; report progress r/d
	`)
	s.on("which r", `reply which d=running#2 c=running#3 b=running#2 a=running#1`)
}

func TestOTP_E8_ARetryThatIsLateIsDropped(t *testing.T) {
	s := booted(t, `
		r rest_for_one intensity=2
			a
			b starts=ok,error,ok
	`)
	s.do("hold r/b")
	s.do("exit r/b crash")
	s.do("exit r/a crash") // comes before the retry, and starts b itself
	s.on("release r/b", `
		report start_error r/b start_error
		report child_terminated r/a crash
		start r/a#2; report progress r/a
		start r/b#3; report progress r/b
	`)
	s.on("which r", `reply which b=running#3 a=running#2`)
}

func TestOTP_E9_ARestartThatIsIgnored(t *testing.T) {
	s := booted(t, `
		r
			a starts=ok,ignore
	`)
	s.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		start r/a#2
	`)
	s.on("which r", `reply which a=undefined`)
}

func TestOTP_E10_AllFailuresOfAStartAreAlike(t *testing.T) {
	for outcome, text := range map[string]string{"error": "start_error", "raise": "raised", "crash": "crash"} {
		s := booted(t, `
		r intensity=2
			a starts=ok,`+outcome+`,ok`)
		s.on("exit r/a crash", `
			exit r/a#1 crash
			report child_terminated r/a crash
			start r/a#2
			report start_error r/a `+text+`
			start r/a#3
			report progress r/a
		`)
	}
}

func TestOTP_E11_ASupervisorThatCannotStartIsTriedAgainByItsParent(t *testing.T) {
	s := booted(t, `
		r intensity=2
			s intensity=0
				x
				y starts=ok,error,ok
	`)
	s.on("exit r/s/y crash", `
		exit r/s/y#1 crash
		report child_terminated r/s/y crash
		report giving_up r/s/y
		stop r/s/x#1; exit r/s/x#1 shutdown
		exit r/s#1 shutdown
		report child_terminated r/s shutdown
		start r/s#2
		start r/s/x#2; report progress r/s/x
		start r/s/y#2
		report start_error r/s/y start_error
		stop r/s/x#2; exit r/s/x#2 shutdown
		exit r/s#2 shutdown_term
		report start_error r/s failed_to_start_child(y:start_error)
		start r/s#3
		start r/s/x#3; report progress r/s/x
		start r/s/y#3; report progress r/s/y
		report progress r/s
	`)
}

// F. Restart intensity.

func TestOTP_F1_MaxRestartsSucceed(t *testing.T) {
	s := booted(t, `
		r intensity=2
			a
	`)
	s.on("exit r/a crash", `exit r/a#1 crash; report child_terminated r/a crash; start r/a#2; report progress r/a`)
	s.on("exit r/a crash", `exit r/a#2 crash; report child_terminated r/a crash; start r/a#3; report progress r/a`)
	s.on("exit r/a crash", `exit r/a#3 crash; report child_terminated r/a crash; report giving_up r/a; exit r#1 shutdown`)
}

func TestOTP_F2_ExitsAndRetriesAreCounted(t *testing.T) {
	s := booted(t, `
		r intensity=3
			a starts=ok,error,error,ok
			b
	`)
	s.on("exit r/a crash", `
		exit r/a#1 crash
		report child_terminated r/a crash
		start r/a#2; report start_error r/a start_error
		start r/a#3; report start_error r/a start_error
		start r/a#4; report progress r/a
	`) // one exit, two retries
	s.on("exit r/b normal", `
		exit r/b#1 normal
		report child_terminated r/b normal
		report giving_up r/b
		stop r/a#4; exit r/a#4 shutdown
		exit r#1 shutdown
	`)
}

func TestOTP_F3_IntensityZero(t *testing.T) {
	s := booted(t, `
		r intensity=0
			a
	`)
	s.on("exit r/a normal", `exit r/a#1 normal; report child_terminated r/a normal; report giving_up r/a; exit r#1 shutdown`)
}

// OTP truncates to whole seconds: a restart a little more than the period ago may
// count or not. Here it does not.
func TestOTP_F4_TheWindow(t *testing.T) {
	const tree = `
		r intensity=1 within=2s
			a
	`
	s := booted(t, tree)
	s.do("exit r/a crash")
	s.do("pass 2s")
	s.on("exit r/a crash", `exit r/a#2 crash; report child_terminated r/a crash; report giving_up r/a; exit r#1 shutdown`)
	s = booted(t, tree)
	for range 3 {
		s.do("exit r/a crash")
		s.do("pass 2000000001ns")
	}
	s.on("exit r/a crash", `exit r/a#4 crash; report child_terminated r/a crash; start r/a#5; report progress r/a`)
}

func TestOTP_F5_OneCounterForAllChildren(t *testing.T) {
	s := booted(t, `
		r one_for_all intensity=2
			a
			b
			c
	`)
	s.do("exit r/a crash")
	s.do("exit r/b crash")
	s.on("which r", `reply which c=running#3 b=running#3 a=running#3`)
	s.on("exit r/c crash", `
		exit r/c#3 crash
		report child_terminated r/c crash
		report giving_up r/c
		stop r/b#3; exit r/b#3 shutdown
		stop r/a#3; exit r/a#3 shutdown
		exit r#1 shutdown
	`)
}

func TestOTP_F6_WhatIsNotCounted(t *testing.T) {
	s := booted(t, `
		r one_for_all intensity=1
			a
			b transient
			c temporary
			d first=r/a:crash
	`)
	s.do("start_child r/e")
	s.do("terminate_child r/e")
	s.do("restart_child r/e")
	s.do("exit r/b normal")
	s.do("restart_child r/b")
	s.do("exit r/c crash")
	s.do("exit r/e crash") // the one that is; a dies meanwhile
	s.on("which r", `reply which e=running#3 d=running#2 b=running#3 a=running#2`)
	s.do("exit r/e crash")
	s.on("which r", `reply error noproc`)
}

func TestOTP_F7_GivingUp(t *testing.T) {
	s := booted(t, `
		r one_for_all intensity=0
			a
			b
			c
	`)
	s.on("exit r/b crash", `
		exit r/b#1 crash
		report child_terminated r/b crash
		report giving_up r/b
		stop r/c#1; exit r/c#1 shutdown
		stop r/a#1; exit r/a#1 shutdown
		exit r#1 shutdown
	`)
}

func TestOTP_F8_ARestartedSupervisorHasNoHistory(t *testing.T) {
	s := booted(t, `
		r
			s intensity=1
				x
	`)
	s.do("exit r/s/x crash")
	s.do("exit r/s/x crash") // s gives up, and is restarted
	s.on("which r", `reply which s(supervisor)=running#2`)
	s.on("exit r/s/x crash", `exit r/s/x#3 crash; report child_terminated r/s/x crash; start r/s/x#4; report progress r/s/x`)
}
