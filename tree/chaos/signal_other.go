//go:build !unix

package chaos

import "syscall"

// signalNumber finds a signal by its name without SIG.
func signalNumber(name string) (syscall.Signal, bool) {
	n, ok := map[string]syscall.Signal{"INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM}[name]
	return n, ok
}
