package worker

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coppice-go/coppice/worker/internal/nodeipc"
	"github.com/coppice-go/coppice/worker/internal/probe"
)

// Command describes a program to run. It is a plain value like [os/exec.Cmd]'s
// fields: set what differs from the zero value and call [Command.Process].
type Command struct {
	// Path is the program. A name without a slash is looked up in the host's
	// PATH as [os/exec.LookPath] does it, when the process is started; a hit
	// in the current directory is refused (os/exec.ErrDot). A relative path
	// with a slash is relative to Dir.
	Path string

	// Args are the arguments, without the program's name.
	Args []string

	// Dir is the working directory; the host's if empty.
	Dir string

	// Env is the environment as "key=value", over and above what Inherit
	// takes from the host's. The last value of a key counts. A child of a
	// tree finds its path in COPPICE_CHILD, its incarnation in
	// COPPICE_INCARNATION and the host's pid in COPPICE_SUPERVISOR as well.
	Env []string

	// Inherit is what the program gets of the host's environment; all of it
	// if zero.
	Inherit Inherit

	// SpawnLimit bounds the attempts to start the program while the machine
	// lacks what it takes: descriptors, processes, memory. 30 s if zero, one
	// attempt if negative. Other failures are told at once.
	SpawnLimit time.Duration

	// Ready says when the program counts as started: Init waits for it, and
	// fails if it does not come within ReadyLimit (30 s if zero). Nil: as
	// soon as it was executed.
	Ready      Check
	ReadyLimit time.Duration

	// Alive is asked again and again while the program runs: see [Liveness].
	// The zero value asks nothing.
	Alive Liveness

	// StopCommand and StopMessage come before StopSignal. The one is a
	// program that is run, with the pid in MAINPID and the environment of the
	// program; the other the message "shutdown" on Node's channel (IPC). The
	// program then has StopWait (1.6 s if zero) to end before it is sent the
	// signal.
	StopCommand []string
	StopMessage bool
	StopWait    time.Duration

	// StopSignal asks the program to stop; SIGTERM if zero. SIGKILL cannot be
	// given here: that is the tree's BrutalKill.
	StopSignal syscall.Signal

	// SuccessCodes are the exit codes other than 0 which count as success.
	// (A shell or a Java program ended by SIGTERM exits with 143.)
	SuccessCodes []int

	// FatalCodes are the exit codes which say that starting the program again
	// is pointless: its supervisor does not (suture.ErrDoNotRestart), or ends
	// the whole tree if FatalEndsTree is set (suture.ErrTerminateSupervisorTree).
	FatalCodes    []int
	FatalEndsTree bool

	// IPC is a channel between the host and the program, beside stdin, stdout
	// and stderr; none if zero.
	IPC IPC

	// Identity is as whom, and within which bounds, the program runs; as the
	// host if zero.
	Identity Identity

	// Limits bound what the program and its descendants use together. They
	// need a cgroup.
	Limits Limits

	// File is where the output goes, instead of the logger; nil: the logger.
	File *File

	// OnLine is called with each line of output, if it is not nil: in order, for
	// each stream by one goroutine at a time, before the logger and the File get
	// the line and whatever becomes of it there. The program is held up meanwhile,
	// so it must not wait for anything.
	OnLine func(OutputLine)

	// MaxLine bounds a line of output, in bytes; 64 KiB if zero. A longer
	// line is logged in pieces, with "…" at each cut.
	MaxLine int

	// TailLines is how many of the last lines of output are kept for
	// [ExitError].Tail, each cut at 1 KiB; 10 if zero, none if negative.
	TailLines int
}

// OutputLine is a line of a program's output: without the line break, cut at
// MaxLine, with control characters made visible and as valid UTF-8.
type OutputLine struct {
	PID         int
	Incarnation uint64 // 0 outside of a tree
	Stream      string // stdout or stderr
	Text        string
}

const (
	defaultMaxLine   = 64 << 10
	defaultTailLines = 10
)

// Process makes one incarnation of the program, not yet started. The Process
// keeps a copy of c; changing c's slices afterwards has no effect on it.
func (c Command) Process() (*Process, error) {
	make, err := c.Prepare()
	if err != nil {
		return nil, err
	}
	return make()
}

