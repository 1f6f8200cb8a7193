package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/cmd/coppice/internal/importer"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "make a tree.yaml of a file of pm2, supervisord, process-compose, or of a Procfile",
		ArgsUsage: "FILE",
		Description: "The tree goes to stdout; it belongs into the directory of FILE. - is standard input.\n" +
			"What has no counterpart is a comment at its place, with the words \"not carried over\".\n\n" +
			"An ecosystem file of pm2 has to be JSON, or YAML: node -p \"JSON.stringify(require('./ecosystem.config.js'))\".\n" +
			"Of supervisord.conf also what [include] names is read.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "whose `FORMAT` it is: " + strings.Join(importer.Formats(), ", ") + "; found out if not given"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the tree; that of the file or its directory if not given"},
		},
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			path, data, err := importedFile(c)
			if err != nil {
				return err
			}
			o := importer.Options{Name: c.String("name")}
			if c.IsSet("from") {
				if o.From, err = importer.ParseFormat(c.String("from")); err != nil {
					return exit.Usagef("import: --from: %v", err)
				}
			}
			if strings.Contains(o.Name, "/") || strings.ContainsFunc(o.Name, unicode.IsControl) {
				return exit.Usagef("import: --name %q: a name has no slash and no control characters", o.Name)
			}
			r, err := importer.Import(path, data, o)
			if wrong, ok := errors.AsType[importer.Error](err); ok {
				return exit.Usagef("import: %v", wrong)
			}
			if err != nil {
				return err
			}
			if _, err := importer.Check(path, r); err != nil {
				return fmt.Errorf("import: this is a mistake of coppice, please report it: the tree made of %s is not valid: %w", path, unlisted{err})
			}
			if _, err := c.App.Writer.Write(r.YAML); err != nil {
				return err
			}
			return importVerdict(r)
		},
	}
}

// unlisted keeps a mistake of ours from counting as one in a file: it has the exit
// status of any other failure.
type unlisted struct{ err error }

func (u unlisted) Error() string { return u.err.Error() }

// importedFile reads the FILE.
func importedFile(c *cli.Context) (path string, data []byte, err error) {
	switch c.NArg() {
	case 0:
		return "", nil, exit.Usagef("import: give the file; - is standard input")
	case 1:
	default:
		return "", nil, exit.Usagef("import: give one file, not %d: %s", c.NArg(), strings.Join(c.Args().Slice(), " "))
	}
	if path = c.Args().First(); path == "-" {
		path = "stdin"
		data, err = io.ReadAll(c.App.Reader)
	} else {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return "", nil, exit.Usagef("import: %v; give a file that can be read, or - for standard input", err)
	}
	return path, data, nil
}

// importVerdict tells how much was lost.
func importVerdict(r *importer.Result) error {
	what := fmt.Sprintf("%d things were not carried over; see the comments", r.Losses)
	switch r.Losses {
	case 0:
		what = "nothing was lost; the comments say what works in another way"
	case 1:
		what = "1 thing was not carried over; see the comment"
	}
	_, err := fmt.Fprintf(os.Stderr, "imported from %s: %s\n", r.From, what)
	return err
}
