package child

import (
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is a system call with its arguments.
type call struct {
	step   uint32 // the number of the step in Order.Steps that it is for
	trap   uintptr
	args   [4]uintptr
	parent uintptr // for getppid(2): the result that it must have
}

// program is an order, compiled.
type program struct {
	fd     int // the socket
	calls  []call
	report Report
	pinned runtime.Pinner // what the arguments point to
}

// newProgram does all that needs the Go runtime. What fails here is reported as
// if it failed in run.
func newProgram(fd int, o *Order) *program {
	restoreNoFile()
	p := &program{fd: fd}
	for i, s := range o.Steps {
		p.add(uint32(i), s, o)
	}
	last := uint32(len(o.Steps))
	ready := &Report{Step: last}
	p.pinned.Pin(ready)
	p.append(last, unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(ready)), ReportSize)
	p.append(last, unix.SYS_EXECVE, p.text(o.Path), p.vector(o.Argv), p.vector(o.Env))
	return p
}

// restoreNoFile undoes what Go does to RLIMIT_NOFILE when a program starts: it
// raises the soft limit, and remembers the original where only its exec
// functions reach it. syscall.Exec puts it back before it tries to execute
// anything, and there is no program with an empty name.
func restoreNoFile() { _ = syscall.Exec("", nil, nil) }

func (p *program) add(i uint32, s Step, o *Order) {
	arg := func(n int) uintptr { return uintptr(s.Nums[n]) }
	switch s.Op {
	case Ignore:
		p.append(i, unix.SYS_RT_SIGACTION, arg(0), p.ignore(), 0, sigsetSize())
	case ListenPID:
		for j, kv := range o.Env {
			if strings.HasPrefix(kv, "LISTEN_PID=") {
				o.Env[j] = "LISTEN_PID=" + strconv.Itoa(unix.Getpid())
			}
		}
	case Umask:
		p.append(i, unix.SYS_UMASK, arg(0))
	case OOMScore:
		// Written before the credentials change: then the file is root's.
		fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			p.fail(i, err.(unix.Errno))
		}
		text := strconv.FormatInt(int64(s.Nums[0]), 10)
		p.append(i, unix.SYS_WRITE, uintptr(fd), p.bytes([]byte(text)), uintptr(len(text)))
	case Nice:
		p.append(i, unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, arg(0))
	case Limit:
		lim := &unix.Rlimit{Cur: s.Nums[1], Max: s.Nums[2]}
		p.pinned.Pin(lim)
		p.append(i, unix.SYS_PRLIMIT64, 0, arg(0), uintptr(unsafe.Pointer(lim)), 0)
	case Groups:
		gids := make([]uint32, len(s.Nums), len(s.Nums)+1)
		for j, n := range s.Nums {
			gids[j] = uint32(n)
		}
		first := unsafe.SliceData(gids)
		p.pinned.Pin(first)
		p.append(i, sysSetgroups, uintptr(len(gids)), uintptr(unsafe.Pointer(first)))
	case GID:
		p.append(i, sysSetgid, arg(0))
	case UID:
		p.append(i, sysSetuid, arg(0))
	case Chdir:
		p.append(i, unix.SYS_CHDIR, p.text(s.Text))
	case DeathSig:
		// It was set before this process came to be the shim, and the change
		// of credentials has cleared it (PR_SET_PDEATHSIG, prctl(2)). A
		// parent that ended in between has sent nothing: look.
		parent := uintptr(unix.Getppid())
		p.append(i, unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, arg(0), 0, 0)
		p.append(i, unix.SYS_GETPPID)
		p.calls[len(p.calls)-1].parent = parent
	case NoNewPrivs:
		p.append(i, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0)
	}
}

func (p *program) append(step uint32, trap uintptr, args ...uintptr) {
	c := call{step: step, trap: trap}
	copy(c.args[:], args)
	p.calls = append(p.calls, c)
}

// run issues the calls. Nothing in it may allocate, grow the stack or enter the
// scheduler; see the package's documentation. Go's own exec keeps others from
// creating a thread meanwhile (golang.org/issue/19546); here there is nobody
// who could, with GOMAXPROCS=1, and that processor is not given up, with
// GODEBUG=asyncpreemptoff=1 ([Environ]).
//
//go:nosplit
//go:norace
func (p *program) run() {
	for i := range p.calls {
		c := &p.calls[i]
		result, _, errno := unix.RawSyscall6(c.trap, c.args[0], c.args[1], c.args[2], c.args[3], 0, 0)
		if c.trap == unix.SYS_GETPPID && result != c.parent {
			errno = unix.ESRCH
		}
		if errno != 0 {
			p.fail(c.step, errno)
		}
	}
}

// fail reports what happened and ends the process.
//
//go:nosplit
//go:norace
func (p *program) fail(step uint32, errno unix.Errno) {
	p.report = Report{Step: step, Errno: uint32(errno)}
	unix.RawSyscall(unix.SYS_WRITE, uintptr(p.fd), uintptr(unsafe.Pointer(&p.report)), ReportSize)
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, exitFailed, 0, 0)
	}
}

// bytes, text and vector return addresses that stay valid.

func (p *program) bytes(b []byte) uintptr {
	first := unsafe.SliceData(b)
	p.pinned.Pin(first)
	return uintptr(unsafe.Pointer(first))
}

func (p *program) text(s string) uintptr { return p.bytes(append([]byte(s), 0)) }

func (p *program) vector(list []string) uintptr {
	v, _ := syscall.SlicePtrFromStrings(list) // there is no NUL byte in them
	p.pinned.Pin(&v[0])                       // and so live what its elements point to
	return uintptr(unsafe.Pointer(&v[0]))
}

// isMIPS: there are 128 signals.
const isMIPS = runtime.GOARCH == "mips" || runtime.GOARCH == "mipsle" || runtime.GOARCH == "mips64" || runtime.GOARCH == "mips64le"

// sigsetSize is the size of the kernel's sigset_t.
func sigsetSize() uintptr {
	if isMIPS {
		return 16
	}
	return 8
}

// ignore returns a struct sigaction whose handler is SIG_IGN: the first word,
// but on MIPS the one after it (asm/sigaction.h). All else is zero, and the
// whole no larger than this.
func (p *program) ignore() uintptr {
	const sigIgn = 1
	action := new([16]uintptr)
	if isMIPS {
		action[1] = sigIgn
	} else {
		action[0] = sigIgn
	}
	p.pinned.Pin(action)
	return uintptr(unsafe.Pointer(action))
}
