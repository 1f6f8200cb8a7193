package load

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// show tells what a file became: every field of the tree and of its programs that
// is not zero.
func show(t *testing.T, f *File) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Dir(f.Path))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", f.Name, fields(reflect.ValueOf(f.Spec)))
	left := len(f.Commands)
	var walk func(path string, s tree.Spec, indent string)
	walk = func(path string, s tree.Spec, indent string) {
		for _, c := range s.Children {
			fmt.Fprintf(&b, "%s%s\n", indent, strings.TrimSpace(fields(reflect.ValueOf(c))))
			if sub, ok := tree.SpecOf(c.Start); ok {
				fmt.Fprintf(&b, "%s  supervisor%s\n", indent, fields(reflect.ValueOf(sub)))
				walk(path+"/"+c.ID, sub, indent+"  ")
				continue
			}
			cmd, ok := f.Commands[path+"/"+c.ID]
			if !ok {
				t.Errorf("%s/%s has no command", path, c.ID)
			}
			left--
			fmt.Fprintf(&b, "%s  program%s\n", indent, fields(reflect.ValueOf(cmd)))
		}
	}
	walk(f.Name, f.Spec, "  ")
	if left != 0 {
		t.Errorf("%d commands too many", left)
	}
	text := strings.ReplaceAll(b.String(), dir, "$DIR")
	return strings.ReplaceAll(text, filepath.Dir(dir), "$DIR/..")
}

// fields lists what is not zero in a struct; Start and Children are shown apart.
func fields(v reflect.Value) string {
	var b strings.Builder
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		if f.IsZero() || name == "Start" || name == "Children" {
			continue
		}
		fmt.Fprintf(&b, " %s=%s", name, written(f))
	}
	return b.String()
}

func written(f reflect.Value) string {
	if s, ok := f.Interface().(fmt.Stringer); ok {
		return s.String()
	}
	switch f.Kind() {
	case reflect.Pointer:
		return written(f.Elem())
	case reflect.Interface:
		return f.Elem().Type().Name() + " " + written(f.Elem())
	case reflect.Struct:
		return "{" + strings.TrimSpace(fields(f)) + "}"
	case reflect.Slice:
		items := make([]string, f.Len())
		for i := range items {
			items[i] = written(f.Index(i))
		}
		return "[" + strings.Join(items, " ") + "]"
	case reflect.String:
		return fmt.Sprintf("%q", f.String())
	}
	return fmt.Sprint(f.Interface())
}

// beyond are the fields that a file cannot set, and why.
var beyond = map[string]string{
	"Child.Start":    "the loader's: of the command, or of the children",
	"Spec.Dynamic":   "its children are started by calls, with a Starter",
	"Spec.Logger":    "the caller's",
	"Spec.Sink":      "the caller's",
	"Command.OnLine": "the caller's, by Options.Command",
}

// A field that is added to what a file describes has to get a key: each is set by
// some good file.
func TestEveryFieldIsReached(t *testing.T) {
	withLimits(t)
	reached := make(map[string]bool)
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Field(i); v.Type().Field(i).IsExported() && !f.IsZero() {
					reached[v.Type().Name()+"."+v.Type().Field(i).Name] = true
					visit(f)
				}
			}
		}
	}
	for _, path := range corpus(t, "good", 15) {
		f, err := Read(path, Options{LookupEnv: lookup})
		if err != nil {
			t.Fatal(err)
		}
		var walk func(s tree.Spec)
		walk = func(s tree.Spec) {
			visit(reflect.ValueOf(s))
			for _, c := range s.Children {
				if sub, ok := tree.SpecOf(c.Start); ok {
					walk(sub)
				}
			}
		}
		walk(f.Spec)
		for _, c := range f.Commands {
			visit(reflect.ValueOf(c))
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[worker.Command](), reflect.TypeFor[worker.Identity](), reflect.TypeFor[worker.Rlimit](), reflect.TypeFor[worker.Limits](),
		reflect.TypeFor[worker.File](), reflect.TypeFor[worker.Liveness](), reflect.TypeFor[worker.HTTP](),
		reflect.TypeFor[tree.Child](), reflect.TypeFor[tree.Spec](),
	} {
		for i := range typ.NumField() {
			name := typ.Name() + "." + typ.Field(i).Name
			_, excused := beyond[name]
			if !reached[name] && !excused {
				t.Errorf("no good file sets %s: give it a key, or say in beyond why it has none", name)
			}
		}
	}
}

// Every way to be ready or alive that package worker has is in some good file.
func TestEveryCheckIsReached(t *testing.T) {
	withLimits(t)
	f, err := Read("testdata/good/checks.yaml", Options{LookupEnv: lookup})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, c := range f.Commands {
		if c.Ready != nil {
			seen[reflect.TypeOf(c.Ready).Name()] = true
		}
	}
	// The types with the method that makes a Check are found in the source.
	source, err := os.ReadFile("../../worker/check.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(source)) {
		if name, ok := strings.CutPrefix(line, "func ("); ok && strings.Contains(line, ") check()") {
			name, _, _ = strings.Cut(name, ")")
			all = append(all, name)
		}
	}
	if len(all) < 6 {
		t.Fatalf("found %v in the source", all)
	}
	if i := slices.IndexFunc(all, func(name string) bool { return !seen[name] }); i >= 0 {
		t.Errorf("no file has the check %s", all[i])
	}
}
