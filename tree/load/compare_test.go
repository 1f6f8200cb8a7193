package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A realistic file, in which the tests change one thing.
const shopFile = `name: shop
strategy: rest_for_one
intensity: {max: 3, within: 10s}
x-node: &node
  env: {NODE_ENV: production, TOKEN: "s3cr3t"}
  stop: {timeout: 2s}
dir: /srv/shop
env: {TZ: UTC}
children:
  - id: db
    command: [postgres, -D, data]   # no shell
    ready: {tcp: "127.0.0.1:5433", timeout: 20s}
    stop: {signal: SIGINT, timeout: 10s}
    backoff: {min: 100ms, max: 10s}
    log: {file: /var/log/db.log}
  - {id: queue, shell: "exec ./queue | logger", restart: transient}
  - id: web
    strategy: dependents
    env: {PORT: "${PORT}"}
    children:
      - <<: *node
        id: api
        command: [node, api.js]
      - {id: cache, command: [cache], copies: 2}
      - <<: *node
        id: front
        command: [node, front.js]
        needs: [api, cache]
`

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, new string // in shopFile
		want     []Difference
	}{
		{"a comment", "   # no shell", "", nil},
		{"another way to write a list", "[postgres, -D, data]   # no shell", "\n    - postgres\n    - \"-D\"\n    - 'data'", nil},
		{"another way to write a duration", "max: 10s}", "max: 10000ms}", nil},
		{"another way to write a signal", "SIGINT", "2", nil},
		{"a shell written out", `shell: "exec ./queue | logger"`, `command: [/bin/sh, -c, exec ./queue | logger]`, nil},
		{"keys in another order", "{signal: SIGINT, timeout: 10s}", "{timeout: 10s, signal: int}", nil},
		{"needs in another order", "[api, cache]", "[cache-2, cache-1, api]", nil},
		{"a default", "strategy: rest_for_one\n", "strategy: rest_for_one\nparallel: 1\n", nil},
		{"a variable", `"${PORT}"`, `"8080"`, nil},
		{"where the tree's directory is said", "log: {file: /var/log/db.log}", "log: {file: /var/log/db.log}\n    dir: /srv/shop", nil},

		{"the program", "[postgres, -D, data]", "[postgres, -D, data, -c, max_connections = 5]", []Difference{
			{"shop/db", "command", "[postgres, -D, data]", `[postgres, -D, data, -c, "max_connections = 5"]`, true}}},
		{"the shell", "exec ./queue", "exec ./queue -v", []Difference{
			{"shop/queue", "shell", `"exec ./queue | logger"`, `"exec ./queue -v | logger"`, true}}},
		{"no shell any more", `shell: "exec ./queue | logger"`, "command: [/bin/queue]", []Difference{
			{"shop/queue", "command", "", "[/bin/queue]", true},
			{"shop/queue", "shell", `"exec ./queue | logger"`, "", true}}},
		{"a signal", "SIGINT", "SIGTERM", []Difference{{"shop/db", "stop.signal", "SIGINT", "", true}}},
		{"the time to stop", "timeout: 10s}", "timeout: kill}", []Difference{{"shop/db", "stop.timeout", "10s", "kill", false}}},
		{"the time to be ready", "timeout: 20s", "timeout: 30s", []Difference{{"shop/db", "ready.timeout", "20s", "", true}}},
		{"another way to be ready", "tcp: \"127.0.0.1:5433\"", "exec: [pg_isready]", []Difference{
			{"shop/db", "ready.tcp", `"127.0.0.1:5433"`, "", true},
			{"shop/db", "ready.exec", "", "[pg_isready]", true}}},
		{"the backoff", "{min: 100ms, max: 10s}", "{min: 200ms, max: 10s, factor: 1.5}", []Difference{
			{"shop/db", "backoff.min", "100ms", "200ms", false},
			{"shop/db", "backoff.factor", "", "1.5", false}}},
		{"the restart type", "restart: transient", "restart: temporary", []Difference{{"shop/queue", "restart", "transient", "temporary", false}}},

		{"the strategy", "strategy: rest_for_one", "strategy: one_for_all", []Difference{{"shop", "strategy", "rest_for_one", "one_for_all", false}}},
		{"the intensity", "{max: 3, within: 10s}", "{max: none}", []Difference{
			{"shop", "intensity.max", "3", "0", false},
			{"shop", "intensity.within", "10s", "", false}}},
		{"the directory of all", "dir: /srv/shop", "dir: /srv/new", []Difference{
			{"shop/db", "dir", "/srv/shop", "/srv/new", true},
			{"shop/queue", "dir", "/srv/shop", "/srv/new", true},
			{"shop/web/api", "dir", "/srv/shop", "/srv/new", true},
			{"shop/web/cache-1", "dir", "/srv/shop", "/srv/new", true},
			{"shop/web/cache-2", "dir", "/srv/shop", "/srv/new", true},
			{"shop/web/front", "dir", "/srv/shop", "/srv/new", true}}},
		{"an anchor", "stop: {timeout: 2s}", "stop: {timeout: 3s}", []Difference{
			{"shop/web/api", "stop.timeout", "2s", "3s", false},
			{"shop/web/front", "stop.timeout", "2s", "3s", false}}},
		{"variables", `{NODE_ENV: production, TOKEN: "s3cr3t"}`, `{LANG: C, TOKEN: "an0ther"}`, []Difference{
			{"shop/web/api", "env.LANG", "", "set", true},
			{"shop/web/api", "env.NODE_ENV", "set", "", true},
			{"shop/web/api", "env.TOKEN", "set", "changed", true},
			{"shop/web/front", "env.LANG", "", "set", true},
			{"shop/web/front", "env.NODE_ENV", "set", "", true},
			{"shop/web/front", "env.TOKEN", "set", "changed", true}}},
		{"a variable's value", `"${PORT}"`, `"${SIZE}"`, []Difference{
			{"shop/web/api", "env.PORT", "set", "changed", true},
			{"shop/web/cache-1", "env.PORT", "set", "changed", true},
			{"shop/web/cache-2", "env.PORT", "set", "changed", true},
			{"shop/web/front", "env.PORT", "set", "changed", true}}},

		{"a child removed", "  - {id: queue, shell: \"exec ./queue | logger\", restart: transient}\n", "", nil},
		{"a child added", "  - id: web\n", "  - {id: new, command: [new]}\n  - id: web\n", nil},
		{"a copy more", "copies: 2", "copies: 3", []Difference{
			{"shop/web/front", "needs", "[api, cache-1, cache-2]", "[api, cache-1, cache-2, cache-3]", false}}},
		{"another id", "id: db\n", "id: database\n", nil},
		{"a program that became a supervisor", `shell: "exec ./queue | logger"`, "children: [{id: a, command: [a]}, {id: b, command: [b]}]", []Difference{
			{"shop/queue", "children", "", "[a, b]", true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(shopFile, tt.old, tt.new, 1)
			if text == shopFile {
				t.Fatalf("%q is not in the file", tt.old)
			}
			got := Compare(parsed(t, shopFile), parsed(t, text))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// The way back from a supervisor names the key that makes a program.
func TestCompareSupervisorThatBecameAProgram(t *testing.T) {
	supervisor := parsed(t, "children: [{id: a, restart: transient, children: [{id: b, command: [b]}]}]")
	for program, want := range map[string]Difference{
		"children: [{id: a, command: [a, -v]}]":   {"t/a", "command", "", "[a, -v]", true},
		"children: [{id: a, shell: \"a | cat\"}]": {"t/a", "shell", "", `"a | cat"`, true},
	} {
		if diff := cmp.Diff([]Difference{want}, Compare(supervisor, parsed(t, program))); diff != "" {
			t.Errorf("%s: -want +got\n%s", program, diff)
		}
	}
}

// The order of those that both have counts, whoever came or went between them.
func TestCompareOrder(t *testing.T) {
	file := func(ids ...string) *File {
		var list []string
		for _, id := range ids {
			list = append(list, "{id: "+id+", command: [a]}")
		}
		return parsed(t, "children: ["+strings.Join(list, ", ")+"]")
	}
	if got := Compare(file("a", "b", "c"), file("x", "a", "y", "c", "z")); got != nil {
		t.Errorf("%v, want nothing", got)
	}
	want := []Difference{{"t", "children", "[a, c]", "[c, a]", false}}
	if diff := cmp.Diff(want, Compare(file("a", "b", "c"), file("c", "x", "a"))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A tree by another name has the same children.
func TestCompareIgnoresTheName(t *testing.T) {
	old, renamed := parsed(t, shopFile), parsed(t, strings.Replace(shopFile, "name: shop", "name: store\nchaos: allowed", 1))
	if got := Compare(old, renamed); got != nil {
		t.Errorf("%v, want nothing", got)
	}
	changed := parsed(t, strings.NewReplacer("name: shop", "name: store", "SIGINT", "SIGHUP").Replace(shopFile))
	want := []Difference{{"store/db", "stop.signal", "SIGINT", "SIGHUP", true}}
	if diff := cmp.Diff(want, Compare(old, changed)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCompareSeesEnvFiles(t *testing.T) {
	env := filepath.Join(t.TempDir(), "app.env")
	text := "children: [{id: a, command: [a], env: {A: 1}, env_file: " + env + "}]"
	read := func(lines string) *File {
		if err := os.WriteFile(env, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		return parsed(t, text)
	}
	before := read("A=0\nB=1\nC=1\n")
	if got := Compare(before, read("# a comment\nC='1'\nB=1\nA=5\n")); got != nil {
		t.Errorf("%v, want nothing", got)
	}
	want := []Difference{{"t/a", "env.B", "set", "changed", true}, {"t/a", "env.C", "set", "", true}}
	if diff := cmp.Diff(want, Compare(before, read("B=2\n"))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Whatever a variable has in it, nothing of it is told.
func TestCompareKeepsSecrets(t *testing.T) {
	const file = "env: {A: topsecret-1, B: topsecret-2}\nchildren: [{id: a, command: [a], env: {C: topsecret-3}}]"
	full, empty := parsed(t, file), parsed(t, "children: [{id: a, command: [a]}]")
	other := parsed(t, strings.ReplaceAll(file, "topsecret", "topsecret-other"))
	for _, list := range [][]Difference{Compare(full, empty), Compare(empty, full), Compare(full, other)} {
		if len(list) != 3 || strings.Contains(fmt.Sprint(list), "topsecret") {
			t.Errorf("%v", list)
		}
	}
}

// A file does not differ from itself.
func TestCompareWithItself(t *testing.T) {
	withLimits(t)
	for _, path := range corpus(t, "good", 15) {
		var files [2]*File
		for i := range files {
			var err error
			if files[i], err = Read(path, Options{LookupEnv: lookup}); err != nil {
				t.Fatal(err)
			}
		}
		if got := Compare(files[0], files[1]); got != nil {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// What is drawn of children: one of each, most often nothing.
var (
	drawnAnywhere = [][]string{
		{"", "", "", "restart: transient"}, {"", "", "", "dir: /d"}, {"", "", "", "env: {A: 1}", "env: {A: 2}", "env: {B: 1}"},
		{"", "", "env_file: files/two.env"}, {"", "", "stop: {timeout: 5s}", "stop: {timeout: infinity}"}, {"", "", "", "backoff: {min: 1s}", "backoff: {min: 1s, max: 1s}"},
	}
	drawnOfPrograms = [][]string{
		{"command: [x]", "command: [x]", "command: [x, -v]", "shell: x"}, {"", "", "copies: 1", "copies: 2"}, {"", "", "tail: 3", "tail: 10"}, {"", "", "", "umask: 0"},
		{"", "", "", "ready: {tcp: \"localhost:1\"}"}, {"", "", "limits: {core: 0}", "limits: {core: unlimited}"}, {"", "", "groups: []"}, {"", "", "log: {file: f}", "log: {file: f, keep: 5}"},
	}
	drawnOfSupervisors = [][]string{{"", "", "parallel: 1", "parallel: 2"}, {"", "", "intensity: {max: none}", "intensity: {max: 1}"}}
)

func draw(t *rapid.T, label string) *File {
	keys := func(from ...[]string) (keys []string) {
		for _, choice := range from {
			if key := rapid.SampledFrom(choice).Draw(t, label); key != "" {
				keys = append(keys, key)
			}
		}
		return keys
	}
	var children func(level int) string
	children = func(level int) string {
		var list []string
		for _, id := range rapid.Permutation([]string{"a", "b", "c"}).Draw(t, label)[:rapid.IntRange(1, 3).Draw(t, label)] {
			with := append(keys(drawnAnywhere...), "id: "+id)
			if level < 2 && rapid.Bool().Draw(t, label) {
				with = append(append(with, keys(drawnOfSupervisors...)...), "children: "+children(level+1))
			} else {
				with = append(with, keys(drawnOfPrograms...)...)
			}
			list = append(list, "{"+strings.Join(with, ", ")+"}")
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	text := "children: " + children(0)
	f, err := Parse("testdata/t.yaml", []byte(text), Options{})
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return f
}

// Nothing differs one way if nothing does the other way; and the programs that are
// kept of a file are those that need no restart.
func TestCompareProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		there, back := Compare(a, b), Compare(b, a)
		if len(there) != len(back) {
			t.Fatalf("%v\nand back\n%v", there, back)
		}
		restart := make(map[string]bool)
		for _, d := range there {
			restart[d.Path] = restart[d.Path] || d.Restart
			if d.Old == d.New {
				t.Fatalf("%v", d)
			}
		}
		for path, cmd := range b.Commands {
			was, had := a.Commands[path]
			if kept := had && fingerprintOf(&was) == fingerprintOf(&cmd); kept != (had && !restart[path]) {
				t.Fatalf("%s is the same: %v; the differences are %v", path, kept, there)
			}
		}
	})
}

// parsed is a file that is good; its tree is t if it does not say otherwise.
func parsed(t testing.TB, text string) *File {
	t.Helper()
	return parsedWith(t, text, Options{})
}

func parsedWith(t testing.TB, text string, o Options) *File {
	t.Helper()
	o.LookupEnv = lookup
	f, err := Parse("testdata/t.yaml", []byte(text), o)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return f
}
