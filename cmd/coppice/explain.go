package main

import (
	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

func explainCommand() *cli.Command {
	var crash repeated
	return &cli.Command{
		Name:      "explain",
		Usage:     "tell what stops and starts when a program dies, and how many deaths are too many",
		ArgsUsage: "FILE",
		Description: "FILE is a tree.yaml; - is standard input. Nothing is started: the decisions of the tree are run on a virtual clock,\n" +
			"where every program starts and stops at once. Deaths in a row come as soon as the program is up again.",
		Flags: []cli.Flag{
			&cli.GenericFlag{Name: "crash", Value: &crash, Usage: "only of the program at this `PATH`, as shop/web/api; can be given again"},
			outputFlag(),
		},
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
			for _, path := range crash {
				if err := t.Program(path); err != nil {
					return exit.Usagef("explain: --crash %s: %v", path, err)
				}
			}
			if asJSON {
				return t.ExplainJSON(c.App.Writer, crash)
			}
			return t.Explain(c.App.Writer, crash)
		},
	}
}

// repeated is the value of an option that can be given again and again. That of
// urfave/cli would cut each at its commas.
type repeated []string

func (r *repeated) Set(s string) error {
	*r = append(*r, s)
	return nil
}

func (r *repeated) String() string { return "" }
