package worker

import (
	"runtime"
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
		return s.forkExec(prog)
	}
	defer s.clear(len(prog.files))
	for i, fd := range prog.files {
		if unix.Dup3(fd, s.slots[i], unix.O_CLOEXEC) != nil { // beyond a limit that was lowered
			return s.forkExec(prog)
		}
	}
	t, err := s.table(prog)
	if err != nil {
		return launched{}, err
	}
	var (
		pid, pidfd, failed int
		e                  uintptr
	)
	s.onThread(func() { pid, pidfd, failed, e = vfork.Start(t.calls, prog.cgroup, t.mask) })
	runtime.KeepAlive(t)
	switch errno := syscall.Errno(e); {
	case failed >= 0:
		abandon(pid)
		unix.Close(pidfd)
		if errno == 0 { // the parent has changed: nobody is here to be told
			errno = unix.ESRCH
		}
		return launched{}, errno
	case pid == 0 && (errno == unix.ENOSYS || errno == unix.EINVAL || errno == unix.EPERM):
		return s.forkExec(prog) // Linux before 5.7, or a sandbox that does not know clone3
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

// table is what a child does until it is the program.
type table struct {
	calls []vfork.Call
	mask  *uint64
	keep  []unsafe.Pointer // what the calls have addresses of
}

// table makes up the calls in the order in which syscall.ForkExec does the same.
func (s *spawner) table(prog *program) (*table, error) {
	t := &table{mask: new(uint64), calls: make([]vfork.Call, 0, 16)}
	t.call(unix.SYS_SETSID)
	if c := prog.cred; c != nil {
		if !c.NoSetGroups {
			t.call(unix.SYS_SETGROUPS, uintptr(len(c.Groups)), t.address(unsafe.Pointer(unsafe.SliceData(c.Groups))))
		}
		t.call(unix.SYS_SETGID, uintptr(c.Gid))
		t.call(unix.SYS_SETUID, uintptr(c.Uid))
	}
	if prog.dir != "" {
		dir, err := t.text(prog.dir)
		if err != nil {
			return nil, err
		}
		t.call(unix.SYS_CHDIR, dir)
	}
	t.call(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL))
	t.call(unix.SYS_GETPPID)
	t.last().Expect = int64(unix.Getpid())

	top := 0
	for _, slot := range s.slots {
		top = max(top, slot)
	}
	t.call(unix.SYS_CLOSE_RANGE, uintptr(top)+1, uintptr(^uint32(0)), unix.CLOSE_RANGE_UNSHARE)
	for i := range prog.files {
		t.call(unix.SYS_DUP2, uintptr(s.slots[i]), uintptr(i))
	}
	t.call(unix.SYS_CLOSE_RANGE, uintptr(len(prog.files)), uintptr(top))
	if err := t.openFiles(); err != nil {
		return nil, err
	}
	t.call(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, t.address(unsafe.Pointer(t.mask)), 0, unsafe.Sizeof(*t.mask))
	return t, t.exec(prog)
}

// openFiles gives the limit back that package syscall has raised, unless somebody
// has set another since.
func (t *table) openFiles() error {
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return err
	}
	if was := vfork.OpenFiles; was.Soft < was.Hard-1 && now.Cur == was.Hard-1 && now.Max == was.Hard {
		t.call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, t.address(unsafe.Pointer(&was)), 0)
	}
	return nil
}

func (t *table) exec(prog *program) error {
	path, err := t.text(prog.path)
	if err != nil {
		return err
	}
	argv, err := syscall.SlicePtrFromStrings(prog.argv)
	if err != nil {
		return err
	}
	env, err := syscall.SlicePtrFromStrings(prog.env)
	if err != nil {
		return err
	}
	t.call(unix.SYS_EXECVE, path, t.address(unsafe.Pointer(&argv[0])), t.address(unsafe.Pointer(&env[0])))
	return nil
}

func (t *table) call(number uintptr, args ...uintptr) {
	c := vfork.Call{Number: number}
	copy(c.Args[:], args)
	t.calls = append(t.calls, c)
}

func (t *table) last() *vfork.Call { return &t.calls[len(t.calls)-1] }

// address is p as an argument. The object is on the heap, for p is kept there.
//
//go:noinline
func (t *table) address(p unsafe.Pointer) uintptr {
	t.keep = append(t.keep, p)
	return uintptr(p)
}

func (t *table) text(s string) (uintptr, error) {
	p, err := syscall.BytePtrFromString(s)
	return t.address(unsafe.Pointer(p)), err
}
