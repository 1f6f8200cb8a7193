package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/thejerf/suture/v4"
)

// Process is one incarnation of a program. It is made by [Command.Process],
// started by Init and served once.
type Process struct {
	cmd      *prepared
	captured *Result // of Exec: gets the output; else nil

	// Set by Init before anything else can happen to the program.
	log   hclog.Logger
	alive context.Context // done when the program is dead; nil if nobody but Serve waits for that
	dead  context.CancelFunc
	ready chan struct{}   // closed when the program says that it is
	said  <-chan struct{} // ready, or what is closed by its Line

	mu         sync.Mutex // guards what follows; never held while waiting for anything
	stage      stage
	child      child          // nil until spawned
	reaped     bool           // child's pid is no longer its own: no signal by number
	asked      bool           // Serve's context was cancelled
	sent       syscall.Signal // the stop signal, once it was sent
	killed     bool           // Kill was called
	late       *time.Timer    // of ReadyLimit
	lateAt     time.Time
	dog        watchdog
	missed     error // why it was aborted
	abortTimer *time.Timer
	status     string
	exit       *ExitError // how it ended
}

// notifies reports whether the program is expected to use sd_notify(3).
func (c *Command) notifies() bool {
	_, ready := c.Ready.(Notify)
	_, alive := c.Alive.Check.(Notify)
	return ready || alive
}

// attended reports whether somebody has to know of the program's death beside
// Serve.
func (c *Command) attended() bool {
	return c.Ready != nil || c.Alive.Check != nil || c.StopCommand != nil || c.StopMessage
}

type stage uint8

const (
	fresh    stage = iota
	starting       // Init is at work
	started        // spawned, waiting for Serve
	serving
	ended
)

// child is a spawned program, as far as it takes the operating system to know
// or do something about it. Methods are called in the order given here; stop
// and kill at any time before reap, under the Process's lock.
type child interface {
	pid() int
	stop(syscall.Signal) error     // signals the leader, and continues it if it was stopped
	kill()                         // SIGKILL to all that belongs to it
	await()                        // returns when the leader is dead, and does not reap it
	reap() *ExitError              // collects the exit status; never waits
	sweep(again bool) (int, error) // ends what is left of it: how many, and a *SurvivorsError
	drain() []string               // reads the rest of the output and returns its tail

	send(ctx context.Context, v any) error // to Node's channel, if it has one
	receive(ctx context.Context) (json.RawMessage, error)
}

// Init spawns the program and returns when it runs. Its context bounds only the
// start; it may carry the logger for the output ([hclog.WithContext]) and a
// strategies.ChildRef. When Init returned nil, Serve must be called, if only
// with a cancelled context to end the program; after an error there is nothing
// to clean up.
func (p *Process) Init(ctx context.Context) error {
	if !p.advance(fresh, starting) {
		return p.errUsed()
	}
	if err := p.interrupted(ctx); err != nil {
		p.advance(starting, ended)
		return err
	}
	p.log = hclog.FromContext(ctx)
	if p.cmd.Ready != nil {
		p.ready = make(chan struct{})
		p.said = p.ready
	}
	if p.cmd.attended() {
		p.alive, p.dead = context.WithCancel(context.Background())
	}
	c, err := spawn(ctx, p)
	if err != nil {
		c, err = p.spawnAgain(ctx, err)
	}
	if err != nil {
		p.advance(starting, ended)
		return err
	}
	if p.alive != nil {
		go func() {
			c.await()
			p.dead()
		}()
	}

	p.mu.Lock()
	p.child = c
	err = p.interruptedLocked(ctx)
	p.mu.Unlock()
	if err == nil && p.cmd.Ready != nil {
		err = p.awaitReady(ctx)
	}
	if err != nil {
		return p.fail(err)
	}
	p.advance(starting, started)
	return nil
}

// fail ends a program whose start has failed.
func (p *Process) fail(err error) error {
	p.mu.Lock()
	p.child.kill()
	p.mu.Unlock()
	how := p.finish(hclog.NewNullLogger())
	if notReady, ok := err.(*NotReadyError); ok {
		notReady.Exit = how
	}
	return err
}

