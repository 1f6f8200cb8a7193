package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/offline"
	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
)

// This is what the commands have in common that talk to a running tree.

// running is such a command under way.
type running struct {
	*cli.Context
	*client.Client
	json bool      // is to be printed
	look show.Look // of what is printed else
}

// runningCommand completes a command that talks to a running tree. do is called
// when the command line is in order and the tree was found; check, if it is not
// nil, looks at the options before that.
func runningCommand(cmd *cli.Command, check func(*cli.Context) error, do func(*running) error) *cli.Command {
	cmd.Flags = append(cmd.Flags,
		&cli.StringFlag{Name: "name", Usage: "`NAME` of the running tree; not needed if only one runs"},
		outputFlag())
	cmd.OnUsageError = usageError
	cmd.HideHelpCommand = true // a path may be called help
	cmd.Action = func(c *cli.Context) error {
		asJSON, err := wantsJSON(c)
		if err != nil {
			return err
		}
		if err := checkArgs(c); err != nil {
			return err
		}
		if check != nil {
			if err := check(c); err != nil {
				return err
			}
		}
		t, err := client.Dial(c.Context, "", c.String("name"))
		if err != nil {
			return refused(err)
		}
		defer t.Close()
		return refused(do(&running{c, t, asJSON, lookFor(c.App.Writer)}))
	}
	return cmd
}

// checkArgs compares the arguments with those that the usage names.
func checkArgs(c *cli.Context) error {
	for i, want := range strings.Fields(c.Command.ArgsUsage) {
		if c.Args().Get(i) == "" && !strings.HasPrefix(want, "[") {
			return exit.Usagef("%s: %s is missing: `coppice %s %s`; `coppice ps` shows what there is", c.Command.Name, want, c.Command.Name, c.Command.ArgsUsage)
		}
	}
	if most := len(strings.Fields(c.Command.ArgsUsage)); c.NArg() > most {
		return exit.Usagef("%s: %q is one argument too many: `coppice %s %s`", c.Command.Name, c.Args().Get(most), c.Command.Name, c.Command.ArgsUsage)
	}
	return nil
}

// refused gives an error of the tree, or of the way to it, the exit status that
// is due.
func refused(err error) error {
	if errors.Is(err, client.ErrNoTree) {
		return &exit.NoTreeError{Err: err}
	}
	if several, ok := errors.AsType[*client.SeveralError](err); ok {
		return exit.Usagef("%v", several)
	}
	if e, ok := errors.AsType[*control.Error](err); ok && (e.Code == control.NotFound || e.Code == control.BadRequest || e.Code == control.BadFile) {
		return exit.Usagef("%v", err)
	}
	return err
}

// lookFor is how things are drawn on w: with colours, and as wide as it is, if
// that is a terminal.
func lookFor(w io.Writer) show.Look {
	look := show.Look{Now: time.Now(), ASCII: offline.LinesFor(os.Getenv) == offline.ASCII}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return look
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		look.Width = width
	}
	look.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return look
}

// path is the child that is meant, the root if none is named.
func (r *running) path() (string, error) {
	if path := r.Args().First(); path != "" {
		return path, nil
	}
	s, err := r.Snapshot(r.Context.Context)
	return s.Root.Path, err
}

// print writes to stdout: v as JSON if that is wanted, else text.
func (r *running) print(v any, text func() string) error {
	if !r.json {
		_, err := fmt.Fprint(r.App.Writer, text())
		return err
	}
	return writeJSON(r.App.Writer, v)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
