package misbehave

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

// patience bounds every wait for something that ought to happen soon.
const patience = 20 * time.Second

// The test binary is the command as well. What escapes from the processes of
// the tests comes to the test binary, which is their subreaper (prctl(2)), so
// that in the end it is known that none is left.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == Command {
		kind, o, given, err := parse(os.Args[2:]...)
		if err == nil {
			err = Run(kind, o, given)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(exit.Status(err))
	}
	// The race detector would have every child sleep for a second at its exit.
	err := os.Setenv("GORACE", "atexit_sleep_ms=0")
	if err == nil {
		err = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		fmt.Printf("processes are left: wait4 said %d, %v\n", pid, err)
		code = 1
	}
	os.Exit(code)
}

// proc is a process that misbehaves.
type proc struct {
	t      *testing.T
	pid    int
	begun  time.Time
	reaped bool
	once   sync.Once     // the end
	eof    chan struct{} // closed when nobody holds its output

	mu  sync.Mutex // guards out
	out bytes.Buffer
}

// prepare makes a command line of "KIND options".
func prepare(args string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append([]string{Command}, strings.Fields(args)...)...)
	if !strings.Contains(args, "--max ") {
		cmd.Args = append(cmd.Args, "--max", "60s")
	}
	cmd.Args = append(cmd.Args, "--pids")
	return cmd
}

// start starts cmd; at the end of the test nothing is left of it.
func start(t *testing.T, cmd *exec.Cmd) *proc {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &proc{t: t, begun: time.Now(), eof: make(chan struct{})}
	err = cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		t.Fatal(err)
	}
	p.pid = cmd.Process.Pid
	_ = cmd.Process.Release() // p reaps it
	go p.read(r)
	t.Cleanup(p.end)
	return p
}

func run(t *testing.T, args string) *proc {
	t.Helper()
	return start(t, prepare(args))
}

func (p *proc) read(r *os.File) {
	defer close(p.eof)
	defer r.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := r.Read(b)
		p.mu.Lock()
		p.out.Write(b[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *proc) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// end kills it and everything that it said it left. With its parent dead each
// of them is a child of the test, and keeps its pid until it is reaped here.
func (p *proc) end() { p.once.Do(p.finish) }

func (p *proc) finish() {
	if !p.reaped {
		_ = unix.Kill(p.pid, unix.SIGKILL)
		p.wait()
	}
	for _, pid := range p.leftSoFar() {
		_ = unix.Kill(pid, unix.SIGKILL)
		for { // until it is dead, and was a child or never became one
			if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
				break
			}
		}
	}
	<-p.eof
}

// eventually polls.
func (p *proc) eventually(what string, is func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("not so after %v: %s; output:\n%s", patience, what, p.output())
		}
	}
}

// staysAlive is the proof that something does not happen, as far as there is one.
func (p *proc) staysAlive() {
	p.t.Helper()
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if !alive(p.pid) {
			p.t.Fatalf("it ended; output:\n%s", p.output())
		}
	}
}

// await waits for a line.
func (p *proc) await(line string) {
	p.t.Helper()
	p.eventually("the line "+line, func() bool { return strings.Contains("\n"+p.output(), "\n"+line+"\n") })
}

// left waits for n processes and returns their pids.
func (p *proc) left(n int) []int {
	p.t.Helper()
	p.eventually(fmt.Sprint(n, " made processes"), func() bool { return len(p.leftSoFar()) >= n })
	return p.leftSoFar()
}

func (p *proc) leftSoFar() (pids []int) {
	for line := range strings.Lines(p.output()) {
		if rest, ok := strings.CutPrefix(line, "left "); ok && strings.HasSuffix(rest, "\n") {
			pid, err := strconv.Atoi(strings.TrimSpace(rest))
			if err != nil {
				p.t.Fatalf("bad line %q", line)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

func (p *proc) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := unix.Kill(p.pid, sig); err != nil {
		p.t.Fatal(err)
	}
}

// wait reaps the process.
func (p *proc) wait() (status unix.WaitStatus) {
	p.t.Helper()
	p.eventually("its end", func() bool {
		pid, err := unix.Wait4(p.pid, &status, unix.WNOHANG, nil)
		if err != nil && err != unix.EINTR {
			p.t.Fatal(err)
		}
		return pid == p.pid
	})
	p.reaped = true
	return status
}

// exits waits for the end and checks the exit code.
func (p *proc) exits(code int) {
	p.t.Helper()
	if status := p.wait(); !status.Exited() || status.ExitStatus() != code {
		p.t.Errorf("wait status %#x, want exit code %d; output:\n%s", status, code, p.output())
	}
}

// dies waits for the end and checks the signal.
func (p *proc) dies(sig syscall.Signal) {
	p.t.Helper()
	if status := p.wait(); !status.Signaled() || status.Signal() != sig {
		p.t.Errorf("wait status %#x, want death by %v; output:\n%s", status, sig, p.output())
	}
}

// all returns the whole output once it has ended.
func (p *proc) all() string {
	p.t.Helper()
	select {
	case <-p.eof:
	case <-time.After(patience):
		p.t.Fatal("its output does not end")
	}
	return p.output()
}

// stat is some of proc_pid_stat(5).
type stat struct {
	state                  string
	parent, group, session int
	ticks                  int // of user and system time
}

func statOf(pid int) (s stat, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, false
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	num := func(i int) int { n, _ := strconv.Atoi(f[i-3]); return n }
	return stat{f[0], num(4), num(5), num(6), num(14) + num(15)}, true
}

func alive(pid int) bool {
	s, ok := statOf(pid)
	return ok && s.state != "Z" && s.state != "X"
}

// ignores reports whether pid ignores sig (proc_pid_status(5)).
func ignores(pid int, sig syscall.Signal) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(b), "\nSigIgn:")
	mask, _, _ := strings.Cut(rest, "\n")
	m, _ := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
	return m>>(sig-1)&1 == 1
}
