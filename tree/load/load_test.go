package load

import (
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

func TestReadTellsThatThereIsNoFile(t *testing.T) {
	_, err := Read(filepath.Join(t.TempDir(), "no.yaml"), Options{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want fs.ErrNotExist", err)
	}
}

// The hook sees every program, and what it changes is in Commands, in the order of
// the file.
func TestCommandHook(t *testing.T) {
	const file = "children:\n- {id: b, command: [b], copies: 2}\n- id: a\n  children: [{id: c, command: [c], env: {A: 1}}]\n"
	var paths []string
	f, err := Parse("t.yaml", []byte(file), Options{Command: func(path string, c *worker.Command) {
		paths = append(paths, path)
		c.Env = append(c.Env, "HOOK="+path)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"t/b-1", "t/b-2", "t/a/c"}; !slices.Equal(paths, want) {
		t.Errorf("called for %v, want %v", paths, want)
	}
	for path, want := range map[string][]string{
		"t/b-1": {"COPPICE_COPY=1", "HOOK=t/b-1"}, "t/b-2": {"COPPICE_COPY=2", "HOOK=t/b-2"}, "t/a/c": {"A=1", "HOOK=t/a/c"},
	} {
		if diff := cmp.Diff(want, f.Commands[path].Env); diff != "" {
			t.Errorf("%s: -want +got\n%s", path, diff)
		}
	}
	if _, err := tree.New(f.Name, f.Spec); err != nil {
		t.Error(err)
	}
}

// Copies do not share what is appended to.
func TestCommandsAreApart(t *testing.T) {
	const file = "env: {X: 1}\nchildren:\n- id: s\n  env: {X: 2}\n  children:\n" +
		"  - {id: a, command: [a, x]}\n  - {id: b, command: [b, x], copies: 2, log: {file: f}}\n"
	f, err := Parse("t.yaml", []byte(file), Options{Command: func(path string, c *worker.Command) {
		c.Env = append(c.Env, path)
		c.Args[0] = path
		if c.File != nil {
			c.File.Path = path
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for path, c := range f.Commands {
		if c.Env[len(c.Env)-1] != path || c.Args[0] != path || c.File != nil && c.File.Path != path {
			t.Errorf("%s has the environment %v, the arguments %v and the file %v", path, c.Env, c.Args, c.File)
		}
	}
}

// What the other packages refuse and the loader did not foresee is told at the
// child.
func TestSafetyNet(t *testing.T) {
	file := "children:\n- {id: a, command: [a]}\n- {id: b, command: [b]}\n"
	_, err := Parse("t.yaml", []byte(file), Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := &decoder{file: "t.yaml", lines: strings.Split(file, "\n"), told: make(map[Problem]bool)}
	at := &node{pos: pos{3, 4, 2}}
	b := builder{decoder: d, clean: true, file: &File{Name: "t"}, nodes: map[string]*node{"t/b": at}}
	b.file.Spec.Children = []tree.Child{{ID: "b", StartLimit: -1, Start: tree.Of(worker.Command{Path: "b"}.Process)}}
	b.verify(&node{pos: pos{1, 1, 1}})
	b.verifyCommand(&child{node: at}, worker.Command{Path: "b", StopWait: -1})
	var got []string
	for _, p := range d.problems {
		got = append(got, p.Error())
	}
	const where = "\n    3 | - {id: b, command: [b]}\n      |    ^^"
	want := []string{
		"t.yaml:3:4: invalid start limit: it must not be negative" + where,
		"t.yaml:3:4: StopWait is -1ns: it must not be negative" + where,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestExpand(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "${NAME}": "shop", "a${NAME}b${PORT}": "ashopb8080", "$NAME": "$NAME", "$$NAME": "$NAME",
		"$${NAME}": "${NAME}", "$$${NAME}": "$shop", "$$$$": "$$", "$": "$", "a$": "a$", "$(x)": "$(x)",
		"${NONE:-}": "", "${NONE:-a b}": "a b", "${EMPTY:-x}": "x", "${EMPTY}": "", "${NAME:-x}": "shop", "${NONE:-${NAME}": "${NAME",
	} {
		d := &decoder{lookup: lookup, told: make(map[Problem]bool)}
		if got, _ := d.expand(in, pos{1, 1, 1}); got != want || d.problems != nil {
			t.Errorf("%q is %q %v, want %q", in, got, d.problems, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "5": 5, "5B": 5, "5kB": 5000, "5KiB": 5120, "1.5KiB": 1536, "2MB": 2e6, "2MiB": 2 << 20, "3GB": 3e9, "1GiB": 1 << 30,
		"8589934591GiB": 8589934591 << 30,
	} {
		if got, ok, hint := parseSize(in, true); !ok || got != want {
			t.Errorf("%s is %d %v %s, want %d", in, got, ok, hint, want)
		}
	}
	for _, in := range []string{"", "B", "5b", "5K", "5k", "1.5", "05", "1e3", "5 KiB", "8589934592GiB", "9223372036854775808", "99999999999999999999999999", "-5", "5TB", ".5MB", "0x10"} {
		if got, ok, _ := parseSize(in, true); ok {
			t.Errorf("%q is taken for %d", in, got)
		}
	}
	if _, ok, _ := parseSize("9223372036854775807", true); !ok {
		t.Errorf("%d is refused", math.MaxInt64)
	}
}

// The carets are under the place, whatever is before it.
func TestCarets(t *testing.T) {
	for _, tt := range []struct {
		source     string
		col, width int
		want       string
	}{
		{"a: b", 4, 1, "    1 | a: b\n      |    ^"},
		{"a: bcd  ", 4, 3, "    1 | a: bcd\n      |    ^^^"},
		{"日本: b", 5, 1, "    1 | 日本: b\n      |       ^"},
		{"a: 日本", 4, 2, "    1 | a: 日本\n      |    ^^^^"},
		{"\ta\tb", 4, 1, "    1 | \ta\tb\n      | \t \t^"},
		{"a: b", 5, 1, "    1 | a: b\n      |     ^"},
		{"a: b", 99, 7, "    1 | a: b\n      |     ^"},
		{"a\x1b[31m: b", 8, 1, "    1 | a\ufffd[31m: b\n      |        ^"},
		{"", 1, 1, ""},
	} {
		p := Problem{File: "f", Line: 1, Column: tt.col, width: tt.width, Source: tt.source, Message: "m"}
		_, got, _ := strings.Cut(p.Error(), "\n")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q at %d: -want +got\n%s", tt.source, tt.col, diff)
		}
	}
}

// The problems of a file come in its order, and those of others after them; none
// comes twice.
func TestErrorIsSorted(t *testing.T) {
	const file = "x-a: &a {nice: 99}\nchildren:\n- {id: a, command: [a], zzz: 1, aaa: 2, <<: *a}\n- {id: b, command: [b], <<: *a}\n"
	_, err := Parse("t.yaml", []byte(file), Options{})
	var wrong *Error
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	var got [][2]int
	for _, p := range wrong.Problems {
		got = append(got, [2]int{p.Line, p.Column})
	}
	if diff := cmp.Diff([][2]int{{1, 16}, {3, 25}, {3, 33}}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !strings.HasSuffix(err.Error(), "\n3 problems; nothing was started") {
		t.Errorf("it ends with %q", err.Error()[len(err.Error())-60:])
	}
}

// A file that is generated is read in time.
func TestManyChildren(t *testing.T) {
	var b strings.Builder
	b.WriteString("strategy: dependents\nchildren:\n- {id: c0, command: [a]}\n")
	for i := 1; i < 5000; i++ {
		b.WriteString("- {id: " + copyID("c", i) + ", command: [a], needs: [c0]}\n")
	}
	start := time.Now()
	f, err := Parse("many.yaml", []byte(b.String()), Options{})
	if err != nil || len(f.Spec.Children) != 5000 {
		t.Fatalf("%v", err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}
