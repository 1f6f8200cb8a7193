package load

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/coppice-go/coppice/worker"
)

// commandAspects are all that belongs to a program's process, but for its variables:
// in the order of FORMAT.md. A field of worker.Command that is in none of them
// fails a test.
var commandAspects = slices.Concat(
	[]aspect[worker.Command]{
		{"command", "", command},
		{"shell", "", shell},
		{"inherit", "all", func(c *worker.Command) string { return c.Inherit.String() }},
	},
	checkAspects("ready", func(c *worker.Command) worker.Check { return c.Ready }),
	[]aspect[worker.Command]{
		{"ready.timeout", "30s", func(c *worker.Command) string { return duration(c.ReadyLimit) }},
	},
	checkAspects("alive", func(c *worker.Command) worker.Check { return c.Alive.Check }),
	[]aspect[worker.Command]{
		{"alive.every", "10s", func(c *worker.Command) string { return duration(c.Alive.Every) }},
		{"alive.timeout", "1s", func(c *worker.Command) string { return duration(c.Alive.Timeout) }},
		{"alive.failures", "3", func(c *worker.Command) string { return count(c.Alive.Failures) }},
		{"alive.abort", "5s", func(c *worker.Command) string { return duration(c.Alive.Abort) }},
		{"spawn_limit", "30s", func(c *worker.Command) string {
			if c.SpawnLimit < 0 {
				return "0s"
			}
			return duration(c.SpawnLimit)
		}},
		{"success_codes", "", func(c *worker.Command) string { return codes(c.SuccessCodes) }},
		{"fatal_codes", "", func(c *worker.Command) string { return codes(c.FatalCodes) }},
		{"fatal_ends_tree", "", func(c *worker.Command) string { return truth(c.FatalEndsTree) }},
		{"node_ipc", "", func(c *worker.Command) string { return truth(c.IPC == worker.NodeIPC) }},
		{"limits.memory", "", func(c *worker.Command) string { return size(c.Limits.Memory) }},
		{"limits.cpu", "", func(c *worker.Command) string { return decimal(c.Limits.CPU) }},
		{"limits.pids", "", func(c *worker.Command) string { return count(c.Limits.PIDs) }},
	},
	rlimitAspects(),
	[]aspect[worker.Command]{
		{"log.file", "", ofLog(func(f *worker.File) string { return scalar(f.Path) })},
	},
	rotationAspects,
	[]aspect[worker.Command]{
		{"log.times", "", ofLog(func(f *worker.File) string { return truth(f.Times) })},
		{"log.console", "", ofLog(func(f *worker.File) string { return truth(f.Log) })},
		{"max_line", "64KiB", func(c *worker.Command) string { return size(int64(c.MaxLine)) }},
		{"tail", "10", func(c *worker.Command) string {
			if c.TailLines < 0 {
				return "0"
			}
			return count(c.TailLines)
		}},
		{"user", "", func(c *worker.Command) string { return scalar(c.Identity.User) }},
		{"group", "", func(c *worker.Command) string { return scalar(c.Identity.Group) }},
		{"groups", "", func(c *worker.Command) string {
			if c.Identity.Groups == nil {
				return ""
			}
			return flow(slices.Sorted(slices.Values(c.Identity.Groups)))
		}},
		{"umask", "", func(c *worker.Command) string { return pointed(c.Identity.Umask, octal) }},
		{"nice", "", func(c *worker.Command) string { return pointed(c.Identity.Nice, strconv.Itoa) }},
		{"oom_score_adj", "", func(c *worker.Command) string { return pointed(c.Identity.OOMScoreAdj, strconv.Itoa) }},
		{"no_new_privs", "", func(c *worker.Command) string { return truth(c.Identity.NoNewPrivs) }},
		{"dir", "", func(c *worker.Command) string { return scalar(c.Dir) }},
		{"stop.signal", "SIGTERM", func(c *worker.Command) string { return signalText(c.StopSignal) }},
		{"stop.command", "", func(c *worker.Command) string { return argv(c.StopCommand) }},
		{"stop.message", "", func(c *worker.Command) string { return truth(c.StopMessage) }},
		{"stop.wait", "1.6s", func(c *worker.Command) string { return duration(c.StopWait) }},
	},
)

func command(c *worker.Command) string {
	if shell(c) != "" || c.Path == "" {
		return ""
	}
	return flow(append([]string{c.Path}, c.Args...))
}

func shell(c *worker.Command) string {
	if c.Path == "/bin/sh" && len(c.Args) == 2 && c.Args[0] == "-c" {
		return quoted(c.Args[1])
	}
	return ""
}

