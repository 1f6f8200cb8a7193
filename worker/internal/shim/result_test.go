//go:build linux

package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/shim/child"
)

func TestErrors(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	private := filepath.Join(dir, "private")
	if err := os.Mkdir(private, 0o700); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	exec := func(path string) Program { return Program{Path: path, Argv: []string{path}} }
	in := func(dir string) Program { p := sh("pwd"); p.Dir = dir; return p }

	// A process that counts against its user's RLIMIT_NPROC.
	other := direct(t, Program{Path: "/bin/sleep", Argv: []string{"sleep", "300"}},
		syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 61234, Gid: 61234}})
	defer other.reap(t)
	defer unix.Kill(other.pid, unix.SIGKILL)
	for _, tt := range []struct {
		p    Program
		id   Identity
		want string
		err  syscall.Errno
	}{
		{exec("/no/such/program"), Identity{}, "cannot execute the program: no such file or directory", unix.ENOENT},
		{exec(script), Identity{}, "cannot execute the program: no such file or directory", unix.ENOENT},
		{exec(""), Identity{}, "cannot execute the program: no such file or directory", unix.ENOENT},
		{exec(dir), Identity{}, "cannot execute the program: it is not executable for the program's user: correct its permissions, or those on the way to it (permission denied)", unix.EACCES},
		{exec(private + "/x"), Identity{User: "nobody"}, "cannot execute the program: it is not executable for the program's user: correct its permissions, or those on the way to it (permission denied)", unix.EACCES},
		{in("/no/such/dir"), Identity{}, "cannot change to directory /no/such/dir: no such file or directory", unix.ENOENT},
		{in(private), Identity{User: "nobody"}, "cannot change to directory " + private + ": the program's user may not enter it: correct its permissions, or those on the way to it (permission denied)", unix.EACCES},
		{sh("pwd"), Identity{Limits: []Rlimit{{"core", 0, 0}, {"nofile", 9, 1 << 40}}},
			"cannot set the limit nofile 9:1099511627776: a hard limit is raised only with CAP_SYS_RESOURCE, and that of open files not above fs.nr_open (sysctl) (operation not permitted)", unix.EPERM},
		{sh("pwd"), Identity{User: "61234", Group: "61234", Limits: []Rlimit{{"nproc", 0, 0}}},
			"cannot execute the program: its user has as many processes as RLIMIT_NPROC allows (resource temporarily unavailable)", unix.EAGAIN},
	} {
		err := failure(t, tt.p, tt.id)
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Error(diff)
		}
		if !errors.Is(err, tt.err) {
			t.Errorf("%v is not %v", err, tt.err)
		}
	}
}

