//go:build linux

package worker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A program finds the same whichever way it is started, but for descriptors of
// the host that are not closed on exec: of those it gets none.
func TestStarters(t *testing.T) {
	leak, err := unix.Open(os.DevNull, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(leak)
	const look = `pwd; id; ulimit -Sn; ulimit -Hn; grep -E '^(Sig(Blk|Ign|Cgt)|Groups)' /proc/self/status; env | sort
		ps -o sid= -p $$ | grep -c "$$"; printf fds:; for f in $(seq 0 300); do [ -e /proc/$$/fd/$f ] && printf " $f"; done`
	dir := t.TempDir()
	progs := map[string]program{
		"plain": {path: "/bin/sh", argv: []string{"sh", "-c", look}},
		"dir":   {path: "/bin/sh", argv: []string{"sh", "-c", look}, dir: dir, env: []string{"A=b", "C="}},
	}
	if os.Geteuid() == 0 {
		progs["user"] = program{path: "/bin/sh", argv: []string{"sh", "-c", look}, dir: "/",
			cred: &syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{7, 9}}}
	}
	for name, prog := range progs {
		fast, fds, _ := strings.Cut(outputOf(t, (*spawner).start, prog), "fds:")
		slow, more, _ := strings.Cut(outputOf(t, portable, prog), "fds:")
		if fast != slow || len(fast) < 100 {
			t.Errorf("%s:\n%s\nwith ForkExec:\n%s", name, fast, slow)
		}
		if runtime.GOARCH == "amd64" && fds != " 0 1 2" || !strings.Contains(more, fmt.Sprintf(" %d", leak)) {
			t.Errorf("%s: descriptors %s with ForkExec: %s", name, fds, more)
		}
	}
}

// The kernel kills a program when its host is gone, whichever way it was started.
func TestDeathSignal(t *testing.T) {
	prog := program{path: "/proc/self/exe", argv: []string{"x", "deathsignal"}, env: []string{roleVar + "=1"}}
	for name, start := range map[string]func(*spawner, *program) (launched, error){"fast": (*spawner).start, "ForkExec": portable} {
		if got := outputOf(t, start, prog); got != "9\n" {
			t.Errorf("%s: the parent-death signal is %q, want 9", name, got)
		}
	}
}

// deathSignal is that of the process, which is one of its first thread, the one
// that initialises (prctl(2), PR_GET_PDEATHSIG).
var deathSignal = func() (sig int32) {
	_ = unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&sig)), 0, 0, 0)
	return sig
}()

// A program gets the limit of open files with which its host was started, not the
// one to which package syscall has raised it.
func TestOpenFilesAreNotRaised(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host := self("limit")
	host.Path, host.Args = "/bin/sh", []string{"-c", "ulimit -Sn 57 && exec " + exe + " limit"}
	r, err := Exec(t.Context(), host)
	if err != nil || string(r.Stdout) != "57\n<nil>\n" {
		t.Errorf("%v; %s%s", err, r.Stdout, r.Stderr)
	}
}

// Both ways fail with the same error, and leave nothing.
func TestStartersFail(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte("\x00\x01"), 0o755); err != nil {
		t.Fatal(err)
	}
	for want, prog := range map[syscall.Errno]program{
		unix.ENOENT:  {path: "/no/such/program"},
		unix.EACCES:  {path: dir},
		unix.ENOTDIR: {path: "/bin/sh", dir: garbage},
		unix.ENOEXEC: {path: garbage},
		unix.E2BIG:   {path: "/bin/sh", env: []string{"A=" + strings.Repeat("x", 1<<20)}},
		unix.EINVAL:  {path: "/bin/\x00sh"},
		unix.EBADF:   {path: "/bin/sh", cgroup: 1 << 20},
	} {
		for name, start := range map[string]func(*spawner, *program) (launched, error){"fast": (*spawner).start, "ForkExec": portable} {
			prog.argv, prog.files = []string{"x"}, []int{0, 1, 2}
			before := openFiles(t)
			l, err := bySpawner(t, start, &prog)
			if !errors.Is(err, want) {
				t.Errorf("%s: %v %v, want %v", name, l, err, want)
			}
			if now := openFiles(t); now != before {
				t.Errorf("%s, %v: %d open files, before %d", name, want, now, before)
			}
		}
	}
	if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != unix.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
}

// portable is start without what is special to a processor.
func portable(_ *spawner, prog *program) (launched, error) { return forkExec(prog) }

// bySpawner starts a program with what a spawner has.
func bySpawner(t *testing.T, start func(*spawner, *program) (launched, error), prog *program) (launched, error) {
	s := idleSpawner(t.Context())
	defer func() { idle <- s }()
	return start(s, prog)
}

// outputOf is what a program writes to stdout and stderr.
func outputOf(t *testing.T, start func(*spawner, *program) (launched, error), prog program) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	null, err := devNull()
	if err != nil {
		t.Fatal(err)
	}
	prog.files = []int{null, int(w.Fd()), int(w.Fd())}
	l, err := bySpawner(t, start, &prog)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(l.pidfd)
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Wait4(l.pid, nil, 0, nil); err != nil {
		t.Error(err)
	}
	return out.String()
}
