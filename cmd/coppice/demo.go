package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/coppice-go/coppice/cmd/coppice/internal/demo"
	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/interrupt"
	"github.com/coppice-go/coppice/worker/guard"
)

// defaultSeed makes the storm of which the README tells.
const defaultSeed = 1

func demoCommand(scenes []demo.Scene) *cli.Command {
	var names []string
	for _, s := range scenes {
		names = append(names, s.Name)
	}
	return &cli.Command{
		Name:      "demo",
		Usage:     "show with real processes how a tree recovers",
		ArgsUsage: "[SCENE]",
		Description: "Scenes: " + strings.Join(names, ", ") + ". Without a SCENE all of them are played.\n" +
			"In a terminal the live tree is drawn, elsewhere each event is a line.",
		Flags: []cli.Flag{
			&cli.Float64Flag{Name: "speed", Value: 1, Usage: "play this many times as fast; the tree itself is never slowed down"},
			&cli.Uint64Flag{Name: "seed", Value: defaultSeed, Usage: "of the storm: the same `N` makes the same plan of crashes"},
			&cli.BoolFlag{Name: "plain", Usage: "lines, also in a terminal"},
			outputFlag(),
		},
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			chosen, err := choose(scenes, names, c.Args().Slice())
			if err != nil {
				return err
			}
			if c.Float64("speed") <= 0 {
				return exit.Usagef("demo: --speed %v: give a number greater than 0; 2 is twice as fast", c.Float64("speed"))
			}
			asJSON, err := wantsJSON(c)
			if err != nil {
				return err
			}
			// Whatever becomes of the demo, nothing of it is left.
			if err := guard.Enter(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
				return err
			}
			stops := interrupt.Watch(c.Context)
			defer stops.Release()
			forget := context.AfterFunc(stops.Now, func() { os.Exit(exit.Failed) })
			defer forget()
			view := chooseView(c, asJSON, stops)
			defer view.Close()
			return play(stops.Order, chosen, view, c.Uint64("seed"))
		},
	}
}

func choose(scenes []demo.Scene, names, args []string) ([]demo.Scene, error) {
	switch len(args) {
	case 0:
		return scenes, nil
	case 1:
		for _, s := range scenes {
			if s.Name == args[0] {
				return []demo.Scene{s}, nil
			}
		}
		return nil, exit.Usagef("demo: there is no scene %q; the scenes are: %s", args[0], strings.Join(names, ", "))
	}
	return nil, exit.Usagef("demo: give one scene, or none for all of them; got %s", strings.Join(args, " "))
}

func chooseView(c *cli.Context, asJSON bool, stops *interrupt.Stops) demo.View {
	switch {
	case asJSON:
		return demo.JSON(c.App.Writer)
	case c.Bool("plain") || os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(os.Stdout.Fd())):
		return demo.Plain(c.App.Writer)
	}
	return demo.Terminal(stops.Order, os.Stdout, c.Float64("speed"), stops.Ask)
}

// play plays the scenes, and says of all of them whether they went as told.
func play(ctx context.Context, scenes []demo.Scene, v demo.View, seed uint64) error {
	var wrong []error
	for _, s := range scenes {
		err := demo.Play(ctx, s, v, seed)
		if ctx.Err() != nil {
			return errors.New("demo: interrupted")
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) > 0 {
		// As text: a tree that gave up, in here, is no exit status of the demo's.
		return errors.New(errors.Join(wrong...).Error())
	}
	return nil
}

// demoChildCommand is what the processes of the demo run.
func demoChildCommand() *cli.Command {
	return &cli.Command{
		Name:   demo.ChildCommand,
		Hidden: true,
		Action: func(*cli.Context) error { return demo.ChildMain() },
	}
}
