//go:build unix

package demo

import (
	"os"
	"os/signal"
	"syscall"
)

// signal is how the fault reaches the process.
func (f Fault) signal() os.Signal {
	switch f {
	case Exit:
		return syscall.SIGUSR1
	case Panic:
		return syscall.SIGUSR2
	}
	return os.Kill
}

// faultOf is what a child does on a signal.
func faultOf(s os.Signal) Fault {
	switch s {
	case syscall.SIGUSR1:
		return Exit
	case syscall.SIGUSR2:
		return Panic
	}
	return NoFault
}

func notifyOrders(c chan<- os.Signal) { signal.Notify(c, syscall.SIGUSR1, syscall.SIGUSR2) }

// alive reports whether there is a process with this id.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
