package misbehave

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

// harmless are the signals that do not end a process by default (signal(7)).
var harmless = []syscall.Signal{
	unix.SIGCHLD, unix.SIGCONT, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGURG, unix.SIGWINCH,
}

// parseSignal takes a signal that ends a process.
func parseSignal(text string) (syscall.Signal, error) {
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(text), "SIG")
	sig := unix.SignalNum(name)
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= 64 {
		sig = syscall.Signal(n)
	}
	switch {
	case sig == 0:
		return 0, exit.Usagef("--signal %s: give a name, as SIGKILL, or a number from 1 to 64", text)
	case slices.Contains(harmless, sig):
		return 0, exit.Usagef("--signal %s: give one that ends a process", text)
	}
	return sig, nil
}

func signalSelf(o *Options) error {
	sig, err := parseSignal(o.Signal)
	if err != nil {
		return err
	}
	if err := o.settled(); err != nil {
		return err
	}
	time.Sleep(o.For)
	return die(sig)
}

// dumpCore raises the limit as far as allowed, and leaves all memory out of the
// dump (core(5)): that there was one is what matters.
func dumpCore(o *Options) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return err
	}
	if limit.Max == 0 {
		return fmt.Errorf("no core dumps are allowed: raise the hard limit RLIMIT_CORE (ulimit -Hc)")
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/self/coredump_filter", []byte("0"), 0); err != nil {
		return err
	}
	return signalSelf(o)
}

// die ends the process by sig. Go's runtime has a handler for nearly every
// signal, which turns some into a traceback and exit code 2, so the default
// action is put back behind its back (rt_sigaction(2)).
func die(sig syscall.Signal) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var byDefault [64]byte // larger than a struct sigaction, whose zero is SIG_DFL
	const sizeofSigset = 8
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&byDefault)), 0, sizeofSigset, 0, 0)
	if errno != 0 && sig != unix.SIGKILL {
		return fmt.Errorf("restore the default action of %v: %w", sig, errno)
	}
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_UNBLOCK, &all, nil); err != nil {
		return fmt.Errorf("unblock signals: %w", err)
	}
	if err := unix.Tgkill(unix.Getpid(), unix.Gettid(), sig); err != nil {
		return fmt.Errorf("send %v to itself: %w", sig, err)
	}
	return fmt.Errorf("%v did not end the process", sig)
}

// endAfter has the kernel kill the process, by a timer which sends SIGKILL
// (timer_create(2)): unlike a goroutine or SIGALRM that also ends one that is
// stopped. A fork does not inherit it, so each process has its own.
func endAfter(d time.Duration) error {
	event := struct {
		value         uintptr
		signo, notify int32
		_             [64]byte // struct sigevent has 64 bytes in all
	}{signo: int32(unix.SIGKILL)} // notify 0 is SIGEV_SIGNAL
	var id int32
	_, _, errno := unix.Syscall(unix.SYS_TIMER_CREATE, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(&id)))
	if errno != 0 {
		return fmt.Errorf("create a timer: %w", errno)
	}
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, time.Millisecond)))}
	_, _, errno = unix.Syscall6(unix.SYS_TIMER_SETTIME, uintptr(id), 0, uintptr(unsafe.Pointer(&at)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("set a timer: %w", errno)
	}
	return nil
}
