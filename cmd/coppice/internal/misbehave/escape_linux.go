package misbehave

import (
	"fmt"
	"math/bits"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// another is this program again, to be of a kind. It ends no later than this
// process, and has the same stdin, stdout and stderr, as after a plain fork.
func (o *Options) another(kind string, attr *unix.SysProcAttr, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append([]string{Command, kind, "--max", time.Until(o.end).String()}, args...)...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attr
	if o.Pids {
		cmd.Args = append(cmd.Args, "--pids")
	}
	return cmd
}

// make1 makes a process and returns when it is set up. Nobody will wait for it.
func (o *Options) make1(kind string, attr *unix.SysProcAttr) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := o.another(kind, attr, "--made")
	cmd.ExtraFiles = []*os.File{w} // settledFD
	err = cmd.Start()
	w.Close()
	if err != nil {
		return err
	}
	if _, err := r.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("the made process %d did not come up: %w", cmd.Process.Pid, err)
	}
	return cmd.Process.Release()
}

func (o *Options) makeN(attr *unix.SysProcAttr) error {
	for range o.N {
		if err := o.make1("ignore-term", attr); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) makeMany(attr *unix.SysProcAttr) error {
	if err := o.makeN(attr); err != nil {
		return err
	}
	return o.settleAndLinger()
}

// leave exits only when its children ignore SIGTERM.
func leave(o *Options) error {
	if err := o.makeN(&unix.SysProcAttr{}); err != nil {
		return err
	}
	if err := o.settled(); err != nil {
		return err
	}
	os.Exit(o.Code)
	return nil
}

func doubleFork(o *Options) error {
	if err := o.another("leave", &unix.SysProcAttr{Setsid: true}, "--n", fmt.Sprint(o.N)).Run(); err != nil {
		return err
	}
	return o.settleAndLinger()
}

func holdPipe(o *Options) error {
	if err := o.make1("sleep", &unix.SysProcAttr{Setsid: true}); err != nil {
		return err
	}
	if err := o.settled(); err != nil {
		return err
	}
	os.Exit(o.Code)
	return nil
}

// tokens is a pipe of one byte for each process that may still be made: whoever
// takes one may make one. It bounds a storm without a lock or a count that
// every process would have to agree on.
func (o *Options) tokens() (*os.File, error) {
	if o.Made {
		return os.NewFile(tokensFD, "tokens"), nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	_, err = w.Write(make([]byte, o.N))
	w.Close() // its end is the end of the storm
	return r, err
}

// tokensFD is where a process of a storm finds the tokens.
const tokensFD = 3

// fork makes a process of the same storm, if there is a token left.
func (o *Options) fork(kind string, tokens *os.File, attr *unix.SysProcAttr) (*exec.Cmd, error) {
	if n, _ := tokens.Read(make([]byte, 1)); n == 0 {
		return nil, nil
	}
	cmd := o.another(kind, attr, "--made", "--n", fmt.Sprint(o.N), "--for", o.For.String())
	cmd.ExtraFiles = []*os.File{tokens}
	return cmd, cmd.Start()
}

// forkStorm doubles the number of processes with each pause.
func forkStorm(o *Options) error {
	tokens, err := o.inStorm()
	if err != nil {
		return err
	}
	if !o.Made {
		if err := o.settled(); err != nil {
			return err
		}
	}
	for {
		cmd, err := o.fork("fork-storm", tokens, &unix.SysProcAttr{})
		if err != nil {
			return err
		}
		if cmd == nil {
			return linger()
		}
		time.Sleep(o.For / time.Duration(bits.Len(uint(o.N))))
	}
}

// comet is where it was when one looks for it.
func comet(o *Options) error {
	tokens, err := o.inStorm()
	if err != nil {
		return err
	}
	if o.Made {
		time.Sleep(o.For / time.Duration(o.N))
	}
	cmd, err := o.fork("comet", tokens, &unix.SysProcAttr{Setsid: true})
	switch {
	case err != nil:
		return err
	case o.Made && cmd != nil:
		return nil
	case o.Made:
		return linger()
	}
	if err := o.settled(); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil { // of a token there is at least one
		return err
	}
	return linger()
}

// inStorm is how each process of a storm begins.
func (o *Options) inStorm() (tokens *os.File, err error) {
	if o.Made {
		ignoreStops()
		if o.Pids {
			fmt.Println("left", os.Getpid())
		}
	}
	return o.tokens()
}
