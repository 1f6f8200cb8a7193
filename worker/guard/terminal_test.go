//go:build linux

package guard

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	ctrlC     = "\x03"
	ctrlZ     = "\x1a"
	backslash = "\x1c" // with Ctrl
)

// A program that leads the terminal's session, as in a container with a
// terminal: the guard is in the foreground.
func TestTerminalWithoutShell(t *testing.T) {
	tty := newTerminal(t)
	cmd := command("signals")
	tty.lead(cmd)
	tty.start(cmd)
	tty.await("ready", 1)
	for n := 1; n <= 3; n++ {
		tty.typed(ctrlC)
		tty.await("got SIGINT", n)
	}
	tty.typed(backslash)
	tty.await("got SIGQUIT", 1)
	if err := unix.IoctlSetWinsize(int(tty.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 7, Col: 77}); err != nil {
		t.Fatal(err)
	}
	tty.await("got SIGWINCH", 1)
	// There is nobody to continue a stopped job.
	tty.typed(ctrlZ)
	tty.await("got SIGCONT", 1)
	_ = unix.Kill(cmd.Process.Pid, unix.SIGTERM)
	tty.await("got SIGTERM", 1)
	tty.counts(map[string]int{"got SIGINT": 3, "got SIGQUIT": 1, "got SIGWINCH": 1, "got SIGTERM": 1})
}

// A supervisor may use the terminal.
func TestTerminalIsGivenToItsReader(t *testing.T) {
	tty := newTerminal(t)
	cmd := command("terminal-reader")
	tty.lead(cmd)
	tty.start(cmd)
	tty.await("set <nil>", 1)
	tty.typed("a line\n")
	tty.await(`read "a line\n" <nil>`, 1)
	if err := tty.wait(); err == nil || err.Error() != "exit status 5" {
		t.Errorf("%v, want exit status 5", err)
	}
}

