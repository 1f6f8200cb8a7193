package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
)

func psCommand() *cli.Command {
	return runningCommand(&cli.Command{
		Name:      "ps",
		Aliases:   []string{"tree"},
		Usage:     "show the state of a running tree",
		ArgsUsage: "[PATH]",
		Description: "A line for each child: its state, pid, time since it was started, which incarnation it is, how it is\n" +
			"restarted, what a supervisor has spent of the restarts that it may carry out, and how the last one ended.",
	}, nil, ps)
}

func ps(r *running) error {
	s, err := r.Snapshot(r.Context.Context)
	if err != nil {
		return err
	}
	if path := r.Args().First(); path != "" {
		st := show.Find(&s.Root, path)
		if st == nil {
			return noSuch(r, path)
		}
		s.Root = *st
	}
	return r.print(s, func() string { return r.look.Tree(s.Root) })
}

// noSuch is the error about a child that is not there, with the hint of the
// tree, which knows those that were.
func noSuch(r *running, path string) error {
	if _, err := r.Why(r.Context.Context, path); err != nil {
		return err
	}
	return exit.Usagef("%s is not in the tree any more; %s", path, fmt.Sprintf("`coppice why %s` tells of its end", path))
}
