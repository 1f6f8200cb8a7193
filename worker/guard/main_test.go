//go:build linux

package guard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The test binary runs itself as the program under a guard: with roleVar set it
// enters, then plays the role that its arguments name.
const roleVar = "COPPICE_GUARD_TEST_ROLE"

// patience bounds every wait for something that ought to happen at once. The
// machine may be busy.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) != "" {
		play(os.Args[1], os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

// play is the main function of the program under test.
func play(role string, args []string) {
	arg := func(i int) int { n, _ := strconv.Atoi(args[i]); return n }
	if before, ok := beforeEnter[role]; ok && os.Getenv(marker) == "" {
		before(args)
	}
	switch err := Enter(); {
	case role == "no-guard":
		fmt.Println("error:", err)
		fmt.Println("unsupported:", errors.Is(err, errors.ErrUnsupported))
		fmt.Println("guarded:", Guarded())
		fmt.Println("subreaper:", subreaper())
		fmt.Println("child:", sh("echo works"))
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(90)
	}
	switch role {
	case "exit": // CODE
		os.Exit(arg(0))
	case "die": // SIGNAL
		signal.Reset(syscall.Signal(arg(0)))
		_ = syscall.Kill(os.Getpid(), syscall.Signal(arg(0)))
		linger()
	case "panic":
		panic("on purpose")
	case "who":
		fmt.Println("guarded:", Guarded(), Enter() == nil, Guarded())
		fmt.Println("ids:", os.Getpid(), os.Getppid())
		linger()
	case "inherit":
		fmt.Println("marker:", os.Getenv(marker), "child's:", sh("env | grep -c ^"+marker+"="))
		fmt.Println("nofile:", sh("ulimit -Sn"), "umask:", sh("umask"), "dir:", sh("pwd"))
		fmt.Println("args:", os.Args[1:])
		fmt.Println("pids:", os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()), os.Getenv("WATCHDOG_PID"))
		in, _ := io.ReadAll(os.Stdin)
		fmt.Printf("stdin: %s\n", in)
		name, _ := os.ReadFile("/proc/self/comm")
		above, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", os.Getppid()))
		fmt.Printf("names: %s %s\n", strings.TrimSpace(string(name)), strings.TrimSpace(string(above)))
		for _, s := range args {
			fmt.Fprintln(os.NewFile(3, "three"), "three:", s)
		}
		_ = os.NewFile(3, "three").Close()
		linger()
	case "signals":
		countSignals()
	case "orphans": // N: makes N that soon end
		for range arg(0) {
			sh("(sleep 0.01; exit 7) >/dev/null 2>&1 &")
		}
		fmt.Println("ready")
		linger()
	case "tree":
		plant(args[0])
		fmt.Println("ready")
		linger()
	case "starve-guard":
		plant("forkers")
		for guard := (stat{}); guard.name != "guard"; guard, _ = readStat(os.Getppid()) {
			time.Sleep(time.Millisecond)
		}
		if err := unix.Prlimit(os.Getppid(), unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 1, Max: 1}, nil); err != nil {
			panic(err)
		}
		fmt.Println("ready")
		linger()
	case "terminal-reader":
		fmt.Println("ready")
		if termios, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
			fmt.Println("set", unix.IoctlSetTermios(0, unix.TCSETS, termios))
		}
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		fmt.Printf("read %q %v\n", line, err)
		os.Exit(5)
	case "pid-1":
		fmt.Println("ids:", os.Getpid(), os.Getppid())
		plant("daemon")
		plant("own-session")
		countSignals()
	case "root-child":
		cmd := exec.Command(args[0], "become-root")
		cmd.Stdout = os.Stdout
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		linger()
	}
}

// beforeEnter is what some roles do in the first process only.
var beforeEnter = map[string]func(args []string){
	"no-guard": func(args []string) {
		switch args[0] {
		case "no-proc":
			if err := syscall.Chroot(args[1]); err != nil {
				panic(err)
			}
		case "no-exec":
			if err := os.Chmod(os.Args[0], 0o644); err != nil {
				panic(err)
			}
		}
	},
	"root-child":  func([]string) { sweepFor = 300 * time.Millisecond },
	"become-root": becomeRoot,
	"threads":     threads,
	"pid-1":       func([]string) { mountProc() },
}

// threads prints how many there are after makeThreads, and when four goroutines
// need one each.
func threads([]string) {
	makeThreads()
	fmt.Println(len(names("/proc/self/task")))
	var locked sync.WaitGroup
	locked.Add(4)
	for range 4 {
		go func() {
			runtime.LockOSThread()
			locked.Done()
			select {}
		}()
	}
	locked.Wait()
	fmt.Println(len(names("/proc/self/task")))
	os.Exit(0)
}

func becomeRoot([]string) {
	if err := syscall.Setresuid(0, 0, 0); err != nil {
		panic(err)
	}
	fmt.Println("left", os.Getpid())
	linger()
}

func mountProc() {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("proc", "/proc", "proc", 0, "")
	}
	if err != nil {
		panic(err)
	}
}

// linger is for ever, but for a test that forgot its children.
func linger() {
	time.Sleep(5 * time.Minute)
	os.Exit(99)
}

func sh(script string) string {
	out, err := exec.Command("sh", "-c", script).CombinedOutput()
	if err != nil && len(out) == 0 {
		return err.Error()
	}
	return strings.TrimSpace(string(out))
}

