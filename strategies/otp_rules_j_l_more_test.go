package strategies_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Clauses that the tests in otp_rules_j_l_test.go leave open.

func TestOTP_J2_AnIgnoredStartLeavesNothing(t *testing.T) {
	for _, restart := range []string{"permanent", "transient", "temporary"} {
		s := booted(t, "r dynamic\n\tt "+restart)
		s.on("start_child r/x starts=ignore", `start r/x#1; reply ok undefined`)
		s.on("which r", `reply which`)
	}
}

// The pid of an incarnation that is dead finds the description of the child as
// long as there is one.
func TestOTP_J5_GetChildSpecByPid(t *testing.T) {
	s := booted(t, `
		r dynamic
			t shutdown=7ms
	`)
	const spec = `reply id=t permanent worker shutdown=7ms significant=false`
	s.do("start_child r/x")
	s.on("get_childspec r/x#1", spec)
	s.do("exit r/x crash")
	s.on("get_childspec r/x#2", spec)
	s.on("get_childspec r/x#1", spec)
	s.on("get_childspec r/stranger#1", `reply error not_found`)
}

func TestOTP_J7_KilledTogether(t *testing.T) {
	s := booted(t, `
		r dynamic
			t brutal_kill hangs
	`)
	s.do("start_child r/x")
	s.do("start_child r/y")
	s.on("stop r", `
		kill r/x#1; exit r/x#1 killed
		kill r/y#1; exit r/y#1 killed
		exit r#1 shutdown
	`) // rule H2: at once, and not reported
}

// With no limit there is no timeout, and nobody is killed.
func TestOTP_J7_Infinity(t *testing.T) {
	s := booted(t, `
		r dynamic
			t infinity takes=1000h
	`)
	s.do("start_child r/x")
	s.do("start_child r/y takes=1h")
	s.on("stop r", `
		stop r/x#1; stop r/y#1
		after 1h0m0s; exit r/y#1 shutdown
		after 999h0m0s; exit r/x#1 shutdown
		exit r#1 shutdown
	`)
}

func TestOTP_K3_GoneForGood(t *testing.T) {
	for restart, want := range map[string][]string{
		"transient": {"normal", "shutdown", "shutdown_term"},
		"temporary": exits,
	} {
		var ended []string
		for _, class := range exits {
			s := booted(t, "r all_significant\n\ta significant "+restart)
			s.do("exit r/a " + class)
			if s.sim.Live("r") == 0 {
				ended = append(ended, class)
			}
		}
		if d := gocmp.Diff(want, ended); d != "" {
			t.Errorf("%s: ended after (-want +got):\n%s", restart, d)
		}
	}
}

// That no significant child is left does not matter when another child ends.
func TestOTP_K4_NoSignificantChildAtAll(t *testing.T) {
	for _, flag := range []string{"any_significant", "all_significant"} {
		for _, child := range []string{"a transient", "a temporary"} {
			s := booted(t, "r "+flag+"\n\t"+child+"\n\tb\n\tc transient significant")
			s.do("terminate_child r/c")
			s.on("exit r/a normal", `exit r/a#1 normal`)
			if s.sim.Live("r") != 1 || s.sim.Live("r/b") != 1 {
				t.Errorf("%s, %s: r is #%d, b #%d", flag, child, s.sim.Live("r"), s.sim.Live("r/b"))
			}
		}
	}
}

// A transient one is started again with its group, however it ended.
func TestOTP_K6_StartedAgainWithAGroup(t *testing.T) {
	for _, flag := range []string{"any_significant", "all_significant"} {
		for _, strategy := range []string{"one_for_all", "rest_for_one"} {
			s := booted(t, "r "+flag+" "+strategy+`
				a
				b transient significant stops=normal
			`)
			s.on("exit r/a crash", `
				exit r/a#1 crash
				report child_terminated r/a crash
				stop r/b#1; exit r/b#1 normal
				start r/a#2; report progress r/a
				start r/b#2; report progress r/b
			`)
		}
	}
}
