package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/worker/failpoint"
	"github.com/coppice-go/coppice/worker/internal/cgroup"
	"github.com/coppice-go/coppice/worker/internal/netpoll"
	"github.com/coppice-go/coppice/worker/internal/nodeipc"
	"github.com/coppice-go/coppice/worker/internal/notify"
	"github.com/coppice-go/coppice/worker/internal/output"
	"github.com/coppice-go/coppice/worker/internal/shim"
)

// process is a child on Linux. The two things that are known about it are its
// pid, which names it only until it is reaped, and the pidfd of its death, which
// is never given to another (pidfd_open(2)).
type process struct {
	id     int
	death  death
	group  *cgroup.Group    // nil without cgroups
	notify *notify.Socket   // nil unless it is listened to
	node   *nodeipc.Channel // nil without IPC
	out    *output.Output
	heard  sync.WaitGroup // who listens to notify
	file   *output.File   // nil without Command.File

	log      hclog.Logger
	limited  bool   // it has Limits.Memory
	unborn   bool   // set by reap: it was killed before it did anything
	reapedAt uint64 // set by reap, for sweep
}

// birth is one attempt to start a program. All of it is done by a spawner, down
// to the listening: it takes a deep stack, which the goroutine that waits for the
// program would keep.
type birth struct {
	ctx context.Context
	p   *Process
	c   *process

	attempted bool
	prog      *program
	shim      *shim.Wrapped // nil unless it is to become the program
	err       error
}

// spawn starts the program and the listening to what it says. It goes no deeper
// than it must: most goroutines never need more stack than the 2 KiB which they
// have to begin with, and could not give back.
func spawn(ctx context.Context, p *Process) (child, error) {
	b := newBirth(ctx, p)
	if s := idleSpawner(ctx); s != nil {
		s.work <- b
		<-s.done
		idle <- s
	}
	return b.outcome()
}

//go:noinline
func newBirth(ctx context.Context, p *Process) *birth {
	return &birth{ctx: ctx, p: p, c: &process{log: p.log, limited: p.cmd.Limits.Memory > 0}}
}

// outcome is the program, or why there is none.
func (b *birth) outcome() (child, error) {
	switch {
	case !b.attempted:
		return nil, fmt.Errorf("start %s: %w", b.p.cmd.Path, b.ctx.Err())
	case b.shim != nil:
		b.awaitShim()
	}
	if b.err != nil {
		return nil, b.err
	}
	return b.c, nil
}

// attempt is the spawner's.
func (b *birth) attempt(s *spawner) {
	b.attempted = true
	cmd := &b.p.cmd.Command
	if b.err = supported(); b.err != nil {
		return
	}
	if b.prog, b.err = lookUp(cmd); b.err != nil {
		return
	}
	defer b.prog.close()
	if b.err = failpoint.Spawn.Fail(); b.err == nil {
		b.err = b.c.equip(b.ctx, b.p, b.prog)
	}
	if b.err == nil {
		b.err = b.launch(s, cmd.Identity)
	}
	switch {
	case b.err != nil:
		b.failed()
	case b.shim == nil:
		b.c.listen(b.p)
	}
}

// launch starts the program, or the shim.
func (b *birth) launch(s *spawner, i Identity) (err error) {
	run := b.prog
	if !i.zero() {
		if b.shim, run, err = wrap(b.prog, i); err != nil {
			return err
		}
	}
	var l launched
	if err = failpoint.Exec.Fail(); err == nil {
		l, err = launch(s, run)
	}
	if err == nil {
		b.c.id = l.pid
		if err = b.c.death.watch(l.pidfd); err != nil {
			abandon(l.pid)
		}
	}
	if err != nil && b.shim != nil {
		b.shim.Close()
		b.shim = nil
	}
	return err
}

// awaitShim waits for the shim to become the program.
func (b *birth) awaitShim() {
	if b.err = b.shim.Result(b.ctx); b.err == nil {
		b.c.listen(b.p)
		return
	}
	abandon(b.c.id)
	b.c.death.forget()
	b.failed()
}

// failed cleans up, and says why there is no program.
func (b *birth) failed() {
	b.c.discard()
	if b.err == b.ctx.Err() {
		b.err = fmt.Errorf("start %s: %w", b.p.cmd.Path, b.err)
		return
	}
	b.err = explain(&b.p.cmd.Command, b.prog, b.err)
}

// equip makes what the program is connected by: its descriptors, the variables
// that tell of them, and its cgroup.
func (c *process) equip(ctx context.Context, p *Process, prog *program) (err error) {
	null, err := devNull()
	if err != nil {
		return err
	}
	prog.files = append(prog.files, null)
	if err := c.equipOutput(ctx, p, prog); err != nil {
		return err
	}
	var env []string
	if p.cmd.IPC == NodeIPC {
		var fd int
		if c.node, fd, err = nodeipc.New(); err != nil {
			return err
		}
		env = append(env, nodeipc.Env(len(prog.files))...)
		prog.files = append(prog.files, fd)
		if _, ok := p.cmd.Ready.(NodeReady); ok {
			c.node.Observe(func(m json.RawMessage) {
				if string(m) == `"ready"` {
					p.isReady()
				}
			})
		}
	}
	if p.cmd.notifies() {
		if c.notify, err = notify.Listen(""); err != nil {
			return err
		}
		if err := c.letNotify(p.cmd.Identity); err != nil {
			return err
		}
		env = append(env, "NOTIFY_SOCKET="+c.notify.Path())
		if _, ok := p.cmd.Alive.Check.(Notify); ok {
			env = append(env, fmt.Sprintf("WATCHDOG_USEC=%d", p.cmd.Alive.Every.Microseconds()))
		}
	}
	if c.group, err = newGroup(ctx, &p.cmd.Command); err != nil {
		return err
	}
	if c.group != nil {
		prog.cgroup = c.group.FD()
	}
	prog.env = p.cmd.environ(ctx, env...)
	return nil
}

