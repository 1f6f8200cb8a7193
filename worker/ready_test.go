//go:build linux

package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
)

// roles of the test binary that tell how they are

func tell(messages ...string) {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	for _, m := range messages {
		if _, err := conn.Write([]byte(m)); err != nil {
			panic(err)
		}
	}
}

// ping sends n WATCHDOG=1, one after half of the time that there is.
func ping(n int) {
	usec, err := strconv.Atoi(os.Getenv("WATCHDOG_USEC"))
	if err != nil {
		panic(err)
	}
	for range n {
		time.Sleep(time.Duration(usec) * time.Microsecond / 2)
		tell("WATCHDOG=1")
	}
}

// serveHTTP answers with a status that it reads from a file each time.
func serveHTTP(addr, file string) {
	_ = http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b, _ := os.ReadFile(file)
		code, _ := strconv.Atoi(string(b))
		w.WriteHeader(code)
	}))
}

// freePort is one that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func statusFile(t *testing.T, code int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "status")
	setStatus(t, file, code)
	return file
}

func setStatus(t *testing.T, file string, code int) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(strconv.Itoa(code)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// with is a Command changed by f.
func with(c Command, f func(*Command)) Command {
	f(&c)
	return c
}

func TestReady(t *testing.T) {
	addr, web := freePort(t), freePort(t)
	status := statusFile(t, 204)
	for name, cmd := range map[string]Command{
		"notify": with(self("tell", "STATUS=half way", "STATUS=there\nREADY=1"), func(c *Command) { c.Ready = Notify{} }),
		"tcp":    with(self("web", addr, status), func(c *Command) { c.Ready = TCP(addr) }),
		"http":   with(self("web", web, status), func(c *Command) { c.Ready = HTTP{URL: "http://" + web + "/", Status: []int{204}} }),
		"run":    with(self("sleep"), func(c *Command) { c.Ready = Run{"/bin/sh", "-c", "kill -0 $MAINPID"} }),
		"line":   with(self("sleep"), func(c *Command) { c.Ready = Line("^rea.y$") }),
		"none":   self("sleep"),
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, cmd)
			if want := map[string]string{"notify": "there"}[name]; r.Status() != want {
				t.Errorf("status is %q, want %q", r.Status(), want)
			}
			r.stop()
			if exit := exitOf(t, r.end()); exit.ExitClass() != strategies.Shutdown {
				t.Errorf("%v is %v", exit, exit.ExitClass())
			}
		})
	}
}

func TestNotReady(t *testing.T) {
	const limit = 150 * time.Millisecond
	addr := freePort(t)
	for _, tt := range []struct {
		name string
		cmd  Command
		want string
	}{
		{"notify", with(self("tell", "STATUS=never"), func(c *Command) { c.Ready = Notify{} }), "not ready after 1"},
		{"tcp", with(self("sleep"), func(c *Command) { c.Ready = TCP(addr) }), "connection refused"},
		{"run", with(self("sleep"), func(c *Command) { c.Ready = Run{"/bin/sh", "-c", "echo no >&2; exit 3"} }), `exit status 3: "no"`},
		{"line", with(self("sleep"), func(c *Command) { c.Ready = Line("never") }), "not ready after 1"},
		{"deaf", with(self("stubborn"), func(c *Command) { c.Ready = Line("never") }), "not ready after 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.cmd.ReadyLimit = limit
			before := openFiles(t)
			p, err := tt.cmd.Process()
			if err != nil {
				t.Fatal(err)
			}
			err = p.Init(quiet())
			notReady, ok := errors.AsType[*NotReadyError](err)
			if !ok || !strings.Contains(err.Error(), tt.want) || notReady.After < limit {
				t.Fatalf("error is %v, want %q", err, tt.want)
			}
			if got := strategies.Classify(err, strategies.Unasked).Class; got != strategies.Crash {
				t.Errorf("it is %v", got)
			}
			if exit := exitOf(t, notReady.Exit); exit.Signal != syscall.SIGKILL {
				t.Errorf("it was ended by %v", exit)
			}
			if alive(notReady.PID) {
				t.Error("it is alive")
			}
			if now := openFiles(t); now != before {
				t.Errorf("%d open files, before %d", now, before)
			}
		})
	}
}

func TestEndedBeforeReady(t *testing.T) {
	for code, fatal := range map[int]bool{0: false, 3: false, 7: true} {
		p, _ := with(self("exit", code), func(c *Command) { c.Ready, c.FatalCodes = Notify{}, []int{7} }).Process()
		err := p.Init(quiet())
		if want := "ended before it was ready: "; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprint("status ", code)) {
			t.Errorf("%d: error is %v", code, err)
		}
		if errors.Is(err, suture.ErrDoNotRestart) != fatal {
			t.Errorf("%d: fatal is not %v: %v", code, fatal, err)
		}
	}
}

