package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/offline"
	"github.com/coppice-go/coppice/tree/load"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "say whether the file of a tree is valid, and show the tree",
		ArgsUsage: "FILE",
		Description: "FILE is a tree.yaml; - is standard input. All that is wrong is told at once, with its line.\n" +
			"Nothing is started. What is allowed, and seldom meant, is warned of.",
		Flags:        []cli.Flag{outputFlag()},
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			asJSON, err := wantsJSON(c)
			if err != nil {
				return err
			}
			t, err := readTree(c, asJSON)
			if err != nil {
				return err
			}
			if asJSON {
				return t.CheckJSON(c.App.Writer)
			}
			if err := t.Check(c.App.Writer, offline.LinesFor(os.Getenv)); err != nil {
				return err
			}
			return t.Verdict(os.Stderr)
		},
	}
}

// readTree reads the FILE that a command is about. What is wrong with it is told
// on stdout too if that is to be JSON.
func readTree(c *cli.Context, asJSON bool) (*offline.Tree, error) {
	t, err := offline.Read(c.Command.Name, c.Args().Slice(), c.App.Reader)
	bad, ok := errors.AsType[*load.Error](err)
	if !ok {
		return t, err
	}
	if asJSON {
		if err := offline.WriteProblems(c.App.Writer, bad); err != nil {
			return nil, err
		}
	}
	return nil, exit.Usagef("%v", bad)
}
