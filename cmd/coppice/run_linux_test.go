package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

// patience bounds every wait for something that ought to happen soon.
const patience = 60 * time.Second

// liveRun is a `coppice run` that a test looks at from outside.
type liveRun struct {
	t   *testing.T
	cmd *exec.Cmd
	dir string // of the control socket
	end chan struct{}

	mu    sync.Mutex // guards lines
	lines []string
	more  chan struct{} // closed and replaced with each line
}

// runTree runs a tree file with this text.
func runTree(t *testing.T, text string, args ...string) *liveRun {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tree.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return runFile(t, file, args...)
}

func runFile(t *testing.T, file string, args ...string) *liveRun {
	t.Helper()
	dir, err := os.MkdirTemp("", "cop") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &liveRun{t: t, dir: dir, end: make(chan struct{}), more: make(chan struct{})}
	r.cmd = r.coppice(append([]string{"run", file}, args...)...)
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.end)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			r.mu.Lock()
			r.lines = append(r.lines, s.Text())
			close(r.more)
			r.more = make(chan struct{})
			r.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // the guard; the supervisor then stops in order
		<-r.end
		_ = r.cmd.Wait()
	})
	return r
}

// coppice is a command that talks to this run, or runs beside it.
func (r *liveRun) coppice(args ...string) *exec.Cmd {
	cmd := coppice(r.t, args...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+r.dir)
	return cmd
}

