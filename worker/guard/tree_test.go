//go:build linux

package guard

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// plant starts descendants. Those that are waited for print "left PID".
func plant(kind string) {
	run := func(script string, attr syscall.SysProcAttr) *exec.Cmd {
		cmd := exec.Command("sh", "-c", script)
		cmd.SysProcAttr = &attr
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		return cmd
	}
	switch kind {
	case "plain":
		fmt.Println("left", run("exec sleep 300", syscall.SysProcAttr{}).Process.Pid)
	case "stubborn":
		r, w, _ := os.Pipe()
		cmd := exec.Command("sh", "-c", "trap '' HUP INT TERM; echo; while :; do sleep 300; done")
		cmd.Stdout = w
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		_, _ = r.Read(make([]byte, 1))
		fmt.Println("left", cmd.Process.Pid)
	case "own-session":
		fmt.Println("left", run("exec sleep 300", syscall.SysProcAttr{Setsid: true}).Process.Pid)
	case "daemon":
		_ = run("sleep 300 & echo left $!", syscall.SysProcAttr{Setsid: true}).Wait()
	case "stopped":
		cmd := run("exec sleep 300", syscall.SysProcAttr{Setsid: true})
		_ = cmd.Process.Signal(syscall.SIGSTOP)
		fmt.Println("left", cmd.Process.Pid)
	case "deep": // a chain of parents, each in a session of its own
		run("f() { [ $1 -gt 0 ] || exec sleep 300; f $(($1-1)) & wait; }; f 40", syscall.SysProcAttr{Setsid: true})
	case "forkers": // fifty that fork on
		for range 50 {
			run("i=0; while [ $i -lt 20 ]; do sleep 300 & i=$((i+1)); done; wait", syscall.SysProcAttr{Setsid: true})
		}
	case "bomb": // each makes two
		run("f() { [ $1 -gt 0 ] || exec sleep 300; f $(($1-1)) & f $(($1-1)) & wait; }; f 9", syscall.SysProcAttr{Setsid: true})
	case "runaways": // ten that fork and end, a thousand times, which is as deep as a shell goes
		for range 10 {
			run("exec 2>/dev/null; f() { [ -e "+os.Getenv(goOn)+" ] && f & }; f", syscall.SysProcAttr{Setsid: true})
		}
	default:
		panic(kind)
	}
}

// goOn names the file without which runaways end.
const goOn = "COPPICE_GUARD_TEST_GO_ON"

// plants are the kinds of tree, all of which must be dead when the guard ends.
// The supervisor is killed when there are so many processes below the guard: of
// those that fork on this is in the middle of it.
var plants = []struct {
	kind string
	size int
}{
	{"plain", 2}, {"stubborn", 2}, {"own-session", 2}, {"daemon", 2}, {"stopped", 2},
	{"deep", 20}, {"forkers", 300}, {"bomb", 150}, {"runaways", 5},
}

// A pipe that all descendants inherit tells whether one is alive.
type holders struct{ r, w *os.File }

func newHolders(t *testing.T, cmd *exec.Cmd) holders {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{w}
	t.Cleanup(func() { r.Close(); w.Close() })
	return holders{r, w}
}

