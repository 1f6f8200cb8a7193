//go:build linux

package sigchld

import (
	"os/exec"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestUnhandle(t *testing.T) {
	if handler() == 0 {
		t.Error("Go installs no handler for SIGCHLD any more: this package is of no use")
	}
	Unhandle()
	if h := handler(); h != 0 {
		t.Errorf("the handler is %#x", h)
	}
	if err := exec.Command("/bin/sh", "-c", "exit 3").Run(); err == nil || err.(*exec.ExitError).ExitCode() != 3 {
		t.Errorf("a child's end: %v, want exit 3", err)
	}
}

func handler() uint64 {
	var act [4]uint64
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD), 0, uintptr(unsafe.Pointer(&act)), 8, 0, 0)
	return act[0]
}
