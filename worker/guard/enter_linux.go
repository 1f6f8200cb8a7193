package guard

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// marker is the environment variable that names the guard to the process that
// it starts: its pid, its start time, as pids are used again, and the descriptor
// of the lifeline.
const marker = "COPPICE_GUARD"

// self is the program to be run again: the file itself, whatever has become of
// its name.
const self = "/proc/self/exe"

// parent is the pid of this process's guard; 0: it has none.
var parent atomic.Int32

func guarded() bool {
	pid := parent.Load()
	return pid != 0 && int(pid) == os.Getppid()
}

func enter() error {
	if parent.Load() != 0 {
		return nil
	}
	ppid := os.Getppid()
	if m, err := parseMark(os.Getenv(marker)); err == nil && m.names(ppid) {
		return begin(m)
	}
	runtime.LockOSThread() // handOver changes the thread's signal mask
	g, err := start()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	os.Exit(g.run())
	return nil
}

// mark is the marker's value.
type mark struct {
	pid      int
	start    uint64
	lifeline int
}

func (m mark) String() string { return fmt.Sprintf("%d:%d:%d", m.pid, m.start, m.lifeline) }

func parseMark(value string) (m mark, err error) {
	_, err = fmt.Sscanf(value, "%d:%d:%d", &m.pid, &m.start, &m.lifeline)
	return m, err
}

// names reports whether the mark is that of the process pid. One in an
// environment that was copied names another process than its reader's parent.
func (m mark) names(pid int) bool {
	s, err := readStat(pid)
	return err == nil && m.pid == pid && m.start == s.start
}

// begin makes this process the supervisor proper.
func begin(m mark) error {
	_ = os.Unsetenv(marker)
	if err := hold(m.lifeline); err != nil {
		return fmt.Errorf("guard: ask for a signal at the guard's end (descriptor %d): %w", m.lifeline, err)
	}
	if os.Getppid() != m.pid { // it ended before that
		_ = unix.Kill(os.Getpid(), unix.SIGTERM)
	}
	// What was meant for the process that systemd started is for this one
	// (sd_listen_fds(3), sd_watchdog_enabled(3)).
	for _, key := range []string{"LISTEN_PID", "WATCHDOG_PID"} {
		if os.Getenv(key) == strconv.Itoa(m.pid) {
			_ = os.Setenv(key, strconv.Itoa(os.Getpid()))
		}
	}
	setName(filepath.Base(os.Args[0])) // it was executed as "exe"
	parent.Store(int32(m.pid))
	return nil
}

// The lifeline is a pipe with nothing in it. The guard has its only writing
// end; when that is closed, the kernel sends SIGTERM to the supervisor, which
// has the reading end, as it would send SIGIO (F_SETSIG, fcntl(2)).
//
// PR_SET_PDEATHSIG would be simpler and worse: it is sent when the thread that
// made the child ends, and again for each thread of the guard that the child is
// handed on to while they end, one after the other. To many a supervisor the
// second SIGTERM means to stop at once. Also execve(2) clears it if the program
// is set-user-ID or has capabilities.
func lifeline() (read, write int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return -1, -1, err
	}
	// It keeps its number: those from 3 on may be taken (LISTEN_FDS).
	_, err = unix.FcntlInt(uintptr(fds[0]), unix.F_SETFD, 0)
	return fds[0], fds[1], err
}

// hold takes hold of the reading end.
func hold(fd int) error {
	for _, op := range [...]struct{ cmd, arg int }{
		{unix.F_SETFD, unix.FD_CLOEXEC},
		{unix.F_SETOWN, os.Getpid()},
		{unix.F_SETSIG, int(unix.SIGTERM)},
		{unix.F_SETFL, unix.O_ASYNC},
	} {
		if _, err := unix.FcntlInt(uintptr(fd), op.cmd, op.arg); err != nil {
			return err
		}
	}
	return nil
}

// setName sets what process lists show. It is a nicety: errors do not matter.
func setName(name string) { _ = os.WriteFile("/proc/self/comm", []byte(name), 0) }

// start starts the supervisor. After an error everything is as before.
func start() (*guard, error) {
	if err := checkProc(); err != nil {
		return nil, err
	}
	me, err := readStat(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("guard: find out when this process was started: %w", err)
	}
	r, w, err := lifeline()
	if err != nil {
		return nil, fmt.Errorf("guard: make a pipe: %w", err)
	}
	if err := setSubreaper(1); err != nil {
		unix.Close(r)
		unix.Close(w)
		return nil, fmt.Errorf("guard: become the parent of orphans (PR_SET_CHILD_SUBREAPER): %w", err)
	}
	g := &guard{
		group:   unix.Getpgrp(),
		signals: make(chan os.Signal, 64),
		cont:    make(chan os.Signal, 1),
		chld:    make(chan os.Signal, 1),
	}
	// What comes from now on is for the supervisor. A signal that is ignored,
	// as by nohup, or that Go leaves alone is caught only after the start: one
	// that is caught would not be passed to the new program as ignored.
	signal.Notify(g.signals, slices.DeleteFunc(slices.Clone(passed), signal.Ignored)...)
	g.child, err = syscall.ForkExec(self, os.Args, &syscall.ProcAttr{
		Env: append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
			return strings.HasPrefix(kv, marker+"=")
		}), marker+"="+mark{os.Getpid(), me.start, r}.String()),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		signal.Stop(g.signals)
		unix.Close(r)
		unix.Close(w)
		_ = setSubreaper(0)
		return nil, fmt.Errorf("guard: run %s (%s) again as the guard's child: %w", self, os.Args[0], err)
	}
	signal.Notify(g.signals, passed...)
	signal.Notify(g.signals, unix.SIGTSTP)
	signal.Notify(g.cont, unix.SIGCONT)
	signal.Notify(g.chld, unix.SIGCHLD)
	return g, nil
}

func setSubreaper(on uintptr) error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, on, 0, 0, 0)
}
