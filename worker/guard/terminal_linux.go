package guard

import (
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stopped does what is to be done when the supervisor has been stopped by sig.
//
// A stop from the terminal's side is the job's: the guard's group stops as well,
// and the shell sees it. But if the shell has this job in the foreground while
// the supervisor used the terminal from the background, it gets the terminal.
func (g *guard) stopped(sig syscall.Signal) {
	switch sig {
	case unix.SIGTTIN, unix.SIGTTOU:
		if g.handOver(g.group, g.child) {
			_ = unix.Kill(-g.child, unix.SIGCONT)
			return
		}
	case unix.SIGTSTP:
	default: // SIGSTOP, a debugger
		return
	}
	g.held = g.handOver(g.child, g.group)
	g.suspend(sig)
	g.resume()
}

// resume continues the supervisor, with the terminal if it had it before and
// the job is in the foreground.
func (g *guard) resume() {
	if g.held {
		g.held = false
		g.handOver(g.group, g.child)
	}
	_ = unix.Kill(-g.child, unix.SIGCONT)
}

// suspend stops the guard's process group and returns when it is continued. If
// it is an orphaned one, which nobody could continue, the kernel discards the
// signal (setpgid(2)); then suspend returns after a short while.
func (g *guard) suspend(sig syscall.Signal) {
	restore := defaultAction(sig)
	defer restore()
	_ = unix.Kill(0, sig)
	// The signal may be handled by another thread, so that this one may still
	// run for a moment. The wait also bounds how often a supervisor which insists
	// on a terminal that nobody gives it is stopped and continued.
	select {
	case <-g.cont:
	case <-time.After(50 * time.Millisecond):
	}
}

// defaultAction sets the disposition of sig to the default, and returns a
// function that restores it. Package os/signal cannot do that for the signals
// which the runtime does not handle by itself: after Notify and Reset they are
// not stopping the process any more, they are caught and dropped.
func defaultAction(sig syscall.Signal) (restore func()) {
	var dfl, old [8]uint64 // no kernel's struct sigaction is larger
	size := uintptr(8)     // of sigset_t
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		size = 16
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(&dfl)), uintptr(unsafe.Pointer(&old)), size, 0, 0)
	return func() {
		if errno == 0 {
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&old)), 0, size, 0, 0)
		}
	}
}

// handOver makes the process group to the foreground group of the controlling
// terminal, if there is one and from is that now. It reports whether it did.
func (g *guard) handOver(from, to int) bool {
	tty, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false // ENXIO: there is none
	}
	defer unix.Close(tty)
	if now, err := unix.IoctlGetUint32(tty, unix.TIOCGPGRP); err != nil || int(now) != from {
		return false
	}
	// From the background this is allowed while SIGTTOU is blocked (tcsetpgrp(3)).
	// Only this thread's mask counts; the guard is locked to it.
	var block, old unix.Sigset_t
	block.Val[0] = 1 << (unix.SIGTTOU - 1)
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &block, &old)
	err = unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, to)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	return err == nil
}
