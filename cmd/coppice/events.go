package main

import (
	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
)

func eventsCommand() *cli.Command {
	return runningCommand(&cli.Command{
		Name:      "events",
		Usage:     "tell what happened in a running tree",
		ArgsUsage: "[PATH]",
		Description: "A line for each event: when, of which child, what, and in brackets the failure that it follows from,\n" +
			"as PATH#INCARNATION of what died first. With a PATH, only of that child and those below it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "begin `WHEN`: after the event of this number, as 1234, or so long ago, as 10m", DefaultText: "with all that are kept, or with --follow now"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what happens, until the tree ends"},
		},
	}, checkSince, events)
}

func checkSince(c *cli.Context) error {
	_, err := eventsQuery(c)
	return err
}

func eventsQuery(c *cli.Context) (q control.EventsQuery, err error) {
	q.Follow = c.Bool("follow")
	switch text := c.String("since"); {
	case text != "":
		if q.Since, err = control.ParseSince(text); err != nil {
			return q, exit.Usagef("events: --since %s: give the number of an event, as 1234, or a duration, as 10m", text)
		}
	case q.Follow:
		q.Since = control.Ago(0)
	}
	return q, nil
}

func events(r *running) error {
	q, err := eventsQuery(r.Context)
	if err != nil {
		return err
	}
	ctx, path := r.Context.Context, r.Args().First()
	if path != "" {
		if _, err := r.Why(ctx, path); err != nil { // there never was such a child
			return err
		}
	}
	for e, err := range r.Events(ctx, q) {
		if err != nil {
			return err
		}
		// What was lost may have been about anyone.
		if path != "" && e.Kind != tree.EventDropped && !show.Under(e.Path, path) {
			continue
		}
		if err := r.print(e, func() string { return r.look.Event(e) + "\n" }); err != nil {
			return err
		}
	}
	return nil
}
