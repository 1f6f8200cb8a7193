package load

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// File is a tree read from a file.
type File struct {
	Path string // as it was given
	Name string // of the tree
	Spec tree.Spec

	// Chaos says that whoever may steer the running tree may also inject faults.
	Chaos bool

	// Commands are the programs of the tree by their paths ("shop/web/api"), as
	// they will be run; for reading.
	Commands map[string]worker.Command

	read map[string]fingerprint // of Commands, before Options.Command
}

// Options are for those who embed the loader; the zero value is right for others.
type Options struct {
	// LookupEnv tells the value of ${NAME}; os.LookupEnv if nil.
	LookupEnv func(name string) (string, bool)

	// Command is called for every program, copies included, in the order of the
	// file, before it is put into the Spec, and may change it; but not for those
	// that are kept of Previous. Nil: nothing.
	Command func(path string, c *worker.Command)

	// Previous is a File that was read before. A program of which the new file says
	// the same at the same path is kept: it has the Starter that it has in Previous,
	// and its Command, as Options.Command left it then. What is policy may differ, see
	// [Difference]. Previous is only read, and its tree may be running. Nil: nothing
	// is kept.
	Previous *File
}

// Read reads a tree from a file. The error is that of opening it, or an *Error.
func Read(path string, o Options) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	return Parse(path, data, o)
}

// Parse is Read of a file with these contents. The path is for messages, and what
// paths in the file are relative to. Nothing is started; env files are read, and
// users, groups and cgroups are looked up. The error is an *Error.
func Parse(path string, data []byte, o Options) (*File, error) {
	data = normal(data)
	d := &decoder{file: path, base: filepath.Dir(path), lookup: o.LookupEnv, told: make(map[Problem]bool)}
	if abs, err := filepath.Abs(d.base); err == nil {
		d.base = abs
	}
	if d.lookup == nil {
		d.lookup = os.LookupEnv
	}
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		d.lines = append(d.lines, string(line))
	}
	f := d.read(data, o)
	if d.problems != nil {
		return nil, newError(path, d.problems)
	}
	return f, nil
}

// decoder reads one file.
type decoder struct {
	file     string
	base     string // the file's directory
	lookup   func(string) (string, bool)
	lines    []string // of the file
	problems []Problem
	told     map[Problem]bool
	found    int // problems, those that were told before included
	programs int // so far
}

// root is the whole file.
type root struct {
	name       string
	chaos      bool
	supervisor supervisor
	scope      scope
}

var rootSection = section[root]{
	name: "tree", noun: "a tree",
	doc: "The top level is a supervisor. Keys that begin with `x-` are ignored here, as a place for anchors.",
	keys: append(append([]key[root]{
		field("name", ids, func(r *root) *string { return &r.name }, "the name of the tree, with which all paths begin", defaultTo("the file's, without its extension")),
		field("chaos", enums([]string{"forbidden", "allowed"}, []bool{false, true}, nil), func(r *root) *bool { return &r.chaos },
			"whether `coppice chaos` may inject faults into the tree while it runs", defaultTo("forbidden")),
	}, lift(supervisorKeys, func(r *root) *supervisor { return &r.supervisor })...),
		lift(scopeKeys, func(r *root) *scope { return &r.scope })...),
}

func (d *decoder) read(data []byte, o Options) *File {
	body := d.parse(data)
	if body == nil {
		return nil
	}
	n := d.convert(body)
	if n == nil {
		return nil
	}
	var r root
	n.pos = pos{line: 1, col: 1, width: 1}
	if len(n.pairs) > 0 {
		n.pos = n.pairs[0].pos
	}
	rootSection.decode(d, n, &r)
	d.checkSupervisor(n, &r.supervisor)
	f := &File{Path: d.file, Name: d.name(n, r.name), Chaos: r.chaos, Commands: make(map[string]worker.Command), read: make(map[string]fingerprint)}
	b := builder{decoder: d, hook: o.Command, file: f, nodes: make(map[string]*node), logs: make(map[string]*log), clean: d.problems == nil}
	if o.Previous != nil {
		b.previous, b.starters = o.Previous, o.Previous.starters()
	}
	f.Spec = b.supervisor(f.Name, &r.supervisor, r.scope.within(inherited{dir: d.base}))
	if b.clean {
		b.verify(n)
	}
	return f
}

// name is the tree's, or else the file's.
func (d *decoder) name(n *node, given string) string {
	if n.find("name") != nil {
		return given
	}
	base := filepath.Base(d.file)
	name := strings.TrimSuffix(base, filepath.Ext(base))
	if err := checkID(name); err != nil {
		d.problem(n.pos, "add the key name", "the tree has no name, and that of the file is none: %v", err)
	}
	return name
}