// rotationAspects are those in which all who share a log file agree.
var rotationAspects = []aspect[worker.Command]{
	{"log.max_size", "10MiB", ofLog(func(f *worker.File) string { return size(f.MaxSize) })},
	{"log.keep", "5", ofLog(func(f *worker.File) string {
		if f.Keep < 0 {
			return "all"
		}
		return count(f.Keep)
	})},
	{"log.max_age", "", ofLog(func(f *worker.File) string { return duration(f.MaxAge) })},
	{"log.compress", "", ofLog(func(f *worker.File) string { return truth(f.Compress) })},
}

func ofLog(text func(*worker.File) string) func(*worker.Command) string {
	return func(c *worker.Command) string {
		if c.File == nil {
			return ""
		}
		return text(c.File)
	}
}

// checkAspects are those of ready or alive that are about what is asked.
func checkAspects(section string, at func(*worker.Command) worker.Check) []aspect[worker.Command] {
	key := func(name, def string, text func(worker.Check) string) aspect[worker.Command] {
		return aspect[worker.Command]{section + "." + name, def, func(c *worker.Command) string { return text(at(c)) }}
	}
	return []aspect[worker.Command]{
		key("tcp", "", func(c worker.Check) string { address, _ := c.(worker.TCP); return scalar(string(address)) }),
		key("http", "", func(c worker.Check) string { get, _ := c.(worker.HTTP); return scalar(get.URL) }),
		key("status", "", func(c worker.Check) string { get, _ := c.(worker.HTTP); return codes(get.Status) }),
		key("insecure", "", func(c worker.Check) string { get, _ := c.(worker.HTTP); return truth(get.Insecure) }),
		key("exec", "", func(c worker.Check) string { run, _ := c.(worker.Run); return argv(run) }),
		key("log", "", func(c worker.Check) string { line, _ := c.(worker.Line); return scalar(string(line)) }),
		key("notify", "", func(c worker.Check) string { _, is := c.(worker.Notify); return truth(is) }),
		key("node", "", func(c worker.Check) string { _, is := c.(worker.NodeReady); return truth(is) }),
	}
}

// rlimitAspects are the limits of setrlimit(2), each in its own unit.
func rlimitAspects() []aspect[worker.Command] {
	in := func(unit string) func(uint64) string {
		return func(v uint64) string { return strconv.FormatUint(v, 10) + unit }
	}
	number, seconds, micros := in(""), in("s"), in("us")
	limit := func(key, resource string, unit func(uint64) string) aspect[worker.Command] {
		return aspect[worker.Command]{"limits." + key, "", func(c *worker.Command) (text string) {
			for _, l := range c.Identity.Rlimits {
				if l.Resource == resource {
					text = rlimitText(l, unit) // they are set in this order
				}
			}
			return text
		}}
	}
	return []aspect[worker.Command]{
		limit("nofile", "nofile", number),
		limit("nproc", "nproc", number),
		limit("core", "core", bytesText),
		limit("as", "as", bytesText),
		limit("cpu_time", "cpu", seconds),
		limit("data", "data", bytesText),
		limit("fsize", "fsize", bytesText),
		limit("locks", "locks", number),
		limit("memlock", "memlock", bytesText),
		limit("msgqueue", "msgqueue", bytesText),
		limit("nice", "nice", number),
		limit("rss", "rss", bytesText),
		limit("rtprio", "rtprio", number),
		limit("rttime", "rttime", micros),
		limit("sigpending", "sigpending", number),
		limit("stack", "stack", bytesText),
	}
}

func rlimitText(l worker.Rlimit, unit func(uint64) string) string {
	text := func(v uint64) string {
		if v == worker.Unlimited {
			return "unlimited"
		}
		return unit(v)
	}
	if l.Soft == l.Hard {
		return text(l.Soft)
	}
	return "{soft: " + text(l.Soft) + ", hard: " + text(l.Hard) + "}"
}

// variables are those of an environment; of entries with the same name the last
// counts.
func variables(env []string) map[string]string {
	m := make(map[string]string, len(env))
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		m[name] = value
	}
	return m
}

func sortedKeys(a, b map[string]string) []string {
	names := slices.Concat(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
	slices.Sort(names)
	return slices.Compact(names)
}

// fingerprint is the same for two programs if Compare finds no difference that
// needs a restart, and for no others.
type fingerprint [sha256.Size]byte

func fingerprintOf(c *worker.Command) fingerprint {
	var b []byte // no text has a NUL in it
	for i := range commandAspects {
		b = append(append(b, commandAspects[i].of(c)...), 0)
	}
	for _, kv := range slices.Sorted(slices.Values(overlay(c.Env))) {
		b = append(append(b, kv...), 0)
	}
	return sha256.Sum256(b)
}
