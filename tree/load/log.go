package load

import (
	"math"
	"time"

	"github.com/coppice-go/coppice/worker"
)

var logSection = section[worker.File]{
	name: "log", noun: "log",
	doc: "A file for a program's output, in place of the supervisor's log. Children may share one.",
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