// And whoever shares it with the guard has it back afterwards.
func TestTerminalIsGivenBack(t *testing.T) {
	tty := newTerminal(t)
	cmd := command("terminal-reader")
	cmd.Args = append([]string{"sh", "-c", `"$0" "$@"; echo status $?; read x; echo "sh has $x"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	tty.lead(cmd)
	tty.start(cmd)
	tty.await("set <nil>", 1)
	tty.typed("one\n")
	tty.await("status 5", 1)
	tty.typed("two\n")
	tty.await("sh has two", 1)
}

// Job control, as a person uses it.
func TestTerminalWithShell(t *testing.T) {
	for _, shell := range [][]string{{"bash", "--norc", "--noprofile", "--noediting", "-i"}, {"dash", "-i"}} {
		t.Run(shell[0], func(t *testing.T) {
			if _, err := exec.LookPath(shell[0]); err != nil {
				t.Skip(err)
			}
			tty := newTerminal(t)
			cmd := exec.Command(shell[0], shell[1:]...)
			cmd.Env = append(os.Environ(), roleVar+"=1", "GORACE=atexit_sleep_ms=0", "PS1=% ", "HISTFILE=")
			tty.lead(cmd)
			tty.start(cmd)
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}

			tty.typed(exe + " signals\n")
			tty.await("ready", 1)
			guard := childNamed(t, cmd.Process.Pid, "guard")
			supervisor := children(guard)[0]
			tty.typed(ctrlC)
			tty.await("got SIGINT", 1)

			for round := 1; round <= 3; round++ {
				tty.typed(ctrlZ)
				tty.await("Stopped", round)
				for _, pid := range []int{guard, supervisor} {
					eventually(t, "the process is stopped", func() bool { return stateOf(t, pid) == 'T' })
				}
				tty.answers("fg\n", "got SIGCONT")
				tty.typed(ctrlC)
				tty.await("got SIGINT", round+1)
			}

			// To the background, where Ctrl-C does not reach it, and back, which
			// bash does without a signal.
			tty.typed(ctrlZ)
			tty.await("Stopped", 4)
			tty.answers("bg\n", "got SIGCONT")
			tty.answers("echo do''ne\n", "done")
			tty.answers(ctrlC, "% ")
			tty.answers("kill -HUP %1\n", "got SIGHUP")
			tty.typed("fg\n")
			eventually(t, "the job is in the foreground", func() bool { return tty.foreground() == guard })
			tty.typed(ctrlC)
			tty.await("got SIGINT", 5)
			tty.typed(ctrlZ)
			tty.await("Stopped", 5)
			tty.answers("fg\n", "got SIGCONT")
			tty.answers(ctrlC, "got SIGINT")
			tty.counts(map[string]int{"got SIGINT": 6, "got SIGHUP": 1})

			_ = unix.Kill(supervisor, unix.SIGKILL)
			eventually(t, "the shell has the terminal", func() bool { return tty.foreground() == cmd.Process.Pid })
			tty.answers("echo status $?\n", "status 137")

			// One that reads the terminal has it taken and given back.
			tty.answers(exe+" terminal-reader\n", "set <nil>")
			supervisor = children(childNamed(t, cmd.Process.Pid, "guard"))[0]
			tty.answers(ctrlZ, "Stopped")
			tty.typed("fg\n")
			eventually(t, "the reader has the terminal", func() bool { return tty.foreground() == supervisor })
			tty.answers("the line\n", `read "the line\n" <nil>`)
			eventually(t, "the shell has the terminal", func() bool { return tty.foreground() == cmd.Process.Pid })
			tty.answers("echo status $?\n", "status 5")
			tty.typed("exit\n")
			if err := tty.wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

func stateOf(t *testing.T, pid int) byte {
	t.Helper()
	s, err := readStat(pid)
	if err != nil {
		t.Fatal(err)
	}
	return s.state
}

func childNamed(t *testing.T, parent int, name string) int {
	t.Helper()
	found := 0
	eventually(t, "the child has its name", func() bool {
		for _, pid := range children(parent) {
			if s, err := readStat(pid); err == nil && s.name == name {
				found = pid
			}
		}
		return found != 0
	})
	return found
}

// terminal is a pseudo-terminal, with a person at the master side.
type terminal struct {
	t             *testing.T
	master, slave *os.File
	cmd           *exec.Cmd
	done          chan error

	mu     sync.Mutex
	screen strings.Builder // guarded by mu: all output
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals: ", err)
	}
	tty := &terminal{t: t, master: master, done: make(chan error, 1)}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if tty.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.slave.Close() })
	return tty
}

// lead makes the program the leader of the terminal's session.
func (tty *terminal) lead(cmd *exec.Cmd) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty.slave, tty.slave, tty.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

func (tty *terminal) start(cmd *exec.Cmd) {
	tty.t.Helper()
	if err := cmd.Start(); err != nil {
		tty.t.Fatal(err)
	}
	tty.cmd = cmd
	var work sync.WaitGroup
	work.Go(func() { tty.done <- cmd.Wait() })
	work.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := tty.master.Read(buf)
			tty.mu.Lock()
			tty.screen.Write(buf[:n])
			tty.mu.Unlock()
			if err != nil { // EIO: the last slave has been closed
				return
			}
		}
	})
	tty.t.Cleanup(func() {
		for _, pid := range append(descendants(cmd.Process.Pid), cmd.Process.Pid) {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		tty.slave.Close()
		work.Wait()
	})
}

func (tty *terminal) typed(s string) {
	tty.t.Helper()
	if _, err := tty.master.WriteString(s); err != nil {
		tty.t.Fatal(err)
	}
}

func (tty *terminal) text() string {
	tty.mu.Lock()
	defer tty.mu.Unlock()
	return tty.screen.String()
}

// await waits until the terminal shows s n times.
func (tty *terminal) await(s string, n int) {
	tty.t.Helper()
	deadline := time.Now().Add(patience)
	for strings.Count(tty.text(), s) < n {
		if time.Now().After(deadline) {
			tty.t.Fatalf("the terminal does not show %q %d times:\n%s", s, n, tty.text())
		}
		time.Sleep(time.Millisecond)
	}
}

// answers waits until the terminal shows s once more after what was typed.
func (tty *terminal) answers(typed, s string) {
	tty.t.Helper()
	n := strings.Count(tty.text(), s)
	tty.typed(typed)
	tty.await(s, n+1)
}

// counts fails if the terminal shows anything more or less often.
func (tty *terminal) counts(want map[string]int) {
	tty.t.Helper()
	for s, n := range want {
		if got := strings.Count(tty.text(), s); got != n {
			tty.t.Errorf("the terminal shows %q %d times, want %d:\n%s", s, got, n, tty.text())
		}
	}
}

func (tty *terminal) foreground() int {
	group, err := unix.IoctlGetUint32(int(tty.master.Fd()), unix.TIOCGPGRP)
	if err != nil {
		return 0
	}
	return int(group)
}

// wait waits for the end of what was started.
func (tty *terminal) wait() error {
	tty.t.Helper()
	select {
	case err := <-tty.done:
		return err
	case <-time.After(patience):
		tty.t.Fatalf("it does not end:\n%s", tty.text())
		return nil
	}
}
