//go:build unix

package load

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// signalNumber is 0 if there is no such signal.
func signalNumber(name string) syscall.Signal { return unix.SignalNum(name) }

func signalName(s syscall.Signal) string { return unix.SignalName(s) }
