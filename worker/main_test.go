//go:build linux

package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/coppice-go/coppice/worker/guard"
)

// The test binary runs itself as the children: with roleVar set it plays the
// role that its arguments name.
const roleVar = "COPPICE_WORKER_TEST_ROLE"

// patience bounds every wait for something that ought to happen at once.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) != "" {
		play(os.Args[1], os.Args[2:])
		CloseIdle()
		return
	}
	goleak.VerifyTestMain(m,
		goleak.Cleanup(func(code int) { CloseIdle(); os.Exit(code) }),
		goleak.IgnoreTopFunction("github.com/coppice-go/coppice/worker.spawnThread"),
		goleak.IgnoreAnyFunction("github.com/coppice-go/coppice/worker/internal/poller.wait"))
}

func play(role string, args []string) {
	arg := func(i int) int { n, _ := strconv.Atoi(args[i]); return n }
	switch role {
	case "exit": // CODE
		os.Exit(arg(0))
	case "deathsignal":
		fmt.Println(deathSignal)
	case "limit": // prints the limit of open files that its children have
		r, err := Exec(quiet(), Command{Path: "/bin/sh", Args: []string{"-c", "ulimit -Sn"}})
		fmt.Printf("%s%v\n", r.Stdout, err)
	case "die": // SIGNAL
		_ = syscall.Kill(os.Getpid(), syscall.Signal(arg(0)))
		linger()
	case "sleep":
		fmt.Println("ready")
		linger()
	case "stubborn": // ignores SIGTERM
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		linger()
	case "obey": // SIGNAL CODE: exits with CODE at SIGNAL
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.Signal(arg(0)))
		fmt.Println("ready")
		<-c
		os.Exit(arg(1))
	case "say": // TEXT CODE: quoted as Go does
		text, _ := strconv.Unquote(args[0])
		_, _ = os.Stdout.WriteString(text)
		os.Exit(arg(1))
	case "flood": // BYTES LINE-LENGTH
		line := append(bytes.Repeat([]byte("x"), arg(1)-1), '\n')
		for n := 0; n < arg(0); n += len(line) {
			_, _ = os.Stdout.Write(line)
		}
		fmt.Println("the end")
	case "env":
		fmt.Printf("%s %s %s\n", os.Getenv("COPPICE_CHILD"), os.Getenv("COPPICE_INCARNATION"), os.Getenv("TWICE"))
		dir, _ := os.Getwd()
		fmt.Println(dir)
	case "leave": // HOW N CODE: starts N stubborn processes and exits
		for range arg(1) {
			fmt.Println("left", startStubborn(args[0]))
		}
		os.Exit(arg(2))
	case "leave-and-stay": // HOW N
		for range arg(1) {
			fmt.Println("left", startStubborn(args[0]))
		}
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		linger()
	case "tell": // MESSAGE...
		tell(args...)
		linger()
	case "extend": // N: it is ready after N times 500 ms, each announced
		for range arg(0) {
			tell("EXTEND_TIMEOUT_USEC=1500000")
			time.Sleep(500 * time.Millisecond)
		}
		tell("READY=1")
		linger()
	case "ping": // N HOW MESSAGE...: it sends N pings and then says the messages
		if args[1] == "deaf" {
			signal.Ignore(syscall.SIGABRT)
		}
		tell("READY=1")
		ping(arg(0))
		tell(args[2:]...)
		linger()
	case "web": // ADDRESS FILE [slow to stop]
		if len(args) > 2 {
			c := make(chan os.Signal, 1)
			signal.Notify(c, syscall.SIGTERM)
			go func() { <-c; time.Sleep(200 * time.Millisecond); os.Exit(0) }()
		}
		serveHTTP(args[0], args[1])
	case "fork-off":
		fmt.Println(startStubborn("own-session"))
	case "full":
		full()
	case "starve":
		starve()
	case "host": // N: supervises N processes
		host(arg(0))
	case "guarded-host": // supervises processes of which each leaves one more
		if err := guard.Enter(); err != nil {
			panic(err)
		}
		nasty()
	}
}

// linger is for ever, but for a test that forgot its children.
func linger() {
	time.Sleep(5 * time.Minute)
	os.Exit(99)
}

// startStubborn starts one that ignores SIGTERM and returns when it does.
func startStubborn(how string) int {
	if how == "daemon" { // a double fork: its parent is gone
		cmd := exec.Command("/proc/self/exe", "fork-off")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			panic(err)
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(out)))
		return pid
	}
	cmd := exec.Command("/proc/self/exe", "stubborn")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: how == "own-group",
		Setsid:  how == "own-session",
	}
	r, w, _ := os.Pipe()
	cmd.Stdout = w
	cmd.Stderr = os.Stderr // holds the pipe
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	_, _ = r.Read(make([]byte, 6))
	return cmd.Process.Pid
}

