//go:build !unix

package load

import "syscall"

// The signals that package syscall knows everywhere. Programs are not supervised
// on this system, but files for others can be checked.
var signalsByName = map[string]syscall.Signal{
	"SIGHUP": syscall.SIGHUP, "SIGINT": syscall.SIGINT, "SIGQUIT": syscall.SIGQUIT,
	"SIGKILL": syscall.SIGKILL, "SIGTERM": syscall.SIGTERM, "SIGUSR1": 10, "SIGUSR2": 12,
}

func signalNumber(name string) syscall.Signal { return signalsByName[name] }

func signalName(s syscall.Signal) string {
	for name, sig := range signalsByName {
		if sig == s {
			return name
		}
	}
	return ""
}
