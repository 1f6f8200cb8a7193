package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
)

func reloadCommand() *cli.Command {
	cmd := &cli.Command{
		Name:  "reload",
		Usage: "let a running tree read its file again, and apply only what changed",
		Description: "Children of which the file says what it said before keep running. What is new is started, what is not in the\n" +
			"file any more is stopped; a program that changed is restarted, with all that share its fate. Strategies, limits,\n" +
			"restart types and the like take effect at once, without a restart. A file that is wrong changes nothing.\n" +
			"First it tells on stderr what it is about to do. SIGHUP to the run does the same.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "tell only, on stdout, and do nothing"}},
	}
	return runningCommand(cmd, nil, reload)
}

func reload(r *running) error {
	ctx := r.Context.Context
	plan, err := r.PlanReload(ctx)
	if err != nil {
		return err
	}
	if r.Bool("dry-run") {
		return r.print(plan, func() string { return show.Reload(plan) + show.ReloadSummary(plan) + "\n" })
	}
	fmt.Fprint(r.App.ErrWriter, show.Reload(plan))
	done, err := r.Reload(ctx)
	if err != nil {
		return err
	}
	if err := r.print(done, func() string { return show.ReloadSummary(done) + "\n" }); err != nil {
		return err
	}
	if len(done.Failed) > 0 {
		return fmt.Errorf("%s; the next reload tries again", strings.Join(done.Failed, "\n"))
	}
	return nil
}
