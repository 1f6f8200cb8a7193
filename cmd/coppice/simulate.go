package main

import (
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/offline"
)

func simulateCommand() *cli.Command {
	var s offline.Scenario
	return &cli.Command{
		Name:      "simulate",
		Usage:     "show on a virtual clock what follows when programs die at given times",
		ArgsUsage: "FILE",
		Description: "FILE is a tree.yaml; - is standard input. Nothing is started: the decisions of the tree are run on a virtual clock.\n" +
			"Times have units, as 1.5s, and are counted from the start of the tree.",
		Flags: []cli.Flag{
			&cli.GenericFlag{Name: "fail", Value: &s.Deaths, Usage: "let the program die, as `PATH@TIME`; PATH@1s*5/200ms is five deaths, one every 200ms; can be given again"},
			&cli.DurationFlag{Name: "until", Destination: &s.Until, Usage: "watch until this `TIME`", DefaultText: "until the tree is at rest"},
			&cli.DurationFlag{Name: "start-takes", Destination: &s.StartTakes, Usage: "how long each program takes to be up", DefaultText: "no time"},
			&cli.DurationFlag{Name: "stop-takes", Destination: &s.StopTakes, Usage: "how long each program takes to stop", DefaultText: "no time"},
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
			if err := checkScenario(c, t, s); err != nil {
				return err
			}
			if asJSON {
				return t.SimulateJSON(c.App.Writer, s)
			}
			return t.Simulate(c.App.Writer, offline.LinesFor(os.Getenv), s)
		},
	}
}

func checkScenario(c *cli.Context, t *offline.Tree, s offline.Scenario) error {
	if len(s.Deaths) == 0 {
		return exit.Usagef("simulate: say what dies and when: --fail PATH@TIME, as in --fail shop/db@1.5s")
	}
	for _, name := range []string{"until", "start-takes", "stop-takes"} {
		if d := c.Duration(name); d < 0 || c.IsSet(name) && d == 0 {
			return exit.Usagef("simulate: --%s %v: give a time greater than 0, as in 2s", name, d)
		}
	}
	last := time.Duration(0)
	for _, d := range s.Deaths {
		if err := t.Program(d.Path); err != nil {
			return exit.Usagef("simulate: --fail %s@%v: %v", d.Path, d.At, err)
		}
		last = max(last, d.At)
	}
	if c.IsSet("until") && s.Until < last {
		return exit.Usagef("simulate: --until %v is before the last death, at %v; give a later time", s.Until, last)
	}
	return nil
}
