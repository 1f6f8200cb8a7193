package sigchld

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Unhandle takes away the signal handler that Go's runtime installs for SIGCHLD.
// The deaths of children are noticed by other means here, and each signal wakes a
// thread that gets into the way of the one that has to do with the death. After
// that signal.Notify for SIGCHLD does nothing: so it is for a main function to
// call, at its beginning, and not for a library. Children can be waited for as
// before: the default is not to ignore the signal (wait(2)).
func Unhandle() {
	var act [4]uint64 // struct sigaction of the kernel: SIG_DFL, no flags, empty mask
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD), uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
}