func subreaper() int {
	var on int32
	if err := unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&on)), 0, 0, 0); err != nil {
		panic(err)
	}
	return int(on)
}

// countSignals prints each signal as it comes.
func countSignals() {
	c := make(chan os.Signal, 100)
	signal.Notify(c, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGABRT, unix.SIGUSR1, unix.SIGUSR2,
		unix.SIGTERM, unix.SIGWINCH, unix.SIGCONT)
	fmt.Println("ready")
	for sig := range c {
		fmt.Println("got", unix.SignalName(sig.(syscall.Signal)))
		if sig == unix.SIGUSR2 && !Guarded() {
			fmt.Println("no guard")
		}
	}
}

// program is one that runs, guard and all.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // of stdout, closed at its end
	err   strings.Builder
	done  chan struct{}
}

// command is the program, not yet started.
func command(role string, args ...any) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", role)
	if exe, err := os.Executable(); err == nil {
		cmd = exec.Command(exe, role)
	}
	for _, a := range args {
		cmd.Args = append(cmd.Args, fmt.Sprint(a))
	}
	cmd.Env = append(os.Environ(), roleVar+"=1", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// launch runs cmd; at the end of the test it is killed with all that it started.
func launch(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, cmd: cmd, lines: make(chan string, 10000), done: make(chan struct{})}
	cmd.Stderr = &p.err
	cmd.WaitDelay = time.Second
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		out.Close()
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(p.lines)
		defer out.Close()
		for in := bufio.NewScanner(out); in.Scan(); {
			p.lines <- in.Text()
		}
	})
	go func() {
		defer close(p.done)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		// What the guard does when the supervisor ends is the way to leave nothing.
		below := children(cmd.Process.Pid)
		for _, pid := range below {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		if len(below) == 0 {
			_ = cmd.Process.Kill()
		}
		select {
		case <-p.done:
		case <-time.After(patience):
			t.Errorf("the guard did not end; below it: %v", descendants(p.guard()))
			_ = cmd.Process.Kill()
			<-p.done
		}
		reading.Wait()
	})
	return p
}

func (p *program) guard() int { return p.cmd.Process.Pid }

// supervisor is the guard's oldest child. It need not be the first that is listed:
// orphans are given to whichever thread.
func (p *program) supervisor() int {
	p.t.Helper()
	kids := children(p.guard())
	if len(kids) == 0 {
		p.t.Fatalf("the guard has no child; stderr:\n%s", &p.err)
	}
	age := func(pid int) [2]uint64 {
		s, err := readStat(pid)
		if err != nil {
			s.start = math.MaxUint64 // it is gone already
		}
		return [2]uint64{s.start, uint64(pid)} // born within the same tick, the lower number
	}
	return slices.MinFunc(kids, func(a, b int) int {
		x, y := age(a), age(b)
		return slices.Compare(x[:], y[:])
	})
}

// line waits for a line of output.
func (p *program) line() string {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			<-p.done
			p.t.Fatalf("output ended; %v, stderr:\n%s", p.cmd.ProcessState, &p.err)
		}
		return line
	case <-time.After(patience):
		p.t.Fatal("no output")
		return ""
	}
}

func (p *program) expect(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if got := p.line(); got != w {
			p.t.Fatalf("output is %q, want %q", got, w)
		}
	}
}

// left waits for "ready" and returns the pids that were named before.
func (p *program) left() (pids []int) {
	p.t.Helper()
	for {
		switch line := p.line(); {
		case line == "ready":
			return pids
		default:
			pids = append(pids, pidIn(p.t, line))
		}
	}
}

func pidIn(t *testing.T, line string) int {
	t.Helper()
	rest, ok := strings.CutPrefix(line, "left ")
	pid, err := strconv.Atoi(rest)
	if !ok || err != nil {
		t.Fatalf("output is %q, want left PID", line)
	}
	return pid
}

// status waits for the guard's end.
func (p *program) status() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("the guard did not end; below it: %v", descendants(p.guard()))
		return 0
	}
}

func descendants(pid int) (all []int) {
	for level := []int{pid}; len(level) > 0; {
		var next []int
		for _, pid := range level {
			next = append(next, children(pid)...)
		}
		all = append(all, next...)
		level = next
	}
	return all
}

// alive reports whether pid is there and no zombie.
func alive(pid int) bool {
	s, err := readStat(pid)
	return err == nil && !s.dead()
}

func noneAlive(t *testing.T, pids []int) {
	t.Helper()
	if left := slices.DeleteFunc(slices.Clone(pids), func(pid int) bool { return !alive(pid) }); len(left) > 0 {
		t.Errorf("%d of %d processes are alive: %v", len(left), len(pids), left)
	}
}

// eventually polls for what no event announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not after %v: %s", patience, what)
		}
	}
}

// copyOfSelf is a copy of the test binary in dir.
func copyOfSelf(t *testing.T, dir string, mode os.FileMode) string {
	t.Helper()
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.CreateTemp(dir, "program")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(to, from); err == nil {
		err = to.Chmod(mode)
	}
	if err = errors.Join(err, to.Close()); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

// worldReadable is a temporary directory; that of testing is for its owner only.
func worldReadable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "guard")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}
