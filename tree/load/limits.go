package load

import (
	"math"
	"time"

	"github.com/coppice-go/coppice/worker"
)

// limits are those of setrlimit(2) and those of cgroups, which the file has in one
// place.
type limits struct {
	rlimits []worker.Rlimit
	cgroup  worker.Limits
}

type softHard struct{ soft, hard uint64 }

var (
	counts    = as(integers[int64](0, math.MaxInt64), func(v int64) uint64 { return uint64(v) })
	byteSizes = as(sizes(0), func(v int64) uint64 { return uint64(v) })
)

var limitsSection = section[limits]{
	name: "limits", noun: "limits",
	doc: "What a program may use. `memory`, `cpu` and `pids` bound it and all its descendants together; they need cgroup v2 with the controller of that name. " +
		"The others are limits of setrlimit(2), for each process alone; each is one value, `unlimited`, or `{soft: …, hard: …}`.",
	keys: []key[limits]{
		field("memory", checked(sizes(1), func(v int64) error { return checkLimits(worker.Limits{Memory: v}) }, ""),
			func(l *limits) *int64 { return &l.cgroup.Memory }, "memory of all its processes, swap not counted", defaultTo("unlimited")),
		field("cpu", checked(numbers(0.01, 1e6), func(v float64) error { return checkLimits(worker.Limits{CPU: v}) }, ""),
			func(l *limits) *float64 { return &l.cgroup.CPU }, "cores that all its processes may use, as in 1.5", defaultTo("unlimited")),
		field("pids", checked(integers(1, math.MaxInt32), func(v int) error { return checkLimits(worker.Limits{PIDs: v}) }, ""),
			func(l *limits) *int { return &l.cgroup.PIDs }, "processes and threads of it", defaultTo("unlimited")),

		rlimit("nofile", counts, "open files"),
		rlimit("nproc", counts, "processes of its user"),
		rlimit("core", byteSizes, "core dump"),
		rlimit("as", byteSizes, "address space"),
		rlimit("cpu_time", as(seconds, func(d time.Duration) uint64 { return uint64(d / time.Second) }), "time on a processor, in whole seconds"),
		rlimit("data", byteSizes, "data segment"),
		rlimit("fsize", byteSizes, "a file that it writes"),
		rlimit("locks", counts, "file locks"),
		rlimit("memlock", byteSizes, "locked memory"),
		rlimit("msgqueue", byteSizes, "message queues"),
		rlimit("nice", counts, "ceiling of the niceness, as 20 minus it"),
		rlimit("rss", byteSizes, "resident memory; without effect on Linux"),
		rlimit("rtprio", counts, "real-time priority"),
		rlimit("rttime", as(durations(0), func(d time.Duration) uint64 { return uint64(d / time.Microsecond) }), "time on a processor without a pause, real-time scheduling"),
		rlimit("sigpending", counts, "queued signals"),
		rlimit("stack", byteSizes, "stack of a thread"),
	},
}

// checkLimits says why the machine cannot set a limit. It is a variable for tests
// of files with limits, on machines that have none.
var checkLimits = func(l worker.Limits) error { return refused(worker.Command{Limits: l}, "Limits") }

var seconds = value[time.Duration]{
	what: "duration", expected: "a duration of whole seconds",
	schema: durations(0).schema,
	read: func(d *decoder, n *node, expected string) (time.Duration, bool) {
		v, ok := durations(0).read(d, n, expected)
		if ok && v%time.Second != 0 {
			d.problem(n.pos, "", "expected %s, found %s", expected, n.describe())
			return 0, false
		}
		return v, ok
	},
}

// rlimit is the key of a limit of setrlimit(2). The name is that of the resource,
// but for one that cgroups have, too.
func rlimit(name string, unit value[uint64], doc string) key[limits] {
	resource := name
	if name == "cpu_time" {
		resource = "cpu"
	}
	unit = or(unit, []string{"unlimited"}, worker.Unlimited)
	both := section[softHard]{noun: name, keys: []key[softHard]{
		field("soft", unit, func(l *softHard) *uint64 { return &l.soft }, "the limit in force", required),
		field("hard", unit, func(l *softHard) *uint64 { return &l.hard }, "what the program may raise it to", required),
	}}
	return key[limits]{
		info: info{name: name, doc: doc, def: "coppice's own", what: unit.what, schema: anyOf(unit.schema, both.schema())},
		set: func(d *decoder, n *node, l *limits) {
			var v softHard
			if n.kind == mapping {
				if !both.decode(d, n, &v) {
					return
				}
				if v.soft > v.hard {
					d.problem(n.valueAt("soft"), "", "the soft limit is above the hard limit")
				}
			} else {
				one, ok := unit.get(d, n)
				if !ok {
					return
				}
				v = softHard{one, one}
			}
			l.rlimits = append(l.rlimits, worker.Rlimit{Resource: resource, Soft: v.soft, Hard: v.hard})
		},
	}
}
