package worker

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// process is a child on Linux. The two things that are known about it are its
// pid, which names it only until it is reaped, and a pidfd, which is never
// given to another (pidfd_open(2)).
type process struct {
	id    int
	pidfd *os.File
	conn  syscall.RawConn // of pidfd
	out   *output
	pipes [2]*pipe
	pumps sync.WaitGroup

	reapedAt uint64 // set by reap, for sweep
}

// spawn starts the program and the reading of its output.
func spawn(ctx context.Context, cmd *Command) (_ child, err error) {
	if err := supported(); err != nil {
		return nil, err
	}
	prog, err := lookUp(cmd)
	if err != nil {
		return nil, err
	}
	prog.env = cmd.environ(ctx)

	c := &process{out: &output{log: hclog.FromContext(ctx), tail: tail{max: cmd.TailLines}}}
	prog.files[0], err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, explain(cmd, prog, err)
	}
	defer unix.Close(prog.files[0])
	for i := range c.pipes {
		c.pipes[i], prog.files[1+i], err = newPipe()
		if err != nil {
			return nil, explain(cmd, prog, err)
		}
		defer unix.Close(prog.files[1+i])
		defer func() {
			if err != nil {
				c.pipes[i].file.Close()
			}
		}()
	}

	l, err := launch(ctx, prog)
	switch {
	case ctx.Err() != nil && err == ctx.Err():
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	case err != nil:
		return nil, explain(cmd, prog, err)
	}
	c.id = l.pid
	if c.pidfd, c.conn, err = pollable(l.pidfd, "pidfd"); err != nil {
		abandon(l.pid)
		return nil, explain(cmd, prog, err)
	}

	for i, name := range [...]string{"stdout", "stderr"} {
		c.pipes[i].stream = stream{
			out:     c.out,
			fields:  []any{"pid", c.id, "stream", name},
			maxLine: cmd.MaxLine,
		}
		c.pumps.Go(c.pipes[i].pump)
	}
	return c, nil
}

// abandon ends a child that cannot be waited for in the netpoller.
func abandon(pid int) {
	_ = unix.Kill(-pid, unix.SIGKILL)
	_, _ = ignoringEINTR(func() (int, error) { return unix.Wait4(pid, nil, 0, nil) })
}

func (c *process) pid() int { return c.id }

// stop sends sig to the leader, and SIGCONT, or a stopped process never sees it.
func (c *process) stop(sig syscall.Signal) error {
	err := c.signal(sig, 0)
	_ = c.signal(unix.SIGCONT, 0)
	return err
}

// kill sends SIGKILL to the process group. It is called while the leader is not
// reaped, so that the number is certainly that of our group.
func (c *process) kill() {
	if c.signal(unix.SIGKILL, unix.PIDFD_SIGNAL_PROCESS_GROUP) == unix.EINVAL { // Linux < 6.9
		_ = unix.Kill(-c.id, unix.SIGKILL)
	}
}

func (c *process) signal(sig syscall.Signal, flags int) error {
	var err error
	if e := c.conn.Control(func(fd uintptr) {
		err = unix.PidfdSendSignal(int(fd), sig, nil, flags)
	}); e != nil {
		return e
	}
	return err
}

// await parks in the netpoller until the leader is dead. A pidfd becomes
// readable when all threads of its process have ended; WNOWAIT leaves the
// zombie in place (waitid(2)).
func (c *process) await() {
	_ = c.conn.Read(func(fd uintptr) bool {
		var info unix.Siginfo
		_, err := ignoringEINTR(func() (int, error) {
			return 0, unix.Waitid(unix.P_PIDFD, int(fd), &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		})
		switch err {
		case nil:
			return info.Signo != 0 // 0: not yet
		case unix.EAGAIN: // not yet, on a non-blocking pidfd
			return false
		default: // ECHILD: somebody else reaped it
			return true
		}
	})
}

// reap collects the exit status of the dead leader.
func (c *process) reap() *ExitError {
	c.reapedAt = ticks()
	var status unix.WaitStatus
	var usage unix.Rusage
	pid, err := ignoringEINTR(func() (int, error) { return unix.Wait4(c.id, &status, unix.WNOHANG, &usage) })
	if err != nil || pid != c.id {
		// A wait4(-1) elsewhere in this program, or SIGCHLD is ignored.
		return &ExitError{PID: c.id, Code: -1, lost: true}
	}
	exit := &ExitError{
		PID:  c.id,
		Code: status.ExitStatus(), // -1 if signalled
		Usage: Usage{
			User:   time.Duration(usage.Utime.Nano()),
			System: time.Duration(usage.Stime.Nano()),
			MaxRSS: int64(usage.Maxrss) << 10, // getrusage(2): kilobytes
		},
	}
	if status.Signaled() {
		exit.Signal, exit.CoreDump = status.Signal(), status.CoreDump()
	}
	return exit
}

func checkStopSignal(sig syscall.Signal) error {
	switch {
	case sig < 0 || sig > 64:
		return fmt.Errorf("StopSignal is %d: signals are 1 to 64", int(sig))
	case sig == unix.SIGKILL:
		return fmt.Errorf("StopSignal is SIGKILL: shut the child down with BrutalKill instead")
	case sig == unix.SIGSTOP:
		return fmt.Errorf("StopSignal is SIGSTOP, which ends nothing")
	}
	return nil
}

func signalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(sig))
}
