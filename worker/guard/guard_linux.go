package guard

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/cgroup"
)

// passed are the signals for the supervisor. SIGTSTP and SIGCONT are too, in
// their own way.
var passed = []os.Signal{
	unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGABRT,
	unix.SIGUSR1, unix.SIGUSR2, unix.SIGTERM, unix.SIGWINCH,
}

// guard is what the first process is from the start of the supervisor on. It is
// used by the main goroutine only.
type guard struct {
	child int  // the supervisor: its pid, and its process group
	group int  // the guard's own process group
	held  bool // the supervisor's group had the terminal when it was stopped

	signals chan os.Signal // passed, and SIGTSTP
	cont    chan os.Signal // SIGCONT
	chld    chan os.Signal // SIGCHLD: a reminder, not a count
}

// run returns the exit status when the supervisor and its descendants are gone.
func (g *guard) run() int {
	release()
	makeThreads()
	setName("guard")
	for {
		// Signals are sent by number, which is the supervisor's until it is
		// reaped, which is here.
		if status, ended := g.reap(); ended {
			sweep()
			if status != 0 {
				clearCgroups()
			}
			g.handOver(g.child, g.group)
			return exitStatus(status)
		}
		select {
		case <-g.chld:
		case <-g.cont:
			g.resume()
		case sig := <-g.signals:
			to := g.child
			if sig == unix.SIGTSTP {
				to = -to // as a terminal would
			}
			_ = unix.Kill(to, sig.(syscall.Signal))
		}
	}
}

// clearCgroups removes those, empty by now, that a supervisor had no time to
// remove.
func clearCgroups() {
	if parent, err := cgroup.Find(); err == nil {
		_ = parent.ClearDead() // or whoever makes some there next
	}
}

func exitStatus(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// release gives up what the supervisor should be the only one to hold: who
// reads the other end of a pipe waits for the last writer.
func release() {
	if null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
		_ = unix.Dup3(null, 0, 0)
		_ = unix.Dup3(null, 1, 0)
		_ = unix.Close(null)
	}
	for _, name := range names("/proc/self/fd") {
		// The descriptors of Go's own are closed on exec; those that were
		// inherited are not, nor is the supervisor's end of the lifeline.
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
				_ = unix.Close(fd)
			}
		}
	}
}

// makeThreads makes the threads that the runtime may ever want. It cannot when
// the system or the cgroup has no more processes to give, and ends the program;
// that must not happen to the guard of a tree that has taken them all.
func makeThreads() {
	runtime.GOMAXPROCS(2) // bounds how many that is, by the garbage collector too
	const spare = 6
	var locked, unlocked sync.WaitGroup
	release := make(chan struct{}) // closed when all have a thread of their own
	locked.Add(spare)
	for range spare {
		unlocked.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			locked.Done()
			<-release
		})
	}
	locked.Wait()
	close(release)
	unlocked.Wait()
}

// reap reaps whoever is dead, until it is the supervisor's turn.
func (g *guard) reap() (_ unix.WaitStatus, ended bool) {
	for {
		pid, status, err := wait(unix.WUNTRACED)
		switch {
		case err != nil || pid == 0:
			return 0, false
		case pid != g.child: // an orphan
		case status.Stopped():
			g.stopped(status.StopSignal())
		default:
			return status, true
		}
	}
}

// wait is wait4(2) for any child, without blocking: pid is 0 if none has news.
func wait(options int) (pid int, status unix.WaitStatus, err error) {
	for {
		pid, err = unix.Wait4(-1, &status, unix.WNOHANG|options, nil)
		if err != unix.EINTR {
			return pid, status, err
		}
	}
}
