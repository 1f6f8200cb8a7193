// Package importer makes a tree.yaml of a file of another process manager: an
// ecosystem file of pm2, a supervisord.conf, a Procfile, or a process-compose.yaml.
//
//	r, err := importer.Import("ecosystem.config.json", data, importer.Options{})
//	if err != nil {
//		log.Fatal(err) // all problems, each with its line
//	}
//	os.Stdout.Write(r.YAML)
//
// The result is meant for a file in the same directory, because relative paths
// stay as they are. What has no counterpart is a comment at its place, with the
// words "not carried over"; other comments say what is done in another way.
//
// # Who gives up
//
// The others count the restarts of each program by itself: one that fails too often
// stays down, and the rest go on. A supervisor of coppice counts those of all its
// children together, and gives up with all of them. Hence:
//
//   - Programs with a limit in the file get a supervisor of their own, with that
//     limit. It is transient: when it has given up it stays down, for giving up is
//     no crash, and yet it is started again with those it needs.
//   - Programs without one share a supervisor. Each has a backoff, and the supervisor
//     an intensity that its pauses keep out of reach: a program that keeps failing
//     is tried again for ever, more and more seldom, and nobody else is touched.
//
// # Which shell
//
// A command line becomes a list of arguments if it is certain what a shell would
// make of it, otherwise it is left to /bin/sh; to bash, if the other tool would take
// bash and the line looks like it.
//
// It does not start, and except for what the file includes and a .env beside it does
// not read, anything.
package importer

import (
	"bytes"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/coppice-go/coppice/tree/load"
)

// Options are for what the file does not say.
type Options struct {
	Name string // of the tree; empty: the file's, or that of its directory if all such files have that name
	From Format // Unknown: it is found out
}

// Result is a file that was imported.
type Result struct {
	YAML   []byte
	From   Format
	Losses int // comments with "not carried over"
}

// Import makes a tree.yaml of a file with these contents. The path is for messages,
// and what the file includes is relative to it. The error is an [Error].
func Import(path string, data []byte, o Options) (*Result, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	from, err := detect(path, data, o.From)
	if err != nil {
		return nil, err
	}
	im := &importer{path: path, dir: filepath.Dir(path)}
	if !im.readable(path, data) {
		return nil, Error(im.problems)
	}
	root := &child{id: o.Name}
	if o.Name == "" {
		root.id = im.name()
	}
	switch from {
	case PM2:
		im.pm2(root, data)
	case Supervisord:
		im.supervisord(root, data)
	case Procfile:
		im.procfile(root, data)
	case ProcessCompose:
		im.compose(root, data, o.Name != "")
	}
	if im.problems == nil && !root.runs() {
		im.problem(path, 1, "there is nothing in it that could be started; a %s file has %s", from, from.content())
	}
	if im.problems != nil {
		return nil, Error(im.problems)
	}
	root.finish()
	return &Result{YAML: root.write(filepath.Base(path), from), From: from, Losses: root.losses()}, nil
}

// Check reads a result as coppice would. Variables count as set, for they have to be
// so only where the tree is run. An error is a mistake of this package.
func Check(path string, r *Result) (*load.File, error) {
	return load.Parse(filepath.Join(filepath.Dir(path), "tree.yaml"), r.YAML, load.Options{LookupEnv: anyEnv})
}

// anyEnv has a value for every variable; one that can be a port.
func anyEnv(string) (string, bool) { return "1", true }

// importer reads one file.
type importer struct {
	path     string
	dir      string // the file's
	problems []Problem
}

// readable looks for what can be in no text of a tree.
func (im *importer) readable(file string, data []byte) bool {
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) {
			im.problem(file, i+1, "this is not in UTF-8; save the file in UTF-8")
			return false
		}
		if bytes.IndexByte(line, 0) >= 0 {
			im.problem(file, i+1, "there is a NUL character in it")
			return false
		}
	}
	return true
}

// usual are names that say nothing of a project.
var usual = []string{"ecosystem", "ecosystem.config", "pm2", "supervisord", "supervisor", "procfile", "process-compose", "compose", "stdin", ""}

// name is one for the tree, from that of the file or its directory.
func (im *importer) name() string {
	base := filepath.Base(im.path)
	name := strings.TrimSuffix(base, filepath.Ext(base))
	for _, u := range usual {
		if strings.EqualFold(name, u) {
			name = "tree"
			if abs, err := filepath.Abs(im.dir); err == nil && abs != filepath.Dir(abs) {
				name = filepath.Base(abs)
			}
			break
		}
	}
	return asID(name)
}

// accepted reports whether the loader takes a child with these keys here and now: it
// looks for env files and users.
func (im *importer) accepted(keys flow) (*load.File, error) {
	c := &child{id: "x", command: []string{"x"}, keys: keys}
	trial := &child{id: "trial", children: []*child{c}}
	return load.Parse(filepath.Join(im.dir, "tree.yaml"), trial.write("", Unknown), load.Options{LookupEnv: anyEnv})
}