// Serve waits for the program to end, and returns when nothing is left of it.
// It runs Init if nobody did. When ctx is cancelled it sends the stop signal,
// once, and keeps waiting: the deadline is the caller's, who has Kill.
//
// A program that ends by itself takes with it whatever it leaves behind in its
// session. Serve returns nil if it exited with code 0 without having been
// asked to, an error with an [*ExitError] in its chain otherwise, joined by a
// [*SurvivorsError] if some member of the session is still there 5 seconds
// after the program's death.
//
// While the program itself lives Serve does not return, not even when SIGKILL
// cannot end it (uninterruptible sleep). Serving a second time is [ErrUsed].
func (p *Process) Serve(ctx context.Context) error {
	if p.in(fresh) {
		if err := p.Init(ctx); err != nil {
			return err
		}
	}
	if !p.advance(started, serving) {
		return p.errUsed()
	}

	stopped := make(chan struct{})
	forget := afterFunc(ctx, func() {
		defer close(stopped)
		p.stop()
	})
	unwatch := p.watch(ctx)
	err := p.finish(p.log)
	unwatch()
	if !forget() {
		<-stopped
	}
	return err
}

// afterFunc is context.AfterFunc without what that makes in between, for contexts
// which have that method, as the tree's have.
func afterFunc(ctx context.Context, f func()) (stop func() bool) {
	if a, ok := ctx.(interface{ AfterFunc(func()) func() bool }); ok {
		return a.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}

// Kill begins the unconditional end of the program and its process group, at
// any time and as often as one likes; it waits for nothing. A Process killed
// before it was spawned is never spawned: Init returns [ErrKilled].
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.child != nil && !p.reaped {
		p.child.kill()
	}
}

// finish accompanies the child from wherever it is to its end.
func (p *Process) finish(log hclog.Logger) error {
	c := p.child
	if p.alive != nil {
		<-p.alive.Done()
	} else {
		c.await()
	}

	// Up to here the leader, be it a zombie, keeps its pid from being used
	// anew, and Kill may signal the group by that number.
	p.mu.Lock()
	exit := c.reap()
	p.reaped = true
	exit.asked = p.asked || p.killed
	exit.sent = p.sent
	exit.Missed = p.missed
	p.dog.stop()
	if p.abortTimer != nil {
		p.abortTimer.Stop()
	}
	p.mu.Unlock()

	left, err := c.sweep(!exit.asked && p.captured == nil)
	if left > 0 && !exit.asked {
		log.Warn("the program ended and left processes behind; they were killed", "pid", exit.PID, "processes", left)
	}

	exit.Path = p.cmd.Path
	exit.success = exit.Signal == 0 && (exit.Code == 0 || slices.Contains(p.cmd.SuccessCodes, exit.Code))
	exit.Tail = c.drain()

	p.mu.Lock()
	p.stage, p.exit = ended, exit
	p.mu.Unlock()
	switch {
	case err != nil:
		return fmt.Errorf("%w; %w", exit, err)
	case exit.Signal == 0 && slices.Contains(p.cmd.FatalCodes, exit.Code):
		if p.cmd.FatalEndsTree {
			return fmt.Errorf("%w, which is fatal: %w", exit, suture.ErrTerminateSupervisorTree)
		}
		return fmt.Errorf("%w, which is fatal: %w", exit, suture.ErrDoNotRestart)
	case exit.Code == 0 && !exit.asked:
		return nil
	}
	return exit
}

// PID is the program's process id: 0 before it was spawned, and no longer its
// own after Serve returned.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child == nil {
		return 0
	}
	return p.child.pid()
}

func (p *Process) String() string {
	if pid := p.PID(); pid != 0 {
		return fmt.Sprintf("%s (pid %d)", p.cmd.Path, pid)
	}
	return p.cmd.Path
}

// interrupted says why the program should not be started after all.
func (p *Process) interrupted(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.interruptedLocked(ctx)
}

func (p *Process) interruptedLocked(ctx context.Context) error {
	if p.killed {
		return fmt.Errorf("start %s: %w", p.cmd.Path, ErrKilled)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("start %s: %w", p.cmd.Path, err)
	}
	return nil
}

func (p *Process) in(s stage) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stage == s
}

// advance moves from one stage to the next, if p is where the caller thinks.
func (p *Process) advance(from, to stage) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stage != from {
		return false
	}
	p.stage = to
	return true
}

func (p *Process) errUsed() error { return fmt.Errorf("%s: %w", p.cmd.Path, ErrUsed) }
