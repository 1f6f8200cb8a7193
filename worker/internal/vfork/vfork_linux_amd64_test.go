package vfork_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/vfork"
)

func TestMain(m *testing.M) {
	if os.Getenv("VFORK_TEST") == "limit" {
		var now unix.Rlimit
		_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &now)
		fmt.Println(vfork.OpenFiles.Soft, now.Cur > vfork.OpenFiles.Soft)
		return
	}
	os.Exit(m.Run())
}

// The limit is read before package syscall raises it.
func TestOpenFiles(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "ulimit -Sn 57 && exec "+exe)
	cmd.Env = append(os.Environ(), "VFORK_TEST=limit")
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "57 true" {
		t.Errorf("%s, %v; want 57, and that it was raised", got, err)
	}
}

// script is calls, the last of which executes a program.
type script struct {
	calls     []vfork.Call
	argv, env []*byte
}

// kept is on the heap, as the arguments of calls have to be.
var kept []any

func newScript(t *testing.T, argv ...string) *script {
	s := &script{env: make([]*byte, 1)}
	kept = append(kept, s)
	var err error
	if s.argv, err = syscall.SlicePtrFromStrings(argv); err != nil {
		t.Fatal(err)
	}
	s.call(unix.SYS_EXECVE, uintptr(unsafe.Pointer(s.argv[0])), uintptr(unsafe.Pointer(&s.argv[0])), uintptr(unsafe.Pointer(&s.env[0])))
	return s
}

func (s *script) call(number uintptr, args ...uintptr) {
	c := vfork.Call{Number: number}
	copy(c.Args[:], args)
	s.calls = append(s.calls, c)
}

// before puts a call before the others.
func (s *script) before(c vfork.Call) { s.calls = append([]vfork.Call{c}, s.calls...) }

func (s *script) start() (pid, pidfd, failed int, errno syscall.Errno) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, pidfd, failed, e := vfork.Start(s.calls, 0, new(uint64))
	runtime.KeepAlive(s)
	return pid, pidfd, failed, syscall.Errno(e)
}

func TestStart(t *testing.T) {
	s := newScript(t, "/bin/sh", "-c", "exit 7")
	s.before(vfork.Call{Number: unix.SYS_GETPPID, Expect: int64(os.Getpid())})
	pid, pidfd, failed, errno := s.start()
	if pid == 0 || failed != -1 || errno != 0 {
		t.Fatal(pid, failed, errno)
	}
	defer unix.Close(pidfd)
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PIDFD, pidfd, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Errorf("the pidfd: %v", err)
	}
	if status := wait(t, pid); status.ExitStatus() != 7 {
		t.Errorf("status %#x, want exit 7", status)
	}
	if flags, err := unix.FcntlInt(uintptr(pidfd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags of the pidfd: %#x, %v", flags, err)
	}
}

// A call that fails is told, and nothing after it is done.
func TestStartFails(t *testing.T) {
	for _, tt := range []struct {
		argv   string
		first  vfork.Call
		failed int
		errno  syscall.Errno
	}{
		{"/no/such/program", vfork.Call{Number: unix.SYS_GETPID}, 1, unix.ENOENT},
		{"/", vfork.Call{Number: unix.SYS_GETPID}, 1, unix.EACCES},
		{"/bin/sh", vfork.Call{Number: unix.SYS_CLOSE, Args: [6]uintptr{1 << 20}}, 0, unix.EBADF},
		{"/bin/sh", vfork.Call{Number: unix.SYS_GETPPID, Expect: 1 << 30}, 0, 0},
	} {
		s := newScript(t, tt.argv)
		s.before(tt.first)
		pid, pidfd, failed, errno := s.start()
		if pid == 0 || failed != tt.failed || errno != tt.errno {
			t.Fatalf("%s: pid %d, call %d failed with %v; want call %d with %v", tt.argv, pid, failed, errno, tt.failed, tt.errno)
		}
		unix.Close(pidfd)
		if status := wait(t, pid); !status.Exited() {
			t.Errorf("%s: status %#x", tt.argv, status)
		}
	}
	s := newScript(t, "/bin/sh")
	if pid, _, failed, e := vfork.Start(s.calls, 1<<20, new(uint64)); pid != 0 || failed != -1 || syscall.Errno(e) != unix.EBADF {
		t.Errorf("a cgroup that is none: pid %d, %d, %v", pid, failed, syscall.Errno(e))
	}
}

func wait(t *testing.T, pid int) (status unix.WaitStatus) {
	t.Helper()
	for {
		switch _, err := unix.Wait4(pid, &status, 0, nil); err {
		case nil:
			return status
		case unix.EINTR:
		default:
			t.Fatal(err)
		}
	}
}

// The mask is full while the calls are made, that of the thread after them, and
// no handler of this process can run in the child.
func TestSignals(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, nil, &before); err != nil {
		t.Fatal(err)
	}
	mask, during, handler := new(uint64), new(uint64), new([4]uint64) // struct sigaction begins with the handler
	kept = append(kept, during, handler)
	s := newScript(t, "/bin/true")
	s.before(vfork.Call{Number: unix.SYS_RT_SIGACTION, Args: [6]uintptr{uintptr(unix.SIGURG), 0, uintptr(unsafe.Pointer(handler)), 8}})
	s.before(vfork.Call{Number: unix.SYS_RT_SIGPROCMASK, Args: [6]uintptr{unix.SIG_BLOCK, 0, uintptr(unsafe.Pointer(during)), 8}})
	handler[0] = 1
	pid, pidfd, failed, errno := vfork.Start(s.calls, 0, mask)
	if pid == 0 || failed != -1 {
		t.Fatal(pid, failed, syscall.Errno(errno))
	}
	unix.Close(pidfd)
	wait(t, pid)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, nil, &after); err != nil {
		t.Fatal(err)
	}
	if after != before || *mask != before.Val[0] {
		t.Errorf("mask of the thread %#x, before %#x, saved %#x", after.Val[0], before.Val[0], *mask)
	}
	if kill := uint64(1)<<(unix.SIGKILL-1) | uint64(1)<<(unix.SIGSTOP-1); *during != ^kill {
		t.Errorf("mask of the child %#x", *during)
	}
	if handler[0] != 0 {
		t.Errorf("SIGURG has the handler %#x in the child", handler[0])
	}
}
