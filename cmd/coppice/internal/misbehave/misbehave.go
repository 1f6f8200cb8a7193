// Package misbehave is the badly behaved child: a process that starts, stops,
// ends, writes or forks in every way that a supervisor must be able to deal
// with. Tests and chaos experiments run it, as `coppice misbehave KIND`. The
// kinds are told in one table, [Table]; this package knows nothing of the
// supervisor.
//
// Nothing of it lingers: the kernel kills each process, the forked ones
// included, when Options.Max has passed since the first was started.
package misbehave

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

// Command is the name of the subcommand that calls [Run]. Processes that a kind
// makes are this executable again, with this command:
//
//	coppice misbehave KIND --made ...
const Command = "misbehave"

// Run misbehaves. It returns when the process is to end with status 0, or when
// it could not misbehave: with an [exit.UsageError] if kind or options are
// wrong, an error that wraps [errors.ErrUnsupported] if the system cannot do
// it. Most kinds end the process themselves.
//
// given are the names of the options that were set; the others get the defaults
// of the kind.
func Run(kind string, o *Options, given []string) error {
	i := slices.IndexFunc(kinds, func(k kindOf) bool { return k.name == kind })
	if i < 0 {
		return exit.Usagef("misbehave: there is no kind %q; `coppice misbehave --help` lists them", kind)
	}
	k := kinds[i]
	if err := o.complete(k, given); err != nil {
		return err
	}
	run := k.run
	if run == nil {
		run = linuxOnly[kind]
	}
	if run == nil {
		return fmt.Errorf("misbehave: %s needs Linux, this is %s: %w", kind, runtime.GOOS, errors.ErrUnsupported)
	}
	if err := endAfter(o.Max); err != nil {
		return fmt.Errorf("misbehave: not without a bound: %w", err)
	}
	o.end = time.Now().Add(o.Max)
	if o.Say != "" {
		fmt.Println(o.Say)
	}
	if err := run(o); err != nil {
		return fmt.Errorf("misbehave: %s: %w", kind, err)
	}
	return nil
}

// settledFD is where a made process tells the one that made it that it is set up.
const settledFD = 3

// settled is called when the process is as its kind wants it.
func (o *Options) settled() error {
	if o.Made {
		if o.Pids {
			fmt.Println("left", os.Getpid())
		}
		f := os.NewFile(settledFD, "settled")
		defer f.Close()
		_, err := f.WriteString("s")
		return err
	}
	if !o.Ready {
		return nil
	}
	fmt.Println("ready")
	if os.Getenv(notifySocket) == "" {
		return nil
	}
	return notify("READY=1")
}

// settleAndLinger is for those that misbehave by being there.
func (o *Options) settleAndLinger() error {
	if err := o.settled(); err != nil {
		return err
	}
	return linger()
}

// linger waits for the end that others, or Max, put to this process.
func linger() error {
	for {
		time.Sleep(time.Hour)
	}
}

// ignoreStops makes the process deaf to every polite request to end.
func ignoreStops() { signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP) }
