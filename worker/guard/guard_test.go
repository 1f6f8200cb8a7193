//go:build linux

package guard

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStatus(t *testing.T) {
	for _, test := range []struct {
		args []any
		want int
	}{
		{[]any{"exit", 0}, 0},
		{[]any{"exit", 7}, 7},
		{[]any{"exit", 255}, 255},
		{[]any{"panic"}, 2},
		{[]any{"die", 9}, 128 + 9},
		{[]any{"die", 15}, 128 + 15},
		{[]any{"die", 2}, 128 + 2},
	} {
		t.Run(fmt.Sprint(test.args...), func(t *testing.T) {
			p := launch(t, command(test.args[0].(string), test.args[1:]...))
			if got := p.status(); got != test.want {
				t.Errorf("status %d, want %d; stderr:\n%s", got, test.want, &p.err)
			}
		})
	}
}

// Every signal arrives, once, in order, and so does the same one again.
func TestSignalsArePassedOnce(t *testing.T) {
	p := launch(t, command("signals"))
	p.expect("ready")
	for _, sig := range []syscall.Signal{
		unix.SIGTERM, unix.SIGTERM, unix.SIGINT, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGABRT,
		unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT, unix.SIGINT, unix.SIGTERM,
	} {
		if err := unix.Kill(p.guard(), sig); err != nil {
			t.Fatal(err)
		}
		p.expect("got " + unix.SignalName(sig))
	}

	// A group, as by kill %1, is the guard's alone. The program in it is a child
	// of this test, which is in another group.
	cmd := command("signals")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p = launch(t, cmd)
	p.expect("ready")
	for range 3 {
		_ = unix.Kill(-p.guard(), unix.SIGTERM)
		p.expect("got SIGTERM")
	}
	_ = unix.Kill(-p.guard(), unix.SIGUSR1)
	p.expect("got SIGUSR1")
}

// What nohup ignores stays ignored, but for a supervisor that asks for it.
func TestIgnoredSignals(t *testing.T) {
	for role, want := range map[string]string{"who": "", "signals": "got SIGHUP"} {
		cmd := command(role)
		cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		p := launch(t, cmd)
		p.line()
		_ = unix.Kill(p.guard(), unix.SIGHUP)
		if want != "" {
			p.expect(want)
			continue
		}
		_ = unix.Kill(p.guard(), unix.SIGTERM)
		if got := p.status(); got != 128+15 {
			t.Errorf("status %d, want 143: SIGHUP before SIGTERM has no effect", got)
		}
	}
}

func TestGuardKilled(t *testing.T) {
	p := launch(t, command("signals"))
	p.expect("ready")
	pid := p.supervisor()
	defer func() { _ = unix.Kill(pid, unix.SIGKILL) }()
	_ = unix.Kill(p.guard(), unix.SIGKILL)
	p.expect("got SIGTERM")
	eventually(t, "the supervisor has another parent", func() bool {
		s, err := readStat(pid)
		return err == nil && s.parent != p.guard()
	})
	_ = unix.Kill(pid, unix.SIGUSR2)
	p.expect("got SIGUSR2", "no guard") // and SIGTERM came once
}

func TestEnter(t *testing.T) {
	p := launch(t, command("who"))
	p.expect("guarded: true true true") // and so it has been started
	p.expect(fmt.Sprintf("ids: %d %d", p.supervisor(), p.guard()))
	if Guarded() {
		t.Error("this process has no guard")
	}
}

// A marker in a copied environment says nothing about the reader.
func TestCopiedMarker(t *testing.T) {
	me := markOf(t, os.Getpid())
	other := markOf(t, os.Getppid())
	for _, value := range []string{other.String(), fmt.Sprint(me.pid), fmt.Sprintf("%d:1:3", me.pid), "", "::"} {
		cmd := command("who")
		cmd.Env = append(cmd.Env, marker+"="+value)
		p := launch(t, cmd)
		p.expect("guarded: true true true")
		p.expect(fmt.Sprintf("ids: %d %d", p.supervisor(), p.guard()))
	}
	// The right one is believed: there is one process, which this one guards.
	cmd := command("who")
	cmd.Env = append(cmd.Env, marker+"="+me.String())
	p := launch(t, cmd)
	p.expect("guarded: true true true", fmt.Sprintf("ids: %d %d", p.guard(), os.Getpid()))
}

// markOf is the mark of a guard whose lifeline is descriptor 0.
func markOf(t testing.TB, pid int) mark {
	s, err := readStat(pid)
	if err != nil {
		t.Fatal(err)
	}
	return mark{pid: pid, start: s.start}
}

