package main

import (
	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree/control"
)

func waitCommand() *cli.Command {
	return runningCommand(&cli.Command{
		Name:      "wait",
		Usage:     "wait until a child of a running tree is ready, or stopped",
		ArgsUsage: "PATH",
		Description: "Ready is what was started, a supervisor with all its children; stopped, what does not run and is not about\n" +
			"to. The exit status is 0 when it is so, and 3 if it was not in time.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "ready", Usage: "until it is ready"},
			&cli.BoolFlag{Name: "stopped", Usage: "until it is stopped"},
			&cli.DurationFlag{Name: "timeout", Usage: "give up after this `TIME`, as 30s", DefaultText: "never"},
		},
	}, checkWait, wait)
}

func checkWait(c *cli.Context) error {
	switch {
	case c.Bool("ready") == c.Bool("stopped"):
		return exit.Usagef("wait: give either --ready or --stopped")
	case c.IsSet("timeout") && c.Duration("timeout") <= 0:
		return exit.Usagef("wait: --timeout %v: give a duration greater than 0, as 30s, or none to wait as long as it takes", c.Duration("timeout"))
	}
	return nil
}

func wait(r *running) error {
	q := control.WaitQuery{Path: r.Args().First(), State: strategies.Up, Timeout: r.Duration("timeout")}
	if r.Bool("stopped") {
		q.State = strategies.Down
	}
	st, err := r.Wait(r.Context.Context, q)
	if err != nil {
		return err
	}
	return r.print(st, func() string {
		if st == nil {
			return q.Path + "  is not in the tree any more\n"
		}
		r.look = lookFor(r.App.Writer) // it is later now
		return r.look.Status(st) + "\n"
	})
}