// none fails if anybody has the pipe.
func (h holders) none(t *testing.T) {
	t.Helper()
	h.w.Close()
	if err := h.r.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	switch n, err := h.r.Read(make([]byte, 1)); {
	case err == io.EOF:
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.Error("a descendant has outlived the guard")
	default:
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestKilledSupervisorLeavesNobody(t *testing.T) {
	for _, plant := range plants {
		t.Run(plant.kind, func(t *testing.T) {
			file := t.TempDir() + "/go-on"
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := command("tree", plant.kind)
			cmd.Env = append(cmd.Env, goOn+"="+file)
			pipe := newHolders(t, cmd)
			p := launch(t, cmd)
			pids := p.left()
			pid := p.supervisor()
			eventually(t, "the tree has grown", func() bool { return len(descendants(p.guard())) >= plant.size })
			if err := unix.Kill(pid, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if got := p.status(); got != 128+9 {
				t.Errorf("status %d, want 137", got)
			}
			t.Logf("all dead %v after the supervisor", time.Since(began).Round(10*time.Microsecond))
			noneAlive(t, pids)
			pipe.none(t)
			if p.err.Len() > 0 {
				t.Errorf("stderr: %s", &p.err)
			}
		})
	}
}

// However the supervisor ends, what it left is killed.
func TestEndedSupervisorLeavesNobody(t *testing.T) {
	p := launch(t, command("terminal-reader"))
	p.expect("ready") // and stdin is empty
	p.expect(`read "" EOF`)
	if got := p.status(); got != 5 {
		t.Errorf("status %d, want 5", got)
	}

	cmd := command("tree", "daemon")
	pipe := newHolders(t, cmd)
	p = launch(t, cmd)
	pids := p.left()
	_ = unix.Kill(p.guard(), unix.SIGTERM) // which Go's default obeys
	if got := p.status(); got != 128+15 {
		t.Errorf("status %d, want 143", got)
	}
	noneAlive(t, pids)
	pipe.none(t)
}

// A process that the guard may not kill is named, and does not hold it up for
// ever.
func TestSurvivors(t *testing.T) {
	needRoot(t)
	dir := worldReadable(t)
	exe := copyOfSelf(t, dir, 0o755|os.ModeSetuid)
	cmd := command("root-child", exe)
	cmd.Path = copyOfSelf(t, dir, 0o755)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	p := launch(t, cmd)
	pid := pidIn(t, p.line())
	defer func() { _ = unix.Kill(pid, unix.SIGKILL) }()

	_ = unix.Kill(p.supervisor(), unix.SIGKILL)
	if got := p.status(); got != 128+9 {
		t.Errorf("status %d, want 137", got)
	}
	if want := fmt.Sprintf("pid %d (", pid); !strings.Contains(p.err.String(), want) {
		t.Errorf("stderr is %q, want it to contain %q", &p.err, want)
	}
}

// Orphans are reaped while the supervisor lives, and its own children are not.
func TestOrphansAreReaped(t *testing.T) {
	p := launch(t, command("orphans", 20))
	p.expect("ready")
	eventually(t, "the guard has but one child", func() bool { return len(children(p.guard())) == 1 })

	// A daemon comes up to the guard, and is reaped when it is dead.
	p = launch(t, command("tree", "daemon"))
	pid := p.left()[0]
	if s, err := readStat(pid); err != nil || s.parent != p.guard() {
		t.Fatalf("the daemon's parent is %d (%v), want the guard, %d", s.parent, err, p.guard())
	}
	_ = unix.Kill(pid, unix.SIGKILL)
	eventually(t, "the dead daemon is reaped", func() bool {
		_, err := readStat(pid)
		return err != nil
	})
	if s, err := readStat(p.supervisor()); err != nil || s.state == 'Z' {
		t.Errorf("the supervisor is gone: %v %v", s, err)
	}
}

func TestReadStat(t *testing.T) {
	s, err := readStat(os.Getpid())
	if err != nil || s.parent != os.Getppid() || s.start == 0 || s.name == "" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := readStat(1 << 30); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want os.ErrNotExist", err)
	}
}

// A tree that has taken all processes there are cannot stop the guard.
func TestNoMoreProcesses(t *testing.T) {
	needRoot(t) // to become a user whom limits bind
	dir := worldReadable(t)
	cmd := command("starve-guard")
	cmd.Path = copyOfSelf(t, dir, 0o755)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	pipe := newHolders(t, cmd)
	p := launch(t, cmd)
	p.expect("ready")
	eventually(t, "the tree has grown", func() bool { return len(descendants(p.guard())) >= 300 })
	_ = unix.Kill(p.supervisor(), unix.SIGKILL)
	if got := p.status(); got != 128+9 {
		t.Errorf("status %d, want 137; stderr:\n%s", got, &p.err)
	}
	pipe.none(t)
}

func TestMakeThreads(t *testing.T) {
	p := launch(t, command("threads"))
	before := p.line()
	if after := p.line(); after != before {
		t.Errorf("%s threads became %s", before, after)
	}
}
