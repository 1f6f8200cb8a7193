package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// program is what it takes to start one.
type program struct {
	path   string // to be executed; relative to dir
	argv   []string
	dir    string
	env    []string
	files  []int // of the program, by number: stdin, stdout, stderr, …; ours to close
	cgroup int   // its descriptor; 0: none
	cred   *syscall.Credential
}

func (p *program) descriptors() []uintptr {
	files := make([]uintptr, len(p.files))
	for i, fd := range p.files {
		files[i] = uintptr(fd)
	}
	return files
}

// close closes our copies of the descriptors but for stdin, which all have in
// common.
func (p *program) close() {
	for i, fd := range p.files {
		if i > 0 {
			unix.Close(fd)
		}
	}
}

// devNull is the stdin of all programs. Once open it stays so.
func devNull() (fd int, err error) {
	null.Lock()
	defer null.Unlock()
	if null.fd == 0 {
		if fd, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return -1, err
		}
		null.fd = fd
	}
	return null.fd, nil
}

var null struct {
	sync.Mutex
	fd int
}

// lookUp finds the program as os/exec.Command does.
func lookUp(cmd *Command) (*program, error) {
	path := cmd.Path
	if filepath.Base(path) == path {
		var err error
		if path, err = exec.LookPath(path); err != nil {
			return nil, &SpawnError{Path: cmd.Path, Dir: cmd.Dir, Err: err, why: explainLookUp(cmd.Path, err)}
		}
	}
	return &program{path: path, argv: append([]string{cmd.Path}, cmd.Args...), dir: cmd.Dir}, nil
}

type launched struct{ pid, pidfd int }

// launch is the seam between a worker and how its program is started. It is
// called on the spawner's thread, and returns when the program runs, as a child of
// this process and leader of its own session, or with a [syscall.Errno] and
// nothing left behind. That is bounded by the time execve(2) takes.
var launch = (*spawner).start

// spawner starts one program at a time, by its permanent thread.
type spawner struct {
	work  chan *birth
	done  chan struct{}
	slots []int  // see start
	calls *table // likewise
}

// idleSpawner waits for a spawner that is idle; nil if ctx ends first. Who has got
// it gives it back to idle.
func idleSpawner(ctx context.Context) *spawner {
	makeSpawners()
	select {
	case s := <-idle:
		return s
	default:
		return nextSpawner(ctx)
	}
}

func nextSpawner(ctx context.Context) *spawner {
	select {
	case s := <-idle:
		return s
	case <-ctx.Done():
		return nil
	}
}

// idle has the spawners that do nothing. While a program is being started its
// thread holds one of Go's processors (vfork), so that more threads than those
// would not start programs faster.
var idle chan *spawner

// makeSpawners makes all there are, at the first spawn.
var makeSpawners = sync.OnceFunc(func() {
	idle = make(chan *spawner, min(4, runtime.GOMAXPROCS(0)))
	for range cap(idle) {
		s := &spawner{work: make(chan *birth, 1), done: make(chan struct{}, 1)}
		s.prepare() // or at a start
		go spawnThread(s)
		idle <- s
	}
})

// spawnThread never ends: with the thread that created them all its children
// would be sent their parent-death signal (PR_SET_PDEATHSIG, prctl(2)). Its name
// is part of the package's documentation.
func spawnThread(s *spawner) {
	runtime.LockOSThread()
	for b := range s.work {
		b.attempt(s)
		s.done <- struct{}{}
	}
}

// forkExec starts the program in the portable way.
func forkExec(prog *program) (launched, error) {
	pidfd := -1
	pid, err := syscall.ForkExec(prog.path, prog.argv, &syscall.ProcAttr{
		Dir:   prog.dir,
		Env:   prog.env,
		Files: prog.descriptors(),
		Sys: &syscall.SysProcAttr{
			Setsid:      true,
			Pdeathsig:   syscall.SIGKILL,
			PidFD:       &pidfd,
			UseCgroupFD: prog.cgroup != 0,
			CgroupFD:    prog.cgroup,
			Credential:  prog.cred,
		},
	})
	if err != nil {
		return launched{}, err
	}
	if pidfd < 0 { // supported said otherwise: a sandbox that forbids part of it
		abandon(pid)
		return launched{}, errNoPidfd(unix.ENOSYS)
	}
	return launched{pid, pidfd}, nil
}

// supported tries once what the package needs of the kernel; a sandbox may
// forbid what the kernel's version promises.
var supported = sync.OnceValue(func() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return errNoPidfd(err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, 0, nil, 0); err != nil {
		return errNoPidfd(err)
	}
	// We are not our own child: ECHILD says that P_PIDFD is understood.
	err = unix.Waitid(unix.P_PIDFD, fd, nil, unix.WEXITED|unix.WNOHANG, nil)
	if !errors.Is(err, unix.ECHILD) {
		return errNoPidfd(err)
	}
	return nil
})

func errNoPidfd(err error) error {
	return fmt.Errorf("worker: processes need pidfds, of Linux 5.4 or later (%v): %w", err, errors.ErrUnsupported)
}
