package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/interrupt"
	"github.com/coppice-go/coppice/cmd/coppice/internal/trial"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/chaos/check"
	"github.com/coppice-go/coppice/tree/control/client"
	"github.com/coppice-go/coppice/worker/guard"
)

func chaosCommand() *cli.Command {
	cmd := &cli.Command{
		Name:  "chaos",
		Usage: "inject faults by a plan, and prove that the recovery was right",
		Description: "Afterwards ten invariants are checked, from the tree's events and from /proc, by code that shares\n" +
			"nothing with the supervisor's. Exit status: 0 all of them hold; 5 one is violated, or a steady state of\n" +
			"the plan was not met; 2 a wrong plan or command line; 3 any other failure; 6 no such running tree.",
		HideHelpCommand: true,
		Subcommands:     []*cli.Command{chaosRunCommand(), chaosReplayCommand(), chaosPlanCommand(), chaosCheckCommand(), chaosFaultsCommand()},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return exit.Usagef("chaos: there is no %q; there are run, replay, plan, check, list-faults", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		OnUsageError: usageError,
	}
	for _, sub := range cmd.Subcommands {
		sub.OnUsageError = usageError
	}
	return cmd
}

func trialFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "tree", Usage: "the `FILE` of the tree; that which the plan names if not given"},
		&cli.StringFlag{Name: "name", Usage: "do it to the running tree of this `NAME`, whose file says chaos: allowed"},
		&cli.StringFlag{Name: "journal", Usage: "write the journal to this `FILE`, for replay and check"},
		&cli.StringFlag{Name: "junit", Usage: "write the verdicts to this `FILE`, as JUnit XML"},
		&cli.BoolFlag{Name: "timeline", Usage: "print what happened to each child, too"},
		&cli.BoolFlag{Name: "quiet", Usage: "do not tell on stderr what happens while it happens"},
		outputFlag(),
	}
}

func seedFlag() cli.Flag {
	return &cli.Uint64Flag{Name: "seed", Usage: "in place of the plan's: the same `N` makes the same faults"}
}

func chaosRunCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "carry out a plan, on the tree of a file or on one that runs",
		ArgsUsage: "PLAN",
		Flags:     append([]cli.Flag{seedFlag()}, trialFlags()...),
		Action: func(c *cli.Context) error {
			p, err := readPlan(c)
			if err != nil {
				return err
			}
			return carryOut(c, c.Args().First(), p, chaos.Options{})
		},
	}
}

func chaosReplayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "do again what a journal tells of: the same faults, at the same times, to the same children",
		ArgsUsage: "JOURNAL",
		Flags:     trialFlags(),
		Action: func(c *cli.Context) error {
			j, err := readJournal(c)
			if err != nil {
				return err
			}
			p, o := j.Replay()
			return carryOut(c, c.Args().First(), p, o)
		},
	}
}

func chaosPlanCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "print what a plan comes to: which fault, when, to whom; nothing is started",
		ArgsUsage: "PLAN",
		Flags:     []cli.Flag{seedFlag(), trialFlags()[0], outputFlag()},
		Action: func(c *cli.Context) error {
			asJSON, err := wantsJSON(c)
			if err != nil {
				return err
			}
			p, err := readPlan(c)
			if err != nil {
				return err
			}
			file := trial.TreeOf(c.Args().First(), p.Tree, c.String("tree"))
			if file == "" {
				return exit.Usagef("chaos plan: the plan names no tree: give --tree FILE")
			}
			children, err := trial.Children(file)
			if err != nil {
				return err
			}
			list, err := p.Expand(p.Seed, children)
			if err != nil {
				return exit.Usagef("%v", err)
			}
			if asJSON {
				return writeJSON(c.App.Writer, list)
			}
			_, err = fmt.Fprint(c.App.Writer, list)
			return err
		},
	}
}

func chaosCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "check the evidence of a journal once more",
		ArgsUsage: "JOURNAL",
		Flags:     []cli.Flag{outputFlag()},
		Action: func(c *cli.Context) error {
			asJSON, err := wantsJSON(c)
			if err != nil {
				return err
			}
			j, err := readJournal(c)
			if err != nil {
				return err
			}
			report, err := check.Check(j.Evidence, check.Options{})
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(c.App.Writer, report)
			} else {
				err = trial.WriteReport(c.App.Writer, report)
			}
			if err == nil && report.Err() != nil {
				err = exit.Violatedf("%v", report.Err())
			}
			return err
		},
	}
}