// ask runs a command that has to succeed, and returns its output.
func (r *liveRun) ask(args ...string) string {
	r.t.Helper()
	var stderr bytes.Buffer
	cmd := r.coppice(args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("coppice %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// await waits for the n-th line of the log that matches, and returns it.
func (r *liveRun) await(n int, pattern string) string {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	for late := time.After(patience); ; {
		r.mu.Lock()
		left := n
		for _, line := range r.lines {
			if re.MatchString(line) {
				if left--; left == 0 {
					r.mu.Unlock()
					return line
				}
			}
		}
		more := r.more
		r.mu.Unlock()
		select {
		case <-more:
		case <-r.end:
			select {
			case <-more: // the last lines
			default:
				r.t.Fatalf("it ended without a line %q:\n%s", pattern, r.log())
			}
		case <-late:
			r.t.Fatalf("there is no line %q:\n%s", pattern, r.log())
		}
	}
}

func (r *liveRun) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// wait waits for the end, and returns the exit status.
func (r *liveRun) wait() int {
	r.t.Helper()
	select {
	case <-r.end:
	case <-time.After(patience):
		r.t.Fatalf("it does not end:\n%s", r.log())
	}
	_ = r.cmd.Wait()
	return r.cmd.ProcessState.ExitCode()
}

// signal sends the guard a signal, which stands for the run.
func (r *liveRun) signal(sig syscall.Signal) { _ = r.cmd.Process.Signal(sig) }

// supervisor is the pid of the process that runs the tree.
func (r *liveRun) supervisor() int {
	r.t.Helper()
	kids := descendants(r.t, r.cmd.Process.Pid, 1)
	for _, pid := range kids { // the others are orphans
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.Contains(string(args), "\x00run\x00") {
			return pid
		}
	}
	r.t.Fatalf("none of %d, the children of the guard, is the supervisor", kids)
	return 0
}

// descendants returns the children of a process, and theirs, down to a depth.
func descendants(t *testing.T, pid, depth int) (pids []int) {
	t.Helper()
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range tasks {
		b, _ := os.ReadFile(file)
		for _, f := range strings.Fields(string(b)) {
			kid, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, kid)
			if depth > 1 {
				pids = append(pids, descendants(t, kid, depth-1)...)
			}
		}
	}
	return pids
}

// Whatever ends a run, nothing of it is left: processes in other sessions, zombies,
// cgroups. Only what is killed cannot remove its socket, which the next run does.
func TestRunLeavesNothing(t *testing.T) {
	const tree = `
name: nasty
intensity: {max: 1000, within: 1s}
children:
  - {id: deaf, command: [coppice, misbehave, ignore-term, --ready], ready: {log: ready}, stop: {timeout: 300ms}}
  - {id: daemon, command: [coppice, misbehave, double-fork, --n, 2, --ready], ready: {log: ready}, stop: {timeout: 300ms}}
  - {id: forks, command: [coppice, misbehave, setsid, --n, 3, --ready], ready: {log: ready}, stop: {timeout: 300ms}}
  - {id: crashes, shell: exit 1, backoff: {min: 50ms}}
`
	times := 13 // of four ends: 52
	if testing.Short() {
		times = 2
	}
	for _, end := range []struct {
		name   string
		times  int
		by     func(r *liveRun)
		status int
		socket bool // may be left
	}{
		{"SIGTERM", times, func(r *liveRun) { r.signal(syscall.SIGTERM) }, exit.Clean, false},
		{"SIGINT twice", times, func(r *liveRun) {
			r.signal(syscall.SIGINT)
			r.await(1, "stopping in order")
			r.signal(syscall.SIGINT)
		}, exit.Failed, false},
		{"SIGKILL of the supervisor", times, func(r *liveRun) { _ = syscall.Kill(r.supervisor(), syscall.SIGKILL) }, 128 + 9, true},
		{"SIGKILL of the guard", times, func(r *liveRun) { r.signal(syscall.SIGKILL) }, -1, false},
	} {
		t.Run(end.name, func(t *testing.T) {
			for range end.times {
				r := runTree(t, tree)
				r.await(1, "-- nasty: started")
				supervisor := r.supervisor()
				pids := descendants(t, r.cmd.Process.Pid, 10)
				if len(pids) < 9 {
					t.Fatalf("there are processes %d only", pids)
				}
				end.by(r)
				if status := r.wait(); status != end.status {
					t.Errorf("exit status %d, want %d:\n%s", status, end.status, r.log())
				}
				for _, pid := range pids {
					waitGone(t, pid)
				}
				if left := cgroupsOf(supervisor); len(left) > 0 {
					t.Errorf("cgroups are left: %q", left)
				}
				if left, _ := filepath.Glob(r.dir + "/coppice/*"); len(left) > 0 && !end.socket {
					t.Errorf("files are left: %q", left)
				}
			}
		})
	}
}

// cgroupsOf returns the cgroups that a supervisor has made.
func cgroupsOf(pid int) (left []string) {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if before, _, ok := strings.Cut(line, " - cgroup2 "); ok && before != "" {
			found, _ := filepath.Glob(fmt.Sprintf("%s/coppice-%d-*", f[4], pid))
			left = append(left, found...)
		}
	}
	return left
}

// A run whose supervisor was killed leaves a socket, which the next takes over. One
// that lives does not give its name away.
func TestRunTakesOverSocket(t *testing.T) {
	const tree = "name: shop\nchildren: [{id: a, command: [sleep, '1000']}]"
	first := runTree(t, tree)
	first.await(1, "-- shop: started")
	var stderr bytes.Buffer
	second := first.coppice("run", write(t, "tree.yaml", tree))
	second.Stderr = &stderr
	if _ = second.Run(); second.ProcessState.ExitCode() != exit.Failed || !strings.Contains(stderr.String(), fmt.Sprintf("%d", first.supervisor())) {
		t.Errorf("a second run of the same name: status %d, %s", second.ProcessState.ExitCode(), &stderr)
	}
	_ = syscall.Kill(first.supervisor(), syscall.SIGKILL)
	if status := first.wait(); status != 128+9 {
		t.Errorf("status %d", status)
	}
	third := first.coppice("run", write(t, "tree.yaml", tree), "--log-format", "json")
	out, err := third.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Start(); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		if strings.Contains(s.Text(), `"@message":"shop: started"`) {
			_ = third.Process.Signal(syscall.SIGTERM)
		}
	}
	if err := third.Wait(); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
