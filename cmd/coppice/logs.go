package main

import (
	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/record"
)

// tailFollowed is how many lines begin a stream that is followed.
const tailFollowed = 10

func logsCommand() *cli.Command {
	return runningCommand(&cli.Command{
		Name:      "logs",
		Usage:     "print the output of the children of a running tree",
		ArgsUsage: "[PATH]",
		Description: "The last lines that each child has written are kept, of the incarnation that runs and of the one before.\n" +
			"With the PATH of a supervisor, of all below it; without one, of the whole tree.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "tail", Aliases: []string{"n"}, Usage: "the last `N` lines", DefaultText: "all that are kept, or 10 with --follow"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what is written, until the tree ends"},
			&cli.BoolFlag{Name: "previous", Aliases: []string{"p"}, Usage: "of the incarnation before the one that runs"},
		},
	}, checkLogs, logs)
}

func checkLogs(c *cli.Context) error {
	switch {
	case c.Bool("previous") && c.Bool("follow"):
		return exit.Usagef("logs: --previous with --follow: the output of an incarnation that is gone does not grow; leave one of them out")
	case c.Int("tail") < 0:
		return exit.Usagef("logs: --tail %d: give a number of lines", c.Int("tail"))
	}
	return nil
}

func logs(r *running) error {
	path, err := r.path()
	if err != nil {
		return err
	}
	q := control.LogsQuery{Path: path, Tail: record.All, Previous: r.Bool("previous"), Follow: r.Bool("follow")}
	switch {
	case r.IsSet("tail") && r.Int("tail") == 0:
		q.Tail = record.None
	case r.IsSet("tail"):
		q.Tail = r.Int("tail")
	case q.Follow:
		q.Tail = tailFollowed
	}
	drawn := show.Logs{Look: r.look}
	for line, err := range r.Logs(r.Context.Context, q) {
		if err != nil {
			return err
		}
		if err := r.print(line, func() string { return drawn.Line(line) }); err != nil {
			return err
		}
	}
	return nil
}
