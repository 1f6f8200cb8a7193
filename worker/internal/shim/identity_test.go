//go:build linux

package shim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		id   Identity
		want string
	}{
		{Identity{}, ""},
		{Identity{User: "root", Group: "0", Groups: []string{"root", "4294967294"}, Umask: set(0o777), Nice: set(-20), OOMScoreAdj: set(-1000),
			Limits: []Rlimit{{"nofile", 1, 1}, {"core", 0, Infinity}}}, ""},
		{Identity{User: "no such user", Group: "no such group", Groups: []string{"root", "nor this", "4294967295"},
			Umask: set(0o1000), Nice: set(20), OOMScoreAdj: set(1001),
			Limits: []Rlimit{{"files", 0, 0}, {"NOFILE", 0, 0}, {"core", Infinity, 7}, {"core", 0, 0}}},
			`there is no group "no such group": create it, or correct Group
there is no group "nor this": create it, or correct Groups
group 4294967295: numbers of users and groups are 0 to 4294967294
there is no user "no such user": create it, or correct User
umask 01000: give 0 to 0777
niceness 20: give -20 to 19
OOM score adjustment 1001: give -1000 to 1000
limit "files" is unknown: the limits are as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack
limit "NOFILE" is unknown: the limits are as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack
limit core infinity:7: the soft limit is above the hard limit
limit "core" is given twice: give soft and hard limit together`},
		{Identity{User: "4294967295"}, "user 4294967295: numbers of users and groups are 0 to 4294967294"},
		{Identity{User: "4294967296", Group: "4294967296"}, // 2^32: not root
			"group 4294967296: numbers of users and groups are 0 to 4294967294\nuser 4294967296: numbers of users and groups are 0 to 4294967294"},
		{Identity{User: "61234"}, "user 61234 is not in the user database and so has no group: give Group too"},
		{Identity{Umask: set(-1), Nice: set(-21), OOMScoreAdj: set(-1001)},
			"umask -01: give 0 to 0777\nniceness -21: give -20 to 19\nOOM score adjustment -1001: give -1000 to 1000"},
	} {
		got := ""
		if err := tt.id.Validate(); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v:\n%s", tt.id, diff)
		}
		if _, err := Wrap(Program{Path: "x", Files: []uintptr{0, 1, 2, 3}[:0]}, &tt.id); err == nil {
			t.Errorf("%+v: Wrap accepts no files", tt.id)
		}
	}
}

func TestZero(t *testing.T) {
	for _, tt := range []struct {
		id               Identity
		zero, shim, cred bool
	}{
		{Identity{}, true, false, false},
		{Identity{User: "root"}, false, false, true},
		{Identity{Group: "root"}, false, false, true},
		{Identity{Groups: []string{}}, false, false, true},
		{Identity{User: "root", Umask: set(0)}, false, true, true},
		{Identity{Umask: set(0)}, false, true, false},
		{Identity{Nice: set(0)}, false, true, false},
		{Identity{OOMScoreAdj: set(0)}, false, true, false},
		{Identity{NoNewPrivs: true}, false, true, false},
		{Identity{Limits: []Rlimit{{"core", 0, 0}}}, false, true, false},
		{Identity{ListenPID: true}, false, true, false},
	} {
		cred, shim, err := tt.id.Credential()
		if zero := tt.id.Zero(); zero != tt.zero || shim != tt.shim || (cred != nil) != tt.cred || err != nil {
			t.Errorf("%+v: zero %v, shim needed %v, credential %v, error %v", tt.id, zero, shim, cred, err)
		}
	}
	if _, _, err := (&Identity{User: "no such user"}).Credential(); err == nil {
		t.Error("Credential accepts a user who is not there")
	}
}

func TestNUL(t *testing.T) {
	files := []uintptr{0, 1, 2}
	for _, p := range []Program{
		{Path: "a\x00", Files: files},
		{Path: "a", Dir: "\x00", Files: files},
		{Path: "a", Argv: []string{"a", "\x00"}, Files: files},
		{Path: "a", Env: []string{"A=\x00"}, Files: files},
	} {
		if _, err := Wrap(p, &Identity{}); err == nil {
			t.Errorf("Wrap accepts %+v", p)
		}
	}
}
