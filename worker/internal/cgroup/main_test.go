//go:build linux

package cgroup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// The test binary runs itself as the children: with roleVar set it plays the
// role that its arguments name.
const roleVar = "COPPICE_CGROUP_TEST_ROLE"

// patience bounds every wait for something that ought to happen at once.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) != "" {
		play(os.Args[1], os.Args[2:])
		return
	}
	code := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if p, err := Find(); err == nil && exists(p.run) {
		fmt.Fprintln(os.Stderr, "the tests left", p.run)
		code = 1
	}
	os.Exit(code)
}

func play(role string, args []string) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	switch role {
	case "linger":
		fmt.Println("ready")
		linger()
	case "escape": // into a session of its own, and by a double fork
		fmt.Println("left", leave(&syscall.SysProcAttr{Setsid: true}, "linger"))
		fmt.Println("left", leave(nil, "linger"))
		cmd := again(&syscall.SysProcAttr{Setsid: true}, "fork-and-exit")
		out, err := cmd.Output()
		must(err)
		fmt.Print(string(out))
		fmt.Println("ready")
		linger()
	case "fork-and-exit":
		fmt.Println("left", leave(&syscall.SysProcAttr{Setsid: true}, "linger"))
	case "breed": // N: starts processes as fast as it can, until there are N
		n, _ := strconv.Atoi(args[0])
		for i := range n {
			cmd := light()
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: i%2 == 0}
			must(cmd.Start())
			if i == 5 {
				fmt.Println("ready")
			}
		}
		linger()
	case "nest": // DEPTH: a process in each of a chain of cgroups of its own
		n, _ := strconv.Atoi(args[0])
		dirs, err := ownDirs()
		must(err)
		dir := dirs[len(dirs)-1]
		for range n {
			dir += "/nested"
			must(os.Mkdir(dir, 0o755))
			fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
			must(err)
			fmt.Println("left", leave(&syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}, "linger"))
		}
		fmt.Println("ready")
		linger()
	case "host": // BASE: a supervisor with one child, below BASE
		p, err := newParent(args[0])
		must(err)
		g, err := p.New("child", Limits{})
		must(err)
		fmt.Println("left", leave(&syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD(), Setsid: true}, "linger"))
		fmt.Println("dir", p.run)
		fmt.Println("ready")
		linger()
	case "gorge":
		fmt.Println("ready")
		var all [][]byte
		for range 128 {
			all = append(all, bytes.Repeat([]byte("x"), 1<<20))
		}
		fmt.Println(len(all))
	case "find-in": // DIR: moves there first
		must(write(args[0]+"/cgroup.procs", "0"))
		play("find", nil)
	case "find":
		p, err := Find()
		fmt.Printf("found %v unsupported=%v: %v\n", p, errors.Is(err, errors.ErrUnsupported), err)
		if err == nil && exists(p.run) {
			fmt.Println("left behind", p.run)
		}
		if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != unix.ECHILD {
			fmt.Println("left behind a child:", err)
		}
	}
}

// linger is for ever, but for a test that forgot its children.
func linger() {
	time.Sleep(5 * time.Minute)
	os.Exit(99)
}

// again is the test binary in a role.
func again(sys *syscall.SysProcAttr, role string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append([]string{role}, args...)...)
	cmd.Env = append(os.Environ(), roleVar+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = sys
	cmd.Stderr = os.Stderr
	return cmd
}

// leave starts a process, waits until it is ready and returns its pid.
func leave(sys *syscall.SysProcAttr, role string) int {
	cmd := again(sys, role)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = out.Read(make([]byte, 6))
	}
	if err != nil {
		panic(err)
	}
	return cmd.Process.Pid
}

// light is a program that waits, small enough to have hundreds of.
func light() *exec.Cmd {
	if path, err := exec.LookPath("sleep"); err == nil {
		return exec.Command(path, "300")
	}
	return again(nil, "linger")
}

// parent returns the machine's, or skips the test.
func parent(t testing.TB) *Parent {
	t.Helper()
	p, err := Find()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// base makes a cgroup of the test's own, to be somebody's parent.
func base(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(parent(t).dir, fmt.Sprintf("cgrouptest-%d-%s", os.Getpid(), sanitize(t.Name())))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(kill(dir), removeAfterAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func removeAfterAll(dir string) error {
	_, err := awaitEmpty(dir, patience, nil)
	return errors.Join(err, removeTree(dir))
}

// group makes one; at the end of the test nothing of it may be left.
func group(t testing.TB, p *Parent) *Group {
	t.Helper()
	g, err := p.New(t.Name(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = g.Kill()
		_, _ = g.AwaitEmpty(patience)
		if err := g.Remove(); err != nil || exists(g.dir) {
			t.Errorf("%s is left: %v", g, err)
		}
	})
	return g
}

// child is a process of the test.
type child struct {
	*exec.Cmd
	said []string // up to "ready", or all
}

// start starts a role in a cgroup and returns when it is ready or has ended.
func start(t testing.TB, sys *syscall.SysProcAttr, role string, args ...string) *child {
	t.Helper()
	c := &child{Cmd: again(sys, role, args...)}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		c.said = append(c.said, lines.Text())
	}
	return c
}

func in(g *Group) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD(), Setsid: true}
}

// word returns what stands after a word in what the child said.
func (c *child) word(key string) string {
	for _, line := range c.said {
		if rest, ok := strings.CutPrefix(line, key+" "); ok {
			return rest
		}
	}
	return ""
}

// left returns the pids which the child said it left behind.
func (c *child) left(t testing.TB, want int) (pids []int) {
	t.Helper()
	for _, line := range c.said {
		if rest, ok := strings.CutPrefix(line, "left "); ok {
			pid, _ := strconv.Atoi(rest)
			pids = append(pids, pid)
		}
	}
	if len(pids) != want {
		t.Fatalf("the child has %d descendants, want %d; it said %q", len(pids), want, c.said)
	}
	return pids
}

// alive reports whether pid is there and no zombie.
func alive(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	s, ok := parseStat(string(line))
	return err == nil && ok && !s.ended
}

func allDead(t testing.TB, pids ...int) {
	t.Helper()
	if i := slices.IndexFunc(pids, alive); i >= 0 {
		t.Errorf("pid %d is alive", pids[i])
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
