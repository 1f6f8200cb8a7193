package load

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every key of FORMAT.md, with what is told of a change of it: "key: old -> new",
// with an exclamation mark where the child has to be restarted. A key that is not
// here fails the test.
var keyChanges = []struct{ key, old, new, want string }{
	{"tree.name", "name: t", "name: other", ""},
	{"tree.chaos", "", "chaos: allowed", ""},
	{"tree.strategy", "", "strategy: dependents", "strategy:  -> dependents"},
	{"tree.intensity", "", "intensity: {}", ""},
	{"tree.parallel", "parallel: 2", "parallel: 3", "parallel: 2 -> 3"},
	{"tree.auto_shutdown", "", "auto_shutdown: any_significant", "auto_shutdown:  -> any_significant"},
	{"tree.children", "children: [{id: a, command: [x]}, {id: b, command: [x]}]", "children: [{id: b, command: [x]}, {id: a, command: [x]}]", "children: [a, b] -> [b, a]"},
	{"tree.dir", "dir: /a", "dir: /b", "dir: /a -> /b!"},
	{"tree.env", "env: {A: 1}", "env: {A: 2}", "env.A: set -> changed!"},
	{"tree.env_file", "", "env_file: files/two.env", "env.FROM_ENV:  -> set! env.FROM_FILE:  -> set!"},

	{"supervisor.id", "", "", ""},
	{"supervisor.restart", "restart: transient", "", "restart: transient -> "},
	{"supervisor.significant", "restart: transient", "restart: transient, significant: true", "significant:  -> true"},
	{"supervisor.needs", "needs: [one]", "needs: [two, one]", "needs: [one] -> [one, two]"},
	{"supervisor.start_limit", "", "start_limit: 90s", "start_limit:  -> 1m30s"},
	{"supervisor.backoff", "", "backoff: {min: 1s}", "backoff.min:  -> 1s"},
	{"supervisor.strategy", "strategy: one_for_all", "strategy: rest_for_one", "strategy: one_for_all -> rest_for_one"},
	{"supervisor.intensity", "intensity: {max: 0}", "intensity: {max: 5}", "intensity.max: 0 -> 5"},
	{"supervisor.parallel", "", "parallel: 2", "parallel:  -> 2"},
	{"supervisor.auto_shutdown", "auto_shutdown: never", "auto_shutdown: all_significant", "auto_shutdown:  -> all_significant"},
	{"supervisor.children", "children: [{id: a, command: [x]}, {id: b, command: [x]}]", "children: [{id: b, command: [x]}, {id: a, command: [x]}]", "children: [a, b] -> [b, a]"},
	{"supervisor.dir", "dir: /a", "dir: /b", "dir: /a -> /b!"},
	{"supervisor.env", "env: {A: 1}", "", "env.A: set -> !"},
	{"supervisor.env_file", "", "env_file: files/two.env", "env.FROM_ENV:  -> set! env.FROM_FILE:  -> set!"},
	{"supervisor.stop", "stop: {timeout: 5s}", "", "stop.timeout: 5s -> "},

	{"program.id", "", "", ""},
	{"program.restart", "restart: temporary", "restart: transient", "restart: temporary -> transient"},
	{"program.significant", "restart: transient", "restart: transient, significant: true", "significant:  -> true"},
	{"program.needs", "needs: [one]", "", "needs: [one] -> "},
	{"program.start_limit", "start_limit: 1s", "start_limit: 1500ms", "start_limit: 1s -> 1.5s"},
	{"program.backoff", "backoff: {min: 1s, factor: 3}", "", "backoff.min: 1s ->  backoff.factor: 3 -> "},
	{"program.command", "command: [x]", `command: [x, "", two words]`, `command: [x] -> [x, "", "two words"]!`},
	{"program.shell", "shell: a", "shell: b", "shell: a -> b!"},
	{"program.copies", "copies: 2", "copies: 3", ""},
	{"program.inherit", "", "inherit: safe", "inherit:  -> safe!"},
	{"program.ready", "", "ready: {tcp: 'localhost:1'}", `ready.tcp:  -> "localhost:1"!`},
	{"program.alive", "", "alive: {notify: true}", "alive.notify:  -> true!"},
	{"program.spawn_limit", "", "spawn_limit: 0s", "spawn_limit:  -> 0s!"},
	{"program.success_codes", "success_codes: [3]", "success_codes: [143, 3]", "success_codes: [3] -> [3, 143]!"},
	{"program.fatal_codes", "", "fatal_codes: [1]", "fatal_codes:  -> [1]!"},
	{"program.fatal_ends_tree", "fatal_codes: [1]", "fatal_codes: [1], fatal_ends_tree: true", "fatal_ends_tree:  -> true!"},
	{"program.node_ipc", "", "node_ipc: true", "node_ipc:  -> true!"},
	{"program.limits", "", "limits: {pids: 5}", "limits.pids:  -> 5!"},
	{"program.log", "", "log: {file: /f}", "log.file:  -> /f!"},
	{"program.max_line", "", "max_line: 4096", "max_line:  -> 4KiB!"},
	{"program.tail", "tail: 0", "", "tail: 0 -> !"},
	{"program.user", "group: root, user: 4242", "group: root, user: root", "user: 4242 -> root!"},
	{"program.group", "", "group: root", "group:  -> root!"},
	{"program.groups", "", "groups: []", "groups:  -> []!"},
	{"program.umask", "", "umask: 0", "umask:  -> 0000!"},
	{"program.nice", "nice: 0", "nice: -5", "nice: 0 -> -5!"},
	{"program.oom_score_adj", "", "oom_score_adj: 0", "oom_score_adj:  -> 0!"},
	{"program.no_new_privs", "no_new_privs: true", "", "no_new_privs: true -> !"},
	{"program.dir", "dir: /a", "dir: '/a b'", `dir: /a -> "/a b"!`},
	{"program.env", `env: {"A B": 1}`, "", `env."A B": set -> !`},
	{"program.env_file", "env: {FROM_ENV: file}", "env_file: files/two.env", "env.FROM_FILE:  -> set!"},
	{"program.stop", "stop: {timeout: infinity}", "", "stop.timeout: infinity -> "},

	{"intensity.max", "max: 3", "max: none", "intensity.max: 3 -> 0"},
	{"intensity.within", "within: 1s", "within: 1m", "intensity.within: 1s -> 1m0s"},

	{"backoff.min", "min: 1s", "min: 2s", "backoff.min: 1s -> 2s"},
	{"backoff.max", "min: 1s", "min: 1s, max: 5s", "backoff.max:  -> 5s"},
	{"backoff.factor", "min: 1s", "min: 1s, factor: 1.5", "backoff.factor:  -> 1.5"},
	{"backoff.jitter", "min: 1s", "min: 1s, jitter: 0.1", "backoff.jitter:  -> 0.1"},
	{"backoff.reset", "min: 1s, reset: 10s", "min: 1s, reset: 20s", "backoff.reset: 10s -> 20s"},

	{"ready.tcp", "tcp: 'a:1'", "tcp: 'unix:/a'", `ready.tcp: "a:1" -> "unix:/a"!`},
	{"ready.http", "http: 'http://a'", "http: 'https://a?b'", `ready.http: "http://a" -> "https://a?b"!`},
	{"ready.status", "http: 'http://a', status: 204", "http: 'http://a', status: [204, 200]", "ready.status: [204] -> [200, 204]!"},
	{"ready.insecure", "http: 'http://a'", "http: 'http://a', insecure: true", "ready.insecure:  -> true!"},
	{"ready.exec", "exec: [a]", "exec: [a, b]", "ready.exec: [a] -> [a, b]!"},
	{"ready.log", "log: a", "log: '^b'", `ready.log: a -> "^b"!`},
	{"ready.notify", "tcp: 'a:1'", "notify: true", `ready.tcp: "a:1" -> ! ready.notify:  -> true!`},
	{"ready.node", "notify: true", "node: true", "ready.notify: true -> ! ready.node:  -> true!"},
	{"ready.timeout", "tcp: 'a:1', timeout: 5s", "tcp: 'a:1'", "ready.timeout: 5s -> !"},

	{"alive.tcp", "tcp: 'a:1'", "tcp: 'a:2'", `alive.tcp: "a:1" -> "a:2"!`},
	{"alive.http", "http: 'http://a'", "http: 'http://b'", `alive.http: "http://a" -> "http://b"!`},
	{"alive.status", "http: 'http://a'", "http: 'http://a', status: 200", "alive.status:  -> [200]!"},
	{"alive.insecure", "http: 'http://a', insecure: true", "http: 'http://a'", "alive.insecure: true -> !"},
	{"alive.exec", "exec: [a]", "exec: [b]", "alive.exec: [a] -> [b]!"},
	{"alive.notify", "notify: true", "tcp: 'a:1'", `alive.tcp:  -> "a:1"! alive.notify: true -> !`},
	{"alive.every", "notify: true, every: 1s", "notify: true, every: 2s", "alive.every: 1s -> 2s!"},
	{"alive.timeout", "tcp: 'a:1'", "tcp: 'a:1', timeout: 2s", "alive.timeout:  -> 2s!"},
	{"alive.failures", "tcp: 'a:1', failures: 1", "tcp: 'a:1'", "alive.failures: 1 -> !"},
	{"alive.abort", "notify: true", "notify: true, abort: 1s", "alive.abort:  -> 1s!"},

	{"stop.timeout", "timeout: 0s", "timeout: kill", "stop.timeout: 0s -> kill"},
	{"stop.signal", "signal: USR1", "signal: 40", "stop.signal: SIGUSR1 -> 40!"},
	{"stop.command", "", "command: [a]", "stop.command:  -> [a]!"},
	{"stop.message", "", "message: true", "stop.message:  -> true!"},
	{"stop.wait", "command: [a], wait: 1s", "command: [a]", "stop.wait: 1s -> !"},
	{"supervisor_stop.timeout", "timeout: kill", "timeout: 1m", "stop.timeout: kill -> 1m0s"},

	{"limits.memory", "memory: 1GiB", "memory: 1GB", "limits.memory: 1GiB -> 1GB!"},
	{"limits.cpu", "cpu: 1.5", "cpu: 2", "limits.cpu: 1.5 -> 2!"},
	{"limits.pids", "pids: 10", "", "limits.pids: 10 -> !"},
	{"limits.nofile", "nofile: 10", "nofile: {soft: 10, hard: 20}", "limits.nofile: 10 -> {soft: 10, hard: 20}!"},
	{"limits.nproc", "", "nproc: 0", "limits.nproc:  -> 0!"},
	{"limits.core", "core: 0", "core: unlimited", "limits.core: 0 -> unlimited!"},
	{"limits.as", "", "as: 4GiB", "limits.as:  -> 4GiB!"},
	{"limits.cpu_time", "", "cpu_time: 1m", "limits.cpu_time:  -> 60s!"},
	{"limits.data", "", "data: 1023", "limits.data:  -> 1023!"},
	{"limits.fsize", "", "fsize: {soft: 0, hard: unlimited}", "limits.fsize:  -> {soft: 0, hard: unlimited}!"},
	{"limits.locks", "locks: 1", "locks: 2", "limits.locks: 1 -> 2!"},
	{"limits.memlock", "", "memlock: 64kB", "limits.memlock:  -> 64kB!"},
	{"limits.msgqueue", "", "msgqueue: 1MiB", "limits.msgqueue:  -> 1MiB!"},
	{"limits.nice", "", "nice: 20", "limits.nice:  -> 20!"},
	{"limits.rss", "", "rss: 1MiB", "limits.rss:  -> 1MiB!"},
	{"limits.rtprio", "", "rtprio: 5", "limits.rtprio:  -> 5!"},
	{"limits.rttime", "", "rttime: 200ms", "limits.rttime:  -> 200000us!"},
	{"limits.sigpending", "", "sigpending: 5", "limits.sigpending:  -> 5!"},
	{"limits.stack", "stack: 8MiB", "", "limits.stack: 8MiB -> !"},

	{"log.file", "file: /a", "file: /b", "log.file: /a -> /b!"},
	{"log.max_size", "file: /a", "file: /a, max_size: 1MiB", "log.max_size:  -> 1MiB!"},
	{"log.keep", "file: /a, keep: all", "file: /a, keep: 1", "log.keep: all -> 1!"},
	{"log.max_age", "file: /a, max_age: 24h", "file: /a", "log.max_age: 24h0m0s -> !"},
	{"log.compress", "file: /a", "file: /a, compress: true", "log.compress:  -> true!"},
	{"log.times", "file: /a", "file: /a, times: true", "log.times:  -> true!"},
	{"log.console", "file: /a", "file: /a, console: true", "log.console:  -> true!"},
}

