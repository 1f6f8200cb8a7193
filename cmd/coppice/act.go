package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree/control"
)

// The four commands that do something to a running tree.

func startCommand() *cli.Command {
	return actCommand(control.Start, &cli.Command{
		Usage:       "start a child of a running tree that does not run",
		ArgsUsage:   "PATH",
		Description: "It is started as at the beginning.",
	})
}

func stopCommand() *cli.Command {
	return actCommand(control.Stop, &cli.Command{
		Usage:       "stop a child of a running tree",
		ArgsUsage:   "PATH",
		Description: "It stays stopped until it is started, or its supervisor is.",
	})
}

func restartCommand() *cli.Command {
	return actCommand(control.Restart, &cli.Command{
		Usage:       "stop a child of a running tree and start it, with all that share its fate",
		ArgsUsage:   "PATH",
		Description: "This is no failure: it is not counted against the restarts that its supervisor may carry out.",
	})
}

func signalCommand() *cli.Command {
	return actCommand(control.Signal, &cli.Command{
		Usage:       "send a signal to the process of a child of a running tree",
		ArgsUsage:   "PATH SIGNAL",
		Description: "SIGNAL is a name, with or without SIG, or a number. If the process ends of it, that is an end of its own.",
	})
}

func actCommand(do control.Action, cmd *cli.Command) *cli.Command {
	cmd.Name = do.String()
	cmd.Description = "First it tells on stderr what this touches.\n" + cmd.Description
	cmd.Flags = []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "tell only, on stdout, and do nothing"}}
	return runningCommand(cmd, checkSignal, func(r *running) error { return act(r, do) })
}

func checkSignal(c *cli.Context) error {
	if c.Command.Name != control.Signal.String() {
		return nil
	}
	if _, err := control.ParseSignal(c.Args().Get(1)); err != nil {
		return exit.Usagef("signal: %v", err)
	}
	return nil
}

func act(r *running, do control.Action) error {
	ctx := r.Context.Context
	o := show.Order{Do: do, Path: r.Args().Get(0), Signal: r.Args().Get(1)}
	var err error
	if o.Radius, err = r.Plan(ctx, do, o.Path); err != nil {
		return err
	}
	s, err := r.Snapshot(ctx)
	if err != nil {
		return err
	}
	o.Tree = &s.Root
	if r.Bool("dry-run") {
		return r.print(control.Done{Path: o.Path, Radius: o.Radius}, o.Plan)
	}
	fmt.Fprint(r.App.ErrWriter, o.Plan())
	done, err := r.order(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprint(r.App.ErrWriter, o.Otherwise(done))
	return r.print(done, func() string { return o.Result(done, r.pid(ctx, done)) })
}

func (r *running) order(ctx context.Context, o show.Order) (control.Done, error) {
	switch o.Do {
	case control.Start:
		return r.Client.Start(ctx, o.Path)
	case control.Stop:
		return r.Client.Stop(ctx, o.Path)
	case control.Restart:
		return r.Client.Restart(ctx, o.Path)
	default:
		return r.Client.Signal(ctx, o.Path, o.Signal)
	}
}

// pid returns that of what was started; 0 if it is no process, or is gone
// already, which is no failure of what was asked for.
func (r *running) pid(ctx context.Context, done control.Done) int {
	if done.Incarnation == 0 {
		return 0
	}
	s, err := r.Snapshot(ctx)
	if err != nil {
		return 0
	}
	st := show.Find(&s.Root, done.Path)
	if st == nil || st.Incarnation != done.Incarnation {
		return 0
	}
	return st.PID
}
