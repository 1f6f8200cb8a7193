package load

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/coppice-go/coppice/worker"
)

// paths are relative to the directory of the file.
var paths = value[string]{
	what: "path", expected: "a path",
	schema: texts("").schema,
	read: func(d *decoder, n *node, expected string) (string, bool) {
		s, ok := texts("").read(d, n, expected)
		if !ok || !d.noTilde(n, s) {
			return "", false
		}
		return d.resolve(s), true
	},
}

func (d *decoder) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.base, path)
}

func (d *decoder) noTilde(n *node, path string) bool {
	if path == "~" || strings.HasPrefix(path, "~/") {
		d.problem(n.pos, "write ${HOME}"+shorten(path[1:]), "~ means something to a shell only")
		return false
	}
	return true
}

// argvs are programs with their arguments. A program that is named with a slash is
// relative to the directory of the file, any other is looked up in PATH.
func argvs(hint string) value[[]string] {
	many := lists(words("an argument"), "a list of the program and its arguments", 1)
	many.what = "list of the program and its arguments"
	read := many.read
	many.read = func(d *decoder, n *node, expected string) ([]string, bool) {
		if n.kind == text {
			d.problem(n.pos, hint, "expected %s, found %s", expected, n.describe())
			return nil, false
		}
		argv, ok := read(d, n, expected)
		if !ok {
			return nil, false
		}
		if argv[0] == "" {
			d.problem(n.items[0].pos, "", "the name of the program is empty")
			return nil, false
		}
		if strings.Contains(argv[0], "/") {
			ok = d.noTilde(n.items[0], argv[0])
			argv[0] = d.resolve(argv[0])
		}
		return argv, ok
	}
	return many
}

// refused is what package worker says against a command, about the field whose
// name it begins with.
func refused(c worker.Command, field string) error {
	c.Path = "-" // whatever it is
	_, err := c.Process()
	if err == nil {
		return nil
	}
	return errors.New(inWords.Replace(strings.TrimPrefix(errors.Unwrap(err).Error(), field+": ")))
}

// inWords replaces what package worker calls a key that has another name here.
var inWords = strings.NewReplacer("correct User", "correct the name", "correct Groups", "correct the name",
	"correct Group", "correct the name", "give Group too", "give group too", ": unsupported operation", "")