// letNotify lets a program that runs as another user reach the socket.
func (c *process) letNotify(i Identity) error {
	cred, _, err := i.shim().Credential()
	if err != nil || cred == nil {
		return err
	}
	return c.notify.Allow(int(cred.Uid))
}

func (c *process) equipOutput(ctx context.Context, p *Process, prog *program) (err error) {
	cfg := output.Config{
		Logger:    p.log,
		MaxLine:   p.cmd.MaxLine,
		TailLines: p.cmd.TailLines,
		Name:      p.cmd.Path,
	}
	if p.cmd.TailLines == 0 {
		cfg.TailLines = -1
	}
	if p.captured != nil {
		cfg.Logger, cfg.Raw = nil, p.captured.write
	}
	if ref, ok := strategies.ChildFrom(ctx); ok {
		cfg.Name, cfg.Incarnation = ref.Path, ref.Incarnation
	}
	if tell := p.cmd.OnLine; tell != nil {
		incarnation := cfg.Incarnation
		cfg.Line = func(stream string, line []byte) {
			tell(OutputLine{PID: c.id, Incarnation: incarnation, Stream: stream, Text: string(line)})
		}
	}
	if f := p.cmd.File; f != nil {
		c.file, err = output.OpenFile(f.Path, output.FileOptions{
			MaxSize: f.MaxSize, Keep: f.Keep, MaxAge: f.MaxAge, Compress: f.Compress, Times: f.Times,
		})
		if err != nil {
			return err
		}
		cfg.File, cfg.FileOnly = c.file, !f.Log
	}
	c.out = output.New(cfg)
	for _, name := range [...]string{"stdout", "stderr"} {
		w, err := c.out.Pipe(name)
		if err != nil {
			return err
		}
		prog.files = append(prog.files, w)
	}
	if p.cmd.line != nil {
		p.said = c.out.Watch(p.cmd.line)
	}
	return nil
}

// listen begins to hear what the program says; it has started.
func (c *process) listen(p *Process) {
	if c.group != nil {
		c.group.CloseFD()
	}
	c.out.Start(c.id)
	if c.notify != nil {
		c.heard.Go(func() {
			for {
				m, err := c.notify.Receive()
				if err != nil {
					return
				}
				p.notified(m)
			}
		})
	}
}

// unequip undoes equip.
func (c *process) unequip() {
	if c.node != nil {
		c.node.Close()
	}
	if c.notify != nil {
		_ = c.notify.Close()
		c.heard.Wait()
	}
	if c.file != nil {
		_ = c.file.Close()
	}
}

// discard is for when the program could not be started.
func (c *process) discard() {
	if c.out != nil {
		c.out.Close()
	}
	if c.group != nil {
		_ = c.group.Remove()
	}
	c.unequip()
}

// abandon ends a child whose death nobody would notice.
func abandon(pid int) {
	_ = unix.Kill(-pid, unix.SIGKILL)
	_, _ = netpoll.IgnoringEINTR(func() (int, error) { return unix.Wait4(pid, nil, 0, nil) })
}

func (c *process) send(ctx context.Context, v any) error {
	err := c.node.Send(ctx, v)
	if errors.Is(err, nodeipc.ErrClosed) {
		return fmt.Errorf("%w: %w", ErrNoIPC, err)
	}
	return err
}

func (c *process) receive(ctx context.Context) (json.RawMessage, error) { return c.node.Receive(ctx) }

func (c *process) pid() int { return c.id }

// stop sends sig to the leader, and SIGCONT, or a stopped process never sees it.
func (c *process) stop(sig syscall.Signal) error {
	err := c.signal(sig, 0)
	_ = c.signal(unix.SIGCONT, 0)
	return err
}

// kill sends SIGKILL to the cgroup, if there is one, and to the process group. It
// is called while the leader is not reaped, so that the number is certainly that
// of our group.
func (c *process) kill() {
	if c.group != nil {
		_ = c.group.Kill()
	}
	if c.signal(unix.SIGKILL, unix.PIDFD_SIGNAL_PROCESS_GROUP) == unix.EINVAL { // Linux < 6.9
		_ = unix.Kill(-c.id, unix.SIGKILL)
	}
}

func (c *process) signal(sig syscall.Signal, flags int) error {
	return unix.PidfdSendSignal(c.death.pidfd, sig, nil, flags)
}

func (c *process) await() { <-c.death.seen }

// reap collects the exit status of the dead leader.
func (c *process) reap() *ExitError {
	c.reapedAt = ticks()
	var status unix.WaitStatus
	var usage unix.Rusage
	pid, err := netpoll.IgnoringEINTR(func() (int, error) { return unix.Wait4(c.id, &status, unix.WNOHANG, &usage) })
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
	// Nothing runs without a page fault. From Linux 6.14 this is what becomes of all
	// that is started in a cgroup which somebody has killed.
	c.unborn = status.Signaled() && usage.Minflt+usage.Majflt == 0
	if c.limited {
		kills, _ := c.group.OOMKills()
		exit.OOM = kills > 0
	}
	return exit
}

// drain reads the rest of the output and ends all listening.
func (c *process) drain() []string {
	end := c.out.Drain()
	c.unequip()
	if end.Unlogged > 0 {
		c.log.Warn("the log was too slow for the last lines of output", "pid", c.id, "lines", end.Unlogged)
	}
	if end.Unwritten > 0 {
		c.log.Warn("the last lines of output are missing in the file", "pid", c.id, "lines", end.Unwritten)
	}
	return end.Tail
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
