package main

import (
	"flag"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/misbehave"
)

// misbehaveCommand is what the processes of tests and chaos experiments run.
func misbehaveCommand() *cli.Command {
	o := misbehave.NewOptions()
	return &cli.Command{
		Name:         misbehave.Command,
		Hidden:       true,
		Usage:        "be a child that starts, stops, ends, writes or forks badly",
		ArgsUsage:    "KIND",
		Description:  "The kinds, with the options that each takes and their defaults:\n\n" + misbehave.Table(),
		Flags:        misbehaveFlags(o),
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return exit.Usagef("misbehave: give one KIND; `coppice misbehave --help` lists them")
			}
			return misbehave.Run(c.Args().First(), o, c.LocalFlagNames())
		},
	}
}

// misbehaveFlags are the options as urfave/cli wants them.
func misbehaveFlags(o *misbehave.Options) []cli.Flag {
	bools := map[string]*bool{"ready": &o.Ready, "pids": &o.Pids, "made": &o.Made}
	var flags []cli.Flag
	o.Flags.VisitAll(func(f *flag.Flag) {
		if b := bools[f.Name]; b != nil {
			flags = append(flags, &cli.BoolFlag{Name: f.Name, Usage: f.Usage, Destination: b, Hidden: b == &o.Made})
			return
		}
		byDefault := f.DefValue
		if byDefault == "0" || byDefault == "0s" {
			byDefault = "that of the kind"
		}
		flags = append(flags, &cli.GenericFlag{Name: f.Name, Usage: f.Usage, Value: f.Value, DefaultText: byDefault})
	})
	return flags
}
