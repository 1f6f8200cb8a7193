//go:build linux

package main

import (
	"bytes"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/misbehave"
)

// The kinds themselves are tested in their package; here it is the command
// line: statuses, messages, options after the kind, and the processes made.
func TestMisbehave(t *testing.T) {
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"exit --code 7 --say hello --ready", 7, "hello\nready\n", ""},
		{"late-exit --for 1s --max 100ms", -1, "", ""},
		{"flood --bytes 60 --line 30", 0, "000000000000 xxxxxxxxxxxxxxxx\n000000000001 xxxxxxxxxxxxxxxx\n", ""},
		{"", exit.Usage, "", "give one KIND"},
		{"exit panic", exit.Usage, "", "give one KIND"},
		{"nosuch", exit.Usage, "", `there is no kind "nosuch"; ` + "`coppice misbehave --help` lists them"},
		{"exit --n 3", exit.Usage, "", "misbehave exit: it does not take --n; it takes --code 1 --for 0s"},
		{"exit --for soon", exit.Usage, "", `invalid value "soon" for flag --for`},
		{"flood --bytes many", exit.Usage, "", `invalid value "many" for flag --bytes`},
		{"exit --nosuch", exit.Usage, "", "not defined: --nosuch"},
	} {
		cmd := coppice(t, append([]string{misbehave.Command}, strings.Fields(c.args)...)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != c.code || stdout.String() != c.stdout || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("misbehave %s: exit status %d, want %d\nstdout:\n%s\nstderr:\n%s", c.args, code, c.code, &stdout, &stderr)
		}
	}
}

func TestMisbehaveHelp(t *testing.T) {
	out, err := coppice(t, misbehave.Command, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(misbehave.Table()) {
		if !bytes.Contains(out, []byte(line)) {
			t.Errorf("the help lacks %q", line)
		}
	}
	if bytes.Contains(out, []byte("--made")) {
		t.Error("the help tells of --made")
	}
	if out, err := coppice(t, "--help").Output(); err != nil || bytes.Contains(out, []byte(misbehave.Command)) {
		t.Errorf("the command is not hidden: %v\n%s", err, out)
	}
}

// What it leaves is this program again, and can be told by its pid.
func TestMisbehaveLeaves(t *testing.T) {
	cmd := coppice(t, misbehave.Command, "leave", "--n", "2", "--pids", "--max", "1m")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	for strings.Count(said.String(), "\n") < 2 {
		b := make([]byte, 256)
		n, err := out.Read(b)
		said.Write(b[:n])
		if err != nil {
			t.Error(err)
			break
		}
	}
	// Their group is that of the command, which is not reaped yet.
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	var pids []int
	for line := range strings.Lines(said.String()) {
		pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "left ")))
		if err != nil || syscall.Kill(pid, 0) != nil {
			t.Errorf("%q names no process that ignores SIGTERM", line)
		}
		pids = append(pids, pid)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		if _, ok := err.(*exec.ExitError); !ok {
			t.Error(err)
		}
	}
	for _, pid := range pids {
		waitGone(t, pid)
	}
}
