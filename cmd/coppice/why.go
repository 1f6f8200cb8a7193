package main

import (
	"context"
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
	"github.com/coppice-go/coppice/tree/control/record"
)

func whyCommand() *cli.Command {
	return runningCommand(&cli.Command{
		Name:      "why",
		Usage:     "tell why a child of a running tree ended, and what followed",
		ArgsUsage: "PATH",
		Description: "Of the latest end: how it ended, whose fault that was, what its supervisor decided, what else was stopped\n" +
			"and started because of it, and its last output; then the ends before, and what is left of the budget.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "tell of each end all there is"},
		},
	}, nil, why)
}

func why(r *running) error {
	ctx := r.Context.Context
	w, err := r.Why(ctx, r.Args().First())
	if err != nil {
		return err
	}
	with := show.NewAbove(w.Path)
	if err := addCascades(ctx, r.Client, w, with); err != nil {
		return err
	}
	if r.json {
		return r.print(w, nil)
	}
	report := show.Report{Why: w, With: with, All: r.Bool("all")}
	if report.Origins, err = origins(ctx, r.Client, w); err != nil {
		return err
	}
	return r.print(nil, func() string { return r.look.Why(report) })
}

// addCascades finds the cascades of those ends that came with the stop of a
// supervisor above.
func addCascades(ctx context.Context, c *client.Client, w record.Why, with *show.Above) error {
	unexplained := func(x record.Exit) bool { return x.Told && x.Cascade == nil }
	if !slices.ContainsFunc(w.Exits, unexplained) {
		return nil
	}
	for e, err := range c.Events(ctx, control.EventsQuery{}) {
		if err != nil {
			return err
		}
		with.See(&e)
	}
	for i, x := range w.Exits {
		if s, ok := with.Of(x.Incarnation); ok && unexplained(x) && !s.Cascade.IsZero() {
			w.Exits[i].Cascade = &s.Cascade
		}
	}
	return nil
}

// origins asks how the children ended from whose failures the ends of this one
// follow.
func origins(ctx context.Context, c *client.Client, w record.Why) (map[strategies.Cascade]record.Exit, error) {
	found := map[strategies.Cascade]record.Exit{}
	asked := map[string][]record.Exit{w.Path: w.Exits}
	for _, origin := range show.Others(w) {
		exits, ok := asked[origin.Origin]
		if !ok {
			other, err := c.Why(ctx, origin.Origin)
			if e, ok := errors.AsType[*control.Error](err); ok && e.Code == control.NotFound {
				err = nil // it is gone and forgotten
			}
			if err != nil {
				return nil, err
			}
			exits = other.Exits
			asked[origin.Origin] = exits
		}
		for _, x := range exits {
			if x.Incarnation == origin.N && x.Cascade != nil && *x.Cascade == origin {
				found[origin] = x
			}
		}
	}
	return found, nil
}
