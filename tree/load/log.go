package load

import (
	"cmp"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/coppice-go/coppice/worker"
)

var logSection = section[worker.File]{
	name: "log", noun: "log",
	doc: "A file for a program's output, in place of the supervisor's log. Children that share one give it the same `max_size`, `keep`, `max_age` and `compress`.",
	keys: []key[worker.File]{
		field("file", paths, func(f *worker.File) *string { return &f.Path }, "where the output goes", required, alsoKnownAs("path")),
		field("max_size", sizes(1), func(f *worker.File) *int64 { return &f.MaxSize },
			"size at which the file is rotated, rounded up to MiB", defaultTo("10MiB"), alsoKnownAs("size")),
		field("keep", or(integers(1, math.MaxInt32), []string{"all"}, -1), func(f *worker.File) *int { return &f.Keep },
			"how many rotated files are kept", defaultTo("5"), alsoKnownAs("backups", "max_files", "max_backups")),
		field("max_age", durations(1), func(f *worker.File) *time.Duration { return &f.MaxAge },
			"how long a rotated file is kept, rounded up to days", defaultTo("for ever")),
		field("compress", booleans, func(f *worker.File) *bool { return &f.Compress }, "rotated files are compressed by gzip", defaultTo("false")),
		field("times", booleans, func(f *worker.File) *bool { return &f.Times }, "each line begins with its time, in UTC", defaultTo("false"), alsoKnownAs("timestamps")),
		field("console", booleans, func(f *worker.File) *bool { return &f.Log }, "the output goes to the supervisor's log as well", defaultTo("false")),
	},
}

// log is the log file of the first program that names it.
type log struct {
	owner   string // its path in the tree
	program worker.Command
}

// shareLog says in what a program and the first that has the same log file do not
// agree about it.
func (b *builder) shareLog(path string, c *child) {
	if c.program.log.Path == "" || c.ID == "" {
		return
	}
	file := filepath.Clean(c.program.log.Path)
	own := worker.Command{File: &c.program.log}
	first := b.logs[file]
	if first == nil {
		b.logs[file] = &log{path, own}
		return
	}
	var differs []string
	for i := range rotationAspects {
		a := &rotationAspects[i]
		if said := a.of(&first.program); said != a.of(&own) {
			key := strings.TrimPrefix(a.key, "log.")
			differs = append(differs, key+" "+cmp.Or(said, logSection.find(key).def))
		}
	}
	if differs != nil {
		b.problem(c.node.at("log"), "give all who share a log file the same", "%s is the log of %s too, with %s",
			shorten(c.node.find("log").value.find("file").value.text), first.owner, list(differs))
	}
}
