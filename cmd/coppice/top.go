package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/cmd/coppice/internal/top"
	"github.com/coppice-go/coppice/tree/control/client"
)

func topCommand() *cli.Command {
	return &cli.Command{
		Name:  "top",
		Usage: "watch a running tree on a live screen, and steer it",
		Description: "The tree with its restarts and budgets; under the cursor whom the end of a child takes with it, and how a\n" +
			"failure goes up; output; and what happened, folded by failure. `?` lists the keys. Quitting touches nothing.\n" +
			"A recording for --replay is a snapshot and the events after it, one a line:\n\n" +
			"coppice ps -o json > run.jsonl; coppice events -f -o json --since 0 >> run.jsonl",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the running tree; not needed if only one runs"},
			&cli.BoolFlag{Name: "read-only", Usage: "give no orders to the tree"},
			&cli.StringFlag{Name: "replay", Usage: "play the recording in `FILE` instead"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action:          topAction,
	}
}

func topAction(c *cli.Context) error {
	if c.NArg() > 0 {
		return exit.Usagef("top: %q is one argument too many: `coppice top` shows the whole tree, `/` in it filters", c.Args().First())
	}
	if c.IsSet("replay") && c.IsSet("name") {
		return exit.Usagef("top: --name with --replay: a recording is of no running tree; leave one of them out")
	}
	cfg := top.Config{Now: time.Now(), ReadOnly: c.Bool("read-only")}
	if name := c.String("replay"); c.IsSet("replay") {
		var err error
		if cfg.Recording, err = top.ReadRecording(name); err != nil {
			return exit.Usagef("top: --replay: %v", err)
		}
	}
	if err := onTerminal(c.App.Writer); err != nil {
		return err
	}
	look := lookFor(c.App.Writer)
	cfg.Color, cfg.ASCII = look.Color, look.ASCII
	ctx := c.Context
	if cfg.Recording != nil {
		return top.Run(ctx, nil, cfg, os.Stdin, c.App.Writer)
	}
	t, err := client.Dial(ctx, "", c.String("name"))
	if err != nil {
		return refused(err)
	}
	defer t.Close()
	if cfg.Tree, err = t.Snapshot(ctx); err != nil {
		return refused(err)
	}
	return top.Run(ctx, reporter{t}, cfg, os.Stdin, c.App.Writer)
}

// onTerminal refuses to draw where nothing can be drawn, or nobody can press a
// key.
func onTerminal(w io.Writer) error {
	const instead = "`coppice ps` prints the tree, `coppice events --follow` what happens"
	out, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) || !term.IsTerminal(int(os.Stdin.Fd())) {
		return exit.Usagef("top: this is not a terminal; %s", instead)
	}
	if os.Getenv("TERM") == "dumb" {
		return exit.Usagef("top: TERM is dumb, a terminal that cannot be drawn on; %s", instead)
	}
	return nil
}

// reporter is a client that tells in one answer why a child ended.
type reporter struct{ *client.Client }

func (r reporter) Report(ctx context.Context, path string) (show.Report, error) {
	w, err := r.Why(ctx, path)
	if err != nil {
		return show.Report{}, err
	}
	report := show.Report{Why: w, With: show.NewAbove(w.Path), All: true}
	if err := addCascades(ctx, r.Client, w, report.With); err != nil {
		return show.Report{}, err
	}
	report.Origins, err = origins(ctx, r.Client, w)
	return report, err
}