// Prepare does once what [Command.Process] does for each incarnation: it checks
// the command and keeps a copy of it. The function returned makes the
// incarnations and never fails; it may be called concurrently. For a program
// that is one of thousands, or crashes often, this saves memory and time.
//
//	make, err := worker.Command{Path: "postgres"}.Prepare()
//	...
//	tree.Child{ID: "db", Start: tree.Of(make)}
func (c Command) Prepare() (func() (*Process, error), error) {
	p := &prepared{Command: c.clone()}
	if err := p.compile(); err != nil {
		return nil, fmt.Errorf("worker: command %q: %w", c.Path, err)
	}
	p.StopSignal = cmp.Or(c.StopSignal, syscall.SIGTERM)
	p.StopWait = cmp.Or(c.StopWait, defaultStopWait)
	p.SpawnLimit = cmp.Or(c.SpawnLimit, defaultSpawnLimit)
	p.ReadyLimit = cmp.Or(c.ReadyLimit, defaultReadyLimit)
	p.Alive = c.Alive.orDefault()
	p.MaxLine = cmp.Or(c.MaxLine, defaultMaxLine)
	p.TailLines = max(0, cmp.Or(c.TailLines, defaultTailLines))
	return func() (*Process, error) { return &Process{cmd: p}, nil }, nil
}

// prepared is a command that was checked, with its defaults, and what it takes to
// carry it out. All incarnations share it.
type prepared struct {
	Command
	ready, alive probe.Check    // of TCP and HTTP; nil: see Process.check
	line         *regexp.Regexp // of Line
}

// clone copies what the caller may change.
func (c Command) clone() Command {
	c.Args = slices.Clone(c.Args)
	c.Env = slices.Clone(c.Env)
	c.StopCommand = slices.Clone(c.StopCommand)
	c.SuccessCodes = slices.Clone(c.SuccessCodes)
	c.FatalCodes = slices.Clone(c.FatalCodes)
	c.Identity = c.Identity.clone()
	return c
}

// compile says everything that is wrong with a command at once.
func (p *prepared) compile() error {
	c := &p.Command
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	also := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}

	if c.Path == "" {
		bad("Path is empty: name the program to run")
	}
	// execve(2) takes C strings.
	if slices.ContainsFunc(slices.Concat([]string{c.Path, c.Dir}, c.Args, c.Env, c.StopCommand), hasNUL) {
		bad("Path, Args, Dir, Env and StopCommand cannot contain a NUL byte")
	}
	for _, kv := range c.Env {
		if strings.IndexByte(kv, '=') < 1 {
			bad(`Env has %q: entries have the form "key=value"`, kv)
		}
	}
	if int(c.Inherit) >= len(inheritNames) {
		bad("Inherit is %v: use InheritAll, InheritSafe or InheritNone", c.Inherit)
	}
	also(checkStopSignal(c.StopSignal))
	if c.StopCommand != nil && (len(c.StopCommand) == 0 || c.StopCommand[0] == "") {
		bad("StopCommand is empty: name the program to run")
	}
	if c.StopMessage && c.IPC != NodeIPC {
		bad("StopMessage needs Node's channel: set IPC to NodeIPC")
	}
	if c.StopWait < 0 {
		bad("StopWait is %v: it must not be negative", c.StopWait)
	}
	for _, codes := range []struct {
		name string
		list []int
	}{{"SuccessCodes", c.SuccessCodes}, {"FatalCodes", c.FatalCodes}} {
		for _, code := range codes.list {
			if code < 0 || code > 255 {
				bad("%s has %d: exit codes are 0 to 255", codes.name, code)
			}
		}
	}
	if c.FatalEndsTree && c.FatalCodes == nil {
		bad("FatalEndsTree without FatalCodes: say which codes are fatal")
	}
	if c.ReadyLimit < 0 {
		bad("ReadyLimit is %v: it must not be negative", c.ReadyLimit)
	}
	if int(c.IPC) >= len(ipcNames) {
		bad("IPC is %v: use NoIPC or NodeIPC", c.IPC)
	}
	if c.IPC == NodeIPC {
		if err := nodeipc.CheckEnv(c.Env); err != nil {
			bad("Env: %w", err)
		}
	}
	also(c.Identity.validate())
	also(c.Limits.validate())
	also(c.File.validate())
	also(c.Alive.validate())
	var err error
	p.ready, err = c.prober("Ready", c.Ready)
	also(err)
	p.alive, err = c.prober("Alive.Check", c.Alive.Check)
	also(err)
	if line, ok := c.Ready.(Line); ok {
		p.line, _ = regexp.Compile(string(line)) // prober has told what is wrong
	}
	if c.MaxLine < 0 {
		bad("MaxLine is %d: give a number of bytes, or zero for %d", c.MaxLine, defaultMaxLine)
	}
	return errors.Join(errs...)
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }
