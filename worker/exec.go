package worker

import (
	"bytes"
	"context"
	"fmt"
)

// Result is what a program that ran to its end left behind.
type Result struct {
	Stdout, Stderr []byte // at most ExecLimit of each: the beginning
	StdoutCut      int64  // bytes of it that were left out
	StderrCut      int64
	Code           int // exit code; -1 if a signal ended it, or it was not started
	Usage          Usage
}

// ExecLimit bounds what Exec keeps of each stream, in bytes.
const ExecLimit = 1 << 20

// Exec runs a program to its end and returns what it wrote. When ctx ends
// before that, the program is killed, with all that belongs to it, and the error
// is ctx's. The error is an [*ExitError] if the program failed: exited with a
// code that is neither 0 nor in SuccessCodes, or was ended by a signal; a
// [*SpawnError] if it could not be started. There is always a Result. No shell
// is involved: see [Shell] for one.
//
// Ready, Alive, the ways to stop and File of the Command have no meaning here.
func Exec(ctx context.Context, c Command) (*Result, error) {
	c.Ready, c.Alive, c.StopCommand, c.StopMessage, c.File = nil, Liveness{}, nil, false, nil
	r := &Result{Code: -1}
	p, err := c.Process()
	if err != nil {
		return r, err
	}
	p.captured = r
	if err := p.Init(ctx); err != nil {
		return r, err
	}
	kill := context.AfterFunc(ctx, p.Kill)
	err = p.Serve(context.WithoutCancel(ctx))
	inTime := kill()
	r.Code, r.Usage = p.exit.Code, p.exit.Usage
	switch {
	case !inTime && p.exit.asked:
		return r, fmt.Errorf("%s: killed: %w", c.Path, ctx.Err())
	case p.exit.success && p.exit == err: // and nothing survived it
		return r, nil
	}
	return r, err
}

// Shell is the Command that has /bin/sh run a script.
func Shell(script string) Command {
	return Command{Path: "/bin/sh", Args: []string{"-c", script}}
}

// write keeps the beginning of a stream. Each stream has a goroutine of its own.
func (r *Result) write(stream string, b []byte) {
	kept, cut := &r.Stdout, &r.StdoutCut
	if stream == "stderr" {
		kept, cut = &r.Stderr, &r.StderrCut
	}
	n := min(len(b), ExecLimit-len(*kept))
	*kept = append(*kept, b[:n]...)
	*cut += int64(len(b) - n)
}

// run makes an attempt of a [Run], or a stop, out of a command that goes with
// the program.
func (p *Process) run(argv []string) func(context.Context) error {
	return func(ctx context.Context) error { return p.exec(ctx, argv) }
}

func (p *Process) exec(ctx context.Context, argv []string) error {
	c := Command{Path: argv[0], Args: argv[1:], Dir: p.cmd.Dir, Inherit: p.cmd.Inherit, Identity: p.cmd.Identity}
	c.Env = append(append(c.Env, p.cmd.Env...), fmt.Sprintf("MAINPID=%d", p.PID()))
	r, err := Exec(ctx, c)
	if err != nil {
		last := bytes.TrimSpace(r.Stderr)
		if i := bytes.LastIndexByte(last, '\n'); i >= 0 {
			last = last[i+1:]
		}
		if len(last) > 0 {
			return fmt.Errorf("%w: %q", err, last)
		}
	}
	return err
}
