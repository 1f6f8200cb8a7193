//go:build linux

package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/worker/internal/cgroup"
)

// eachWay runs a test with a cgroup for each incarnation, and without.
func eachWay(t *testing.T, f func(t *testing.T, escape []string)) {
	t.Run("cgroup", func(t *testing.T) {
		if _, err := cgroup.Find(); err != nil {
			t.Skip(err)
		}
		f(t, []string{"same-group", "own-group", "own-session", "daemon"})
	})
	t.Run("session", func(t *testing.T) {
		withoutCgroups(t)
		f(t, []string{"same-group", "own-group"})
	})
}

func withoutCgroups(t *testing.T) {
	before := findCgroup
	t.Cleanup(func() { findCgroup = before })
	findCgroup = func() (*cgroup.Parent, error) { return nil, errors.ErrUnsupported }
}

// Whatever the leader leaves dies with it, however it tried to escape, and one
// line says how many there were.
func TestLeftBehind(t *testing.T) {
	eachWay(t, func(t *testing.T, escape []string) {
		for _, how := range escape {
			for _, n := range []int{3, 50} {
				r := start(t, self("leave", how, n, 0))
				if err := r.end(); err != nil {
					t.Fatal(err)
				}
				left := r.log.left()
				if len(left) != n {
					t.Fatalf("%s: left %v", how, left)
				}
				awaitGone(t, 0, left...) // now, not soon
				line := fmt.Sprintf("warn: the program ended and left processes behind; they were killed processes=%d", n)
				if said := r.log.count(line); said != 1 {
					t.Errorf("%s: %d lines say that %d were left behind:\n%s", how, said, n, r.log)
				}
			}
		}
	})
}

// After a stop nothing is left either, but that is no news.
func TestStopEndsTheSession(t *testing.T) {
	eachWay(t, func(t *testing.T, escape []string) {
		for _, how := range escape {
			r := start(t, self("leave-and-stay", how, 2))
			r.log.await(t, 1, "ready")
			r.stop()
			r.Kill()
			if exit := exitOf(t, r.end()); exit.ExitClass() != strategies.Killed {
				t.Errorf("%v is %v", exit, exit.ExitClass())
			}
			if left := r.log.left(); len(left) != 2 {
				t.Fatalf("left %v", left)
			} else {
				awaitGone(t, 0, left...)
			}
			if n := r.log.count("left processes behind"); n != 0 {
				t.Errorf("%s: said after a kill: %s", how, r.log)
			}
		}
	})
}

// The leader dies of a signal, and what is left of it ignores SIGTERM.
func TestCrashEndsTheRest(t *testing.T) {
	eachWay(t, func(t *testing.T, escape []string) {
		for _, how := range escape {
			r := start(t, self("leave-and-stay", how, 2))
			r.log.await(t, 1, "ready")
			_ = syscall.Kill(r.PID(), syscall.SIGSEGV)
			exit := exitOf(t, r.end())
			if exit.ExitClass() != strategies.Crash {
				t.Errorf("%v is %v", exit, exit.ExitClass())
			}
			awaitGone(t, 0, r.log.left()...)
		}
	})
}

// Without a cgroup a descendant in a session of its own is not followed, but it
// does not hide the death of its parent by holding the pipe.
func TestPipeHeld(t *testing.T) {
	withoutCgroups(t)
	r := start(t, self("leave", "own-session", 1, 3))
	r.log.await(t, 1, "left")
	awaitGone(t, patience, r.PID())
	died := time.Now()
	exit := exitOf(t, r.end())
	if took := time.Since(died); took > time.Second {
		t.Errorf("Serve returned %v after the death", took)
	}
	left := r.log.left()
	if exit.Code != 3 || len(left) != 1 || !alive(left[0]) {
		t.Errorf("%v, left %v", exit, left)
	}
	if n := r.log.count("still holds it"); n != 1 {
		t.Errorf("%d lines say that the pipe is held:\n%s", n, r.log)
	}
	_ = syscall.Kill(left[0], syscall.SIGKILL)
	awaitGone(t, patience, left[0])
}

// Members that cannot be killed: Serve gives up on them, and says so. Here the
// thread that serves has given up its rights.
func TestSurvivors(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to lose the right to kill")
	}
	log := newJournal()
	p, _ := self("leave", "same-group", 1, 3).Process()
	if err := p.Init(withLogger(log)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	began := time.Now()
	go func() {
		runtime.LockOSThread() // ends with the goroutine
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); e != 0 {
			done <- e
			return
		}
		done <- p.Serve(withLogger(log))
	}()
	err := <-done
	left := log.left()
	if len(left) != 1 {
		t.Fatalf("%v, left %v", err, left)
	}
	_ = syscall.Kill(left[0], syscall.SIGKILL)

	var s *SurvivorsError
	if !errors.As(err, &s) || !cmp.Equal(s.Pids, left) {
		t.Errorf("%v, want %v to survive", err, left)
	}
	if exit := exitOf(t, err); exit.Code != 3 || exit.ExitClass() != strategies.Crash {
		t.Errorf("%v", exit)
	}
	if took := time.Since(began); took < sweepFor || took > sweepFor+3*time.Second {
		t.Errorf("it took %v to give up", took)
	}
	if !strings.Contains(err.Error(), "exit status 3; 1 processes of its session survived SIGKILL: pid ") {
		t.Error(err)
	}
}

