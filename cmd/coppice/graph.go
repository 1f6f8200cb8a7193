package main

import (
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/offline"
)

func graphCommand() *cli.Command {
	formats := strings.Join(offline.Formats, ", ")
	return &cli.Command{
		Name:        "graph",
		Usage:       "draw a tree, with its strategies and what needs what",
		ArgsUsage:   "FILE",
		Description: "FILE is a tree.yaml; - is standard input. Nothing is started.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: offline.Formats[0], Usage: "`FORMAT` of the drawing: " + formats},
		},
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			format := c.String("format")
			if !slices.Contains(offline.Formats, format) {
				return exit.Usagef("graph: --format %s: give one of %s", format, formats)
			}
			t, err := readTree(c, false)
			if err != nil {
				return err
			}
			return t.Graph(c.App.Writer, offline.LinesFor(os.Getenv), format)
		},
	}
}
