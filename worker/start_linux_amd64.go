package worker

import (
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/vfork"
)

const (
	maxSlots = 5  // stdin, stdout, stderr, Node's channel, the shim's
	minSlot  = 16 // not among the numbers that they get in the program
)

// start starts a program at the same cost however many descriptors this process
// has open; see package vfork. Those of the program are first copied to the
// slots, which are among the lowest, and are all that the child takes along. So a
// program gets no descriptor but its own.
func (s *spawner) start(prog *program) (launched, error) {
	if len(prog.files) > maxSlots || !s.prepare() {
		return forkExec(prog)
	}
	defer s.clear(len(prog.files))
	for i, fd := range prog.files {
		if unix.Dup3(fd, s.slots[i], unix.O_CLOEXEC) != nil { // beyond a limit that was lowered
			return forkExec(prog)
		}
	}
	t, err := s.table(prog)
	if err != nil {
		return launched{}, err
	}
	pid, pidfd, failed, e := vfork.Start(t.calls, prog.cgroup, &t.mask)
	runtime.KeepAlive(prog)
	switch errno := syscall.Errno(e); {
	case failed >= 0:
		abandon(pid)
		unix.Close(pidfd)
		if errno == 0 { // the parent has changed: nobody is here to be told
			errno = unix.ESRCH
		}
		return launched{}, errno
	case pid == 0 && (errno == unix.ENOSYS || errno == unix.EINVAL || errno == unix.EPERM):
		return forkExec(prog) // Linux before 5.7, or a sandbox that does not know clone3
	case pid == 0:
		return launched{}, errno
	}
	return launched{pid, pidfd}, nil
}

// prepare makes the slots, one for each of a program's descriptors and /dev/null
// between starts, and reports whether they are there.
func (s *spawner) prepare() bool {
	if len(s.slots) == maxSlots {
		return true
	}
	if unix.CloseRange(^uint(0), ^uint(0), 0) != nil { // Linux before 5.9
		return false
	}
	null, err := devNull()
	if err != nil {
		return false
	}
	for len(s.slots) < maxSlots {
		fd, err := unix.FcntlInt(uintptr(null), unix.F_DUPFD_CLOEXEC, minSlot)
		if err != nil {
			return false
		}
		s.slots = append(s.slots, fd)
	}
	return true
}

// clear closes the copies of the program's descriptors, but keeps their numbers.
func (s *spawner) clear(n int) {
	null, _ := devNull() // there: prepare has seen it
	for _, slot := range s.slots[:n] {
		_ = unix.Dup3(null, slot, unix.O_CLOEXEC)
	}
}

// table is what a child does until it is the program. It is used again for the
// next: what is made anew for each start is what a start takes time for.
type table struct {
	calls []vfork.Call
	mask  uint64
	limit vfork.Limit
	text  []byte  // path, directory, arguments and environment, each with its NUL
	list  []*byte // argv and envp, each with its nil
}

// table makes up the calls in the order in which syscall.ForkExec does the same.
func (s *spawner) table(prog *program) (*table, error) {
	if s.calls == nil {
		s.calls = new(table)
	}
	t := s.calls
	path, dir, argv, env, err := t.layout(prog)
	if err != nil {
		return nil, err
	}
	t.calls = t.calls[:0]
	t.call(unix.SYS_SETSID)
	if c := prog.cred; c != nil {
		if !c.NoSetGroups {
			t.call(unix.SYS_SETGROUPS, uintptr(len(c.Groups)), uintptr(unsafe.Pointer(unsafe.SliceData(c.Groups))))
		}
		t.call(unix.SYS_SETGID, uintptr(c.Gid))
		t.call(unix.SYS_SETUID, uintptr(c.Uid))
	}
	if prog.dir != "" {
		t.call(unix.SYS_CHDIR, dir)
	}
	t.call(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL))
	t.call(unix.SYS_GETPPID)
	t.calls[len(t.calls)-1].Expect = int64(unix.Getpid())

	top := slices.Max(s.slots)
	t.call(unix.SYS_CLOSE_RANGE, uintptr(top)+1, uintptr(^uint32(0)), unix.CLOSE_RANGE_UNSHARE)
	for i := range prog.files {
		t.call(unix.SYS_DUP2, uintptr(s.slots[i]), uintptr(i))
	}
	t.call(unix.SYS_CLOSE_RANGE, uintptr(len(prog.files)), uintptr(top))
	if t.limit = vfork.OpenFiles; raised(t.limit) {
		t.call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&t.limit)), 0)
	}
	t.call(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&t.mask)), 0, unsafe.Sizeof(t.mask))
	t.call(unix.SYS_EXECVE, path, argv, env)
	return t, nil
}

func (t *table) call(number uintptr, args ...uintptr) {
	c := vfork.Call{Number: number}
	copy(c.Args[:], args)
	t.calls = append(t.calls, c)
}

// raised reports whether package syscall has raised the limit, and nobody has set
// another since: what it does itself to find that out.
func raised(was vfork.Limit) bool {
	var now unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_NOFILE, &now) == nil &&
		was.Soft < was.Hard-1 && now.Cur == was.Hard-1 && now.Max == was.Hard
}

// layout writes down a program's strings, and returns the addresses of them and
// of the lists.
func (t *table) layout(prog *program) (path, dir, argv, env uintptr, err error) {
	size := len(prog.path) + len(prog.dir) + 2
	for _, list := range [...][]string{prog.argv, prog.env} {
		for _, s := range list {
			size += len(s) + 1
		}
	}
	t.text = slices.Grow(t.text[:0], size) // from here on it stays where it is
	t.list = slices.Grow(t.list[:0], len(prog.argv)+len(prog.env)+2)
	at := func(s string) *byte {
		if strings.IndexByte(s, 0) >= 0 {
			err = unix.EINVAL
		}
		i := len(t.text)
		t.text = append(append(t.text, s...), 0)
		return &t.text[i]
	}
	add := func(list []string) uintptr {
		i := len(t.list)
		for _, s := range list {
			t.list = append(t.list, at(s))
		}
		t.list = append(t.list, nil)
		return uintptr(unsafe.Pointer(&t.list[i]))
	}
	path, dir = uintptr(unsafe.Pointer(at(prog.path))), uintptr(unsafe.Pointer(at(prog.dir)))
	argv, env = add(prog.argv), add(prog.env)
	return path, dir, argv, env, err
}
