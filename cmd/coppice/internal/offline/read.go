package offline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/load"
)

// Tree is one that was read from a file.
type Tree struct {
	*load.File
	root *strategies.Tree
}

// stdinName is what messages call standard input.
const stdinName = "stdin"

// Read reads the tree that a command is about: args are its arguments, one FILE;
// "-" is standard input. The error is a usage error, or a *load.Error.
func Read(command string, args []string, stdin io.Reader) (*Tree, error) {
	switch {
	case len(args) == 0:
		return nil, exit.Usagef("%s: give the file of the tree; - is standard input", command)
	case len(args) > 1:
		return nil, exit.Usagef("%s: give one file, not %d: %s", command, len(args), strings.Join(args, " "))
	}
	read := load.Read
	if args[0] == "-" {
		read = func(_ string, o load.Options) (*load.File, error) { return readFrom(stdin, o) }
	}
	f, err := read(args[0], load.Options{})
	if err == nil {
		return New(f), nil
	}
	if _, bad := errors.AsType[*load.Error](err); bad {
		return nil, err
	}
	return nil, exit.Usagef("%s: %v; give a file that can be read, or - for standard input", command, err)
}

// New is the Tree of a file that was read.
func New(f *load.File) *Tree { return &Tree{File: f, root: tree.Describe(f.Name, f.Spec)} }

// readFrom reads a tree that has no file, so its name must be in it, and paths
// are relative to the working directory.
func readFrom(stdin io.Reader, o load.Options) (*load.File, error) {
	data, err := io.ReadAll(stdin)
	if err != nil {
		return nil, fmt.Errorf("read the tree: %s: %w", stdinName, err)
	}
	f, err := load.Parse("", data, o)
	if bad, ok := errors.AsType[*load.Error](err); ok {
		for i := range bad.Problems {
			if p := &bad.Problems[i]; p.File == "" {
				p.File = stdinName
			}
		}
		return nil, bad
	}
	if err == nil {
		f.Path = stdinName
	}
	return f, err
}

// WriteProblems writes what is wrong with a file as JSON.
func WriteProblems(w io.Writer, bad *load.Error) error {
	type problem struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	}
	var doc struct {
		V        string    `json:"v"`
		Problems []problem `json:"problems"`
	}
	doc.V = version
	for _, p := range bad.Problems {
		doc.Problems = append(doc.Problems, problem{p.File, p.Line, p.Column, p.Message, p.Hint})
	}
	return writeJSON(w, doc)
}

// version is that of the JSON.
const version = "v1"

func writeJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}