func chaosFaultsCommand() *cli.Command {
	return &cli.Command{
		Name:  "list-faults",
		Usage: "list everything that can be made to go wrong",
		Flags: []cli.Flag{outputFlag()},
		Action: func(c *cli.Context) error {
			asJSON, err := wantsJSON(c)
			if err != nil {
				return err
			}
			if c.Args().Present() {
				return exit.Usagef("chaos list-faults: takes no arguments, but got %q", c.Args().First())
			}
			if asJSON {
				return writeJSON(c.App.Writer, chaos.Classes())
			}
			_, err = fmt.Fprint(c.App.Writer, chaos.List())
			return err
		},
	}
}

// carryOut carries out a plan that was read from the file at, and tells how it
// went.
func carryOut(c *cli.Context, at string, p *chaos.Plan, o chaos.Options) error {
	asJSON, err := wantsJSON(c)
	if err != nil {
		return err
	}
	file := trial.TreeOf(at, p.Tree, c.String("tree"))
	switch {
	case c.String("name") != "" && c.String("tree") != "":
		return exit.Usagef("chaos %s: give --name for a running tree, or --tree for a file, not both", c.Command.Name)
	case c.String("name") == "" && file == "":
		return exit.Usagef("chaos %s: the plan names no tree: give --tree FILE, or --name NAME of one that runs", c.Command.Name)
	}
	if !c.Bool("quiet") {
		o.Progress = trial.Tell(os.Stderr)
	}
	stops := interrupt.Watch(c.Context)
	defer stops.Release()
	// Asked twice, there is no time for a check; the heal comes first in any case.
	defer context.AfterFunc(stops.Now, func() { time.Sleep(lastHeal); os.Exit(exit.Failed) })()

	var j *chaos.Journal
	if name := c.String("name"); name != "" {
		t, err := client.Dial(stops.Order, "", name)
		if err != nil {
			return refused(err)
		}
		defer t.Close()
		j, err = trial.OnRunning(stops.Order, t, p, o)
		if err != nil {
			return refused(err)
		}
	} else {
		if err := guard.Enter(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		if j, err = trial.OnFile(stops.Order, file, p, o); err != nil {
			return err
		}
	}
	return tellOf(c, j, asJSON)
}

// lastHeal is how long a run that was asked to end at once has to lift its faults.
const lastHeal = 2 * time.Second

// tellOf writes what a run came to.
func tellOf(c *cli.Context, j *chaos.Journal, asJSON bool) error {
	for _, file := range []struct {
		path  string
		write func(io.Writer) error
	}{{c.String("journal"), j.Write}, {c.String("junit"), j.JUnit}} {
		if file.path == "" {
			continue
		}
		if err := writeFile(file.path, file.write); err != nil {
			return err
		}
	}
	write := j.Summary
	if asJSON {
		write = j.Write
	}
	if err := write(c.App.Writer); err != nil {
		return err
	}
	if c.Bool("timeline") && !asJSON {
		width := lookFor(c.App.Writer).Width
		if width == 0 {
			width = 100
		}
		if err := j.Timeline(c.App.Writer, width); err != nil {
			return err
		}
	}
	switch {
	case j.Deviated:
		return exit.Violatedf("chaos: it was not as it should be: see above")
	case j.Status == chaos.Failed:
		return errors.New("chaos: the tree was not as the plan wants it before: nothing was done")
	case j.Status == chaos.Interrupted:
		return errors.New("chaos: interrupted; what was done until then was healed and checked")
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// readPlan reads the PLAN that a command is about.
func readPlan(c *cli.Context) (*chaos.Plan, error) {
	if c.NArg() != 1 {
		return nil, exit.Usagef("chaos %s: give the file of one plan", c.Command.Name)
	}
	path := c.Args().First()
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, exit.Usagef("chaos %s: %v", c.Command.Name, err)
	}
	p, err := chaos.ParsePlan(path, data)
	if err != nil {
		return nil, exit.Usagef("%v", err)
	}
	if c.IsSet("seed") {
		p.Seed = c.Uint64("seed")
	}
	return p, nil
}

func readJournal(c *cli.Context) (*chaos.Journal, error) {
	if c.NArg() != 1 {
		return nil, exit.Usagef("chaos %s: give the file of one journal", c.Command.Name)
	}
	f, err := os.Open(c.Args().First())
	if err != nil {
		return nil, exit.Usagef("chaos %s: %v", c.Command.Name, err)
	}
	defer f.Close()
	j, err := chaos.ReadJournal(f)
	if err != nil {
		return nil, exit.Usagef("chaos %s: %s: %v", c.Command.Name, c.Args().First(), err)
	}
	return j, nil
}
