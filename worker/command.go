package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/coppice-go/coppice/strategies"
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

	// Env is the environment as "key=value"; nil means the host's. The last
	// value of a key counts. A child of a tree finds its path in
	// COPPICE_CHILD and its incarnation in COPPICE_INCARNATION as well.
	Env []string

	// StopSignal asks the program to stop; SIGTERM if zero. SIGKILL cannot be
	// given here: that is the tree's BrutalKill.
	StopSignal syscall.Signal

	// SuccessCodes are the exit codes other than 0 which count as success.
	// (A shell or a Java program ended by SIGTERM exits with 143.)
	SuccessCodes []int

	// MaxLine bounds a line of output, in bytes; 64 KiB if zero. A longer
	// line is logged in pieces, with "…" at each cut.
	MaxLine int

	// TailLines is how many of the last lines of output are kept for
	// [ExitError].Tail, each cut at 1 KiB; 10 if zero, none if negative.
	TailLines int
}

const (
	defaultMaxLine   = 64 << 10
	defaultTailLines = 10
)

// Process makes one incarnation of the program, not yet started. The Process
// keeps a copy of c; changing c's slices afterwards has no effect on it.
func (c Command) Process() (*Process, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("worker: command %q: %w", c.Path, err)
	}
	c.Args = slices.Clone(c.Args)
	c.Env = slices.Clone(c.Env)
	c.SuccessCodes = slices.Clone(c.SuccessCodes)
	c.StopSignal = cmp.Or(c.StopSignal, syscall.SIGTERM)
	c.MaxLine = cmp.Or(c.MaxLine, defaultMaxLine)
	c.TailLines = max(0, cmp.Or(c.TailLines, defaultTailLines))
	return &Process{cmd: c}, nil
}

// validate says everything that is wrong with c at once.
func (c Command) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if c.Path == "" {
		bad("Path is empty: name the program to run")
	}
	// execve(2) takes C strings.
	if slices.ContainsFunc(slices.Concat([]string{c.Path, c.Dir}, c.Args, c.Env), hasNUL) {
		bad("Path, Args, Dir and Env cannot contain a NUL byte")
	}
	for _, kv := range c.Env {
		if strings.IndexByte(kv, '=') < 1 {
			bad(`Env has %q: entries have the form "key=value"`, kv)
		}
	}
	if err := checkStopSignal(c.StopSignal); err != nil {
		errs = append(errs, err)
	}
	for _, code := range c.SuccessCodes {
		if code < 0 || code > 255 {
			bad("SuccessCodes has %d: exit codes are 0 to 255", code)
		}
	}
	if c.MaxLine < 0 {
		bad("MaxLine is %d: give a number of bytes, or zero for %d", c.MaxLine, defaultMaxLine)
	}
	return errors.Join(errs...)
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }

// environ is the environment of a child started with ctx.
func (c *Command) environ(ctx context.Context) []string {
	env := slices.Clone(c.Env)
	if env == nil {
		env = os.Environ()
	}
	if ref, ok := strategies.ChildFrom(ctx); ok {
		env = append(env,
			"COPPICE_CHILD="+ref.Path,
			"COPPICE_INCARNATION="+strconv.FormatUint(ref.Incarnation, 10))
	}
	return lastOfEach(env)
}

// lastOfEach drops all but the last entry of each key, as os/exec does: getenv
// in the child would find the first.
func lastOfEach(env []string) []string {
	seen := make(map[string]bool, len(env))
	kept := make([]string, 0, len(env))
	for _, kv := range slices.Backward(env) {
		key, _, _ := strings.Cut(kv, "=")
		if !seen[key] {
			seen[key] = true
			kept = append(kept, kv)
		}
	}
	slices.Reverse(kept)
	return kept
}
