//go:build linux

package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// quiet is a context whose logger says nothing.
func quiet() context.Context {
	return hclog.WithContext(context.Background(), hclog.NewNullLogger())
}

func TestExit(t *testing.T) {
	success := func(c Command, codes ...int) Command { c.SuccessCodes = codes; return c }
	stopBy := func(c Command, sig syscall.Signal) Command { c.StopSignal = sig; return c }
	const (
		unasked = "unasked"
		stop    = "stop"
		kill    = "kill"
	)
	for _, tt := range []struct {
		cmd   Command
		asked string
		want  string // the error without "PATH (pid N): ", and its class
	}{
		{self("exit", 0), unasked, "<nil>"},
		{self("exit", 3), unasked, "exit status 3, crash"},
		{success(self("exit", 3), 3, 4), unasked, "exit status 3, normal"},
		{success(self("exit", 5), 3, 4), unasked, "exit status 5, crash"},
		{self("die", 9), unasked, "killed by SIGKILL, killed"},
		{self("die", 15), unasked, "killed by SIGTERM, crash"},
		{self("die", 34), unasked, "killed by signal 34, crash"},

		{self("sleep"), stop, "killed by SIGTERM, shutdown"},
		{stopBy(self("sleep"), syscall.SIGINT), stop, "killed by SIGINT, shutdown"},
		{self("obey", 15, 0), stop, "exit status 0, shutdown"},
		{self("obey", 15, 3), stop, "exit status 3, crash"},
		{success(self("obey", 15, 143), 143), stop, "exit status 143, shutdown"},
		{stopBy(self("obey", 10, 0), unix.SIGUSR1), stop, "exit status 0, shutdown"},

		{self("sleep"), kill, "killed by SIGKILL, killed"},
		{self("stubborn"), kill, "killed by SIGKILL, killed"},
	} {
		name := fmt.Sprint(strings.Join(tt.cmd.Args, " "), " ", tt.cmd.SuccessCodes, " ", tt.asked)
		t.Run(name, func(t *testing.T) {
			r := start(t, tt.cmd)
			switch tt.asked {
			case stop:
				r.log.await(t, 1, "ready")
				r.stop()
			case kill:
				r.log.await(t, 1, "ready")
				r.Kill()
			}
			err := r.end()
			got := fmt.Sprint(err)
			if err != nil {
				exit := exitOf(t, err)
				got = strings.TrimPrefix(got, fmt.Sprintf("/proc/self/exe (pid %d): ", r.PID())) + ", " + exit.ExitClass().String()
				if (exit.Signal != 0) != (exit.Code == -1) {
					t.Errorf("code %d with signal %v", exit.Code, exit.Signal)
				}
				if exit.Usage.MaxRSS < 1<<20 || exit.Usage.User+exit.Usage.System == 0 {
					t.Errorf("implausible usage %+v", exit.Usage)
				}
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What cannot be brought about without the help of others: a foreign signal
// after a stop was asked for.
func TestExitClass(t *testing.T) {
	for _, tt := range []struct {
		exit ExitError
		want strategies.Class
	}{
		{ExitError{asked: true, sent: unix.SIGTERM, Signal: unix.SIGKILL}, strategies.Killed},
		{ExitError{asked: true, sent: unix.SIGTERM, Signal: unix.SIGSEGV}, strategies.Crash},
		{ExitError{asked: true, sent: unix.SIGINT, Signal: unix.SIGTERM}, strategies.Crash},
		{ExitError{asked: true, Signal: unix.SIGTERM}, strategies.Crash}, // killed only, not by us
		{ExitError{asked: true, lost: true, Code: -1}, strategies.Crash},
	} {
		if got := tt.exit.ExitClass(); got != tt.want {
			t.Errorf("%+v is %v, want %v", tt.exit, got, tt.want)
		}
		if got := strategies.Classify(fmt.Errorf("wrapped: %w", &tt.exit), strategies.ToldStop).Class; got != tt.want {
			t.Errorf("classified as %v, want %v", got, tt.want)
		}
	}
}

func TestStopThenKill(t *testing.T) {
	r := start(t, self("stubborn"))
	r.log.await(t, 1, "ready")
	r.stop()
	select {
	case err := <-r.done:
		t.Fatalf("ended by a SIGTERM that it ignores: %v", err)
	case <-time.After(50 * time.Millisecond): // nothing must happen
	}
	r.Kill()
	if exit := exitOf(t, r.end()); exit.ExitClass() != strategies.Killed {
		t.Errorf("%v is %v, want killed", exit, exit.ExitClass())
	}
}

func TestStopOfStoppedProcess(t *testing.T) {
	r := start(t, self("obey", 15, 0))
	r.log.await(t, 1, "ready")
	if err := syscall.Kill(r.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if exit := exitOf(t, r.end()); exit.ExitClass() != strategies.Shutdown {
		t.Errorf("%v is %v, want shutdown", exit, exit.ExitClass())
	}
}

func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	cmd := self("env")
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "TWICE=first", "TWICE=second", "COPPICE_CHILD=somebody/else")
	p, _ := cmd.Process()
	log := newJournal()
	ctx := strategies.WithChild(hclog.WithContext(context.Background(), log.logger()),
		strategies.ChildRef{Path: "shop/db", Incarnation: 7})
	if err := p.Serve(ctx); err != nil { // runs Init, as nobody did
		t.Fatal(err)
	}
	want := []string{"info: shop/db 7 second stream=stdout", "info: " + dir + " stream=stdout"}
	if diff := cmp.Diff(want, log.all()); diff != "" {
		t.Error(diff)
	}
}

func TestProcessRunsOnce(t *testing.T) {
	p, _ := self("exit", 0).Process()
	if p.PID() != 0 {
		t.Errorf("pid %d before it was spawned", p.PID())
	}
	if err := p.Init(quiet()); err != nil {
		t.Fatal(err)
	}
	if p.PID() == 0 {
		t.Error("pid 0 after it was spawned")
	}
	if err := p.Init(quiet()); !errors.Is(err, ErrUsed) {
		t.Errorf("second Init: %v, want ErrUsed", err)
	}
	if err := p.Serve(quiet()); err != nil {
		t.Fatal(err)
	}
	if err := p.Serve(quiet()); !errors.Is(err, ErrUsed) {
		t.Errorf("second Serve: %v, want ErrUsed", err)
	}
	p.Kill() // of nobody
}

func TestInterruptedBeforeStart(t *testing.T) {
	cancelled, cancel := context.WithCancel(quiet())
	cancel()
	for name, begin := range map[string]func(*Process, context.Context) error{"Init": (*Process).Init, "Serve": (*Process).Serve} {
		p, _ := self("sleep").Process()
		if err := begin(p, cancelled); !errors.Is(err, context.Canceled) || p.PID() != 0 {
			t.Errorf("%s with a cancelled context: %v, pid %d", name, err, p.PID())
		}
		p, _ = self("sleep").Process()
		p.Kill()
		err := begin(p, quiet())
		if !errors.Is(err, ErrKilled) || p.PID() != 0 {
			t.Errorf("%s after Kill: %v, pid %d", name, err, p.PID())
		}
		if got := strategies.Classify(err, strategies.ToldStop).Class; got != strategies.Killed {
			t.Errorf("%s after Kill is %v, want killed", name, got)
		}
	}
}

// Kill or cancellation comes when the program is spawned already but Init does
// not know it yet: Init ends it again.
func TestInterruptedDuringInit(t *testing.T) {
	defer func(l func(*spawner, *program) (launched, error)) { launch = l }(launch)
	for name, want := range map[string]error{"kill": ErrKilled, "cancel": context.Canceled} {
		fds := openFiles(t)
		p, _ := self("stubborn").Process()
		ctx, cancel := context.WithCancel(quiet())
		launch = func(s *spawner, prog *program) (launched, error) {
			l, err := s.start(prog)
			if name == "kill" {
				p.Kill()
			}
			cancel()
			return l, err
		}
		if err := p.Init(ctx); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if err := unix.Waitid(unix.P_PID, p.PID(), nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != unix.ECHILD {
			t.Errorf("%s: pid %d is still our child (%v)", name, p.PID(), err)
		}
		if now := openFiles(t); now != fds {
			t.Errorf("%s: %d open files, before %d", name, now, fds)
		}
		if err := p.Serve(quiet()); !errors.Is(err, ErrUsed) {
			t.Errorf("%s: Serve after a failed Init: %v, want ErrUsed", name, err)
		}
	}
}

func TestServeWithCancelledContextEndsIt(t *testing.T) {
	p, _ := self("sleep").Process()
	if err := p.Init(quiet()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(quiet())
	cancel()
	if exit := exitOf(t, p.Serve(ctx)); exit.ExitClass() != strategies.Shutdown {
		t.Errorf("%v is %v, want shutdown", exit, exit.ExitClass())
	}
}

// Kill and cancellation at any moment of Init and Serve: everything ends, and
// nothing is left.
func TestKillAtAnyMoment(t *testing.T) {
	const n = 24
	fds := openFiles(t)
	var wg sync.WaitGroup
	for i := range n {
		p, _ := light().Process()
		ctx, cancel := context.WithCancel(quiet())
		wg.Go(func() { // the owner, now with Init and now without
			if i%2 == 0 {
				if err := p.Init(ctx); err != nil {
					return
				}
			}
			_ = p.Serve(ctx)
		})
		for range 2 {
			wg.Go(func() {
				time.Sleep(rand.N(4 * time.Millisecond)) // any moment
				p.Kill()
			})
		}
		wg.Go(func() {
			time.Sleep(rand.N(4 * time.Millisecond))
			cancel()
		})
		t.Cleanup(func() {
			if pid := p.PID(); pid != 0 && unix.Kill(pid, 0) == nil {
				// The number may be another's by now; a child of ours it is not.
				if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err == nil {
					t.Errorf("pid %d was not reaped", pid)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(patience):
		t.Fatal("a killed process did not end")
	}
	if now := openFiles(t); now != fds {
		t.Errorf("%d open files, before %d", now, fds)
	}
}

func TestStolenExitStatus(t *testing.T) {
	p, _ := self("exit", 3).Process()
	if err := p.Init(quiet()); err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.Wait4(p.PID(), nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	err := p.Serve(quiet())
	if exit := exitOf(t, err); exit.ExitClass() != strategies.Crash || !strings.Contains(err.Error(), "exit status unknown") {
		t.Errorf("%v, %v", err, exit.ExitClass())
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	openAll()
	return len(descriptors())
}

// openAll opens what stays open from the first program on.
var openAll = sync.OnceFunc(func() {
	p, err := self("exit", 0).Process()
	if err == nil {
		err = p.Serve(quiet())
	}
	if err != nil {
		panic(err)
	}
})

// descriptors are those that are open, but for cgroups: one that was used by a
// child which crashed waits for the next for a second.
func descriptors() (open []string) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.Contains(to, "/coppice-") {
			open = append(open, to)
		}
	}
	return open
}