// A start that is given up leaves nothing, and is told as such.
func TestReadyGivenUp(t *testing.T) {
	for _, way := range []string{"cancel", "kill"} {
		p, _ := with(self("stubborn"), func(c *Command) { c.Ready = Line("never") }).Process()
		log := newJournal()
		ctx, cancel := context.WithCancel(withLogger(log))
		done := make(chan error, 1)
		go func() { done <- p.Init(ctx) }()
		log.await(t, 1, "ready")
		if way == "cancel" {
			cancel()
		} else {
			p.Kill()
		}
		err := <-done
		if way == "cancel" != errors.Is(err, context.Canceled) || err == nil {
			t.Errorf("%s: error is %v", way, err)
		}
		if alive(p.PID()) {
			t.Errorf("%s: it is alive", way)
		}
		cancel()
	}
}

// EXTEND_TIMEOUT_USEC puts the limit off, again and again.
func TestReadyExtended(t *testing.T) {
	p, _ := with(self("extend", 5), func(c *Command) { c.Ready, c.ReadyLimit = Notify{}, 2*time.Second }).Process()
	began := time.Now()
	if err := p.Init(quiet()); err != nil {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("it was ready after %v: nothing was put off", took)
	}
	p.Kill()
	_ = p.Serve(quiet())
}

