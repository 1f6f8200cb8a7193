package load

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/worker"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files and FORMAT.md anew")

// vars is the environment of the supervisor in the tests of files.
var vars = map[string]string{
	"NAME": "shop", "PORT": "8080", "MAX": "7", "NO": "false", "EMPTY": "", "SIZE": "2MiB", "UMASK": "027", "SIG": "SIGUSR2",
}

func lookup(name string) (string, bool) {
	v, ok := vars[name]
	return v, ok
}

// corpus are the files of a directory of testdata.
func corpus(t testing.TB, dir string, least int) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/" + dir + "/*.yaml")
	if err != nil || len(files) < least {
		t.Fatalf("%d files in %s (%v), want %d", len(files), dir, err, least)
	}
	return files
}

// withLimits pretends that the machine can set all limits but that of 13 pids.
func withLimits(t testing.TB) {
	before := checkLimits
	t.Cleanup(func() { checkLimits = before })
	checkLimits = func(l worker.Limits) error {
		if l.PIDs == 13 {
			return errors.New("limits need the cgroup controllers pids, which this machine does not have")
		}
		return nil
	}
}

func packageDir(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run with -rewrite", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s, -want +got; if it is right, run with -rewrite:\n%s", path, diff)
	}
}

// Every good file is read as its golden file says, and accepted by the schema.
func TestGood(t *testing.T) {
	withLimits(t)
	schema := compiled(t)
	for _, path := range corpus(t, "good", 15) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := Read(path, Options{LookupEnv: lookup})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", show(t, f))
			if err := schema.Validate(generic(t, path)); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
		})
	}
}

// unseen are the bad files that a schema has to accept, and why.
var unseen = map[string]string{
	"":                      "the name of a file",
	"documents":             "sees one document",
	"log_shared":            "other children",
	"needs_unknown":         "siblings",
	"not_utf8":              "sees characters",
	"tag":                   "sees no tags",
	"variable_value":        "the environment",
	"backoff_max":           "compares two values",
	"codes_both":            "compares two values",
	"command_nul":           "a NUL in an argument",
	"command_tilde":         "~ in a path",
	"copies_base":           "ids that are there twice",
	"copies_total":          "adds up",
	"env_file_bad":          "another file",
	"env_file_missing":      "another file",
	"env_node":              "a name that depends on another key",
	"id_duplicate":          "ids that are there twice",
	"leading_zero":          "010 is a number",
	"limits_controller":     "what the machine has",
	"limits_seconds":        "arithmetic with units",
	"limits_soft":           "compares two values",
	"needs_cycle":           "siblings",
	"needs_strategy":        "the key of the parent",
	"ready_address":         "the syntax of addresses",
	"ready_node":            "a key at another level",
	"ready_regexp":          "the syntax of Go's regular expressions",
	"significant":           "the key of the parent",
	"significant_permanent": "two keys",
	"stop_signal_kill":      "a name among signals",
	"umask_digit":           "the digits of a number",
	"user":                  "the users of the machine",
}

// Every bad file is refused as its golden file says, and by the schema if it can
// see why.
func TestBad(t *testing.T) {
	withLimits(t)
	schema := compiled(t)
	for _, path := range corpus(t, "bad", 40) {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			f, err := Read(path, Options{LookupEnv: lookup})
			if err == nil {
				t.Fatalf("accepted: %s", show(t, f))
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", strings.ReplaceAll(err.Error(), packageDir(t), "$DIR")+"\n")
			sound(t, path, err)
			for _, word := range inGo {
				if strings.Contains(err.Error(), word) {
					t.Errorf("%q is in the message", word)
				}
			}

			if name == "alias_bomb" {
				return // another parser would make gigabytes of it
			}
			data, bad := tryGeneric(path)
			if bad == nil {
				bad = schema.Validate(data)
			}
			why, excused := unseen[name]
			switch {
			case bad == nil && !excused:
				t.Error("the schema accepts it")
			case bad != nil && excused:
				t.Errorf("the schema refuses it, although it cannot see %s: %v", why, bad)
			}
		})
	}
}

// sound checks what holds for every error.
func sound(t testing.TB, path string, err error) {
	t.Helper()
	var wrong *Error
	if !errors.As(err, &wrong) || len(wrong.Problems) == 0 {
		t.Fatalf("%T without problems: %v", err, err)
	}
	for _, p := range wrong.Problems {
		if p.File == path && (p.Line < 1 || p.Column < 1 || p.Column > len([]rune(p.Source))+1 || p.Message == "") {
			t.Errorf("%s:%d:%d of %q: %q", p.File, p.Line, p.Column, p.Source, p.Message)
		}
	}
}

// inGo are words that a person who reads a message need not know.
var inGo = []string{"tree.", "worker.", "strategies.", "Spec", "%!", "ReadyLimit", "Alive.", "Identity", "StopSignal", "unsupported operation"}