// The supervisor gets all that the first process was given, and the guard keeps
// none of it.
func TestInheritance(t *testing.T) {
	dir := t.TempDir()
	cmd := command("inherit", "some", "words")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.ExtraFiles = []*os.File{w}
	cmd.Args = append([]string{"sh", "-c", `ulimit -Sn 123; umask 0351; LISTEN_PID=$$ WATCHDOG_PID=1 exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "PWD="+dir)
	cmd.Stdin = strings.NewReader("the input")
	p := launch(t, cmd)
	w.Close()
	p.expect(
		"marker:  child's: 0",
		"nofile: 123 umask: 0351 dir: "+dir,
		"args: [inherit some words]",
		"pids: true 1",
		"stdin: the input",
	)
	exe, _ := os.Executable()
	name := exe[strings.LastIndexByte(exe, '/')+1:]
	p.expect("names: " + name[:min(15, len(name))] + " guard")

	// The supervisor closes descriptor 3, and that is its end.
	if out, err := io.ReadAll(r); string(out) != "three: some\nthree: words\n" || err != nil {
		t.Errorf("read %q, %v", out, err)
	}
	for _, fd := range []int{0, 1} {
		if to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.guard(), fd)); to != os.DevNull {
			t.Errorf("the guard's descriptor %d is %s (%v)", fd, to, err)
		}
	}
}

func TestNoGuard(t *testing.T) {
	tests := map[string]struct {
		cmd  func(t *testing.T) *exec.Cmd
		want string
	}{
		"the program cannot be executed": {func(t *testing.T) *exec.Cmd {
			cmd := command("no-guard", "no-exec")
			cmd.Path = copyOfSelf(t, t.TempDir(), 0o700)
			cmd.Args[0] = cmd.Path
			return cmd
		}, "again as the guard's child: permission denied"},
		"no /proc": {func(t *testing.T) *exec.Cmd {
			return command("no-guard", "no-proc", t.TempDir())
		}, "/proc is needed"},
		"another /proc": {func(t *testing.T) *exec.Cmd {
			cmd := command("no-guard", "other-proc")
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
			return cmd
		}, "/proc is that of another PID namespace"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			needRoot(t)
			p := launch(t, test.cmd(t))
			if got := p.line(); !strings.Contains(got, test.want) {
				t.Errorf("%q, want it to contain %q", got, test.want)
			} else {
				t.Log(got)
			}
			unsupported := !strings.Contains(test.want, "denied")
			p.expect(fmt.Sprintf("unsupported: %v", unsupported), "guarded: false", "subreaper: 0")
			if got := p.line(); got != "child: works" && name != "no /proc" { // where there is no sh either
				t.Error(got)
			}
			if got := p.status(); got != 0 {
				t.Errorf("status %d; stderr: %s", got, &p.err)
			}
		})
	}
}

func TestPID1(t *testing.T) {
	needRoot(t)
	cmd := command("pid-1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	pipe := newHolders(t, cmd)
	p := launch(t, cmd)
	if line := p.line(); !strings.HasPrefix(line, "ids: ") || !strings.HasSuffix(line, " 1") {
		t.Fatalf("%q, want the parent's pid to be 1", line)
	}
	p.left()
	for _, sig := range []syscall.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGINT, unix.SIGHUP} {
		_ = unix.Kill(p.guard(), sig)
		p.expect("got " + unix.SignalName(sig))
	}
	// It reaps as PID 1 should: the daemon's death leaves no zombie.
	kids := children(p.guard())
	if len(kids) != 2 {
		t.Fatalf("PID 1 has children %v, want the supervisor and a daemon", kids)
	}
	// The daemon is the other thread's child, maybe, and listed first.
	daemon := slices.DeleteFunc(kids, func(pid int) bool { return pid == p.supervisor() })
	_ = unix.Kill(daemon[0], unix.SIGKILL)
	eventually(t, "the dead daemon is reaped", func() bool { return len(children(p.guard())) == 1 })

	_ = unix.Kill(p.supervisor(), unix.SIGKILL)
	if got := p.status(); got != 128+9 {
		t.Errorf("status %d, want 137", got)
	}
	pipe.none(t)
}

// BenchmarkEnter is a program's life, which is over at once, under a guard and
// without one. The difference is what Enter costs.
func BenchmarkEnter(b *testing.B) {
	for name, env := range map[string]string{"guarded": "", "alone": marker + "=" + markOf(b, os.Getpid()).String()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				cmd := command("exit", 0)
				cmd.Env = append(cmd.Env, env)
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
