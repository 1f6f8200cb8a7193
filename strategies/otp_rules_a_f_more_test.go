package strategies_test

import (
	"testing"

	"github.com/coppice-go/coppice/strategies"
)

// More clauses of the rules, each in a scene of its own.

func TestOTP_E6_RetryStopsInReverse(t *testing.T) {
	s := booted(t, "r one_for_all intensity=2\n\ta\n\tb\n\tc starts=ok,error,ok\n\td")
	s.on("exit r/d crash", `
		exit r/d#1 crash; report child_terminated r/d crash
		stop r/c#1; exit r/c#1 shutdown; stop r/b#1; exit r/b#1 shutdown; stop r/a#1; exit r/a#1 shutdown
		start r/a#2; report progress r/a; start r/b#2; report progress r/b
		start r/c#2; report start_error r/c start_error
		stop r/b#2; exit r/b#2 shutdown; stop r/a#2; exit r/a#2 shutdown
		start r/a#3; report progress r/a; start r/b#3; report progress r/b; start r/c#3; report progress r/c
		start r/d#2; report progress r/d`)
	s.on("exit r/a crash", `exit r/a#3 crash; report child_terminated r/a crash; report giving_up r/a
		stop r/d#2; exit r/d#2 shutdown; stop r/c#3; exit r/c#3 shutdown; stop r/b#3; exit r/b#3 shutdown; exit r#1 shutdown`)
}
func TestOTP_E4_ThoseAfterItStayUndefined(t *testing.T) { // those after F stay undefined
	s := booted(t, "r one_for_all intensity=9\n\ta\n\tb starts=ok,error,ok\n\tc")
	s.do("hold r/b")
	s.do("exit r/c crash")
	s.do("terminate_child r/b")
	s.on("release r/b", `report start_error r/b start_error; reply ok`)
	s.on("which r", `reply which c=undefined b=undefined a=running#2`)
	s.on("restart_child r/c", `start r/c#2; report progress r/c; reply ok #2`)
}
func TestOTP_D5_NotThoseBeforeTheGroup(t *testing.T) { // a record before the group is not of it
	s := booted(t, "r rest_for_one\n\ta\n\tb\n\tc")
	s.do("terminate_child r/a")
	s.on("exit r/b crash", `exit r/b#1 crash; report child_terminated r/b crash; stop r/c#1; exit r/c#1 shutdown
		start r/b#2; report progress r/b; start r/c#2; report progress r/c`)
	s.on("which r", `reply which c=running#2 b=running#2 a=undefined`)
}
func TestOTP_E9_TheGroupGoesOn(t *testing.T) { // the group goes on
	s := booted(t, "r one_for_all\n\ta starts=ok,ignore\n\tb")
	s.on("exit r/b crash", `exit r/b#1 crash; report child_terminated r/b crash; stop r/a#1; exit r/a#1 shutdown
		start r/a#2; start r/b#2; report progress r/b`)
}
func TestOTP_E8_StartedByACallMeanwhile(t *testing.T) { // stopped meanwhile, then started by a call: one start, no second
	s := booted(t, "r intensity=9\n\ta starts=ok,error,ok")
	s.do("hold r/a")
	s.do("exit r/a crash")
	s.do("terminate_child r/a")
	s.do("restart_child r/a")
	s.on("release r/a", `report start_error r/a start_error; reply ok; start r/a#3; report progress r/a; reply ok #3`)
	s.do("pass 1h")
	s.on("which r", `reply which a=running#3`)
}
func TestOTP_B3_OneThatDiedMeanwhile(t *testing.T) { // one that died meanwhile: judged by its exit, no restart
	s := stage(t, "r intensity=9\n\ta starts=exit_crash\n\tb\n\tc starts=error")
	s.on("boot", `start r/a#1; exit r/a#1 crash; report progress r/a; start r/b#1; report progress r/b
		start r/c#1; report start_error r/c start_error; stop r/b#1; exit r/b#1 shutdown
		report shutdown_error r/a crash; exit r#1 shutdown_term; failed failed_to_start_child(c:start_error)`)
}
func TestOTP_A5_TheFirstThatIsWrong(t *testing.T) { // the first that is wrong, in the order of the list
	stage(t, "r\n\ta\n\ta\n\tb significant").on("boot", `exit r#1 crash; failed duplicate_child_id`)
	stage(t, "r\n\ta\n\tb significant\n\ta").on("boot", `exit r#1 crash; failed bad_combination`)
}
func TestOTP_D8_CallsWaitWhileTheGroupStops(t *testing.T) { // a call that comes while the group stops waits, too
	s := booted(t, "r one_for_all\n\ta\n\tb takes=5ms\n\tc")
	s.sim.Exit("r/c", strategies.Exit{Class: strategies.Crash})
	s.sim.Deliver()
	s.on("which r", `after 5ms; exit r/b#1 shutdown; stop r/a#1; exit r/a#1 shutdown
		start r/a#2; report progress r/a; start r/b#2; report progress r/b; start r/c#2; report progress r/c
		reply which c=running#2 b=running#2 a=running#2`)
}
