//go:build unix

package chaos

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// signalNumber finds a signal by its name without SIG.
func signalNumber(name string) (syscall.Signal, bool) {
	n := unix.SignalNum("SIG" + name)
	return n, n != 0
}