// A process that carries the session's number without proof of being a member
// is left alone.
func TestMembersAreProven(t *testing.T) {
	old, young := member{pid: 1 << 28, start: 50, session: 77, group: 78}, member{pid: 1<<28 + 1, start: 150, session: 77, group: 78}
	for _, tt := range []struct {
		name  string
		there []procEntry
		known []member // before
		want  []member // after
	}{
		{"older than the leader's end", []procEntry{{member: old}}, nil, []member{old}},
		{"younger, alone", []procEntry{{member: young}}, nil, nil},
		{"younger, with an older one", []procEntry{{member: old}, {member: young}}, nil, []member{old, young}},
		{"younger, with an older zombie", []procEntry{{member: old, dead: true}, {member: young}}, nil, []member{old, young}},
		{"younger, known", []procEntry{{member: young}}, []member{young}, []member{young}},
	} {
		known := make(map[member]bool)
		for _, m := range tt.known {
			known[m] = true
		}
		prove(tt.there, known, 100)
		want := make(map[member]bool)
		for _, m := range tt.want {
			want[m] = true
		}
		if diff := cmp.Diff(want, known, cmp.AllowUnexported(member{})); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestParseStat(t *testing.T) {
	const rest = " 1 20 30 34816 -1 4194304 0 0 0 0 0 0 0 0 20 0 THREADS 0 4711 0 0"
	for _, tt := range []struct {
		name, state, threads string
		want                 procEntry
	}{
		{"cat", "S", "1", procEntry{}},
		{"a) Z (b c", "R", "1", procEntry{}},
		{"zombie", "Z", "1", procEntry{dead: true}},
		{"first thread ended", "Z", "3", procEntry{}},
		{"dead", "X", "0", procEntry{dead: true}},
	} {
		line := "10 (" + tt.name + ") " + tt.state + strings.Replace(rest, "THREADS", tt.threads, 1)
		tt.want.member = member{pid: 10, start: 4711, group: 20, session: 30}
		if got, ok := parseStat(10, []byte(line)); !ok || got != tt.want {
			t.Errorf("%s: %+v %v, want %+v", line, got, ok, tt.want)
		}
	}
	for _, bad := range []string{"", "10 (cat", "10 (cat) S 1 2"} {
		if _, ok := parseStat(10, []byte(bad)); ok {
			t.Errorf("%q was understood", bad)
		}
	}
	if e, err := readStat(os.Getpid()); err != nil || e.start > ticks() || e.dead {
		t.Errorf("of this process: %+v %v, now %d", e, err, ticks())
	}
}

// The host dies: the kernel kills its children.
func TestHostKilled(t *testing.T) {
	host := start(t, self("host", 20))
	host.log.await(t, 1, "ready")
	pids := host.log.left()
	if len(pids) != 20 {
		t.Fatalf("the host has %d children", len(pids))
	}
	for _, pid := range pids {
		if !alive(pid) {
			t.Fatalf("child %d of the host is not alive", pid)
		}
	}
	_ = syscall.Kill(host.PID(), syscall.SIGKILL)
	awaitGone(t, 2*time.Second, pids...)
}

// The host dies under a guard: nothing is left when the guard is gone, whatever
// the children have done to get away.
func TestHostKilledUnderGuard(t *testing.T) {
	for _, cgroups := range []string{"", "off"} {
		cmd := exec.Command("/proc/self/exe", "guarded-host")
		cmd.Env = append(os.Environ(), roleVar+"=1", "COPPICE_CGROUP="+cgroups)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var pids []int
		host := 0
		for lines := bufio.NewScanner(out); host == 0 && lines.Scan(); {
			pid := 0
			if _, err := fmt.Sscanf(lines.Text(), "left %d", &pid); err == nil {
				pids = append(pids, pid)
			}
			_, _ = fmt.Sscanf(lines.Text(), "host %d", &host)
		}
		if len(pids) != 4+4*12 || host == 0 || host == cmd.Process.Pid {
			t.Fatalf("host %d of %d, with %d processes", host, cmd.Process.Pid, len(pids))
		}
		for _, pid := range pids {
			if !alive(pid) {
				t.Errorf("%d is not alive before the end", pid)
			}
		}
		_ = syscall.Kill(host, syscall.SIGKILL)
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGKILL) {
			t.Errorf("the guard exited with %d", code)
		}
		awaitGone(t, 0, pids...)
		if parent, err := cgroup.Find(); err == nil {
			if left, _ := filepath.Glob(fmt.Sprintf("%v/coppice-%d-*", parent, host)); len(left) > 0 {
				t.Errorf("cgroups are left: %q", left)
			}
		}
	}
}

// A thousand lives leave nothing, be they plain or with all that a Command can have.
func TestNothingIsLeft(t *testing.T) {
	plain := self("exit", 0)
	if cmd := light(); cmd.Path != "/proc/self/exe" {
		plain = Command{Path: cmd.Path, Args: []string{"0"}}
	}
	dir := t.TempDir()
	equipped := with(plain, func(c *Command) {
		c.Alive = Liveness{Check: Notify{}}
		c.IPC = NodeIPC
		c.File = &File{Path: dir + "/log"}
	})
	for name, cmd := range map[string]Command{"plain": plain, "equipped": equipped} {
		once := func() {
			p, err := cmd.Process()
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Serve(quiet()); err != nil {
				t.Fatal(err)
			}
		}
		once() // starts the permanent goroutines
		fds, tasks, goroutines := openFiles(t), threads(t), goleak.IgnoreCurrent()
		for range 1000 {
			once()
		}
		if now := openFiles(t); now != fds {
			t.Errorf("%s: %d open files, before %d", name, now, fds)
		}
		if now := threads(t); now > tasks+4 { // Go starts one when a call takes long
			t.Errorf("%s: %d threads, before %d", name, now, tasks)
		}
		goleak.VerifyNone(t, goroutines)
		if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != unix.ECHILD {
			t.Errorf("%s: a child is left: %v", name, err)
		}
		left := ourFiles(t) // after a crash it takes a second
		for deadline := time.Now().Add(patience); len(left) > 0 && time.Now().Before(deadline); left = ourFiles(t) {
			time.Sleep(10 * time.Millisecond)
		}
		if len(left) > 0 {
			t.Errorf("%s: left %q", name, left)
		}
	}
}

// ourFiles are the directories that this process has made for its children.
func ourFiles(t *testing.T) (left []string) {
	t.Helper()
	patterns := []string{"/run/coppice-notify-%d-*", os.TempDir() + "/coppice-notify-%d-*"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		patterns = append(patterns, dir+"/coppice-notify-%d-*")
	}
	if parent, err := cgroup.Find(); err == nil {
		patterns = append(patterns, parent.String()+"/coppice-%d-*")
	}
	for _, p := range patterns {
		found, err := filepath.Glob(fmt.Sprintf(p, os.Getpid()))
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, found...)
	}
	return left
}

