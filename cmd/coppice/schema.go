package main

import (
	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree/load"
)

func schemaCommand() *cli.Command {
	return &cli.Command{
		Name:         "schema",
		Usage:        "print the JSON Schema of the file of a tree, for editors",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return exit.Usagef("schema: takes no arguments, but got %q; `coppice check FILE` looks at a file", c.Args().First())
			}
			_, err := c.App.Writer.Write(load.Schema())
			return err
		},
	}
}
