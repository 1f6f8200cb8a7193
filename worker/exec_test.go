//go:build linux

package worker

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExec(t *testing.T) {
	for _, tt := range []struct {
		name        string
		cmd         Command
		out, errout string
		code        int
	}{
		{"both streams", Shell("echo out; echo err >&2"), "out\n", "err\n", 0},
		{"no end of line", Shell("printf 'a\\n\\000b'"), "a\n\000b", "", 0},
		{"failure", Shell("echo so far; exit 7"), "so far\n", "", 7},
		{"success by code", with(Shell("exit 7"), func(c *Command) { c.SuccessCodes = []int{7} }), "", "", 0},
		{"signal", Shell("kill -9 $$"), "", "", -1},
		{"environment", with(Shell("echo $A-$HOME"), func(c *Command) { c.Env, c.Inherit = []string{"A=b"}, InheritNone }), "b-\n", "", 0},
	} {
		r, err := Exec(t.Context(), tt.cmd)
		if string(r.Stdout) != tt.out || string(r.Stderr) != tt.errout {
			t.Errorf("%s: %q %q", tt.name, r.Stdout, r.Stderr)
		}
		if tt.code == 0 && err != nil || tt.code != 0 && exitOf(t, err).Code != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
		if want := map[string]int{"success by code": 7}[tt.name]; r.Code != cmp.Or(want, tt.code) {
			t.Errorf("%s: code %d", tt.name, r.Code)
		}
	}
}

func TestExecBounded(t *testing.T) {
	r, err := Exec(t.Context(), self("flood", 3<<20, 100))
	if err != nil || len(r.Stdout) != ExecLimit {
		t.Errorf("%v, %d bytes kept", err, len(r.Stdout))
	}
	if total := int64(len(r.Stdout)) + r.StdoutCut; total < 3<<20 {
		t.Errorf("%d bytes were counted", total)
	}
}

// A deadline takes the program and its descendants.
func TestExecDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	r, err := Exec(ctx, Shell("trap '' TERM; sleep 300 & echo $!; wait"))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	pid := 0
	for _, c := range strings.TrimSpace(string(r.Stdout)) {
		pid = 10*pid + int(c-'0')
	}
	if pid == 0 || alive(pid) {
		t.Errorf("pid %d of %q is alive", pid, r.Stdout)
	}
}

func TestExecNotStarted(t *testing.T) {
	r, err := Exec(t.Context(), Command{Path: "/no/such/program"})
	if _, ok := errors.AsType[*SpawnError](err); !ok || !errors.Is(err, syscall.ENOENT) || r == nil {
		t.Errorf("%v %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Exec(ctx, Shell("exit 0")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
