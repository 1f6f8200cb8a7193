package strategies_test

import "testing"

// Clauses that the tests in otp_rules_g_i_test.go leave open.

// Whatever the restart type, there is no polite order first.
func TestOTP_H2_BrutalKillOfEveryType(t *testing.T) {
	for _, restart := range []string{"permanent", "transient", "temporary"} {
		s := booted(t, "r\n\ta brutal_kill "+restart)
		s.on("stop r", `kill r/a#1; exit r/a#1 killed; exit r#1 shutdown`)
	}
}

// What is wrong with a child is said before whether there is one of its id.
func TestOTP_I1_TheSpecIsCheckedFirst(t *testing.T) {
	s := booted(t, `
		r
			a
			b transient
	`)
	s.do("exit r/b normal")
	s.on("start_child r/a shutdown=-1s", `reply error invalid_shutdown`)
	s.on("start_child r/b transient significant", `reply error bad_combination`)
	s.on("start_child r/a", `reply error already_started #1`)
	s.on("start_child r/b", `reply error already_present`)
}
