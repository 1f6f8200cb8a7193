//go:build linux

package shim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// The test binary runs itself as a host: with roleVar set it plays that role.
const roleVar = "COPPICE_SHIM_TEST_ROLE"

// patience bounds every wait for something that ought to happen at once.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	runtime.LockOSThread() // the parent of a role's children lives as long as it
	if play, known := roles[os.Getenv(roleVar)]; known {
		play()
		return
	}
	goleak.VerifyTestMain(m)
}

// linger is for ever, but for a test that forgot its children.
func linger() {
	time.Sleep(5 * time.Minute)
	os.Exit(99)
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("changing users and raising limits needs root")
	}
}

// mayRaise reports whether this process may raise hard limits, which root in a
// container may not.
func mayRaise(t testing.TB) bool {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	caps, err := strconv.ParseUint(field(t, string(status), "CapEff:"), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return caps&(1<<unix.CAP_SYS_RESOURCE) != 0
}

func set(n int) *int { return &n }

// sh is a program that runs a script; its output is stdout.
func sh(script string) Program {
	return Program{Path: "/bin/sh", Argv: []string{"sh", "-c", script}, Env: []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}}
}

func cat(files ...string) Program {
	p := sh("")
	p.Path, p.Argv = "/bin/cat", append([]string{"cat"}, files...)
	return p
}

// spawned is a child with its stdout.
type spawned struct {
	pid int
	out *os.File
}

// forkExec spawns p with a pipe for stdout, plus its own files from 3 on.
func forkExec(p *Program, sys *syscall.SysProcAttr) (int, error) {
	sys.Pdeathsig = p.Pdeathsig
	return syscall.ForkExec(p.Path, p.Argv, &syscall.ProcAttr{Dir: p.Dir, Env: p.Env, Files: p.Files, Sys: sys})
}

func stdio(t testing.TB, p *Program) (out *os.File, done func()) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	p.Files = append([]uintptr{null.Fd(), w.Fd(), os.Stderr.Fd()}, p.Files...)
	t.Cleanup(func() { r.Close() })
	return r, func() { null.Close(); w.Close() }
}

// start spawns p in the shim; the caller asks for the result.
func start(t testing.TB, p Program, id Identity) (*Wrapped, spawned) {
	t.Helper()
	out, done := stdio(t, &p)
	defer done()
	w, err := Wrap(p, &id)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := forkExec(&w.Program, &syscall.SysProcAttr{})
	if err != nil {
		w.Close()
		t.Fatal(err)
	}
	return w, spawned{pid, out}
}

// direct spawns p without the shim.
func direct(t testing.TB, p Program, sys syscall.SysProcAttr) spawned {
	t.Helper()
	out, done := stdio(t, &p)
	defer done()
	pid, err := forkExec(&p, &sys)
	if err != nil {
		t.Fatal(err)
	}
	return spawned{pid, out}
}

// end waits for a child and returns its output.
func (s spawned) end(t testing.TB) (string, unix.WaitStatus) {
	t.Helper()
	out, err := io.ReadAll(s.out)
	if err != nil {
		t.Error(err)
	}
	return string(out), s.reap(t)
}

func (s spawned) reap(t testing.TB) (status unix.WaitStatus) {
	t.Helper()
	for {
		switch _, err := unix.Wait4(s.pid, &status, 0, nil); err {
		case unix.EINTR:
		case nil:
			return status
		default:
			t.Errorf("wait for %d: %v", s.pid, err)
			return status
		}
	}
}

// output runs p in the shim to its end.
func output(t testing.TB, p Program, id Identity) string {
	t.Helper()
	w, s := start(t, p, id)
	if err := w.Result(t.Context()); err != nil {
		_, status := s.end(t)
		t.Fatalf("%v; the child ended with %#x", err, status)
	}
	out, status := s.end(t)
	if status != 0 {
		t.Fatalf("%v ended with %#x, output %q", p.Argv, status, out)
	}
	return out
}

// failure runs p in the shim, which must fail.
func failure(t testing.TB, p Program, id Identity) *StepError {
	t.Helper()
	w, s := start(t, p, id)
	err := w.Result(t.Context())
	out, status := s.end(t)
	var step *StepError
	if !errors.As(err, &step) {
		t.Fatalf("the result is %v, want a *StepError; it ended with %#x, output %q", err, status, out)
	}
	if status.ExitStatus() != 127 || out != "" {
		t.Errorf("it ended with %#x, want exit status 127; output %q", status, out)
	}
	return step
}

// field returns the rest of the line of /proc/PID/status or limits which begins
// with name, its blanks made single.
func field(t testing.TB, text, name string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.Join(strings.Fields(rest), " ")
		}
	}
	t.Fatalf("no %q in\n%s", name, text)
	return ""
}

// self starts the test binary in a role and returns its output when it has
// ended.
func self(t testing.TB, role string, sys syscall.SysProcAttr) string {
	t.Helper()
	out, status := selfIn(t, role, sys).end(t)
	if status != 0 {
		t.Fatalf("role %s ended with %#x: %s", role, status, out)
	}
	return out
}

func selfIn(t testing.TB, role string, sys syscall.SysProcAttr) spawned {
	t.Helper()
	return direct(t, Program{Path: "/proc/self/exe", Argv: []string{"host"},
		Env: append(os.Environ(), roleVar+"="+role, "GORACE=atexit_sleep_ms=0")}, sys)
}

// alive reports whether the process is there and no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	return len(rest) > 1 && rest[1] != 'Z' && rest[1] != 'X'
}

func awaitGone(t testing.TB, pid int) {
	t.Helper()
	for deadline := time.Now().Add(patience); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is alive after %v", pid, patience)
		}
	}
}

// roles are what the test binary plays as a host.
var roles = map[string]func(){
	"hello":        func() { fmt.Print("hello") },
	"unprivileged": unprivileged,
	"mother":       func() { mother(unix.SIGKILL) },
	"mother-plain": func() { mother(0) },
	"abandoner":    abandoner,
	"grandmother":  grandmother,
}

// roleSpawn is start for a role, in which there is no test.
func roleSpawn(p Program, id Identity, sys *syscall.SysProcAttr) (*Wrapped, int) {
	p.Files = []uintptr{0, 1, 1}
	w, err := Wrap(p, &id)
	if err != nil {
		panic(err)
	}
	pid, err := syscall.ForkExec(w.Path, w.Argv, &syscall.ProcAttr{Env: w.Env, Files: w.Files, Sys: sys})
	if err != nil {
		panic(err)
	}
	return w, pid
}

// mother has a child of another user, and says its pid when it runs. The kernel
// is asked for the parent-death signal in any case; sig is what the shim asks
// for again.
func mother(sig syscall.Signal) {
	p := sh("exec sleep 300")
	p.Pdeathsig = sig
	w, pid := roleSpawn(p, Identity{User: "nobody", Umask: set(0)}, &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL})
	if err := w.Result(context.Background()); err != nil {
		panic(err)
	}
	fmt.Println(pid)
	linger()
}

// abandoner ends before the shim has been told what to do.
func abandoner() {
	_, pid := roleSpawn(sh("sleep 300"), Identity{Umask: set(0)}, &syscall.SysProcAttr{})
	fmt.Println(pid)
}