func TestCompareKnowsEveryKey(t *testing.T) {
	withLimits(t)
	tested := make(map[string]bool)
	for _, tt := range keyChanges {
		tested[tt.key] = true
		var got []string
		for _, d := range Compare(parsed(t, withKeys(tt.key, tt.old)), parsed(t, withKeys(tt.key, tt.new))) {
			text := fmt.Sprintf("%s: %s -> %s", d.Key, d.Old, d.New)
			if d.Restart {
				text += "!"
			}
			got = append(got, text)
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s: from %q to %q\nit is %q\n want %q", tt.key, tt.old, tt.new, got, tt.want)
		}
	}
	for _, b := range blocks() {
		for _, k := range b.infos() {
			if key := b.title() + "." + k.name; !tested[key] {
				t.Errorf("%s is not in keyChanges", key)
			}
		}
	}
}

// A default that is written out makes no difference, as far as a table names one
// that can be written.
func TestCompareKnowsDefaults(t *testing.T) {
	withLimits(t)
	with := map[string]string{
		"alive": "tcp: 'a:1', ", "ready": "tcp: 'a:1', ", "ready.status": "http: 'http://a', ", "ready.insecure": "http: 'http://a', ", "alive.insecure": "http: 'http://a', ",
		"log": "file: /f, ", "backoff": "min: 1s, ", "stop.wait": "command: [a], ", "program.fatal_ends_tree": "fatal_codes: [1], ",
	}
	written := 0
	for _, b := range blocks() {
		for _, k := range b.infos() {
			key := b.title() + "." + k.name
			if k.def == "" || k.name == "dir" {
				continue // the default of dir is in words, which could be a path
			}
			others, own := with[key]
			if !own {
				others = with[b.title()]
			}
			f, err := Parse("testdata/t.yaml", []byte(withKeys(key, others+k.name+": "+k.def)), Options{})
			if err != nil {
				continue // the default is in words
			}
			written++
			if got := Compare(parsed(t, withKeys(key, strings.TrimSuffix(others, ", "))), f); got != nil {
				t.Errorf("%s: %v", key, got)
			}
		}
	}
	if written < 35 {
		t.Errorf("only %d defaults were written", written)
	}
}

