package load

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// FORMAT.md is made of the tables that the loader reads by.
func TestFormatIsUpToDate(t *testing.T) {
	golden(t, "FORMAT.md", format())
}

func format() string {
	var b strings.Builder
	b.WriteString("# The keys of a tree's file\n\n" +
		"Made from the loader's own tables by `go test ./tree/load -rewrite`. The format in prose, with variables, paths and YAML, is in [doc.go](doc.go).\n\n" +
		"A duration has units, as in `500ms`, `5s` or `1m30s`. A size has `B`, `KiB`, `MiB`, `GiB`, `kB`, `MB` or `GB`, or is a number of bytes. " +
		"A signal is a name or a number. **Bold** keys have to be there.\n")
	for _, s := range blocks() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n", s.title(), s.text())
		for _, k := range s.infos() {
			name := "`" + k.name + "`"
			if k.required {
				name = "**" + name + "**"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, k.what, k.def, strings.ReplaceAll(k.doc, "|", `\|`))
		}
	}
	return b.String()
}

// The defaults that the tables name are those of the code: each is stated there
// by this line.
func TestDefaultsAreThoseOfTheCode(t *testing.T) {
	const worker, output, strategies = "../../worker/", "../../worker/internal/output/", "../../strategies/"
	for _, tt := range []struct{ section, key, file, line, is string }{
		{"ready", "timeout", worker + "check.go", "defaultReadyLimit = 30 * time.Second", "30s"},
		{"alive", "every", worker + "check.go", "defaultEvery = 10 * time.Second", "10s"},
		{"alive", "timeout", worker + "check.go", "defaultTimeout = time.Second", "1s"},
		{"alive", "failures", worker + "check.go", "defaultFailures = 3", "3"},
		{"alive", "abort", worker + "check.go", "defaultAbort = 5 * time.Second", "5s"},
		{"ready", "status", worker + "internal/probe/http.go", "return code >= 200 && code <= 399", "200 to 399"},
		{"stop", "wait", worker + "stop.go", "defaultStopWait = 1600 * time.Millisecond", "1.6s"},
		{"stop", "signal", worker + "command.go", "cmp.Or(c.StopSignal, syscall.SIGTERM)", "SIGTERM"},
		{"stop", "timeout", strategies + "shutdown_limit.go", "defaultWorkerShutdown = ShutdownLimit(5 * time.Second)", "5s"},
		{"program", "spawn_limit", worker + "scarce.go", "defaultSpawnLimit = 30 * time.Second", "30s"},
		{"program", "max_line", worker + "command.go", "defaultMaxLine = 64 << 10", "64KiB"},
		{"program", "tail", worker + "command.go", "defaultTailLines = 10", "10"},
		{"log", "max_size", output + "rotation.go", "defaultMaxSize = 10 * mebibyte", "10MiB"},
		{"log", "keep", output + "rotation.go", "defaultKeep = 5", "5"},
		{"intensity", "max", strategies + "intensity.go", "i.Max = 1", "1"},
		{"intensity", "within", strategies + "intensity.go", "i.Within = 5 * time.Second", "5s"},
		{"backoff", "factor", strategies + "backoff.go", "b.Factor = 2", "2"},
		{"backoff", "max", strategies + "backoff.go", "b.Max = b.Min", "min"},
		{"backoff", "reset", strategies + "backoff.go", "b.Reset = b.Max", "max"},
	} {
		source, err := os.ReadFile(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(strings.Fields(string(source)), " "); !strings.Contains(text, tt.line) {
			t.Errorf("%s does not say %q any more: look at the default of %s in %s", tt.file, tt.line, tt.key, tt.section)
		}
		for _, s := range blocks() {
			for _, k := range s.infos() {
				if s.title() == tt.section && k.name == tt.key && k.def != tt.is {
					t.Errorf("the default of %s in %s is told as %q, and is %s", tt.key, tt.section, k.def, tt.is)
				}
			}
		}
	}
}

// Every key has a meaning in words, and no table has a key twice, or a name of
// others that is one of its own.
func TestTables(t *testing.T) {
	for _, s := range blocks() {
		seen := make(map[string]bool)
		for _, k := range s.infos() {
			if k.doc == "" || k.what == "" || len(k.schema) == 0 {
				t.Errorf("%s of %s is not told", k.name, s.title())
			}
			if seen[k.name] {
				t.Errorf("%s has %s twice", s.title(), k.name)
			}
			seen[k.name] = true
		}
		for _, k := range s.infos() {
			for _, name := range append(slices.Clone(k.with), k.aka...) {
				if isKey := seen[name]; isKey != slices.Contains(k.with, name) {
					t.Errorf("%s of %s names %s", k.name, s.title(), name)
				}
			}
		}
	}
}

// Every key is in some good file, where it was read without a problem.
func TestEveryKeyIsUsed(t *testing.T) {
	withLimits(t)
	used := make(map[string]bool)
	watch(t, &rootSection, used)
	watch(t, &nestedSection, used)
	watch(t, &programSection, used)
	watch(t, &intensitySection, used)
	watch(t, &backoffSection, used)
	watch(t, &readySection, used)
	watch(t, &aliveSection, used)
	watch(t, &stopSection, used)
	watch(t, &supervisorStopSection, used)
	watch(t, &limitsSection, used)
	watch(t, &logSection, used)
	for _, path := range corpus(t, "good", 15) {
		if _, err := Read(path, Options{LookupEnv: lookup}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range blocks() {
		for _, k := range s.infos() {
			if !used[s.title()+"."+k.name] {
				t.Errorf("no good file has %s in %s", k.name, s.title())
			}
		}
	}
}

// watch notes which keys of a section are read, until the end of the test.
func watch[T any](t *testing.T, s *section[T], used map[string]bool) {
	before := s.keys
	t.Cleanup(func() { s.keys = before })
	s.keys = slices.Clone(s.keys)
	for i, k := range before {
		s.keys[i].set = func(d *decoder, n *node, to *T) {
			used[s.name+"."+k.name] = true
			k.set(d, n, to)
		}
	}
}

// The limits are those that package worker knows.
func TestLimitsAreThoseOfTheWorker(t *testing.T) {
	source, err := os.ReadFile("../../worker/internal/shim/limit_linux.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`"([a-z]+)":\s+unix\.RLIMIT_`).FindAllStringSubmatch(string(source), -1) {
		if m[1] == "cpu" {
			m[1] = "cpu_time"
		}
		want = append(want, m[1])
	}
	got := slices.DeleteFunc(names(limitsSection.infos()), func(name string) bool {
		return name == "memory" || name == "cpu" || name == "pids"
	})
	slices.Sort(got)
	slices.Sort(want)
	if len(want) < 16 || !slices.Equal(got, want) {
		t.Errorf("limits %v, want %v", got, want)
	}
}