// What needs privileges says so in a host that has none.
func TestUnprivileged(t *testing.T) {
	needRoot(t)
	got := self(t, "unprivileged", syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})
	want := `umask 18: <nil>
oom_score_adj EACCES: cannot set the OOM score adjustment to -1000: lowering it needs CAP_SYS_RESOURCE: run the host with it (permission denied)
setpriority EACCES: cannot set the niceness to -1: lowering it needs CAP_SYS_NICE, or a higher RLIMIT_NICE: run the host with it (permission denied)
setrlimit EPERM: cannot set the limit core 0:infinity: a hard limit is raised only with CAP_SYS_RESOURCE: run the host with it, or ask for less (operation not permitted)
setgroups EPERM: cannot set the supplementary groups to [1]: this needs CAP_SETGID: run the host as root, or leave user and groups unset (operation not permitted)
setgid EPERM: cannot change to group 1: this needs CAP_SETGID: run the host as root, or leave user and groups unset (operation not permitted)
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func unprivileged() {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		panic(err)
	}
	for _, id := range []Identity{
		{Umask: set(0o22)},
		{OOMScoreAdj: set(-1000)},
		{Nice: set(-1)},
		{Limits: []Rlimit{{"core", 0, Infinity}}},
		{Groups: []string{"1"}},
		{Group: "1"},
	} {
		w, pid := roleSpawn(sh("exit"), id, &syscall.SysProcAttr{})
		err := w.Result(context.Background())
		if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
			panic(err)
		}
		var step *StepError
		if errors.As(err, &step) {
			fmt.Printf("%s %s: %v\n", step.Step, unix.ErrnoName(step.Err), err)
		} else {
			fmt.Printf("umask %d: %v\n", *id.Umask, err)
		}
	}
}

// The death of the parent reaches a child that has changed its user, which is
// when the kernel forgets the signal. The control shows that it does forget it.
func TestParentDeathSignal(t *testing.T) {
	needRoot(t)
	for role, dies := range map[string]bool{"mother": true, "mother-plain": false} {
		host := selfIn(t, role, syscall.SysProcAttr{})
		var pid int
		if _, err := fmt.Fscanln(host.out, &pid); err != nil {
			t.Fatal(err)
		}
		pidfd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Kill(host.pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		host.reap(t)
		// The signal is sent before the parent can be waited for.
		if !dies {
			if !alive(pid) {
				t.Errorf("%s: the child died without being asked to", role)
			}
			_ = unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
		}
		awaitGone(t, pid)
		unix.Close(pidfd)
	}
}

// A shim whose parent ends before it has been told what to do ends too.
func TestAbandoned(t *testing.T) {
	out := self(t, "abandoner", syscall.SysProcAttr{})
	var pid int
	if _, err := fmt.Sscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, pid)
}

func TestKilled(t *testing.T) {
	large := sh("exit")
	for i := range 10 {
		large.Env = append(large.Env, fmt.Sprintf("V%d=%s", i, strings.Repeat("x", 100_000)))
	}
	for name, p := range map[string]Program{"small order": sh("exit"), "order larger than the socket's buffer": large} {
		w, s := start(t, p, Identity{Umask: set(0)})
		if err := unix.Kill(s.pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := w.Result(t.Context()); err != ErrNotExecuted {
			t.Errorf("%s: result is %v, want ErrNotExecuted", name, err)
		}
		if _, status := s.end(t); status.Signal() != unix.SIGKILL {
			t.Errorf("%s: it ended with %#x", name, status)
		}
	}
}

// The wait for a shim that does nothing ends with the context.
func TestInterrupted(t *testing.T) {
	w, s := start(t, sh("exit"), Identity{Umask: set(0)})
	if err := unix.Kill(s.pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(s.pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("it did not stop: %v, %#x", err, status)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Result(ctx); err != context.Canceled {
		t.Errorf("result is %v, want context.Canceled", err)
	}
	if err := unix.Kill(s.pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.end(t)
}

func TestConcurrent(t *testing.T) {
	before := openFiles(t)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			id := Identity{Umask: set(i), ListenPID: true}
			p := sh(`test $$ = $LISTEN_PID && umask`)
			if i%10 == 9 {
				p.Path = "/no/such/program"
			}
			w, s := start(t, p, id)
			err := w.Result(t.Context())
			out, status := s.end(t)
			s.out.Close()
			switch {
			case i%10 == 9:
				if !errors.Is(err, unix.ENOENT) || out != "" {
					t.Errorf("%d: error %v, output %q, want ENOENT", i, err, out)
				}
			case err != nil || status != 0 || out != fmt.Sprintf("%04o\n", i):
				t.Errorf("%d: error %v, status %#x, output %q", i, err, status, out)
			}
		})
	}
	all.Wait()
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestNotSpawned(t *testing.T) {
	before := openFiles(t)
	w, err := Wrap(Program{Path: "/bin/true", Files: []uintptr{0, 1, 2}}, &Identity{})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	w.Close()
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// The name of the shim alone makes no shim of a program, and with the variable
// it does only its parent's bidding.
func TestStray(t *testing.T) {
	ours, theirs := socketpair(t)
	defer unix.Close(ours)
	defer unix.Close(theirs)
	coverDir := "GOCOVERDIR=" + t.TempDir() // what is built with -cover complains without
	self := func(env ...string) Program {
		return Program{Path: "/proc/self/exe", Argv: []string{child.Name},
			Env: append(env, roleVar+"=hello", "GORACE=atexit_sleep_ms=0", coverDir)}
	}
	run := func(p Program) (string, int) {
		out, done := stdio(t, &p)
		p.Files[2] = p.Files[1]
		pid, err := forkExec(&p, &syscall.SysProcAttr{})
		done()
		if err != nil {
			t.Fatal(err)
		}
		text, status := spawned{pid, out}.end(t)
		return text, status.ExitStatus()
	}

	named := self()
	other := self(child.Environ(3)...)
	other.Argv = []string{"other"}
	noNumber := self(child.Environ(3)...)
	noNumber.Env[0] = strings.Replace(noNumber.Env[0], "=3", "=x", 1)
	noSocket := self(child.Environ(0)...)
	notOurs := self()
	notOurs.Env[0] = roleVar + "=grandmother"
	notOurs.Argv[0] = "grandmother"
	notOurs.Files = []uintptr{uintptr(theirs)}

	for name, tt := range map[string]struct {
		p    Program
		want string
		code int
	}{
		"name alone":      {named, "hello", 0},
		"variable alone":  {other, "hello", 0},
		"no number":       {noNumber, "coppice-exec-shim: COPPICE_SHIM_FD is not a number\n", 127},
		"no socket":       {noSocket, "coppice-exec-shim: descriptor 0 is not its socket: socket operation on non-socket\n", 127},
		"another's child": {notOurs, "coppice-exec-shim: its parent has ended, or did not start it\n", 127},
	} {
		if out, code := run(tt.p); out != tt.want || code != tt.code {
			t.Errorf("%s: it exited with %d and said %q, want %d and %q", name, code, out, tt.code, tt.want)
		}
	}

	t.Run("set-uid", func(t *testing.T) {
		needRoot(t)
		p := self(child.Environ(3)...)
		p.Path = setUID(t)
		p.Files = []uintptr{uintptr(theirs)}
		const want = "coppice-exec-shim: refused: the host program is set-uid, set-gid or has file capabilities\n"
		if out, code := run(p); out != want || code != 127 {
			t.Errorf("it exited with %d and said %q, want 127 and %q", code, out, want)
		}
	})
}

func socketpair(t *testing.T) (ours, theirs int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

// grandmother passes on a socket which is not hers, and exits like the shim.
func grandmother() {
	pid, err := syscall.ForkExec("/proc/self/exe", []string{child.Name},
		&syscall.ProcAttr{Env: child.Environ(3), Files: []uintptr{0, 1, 2, 3}})
	if err != nil {
		panic(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		panic(err)
	}
	os.Exit(status.ExitStatus())
}

// setUID copies the test binary and gives it another user's privileges.
func setUID(t *testing.T) string {
	t.Helper()
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "set-uid")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		t.Fatal(err)
	}
	if fs.Flags&unix.ST_NOSUID != 0 {
		t.Skip("the file system of the test's directory is mounted nosuid")
	}
	return path
}

func BenchmarkSpawn(b *testing.B) {
	p := Program{Path: "/bin/true", Argv: []string{"true"}, Files: []uintptr{0, 1, 2}}
	b.Run("direct", func(b *testing.B) {
		for b.Loop() {
			pid, err := forkExec(&p, &syscall.SysProcAttr{})
			if err != nil {
				b.Fatal(err)
			}
			spawned{pid: pid}.reap(b)
		}
	})
	b.Run("shim", func(b *testing.B) {
		for b.Loop() {
			w, err := Wrap(p, &Identity{Umask: set(0)})
			if err != nil {
				b.Fatal(err)
			}
			pid, err := forkExec(&w.Program, &syscall.SysProcAttr{})
			if err != nil {
				b.Fatal(err)
			}
			if err := w.Result(b.Context()); err != nil {
				b.Fatal(err)
			}
			spawned{pid: pid}.reap(b)
		}
	})
}
