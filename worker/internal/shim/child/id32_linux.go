//go:build 386 || arm

package child

import "golang.org/x/sys/unix"

// The calls with the plain names take identifiers of 16 bits (setuid(2)).
const (
	sysSetgroups = unix.SYS_SETGROUPS32
	sysSetgid    = unix.SYS_SETGID32
	sysSetuid    = unix.SYS_SETUID32
)