func TestWatchdog(t *testing.T) {
	dog := func(c *Command) {
		c.Ready = Notify{}
		c.Alive = Liveness{Check: Notify{}, Every: 200 * time.Millisecond, Abort: 300 * time.Millisecond}
	}
	for _, tt := range []struct {
		name   string
		cmd    Command
		signal syscall.Signal // 0: it ends as Go programs do by SIGABRT, with code 2
		want   string
	}{
		{"silent", with(self("ping", 0, "die"), dog), 0, "no WATCHDOG=1 within 200ms"},
		{"falls silent", with(self("ping", 2, "die"), func(c *Command) { dog(c); c.Alive.Every = time.Second }), 0, "no WATCHDOG=1 within 1s"},
		{"deaf", with(self("ping", 0, "deaf"), dog), syscall.SIGKILL, "no WATCHDOG=1 within 200ms"},
		{"trigger", with(self("ping", 1, "die", "WATCHDOG=trigger"), dog), 0, "triggered"},
		{"other time", with(self("ping", 0, "die", "WATCHDOG_USEC=50000"), dog), 0, "within 50ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, tt.cmd)
			began := time.Now()
			exit := exitOf(t, r.end())
			var dogErr *WatchdogError
			if !errors.As(exit, &dogErr) || !strings.Contains(exit.Error(), tt.want) {
				t.Errorf("error is %v, want %q", exit, tt.want)
			}
			if exit.Signal != tt.signal || tt.signal == 0 && exit.Code != 2 || exit.ExitClass() != strategies.Crash {
				t.Errorf("%v by %v is %v", exit, exit.Signal, exit.ExitClass())
			}
			if tt.name == "falls silent" && time.Since(began) < 1500*time.Millisecond {
				t.Errorf("it was ended after %v, in spite of its pings", time.Since(began))
			}
		})
	}
	for _, last := range []string{"STOPPING=1", "WATCHDOG_USEC=0"} {
		r := start(t, with(self("ping", 0, "die", last), dog))
		select {
		case err := <-r.done:
			t.Errorf("after %s: %v", last, err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func TestAlive(t *testing.T) {
	addr, status := freePort(t), statusFile(t, 200)
	cmd := with(self("web", addr, status), func(c *Command) {
		c.Ready = TCP(addr)
		c.Alive = Liveness{Check: HTTP{URL: "http://" + addr + "/health"}, Every: 20 * time.Millisecond, Failures: 3}
	})
	r := start(t, cmd)
	select {
	case err := <-r.done:
		t.Fatalf("it was well, and ended: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	setStatus(t, status, 503)
	exit := exitOf(t, r.end())
	if exit.Missed == nil || !strings.Contains(exit.Error(), "503") || exit.ExitClass() != strategies.Crash {
		t.Errorf("%v is %v", exit, exit.ExitClass())
	}

	// Told to stop, it is asked no more.
	setStatus(t, status, 200)
	cmd.Args = append(cmd.Args, "slow to stop")
	r = start(t, cmd)
	setStatus(t, status, 503)
	r.stop()
	if exit := exitOf(t, r.end()); exit.Missed != nil || exit.ExitClass() != strategies.Shutdown {
		t.Errorf("%v is %v", exit, exit.ExitClass())
	}
}

func TestStopCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "said")
	t.Run("ends it", func(t *testing.T) {
		r := start(t, with(self("obey", int(syscall.SIGUSR1), 0), func(c *Command) {
			c.StopCommand = []string{"/bin/sh", "-c", "echo $MAINPID $WHO >" + file + "; kill -USR1 $MAINPID"}
			c.StopWait = patience
			c.Env = append(c.Env, "WHO=me")
		}))
		r.log.await(t, 1, "ready")
		r.stop()
		exit := exitOf(t, r.end())
		if exit.ExitClass() != strategies.Shutdown || exit.sent != 0 {
			t.Errorf("%v is %v, and %v was sent", exit, exit.ExitClass(), exit.sent)
		}
		said, _ := os.ReadFile(file)
		if want := fmt.Sprintln(exit.PID, "me"); string(said) != want {
			t.Errorf("it said %q, want %q", said, want)
		}
	})
	t.Run("does not", func(t *testing.T) {
		r := start(t, with(self("sleep"), func(c *Command) {
			c.StopCommand, c.StopWait = []string{"/no/such/program"}, 50*time.Millisecond
		}))
		r.stop()
		if exit := exitOf(t, r.end()); exit.ExitClass() != strategies.Shutdown || exit.Signal != syscall.SIGTERM {
			t.Errorf("%v is %v", exit, exit.ExitClass())
		}
		r.log.await(t, 1, "the command to stop failed")
	})
	t.Run("hangs", func(t *testing.T) {
		r := start(t, with(self("sleep"), func(c *Command) {
			c.StopCommand, c.StopWait = []string{"sleep", "300"}, 50*time.Millisecond
		}))
		r.stop()
		if exit := exitOf(t, r.end()); exit.Signal != syscall.SIGTERM {
			t.Errorf("%v", exit)
		}
	})
}

func TestFatalCodes(t *testing.T) {
	for _, tt := range []struct {
		code int
		tree bool
		want error
	}{{3, false, nil}, {78, false, suture.ErrDoNotRestart}, {78, true, suture.ErrTerminateSupervisorTree}} {
		r := start(t, with(self("exit", tt.code), func(c *Command) { c.FatalCodes, c.FatalEndsTree = []int{78}, tt.tree }))
		err := r.end()
		for _, sentinel := range []error{suture.ErrDoNotRestart, suture.ErrTerminateSupervisorTree} {
			if errors.Is(err, sentinel) != (sentinel == tt.want) {
				t.Errorf("%d: %v", tt.code, err)
			}
		}
		if exit := exitOf(t, err); exit.Code != tt.code {
			t.Errorf("%v", exit)
		}
	}
}

const nodeScript = `
process.on('message', m => {
  if (m === 'shutdown') { console.log('going'); process.exit(0) }
  process.send({echo: m, pid: process.pid})
})
process.send('ready')
setInterval(() => {}, 1000)
`

func TestNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	r := start(t, Command{
		Path: node, Args: []string{"-e", nodeScript}, IPC: NodeIPC,
		Ready: NodeReady{}, StopMessage: true, StopWait: patience,
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if m, err := r.Receive(ctx); err != nil || string(m) != `"ready"` {
		t.Fatalf("%s %v", m, err)
	}
	if err := r.Send(ctx, map[string]string{"ünï": "code\n"}); err != nil {
		t.Fatal(err)
	}
	m, err := r.Receive(ctx)
	if want := fmt.Sprintf(`{"echo":{"ünï":"code\n"},"pid":%d}`, r.PID()); err != nil || string(m) != want {
		t.Errorf("%s %v, want %s", m, err, want)
	}
	for range 3 {
		if err := r.Send(ctx, "again"); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for m := range r.Messages(ctx) {
		if !strings.Contains(string(m), `"echo":"again"`) {
			t.Errorf("%s", m)
		}
		if n++; n == 3 {
			r.stop() // which ends the messages
		}
	}
	if n != 3 {
		t.Errorf("%d messages", n)
	}
	if exit := exitOf(t, r.end()); exit.Code != 0 || exit.ExitClass() != strategies.Shutdown || exit.sent != 0 {
		t.Errorf("%v is %v", exit, exit.ExitClass())
	}
	r.log.await(t, 1, "going")
	if err := r.Send(ctx, 1); !errors.Is(err, ErrNoIPC) {
		t.Errorf("sent to the dead: %v", err)
	}
}