func host(n int) {
	for range n {
		p, err := self("stubborn").Process()
		if err == nil {
			err = p.Init(hclog.WithContext(context.Background(), hclog.NewNullLogger()))
		}
		if err != nil {
			panic(err)
		}
		fmt.Println("left", p.PID())
	}
	fmt.Println("ready")
	linger()
}

// nasty supervises children that try everything to get away.
func nasty() {
	log := newJournal()
	ctx := withLogger(log)
	for _, how := range []string{"same-group", "own-group", "own-session", "daemon"} {
		p, err := self("leave-and-stay", how, 12).Process()
		if err == nil {
			err = p.Init(ctx)
		}
		if err != nil {
			panic(err)
		}
		fmt.Println("left", p.PID())
	}
	for log.count("ready") < 4 {
		log.next()
	}
	for _, pid := range log.left() {
		fmt.Println("left", pid)
	}
	fmt.Println("host", os.Getpid())
	linger()
}

// self is the test binary in a role.
func self(role string, args ...any) Command {
	cmd := Command{Path: "/proc/self/exe", Args: []string{role}, Env: append(os.Environ(), roleVar+"=1",
		"GORACE=atexit_sleep_ms=0")} // the race detector would sleep for a second at exit
	for _, a := range args {
		cmd.Args = append(cmd.Args, fmt.Sprint(a))
	}
	return cmd
}

// light is a program that waits, small enough to have hundreds of.
func light() Command {
	if path, err := exec.LookPath("sleep"); err == nil {
		return Command{Path: path, Args: []string{"300"}}
	}
	return self("sleep")
}

// run is one Process being served.
type run struct {
	*Process
	t    *testing.T
	log  *journal
	stop context.CancelFunc
	done chan error
}

// start spawns and serves cmd; at the end of the test it is killed.
func start(t *testing.T, cmd Command) *run {
	t.Helper()
	r := &run{t: t, log: newJournal(), done: make(chan error, 1)}
	var err error
	if r.Process, err = cmd.Process(); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(hclog.WithContext(context.Background(), r.log.logger()))
	if err := r.Init(ctx); err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		r.done <- r.Serve(ctx)
	}()
	t.Cleanup(func() {
		r.Kill()
		<-served
		r.stop()
	})
	return r
}

// end waits for Serve.
func (r *run) end() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(patience):
		r.t.Fatalf("%v: Serve did not return; log:\n%s", r, r.log)
		return nil
	}
}

func exitOf(t *testing.T, err error) *ExitError {
	t.Helper()
	var exit *ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("error is %v, want an *ExitError", err)
	}
	return exit
}

// journal keeps what is logged.
type journal struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and replaced with each line
	each  func()        // called for each line, before it is kept
}

func newJournal() *journal { return &journal{more: make(chan struct{})} }

func (j *journal) logger() hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Off})
	l.RegisterSink(j)
	return l
}

// Accept implements hclog.SinkAdapter.
func (j *journal) Accept(_ string, level hclog.Level, msg string, args ...any) {
	if j.each != nil {
		j.each()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	kv := ""
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] != "pid" {
			kv += fmt.Sprintf(" %v=%v", args[i], args[i+1])
		}
	}
	j.lines = append(j.lines, fmt.Sprintf("%v: %s%s", level, msg, kv))
	close(j.more)
	j.more = make(chan struct{})
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.lines...)
}

func (j *journal) String() string { return strings.Join(j.all(), "\n") }

func (j *journal) count(part string) (n int) {
	for _, line := range j.all() {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// next waits for a line that is still to come, or the last one if it came just now.
func (j *journal) next() {
	j.mu.Lock()
	more := j.more
	j.mu.Unlock()
	select {
	case <-more:
	case <-time.After(10 * time.Millisecond):
	}
}

// await waits for n lines that contain part.
func (j *journal) await(t *testing.T, n int, part string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		j.mu.Lock()
		more := j.more
		j.mu.Unlock()
		if j.count(part) >= n {
			return
		}
		select {
		case <-more:
		case <-timeout:
			t.Fatalf("%d lines with %q did not come; log:\n%s", n, part, j)
		}
	}
}

// left returns the pids which a child said it left behind.
func (j *journal) left() (pids []int) {
	for _, line := range j.all() {
		if _, rest, ok := strings.Cut(line, "info: left "); ok {
			pid, _ := strconv.Atoi(strings.Fields(rest)[0])
			pids = append(pids, pid)
		}
	}
	return pids
}

// alive reports whether pid is there and no zombie.
func alive(pid int) bool {
	e, err := readStat(pid)
	return err == nil && !e.dead
}

// awaitGone polls /proc.
func awaitGone(t *testing.T, within time.Duration, pids ...int) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, pid := range pids {
			if alive(pid) {
				left++
			}
		}
		switch {
		case left == 0:
			return
		case time.Now().After(deadline):
			t.Fatalf("%d of %d processes are alive after %v", left, len(pids), within)
		}
	}
}

func withLogger(j *journal) context.Context {
	return hclog.WithContext(context.Background(), j.logger())
}
