package shim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/shim/child"
)

// Program is a program to be spawned. The fields have the meaning that they have
// for [syscall.ForkExec].
type Program struct {
	Path      string // to be executed; relative to Dir; not looked up in PATH
	Argv, Env []string
	Dir       string         // entered with the program's user and groups; empty: the host's
	Files     []uintptr      // descriptor i of the program is Files[i]; at least 0 to 2
	Pdeathsig syscall.Signal // 0: none; for SysProcAttr too, until the shim runs
}

// Wrapped is a program with the shim around it. It is used by one goroutine at
// a time.
type Wrapped struct {
	// Program is what to spawn: the shim. SysProcAttr.Credential is left unset.
	Program

	steps  []step
	order  []byte
	conn   *os.File // this end of the socket
	theirs int      // the shim's end; -1 when closed
}

// Wrap makes the shim for a program that is to run with the identity. It looks
// users and groups up. The Wrapped holds two descriptors until Result or Close.
func Wrap(p Program, id *Identity) (*Wrapped, error) {
	cred, err := id.resolve()
	if err != nil {
		return nil, err
	}
	if len(p.Files) < 3 || slices.Contains(p.Files[:3], ^uintptr(0)) {
		return nil, errors.New("a program needs stdin, stdout and stderr: Go would open /dev/null in their place")
	}
	if err := checkNUL(&p); err != nil {
		return nil, err
	}
	steps := id.steps(&p, cred)
	order := child.Order{Path: p.Path, Argv: p.Argv, Env: p.Env}
	if id.ListenPID && !slices.ContainsFunc(p.Env, func(kv string) bool { return strings.HasPrefix(kv, "LISTEN_PID=") }) {
		order.Env = append(slices.Clone(p.Env), "LISTEN_PID=")
	}
	for _, s := range steps {
		order.Steps = append(order.Steps, s.Step)
	}

	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	// With O_NONBLOCK a reader waits in the netpoller; the shim's end blocks.
	if err := unix.SetNonblock(ends[0], true); err != nil {
		unix.Close(ends[0])
		unix.Close(ends[1])
		return nil, os.NewSyscallError("fcntl", err)
	}
	return &Wrapped{
		Program: Program{
			Path:      "/proc/self/exe",
			Argv:      []string{child.Name},
			Env:       child.Environ(len(p.Files)),
			Files:     append(slices.Clone(p.Files), uintptr(ends[1])),
			Pdeathsig: p.Pdeathsig,
		},
		steps:  steps,
		order:  order.Encode(),
		conn:   os.NewFile(uintptr(ends[0]), "shim"),
		theirs: ends[1],
	}, nil
}

func checkNUL(p *Program) error {
	for _, s := range slices.Concat([]string{p.Path, p.Dir}, p.Argv, p.Env) {
		if strings.IndexByte(s, 0) >= 0 {
			return fmt.Errorf("execute %q: a path, argument or environment variable contains a NUL byte", p.Path)
		}
	}
	return nil
}

// ErrNotExecuted is the shim's death before it executed the program: it was
// killed, or could not start, as when no more threads or memory can be had; then
// it may be tried again. What it said is in the child's stderr, how it ended in
// its exit status.
var ErrNotExecuted = errors.New("the process ended before it executed the program")

// Result is called once, after the spawn. It returns nil when the shim is about
// to execute the program and did not fail; a [*StepError] that says what failed;
// [ErrNotExecuted]; or the context's error. The wait is that for the shim's
// work, some milliseconds; it ends too when the child dies, and costs no thread.
// After an error the child has ended or, with the context's, is to be killed;
// reaping it is always the caller's.
func (w *Wrapped) Result(ctx context.Context) error {
	defer w.Close()
	w.closeTheirs() // else the end of the shim's would not be seen here

	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		_ = w.conn.SetDeadline(time.Unix(1, 0))
	})
	defer func() {
		if !stop() {
			<-interrupted
		}
	}()

	// A shim that died meanwhile has said why, or the reading says it: an error
	// of the writing adds nothing.
	_, _ = w.conn.Write(w.order)
	reports, err := io.ReadAll(w.conn)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ctx.Err()
	case err != nil && !errors.Is(err, unix.ECONNRESET): // it left some of the order unread
		return fmt.Errorf("read the shim's report: %w", err)
	case len(reports) < child.ReportSize:
		return ErrNotExecuted
	}
	// The last one counts: that it was about to execute the program, if that
	// succeeded, or what failed.
	last := child.DecodeReport(reports[len(reports)-child.ReportSize:])
	if last.Errno == 0 {
		return nil
	}
	failed := step{name: Execve, what: "execute the program"}
	if int(last.Step) < len(w.steps) {
		failed = w.steps[last.Step]
	}
	return newStepError(failed, syscall.Errno(last.Errno))
}

// Close gives up a program that was not spawned. After Result it does nothing.
func (w *Wrapped) Close() {
	w.closeTheirs()
	_ = w.conn.Close()
}

func (w *Wrapped) closeTheirs() {
	if w.theirs >= 0 {
		_ = unix.Close(w.theirs)
		w.theirs = -1
	}
}

// ignoredSignals are those which a child spawned directly would ignore. The
// shim, being a Go program, has made most of them its own.
func ignoredSignals() (list []syscall.Signal) {
	for sig := syscall.Signal(1); sig < 65; sig++ {
		if signal.Ignored(sig) {
			list = append(list, sig)
		}
	}
	return list
}
