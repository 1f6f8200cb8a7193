package main

import (
	"errors"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/foreground"
	"github.com/coppice-go/coppice/cmd/coppice/internal/interrupt"
	"github.com/coppice-go/coppice/worker/guard"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run the tree of a file, in the foreground",
		ArgsUsage: "FILE",
		Description: "The log goes to stderr: a line of a program has its path and pid, and | for stdout or ! for stderr;\n" +
			"-- is what the tree does. The first SIGINT or SIGTERM stops the tree in order, a second one kills it; SIGHUP lets it\n" +
			"read its file again, as `coppice reload` does, unless it comes because the terminal was closed: then it stops.\n" +
			"Other terminals see and steer the tree with `coppice ps`, why, events, logs, restart and so on.\n\n" +
			"Exit status: 0 stopped as asked, or finished; 1 the root of the tree gave up; 2 the file is wrong,\n" +
			"nothing was started; 3 any other failure.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "the `NAME` by which other commands find this run; that of the tree if not given"},
			&cli.BoolFlag{Name: "no-control", Usage: "no control socket: nobody can see or steer the tree from outside"},
			&cli.StringFlag{Name: "on-exhausted", Value: "exit", Usage: "when the root gives up: exit, or start it again after a pause (`backoff`)"},
			&cli.StringFlag{Name: "log-format", Value: "text", Usage: "`FORMAT` of the log: text or json"},
			&cli.StringFlag{Name: "log-level", Value: "info", Usage: "the least `LEVEL` that is logged: debug, info, warn or error"},
		},
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			cfg, err := runConfig(c)
			if err != nil {
				return err
			}
			unguarded := guard.Enter()
			if unguarded != nil && !errors.Is(unguarded, errors.ErrUnsupported) {
				return unguarded
			}
			stops := interrupt.Watch(c.Context)
			defer stops.Release()
			return foreground.Run(stops, cfg)
		},
	}
}

func runConfig(c *cli.Context) (cfg foreground.Config, err error) {
	switch c.NArg() {
	case 0:
		return cfg, exit.Usagef("run: give the file of the tree")
	case 1:
	default:
		return cfg, exit.Usagef("run: give one file; got %q as well", c.Args().Get(1))
	}
	cfg = foreground.Config{
		File: c.Args().First(), Name: c.String("name"), Control: !c.Bool("no-control"), Version: buildVersion().Version,
		Log: foreground.LogOptions{
			Out:   os.Stderr,
			Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(os.Stderr.Fd())),
		},
	}
	if cfg.Backoff, err = either(c, "on-exhausted", "exit", "backoff"); err != nil {
		return cfg, err
	}
	if cfg.Log.JSON, err = either(c, "log-format", "text", "json"); err != nil {
		return cfg, err
	}
	switch level := hclog.LevelFromString(c.String("log-level")); level {
	case hclog.Trace, hclog.Debug, hclog.Info, hclog.Warn, hclog.Error:
		cfg.Log.Level = level
	default:
		return cfg, exit.Usagef("run: --log-level %s: give debug, info, warn or error", c.String("log-level"))
	}
	return cfg, nil
}

// either reads an option with two values, and reports whether it is the second.
func either(c *cli.Context, option, first, second string) (bool, error) {
	switch value := c.String(option); value {
	case first:
		return false, nil
	case second:
		return true, nil
	default:
		return false, exit.Usagef("%s: --%s %s: give %s or %s", c.Command.Name, option, value, first, second)
	}
}