func threads(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}

// Many at once, with both streams captured, take few threads and little memory.
func TestMany(t *testing.T) {
	n := 1000
	if many, err := strconv.Atoi(os.Getenv("COPPICE_MANY")); err == nil {
		n = many
	}
	var lim unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &lim)
	if raced || testing.Short() || lim.Cur < uint64(4*n) {
		n = 500
	}
	ctx, cancel := context.WithCancel(quiet())
	defer cancel()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done := make(chan error, n)
	goroutines := runtime.NumGoroutine()
	began := time.Now()
	for range n {
		p, _ := light().Process()
		if err := p.Init(ctx); err != nil {
			t.Fatal(err)
		}
		go func() { done <- p.Serve(ctx) }()
	}
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	tasks := threads(t)
	perChild := (after.HeapInuse + after.StackInuse - before.HeapInuse - before.StackInuse) / uint64(n)
	t.Logf("%d processes in %v: %d OS threads, %d goroutines, %d bytes each", n, took, tasks, runtime.NumGoroutine()-goroutines, perChild)
	if tasks >= 40 {
		t.Errorf("%d threads", tasks)
	}
	if perChild > 25_000 && !raced {
		t.Errorf("%d bytes each", perChild)
	}
	if got := runtime.NumGoroutine() - goroutines; got > 3*n+8 {
		t.Errorf("%d goroutines", got)
	}
	cancel()
	for range n {
		if exit := exitOf(t, <-done); exit.ExitClass() != strategies.Shutdown {
			t.Fatalf("%v is %v", exit, exit.ExitClass())
		}
	}
}

func BenchmarkSpawnAndExit(b *testing.B) {
	for b.Loop() {
		p, _ := Command{Path: "/usr/bin/true"}.Process()
		if err := p.Serve(quiet()); err != nil {
			b.Fatal(err)
		}
	}
}

// The cgroup of a child that crashed is used again, until there is no use for it;
// not so one that somebody has killed, in which nothing would run any more.
func TestCgroupIsUsedAgain(t *testing.T) {
	if _, err := cgroup.Find(); err != nil {
		t.Skip(err)
	}
	crash := func() (group string, exit *ExitError) {
		r := start(t, self("exit", 3))
		group = r.child.(*process).group.String()
		return group, exitOf(t, r.end())
	}
	first, _ := crash()
	if again, exit := crash(); again != first || exit.Code != 3 {
		t.Errorf("group %s, then %s: %v", first, again, exit)
	}

	if err := os.WriteFile(first+"/cgroup.kill", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	again, exit := crash()
	if again == first && exit.Signal == syscall.SIGKILL {
		again, exit = crash()
		if again == first {
			t.Errorf("%s was used again", first)
		}
	}
	if exit.Code != 3 {
		t.Errorf("after a kill from outside: %v", exit)
	}
	if _, err := os.Stat(again); err != nil {
		t.Errorf("before CloseIdle: %v", err)
	}
	CloseIdle()
	for _, dir := range []string{again, filepath.Dir(again)} {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after CloseIdle there is %s: %v", dir, err)
		}
	}
}