// withKeys is a file with these keys in the section of a key.
func withKeys(key, keys string) string {
	section, _, _ := strings.Cut(key, ".")
	if supervisor := section == "tree" || section == "supervisor"; supervisor && !strings.HasPrefix(keys, "children: ") {
		keys = "children: [{id: a, command: [x]}], " + keys
	}
	child := func(keys string) string {
		return "{strategy: dependents, auto_shutdown: any_significant, children: [{id: one, command: [x]}, {id: two, command: [x]}, {id: it, " + keys + "}]}"
	}
	program := func(keys string) string {
		if strings.HasPrefix(keys, "command: ") || strings.HasPrefix(keys, "shell: ") {
			return child(keys)
		}
		return child("command: [x], " + keys)
	}
	switch section {
	case "tree":
		return "{" + keys + "}"
	case "supervisor":
		return child(keys)
	case "supervisor_stop":
		return withKeys("supervisor", "stop: {"+keys+"}")
	case "program":
		return program(keys)
	case "intensity":
		return withKeys("tree", "intensity: {"+keys+"}")
	}
	return program("node_ipc: true, " + section + ": {" + keys + "}")
}

// What is told of a list can be put into the file as it is.
func TestCompareWritesYAML(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		argv := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"null", "~", "true", "1.10", "---", "-", "a:b", "é"})).Filter(func(s string) bool { return !strings.ContainsAny(s, "$\x00") }), 1, 5).Draw(t, "argv")
		argv[0] = "x" + strings.ReplaceAll(argv[0], "/", "")
		f, err := Parse("t.yaml", []byte("children: [{id: a, command: "+flow(argv)+"}]"), Options{})
		if err != nil {
			t.Fatalf("%s: %v", flow(argv), err)
		}
		cmd := f.Commands["t/a"]
		if got := command(&cmd); got != flow(argv) {
			t.Fatalf("%s became %s", flow(argv), got)
		}
	})
}
