package demo

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/coppice-go/coppice/worker"
)

// Fault is a way to make a process crash.
type Fault uint8

const (
	NoFault Fault = iota
	Kill          // SIGKILL, from outside
	Exit          // it exits with a status other than 0
	Panic         // it panics
)

var faultNames = [...]string{"none", "kill", "exit", "panic"}

func (f Fault) String() string { return faultNames[f] }

// MarshalText writes the name.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// verb says what is done to the victim.
func (f Fault) verb() string {
	switch f {
	case Kill:
		return "SIGKILL to"
	case Exit:
		return "exit 3 ordered from"
	case Panic:
		return "panic ordered from"
	}
	return "nothing done to"
}

// inPlans is the fault in the terms of package chaos.
func (f Fault) inPlans() string {
	switch f {
	case Exit:
		return "signal(USR1)"
	case Panic:
		return "signal(USR2)"
	}
	return "kill"
}

func faultInPlans(kind string) Fault {
	for _, f := range []Fault{Exit, Panic} {
		if f.inPlans() == kind {
			return f
		}
	}
	return Kill
}

// strike does it to the process. That it has ended already is no error.
func (f Fault) strike(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("find process %d: %w", pid, err)
	}
	defer p.Release()
	err = p.Signal(f.signal())
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d: %w", pid, err)
	}
	return nil
}

// explains reports whether a process that ended with err was crashed this way.
func (f Fault) explains(err error) bool {
	e, ok := errors.AsType[*worker.ExitError](err)
	if !ok {
		return false
	}
	switch f {
	case Kill:
		return e.Signal == syscall.SIGKILL
	case Exit:
		return e.Code == exitOnOrder
	case Panic:
		return e.Code == exitOnPanic
	}
	return false
}

// death says in a few words how a process ended; err is that of its exit.
func death(err error) string {
	e, ok := errors.AsType[*worker.ExitError](err)
	switch {
	case err == nil:
		return "exit status 0"
	case !ok:
		return err.Error()
	}
	_, how, _ := strings.Cut(e.Error(), "): ") // after the path and the pid
	for _, line := range e.Tail {
		if strings.HasPrefix(line, "panic: ") {
			return how + ", " + line
		}
	}
	return how
}
