package tree

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestJSONIsDocumented: the tables of JSON.md name the fields that there are, in
// their order, and every kind of event.
func TestJSONIsDocumented(t *testing.T) {
	b, err := os.ReadFile("JSON.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for section := range strings.SplitSeq(string(b), "\n## ") {
		title, text, _ := strings.Cut(section, "\n")
		for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)`").FindAllStringSubmatch(text, -1) {
			documented[title] = append(documented[title], row[1])
		}
	}
	for title, fields := range map[string][]string{
		"Snapshot":          fieldsOf[snapshotJSON](),
		"Status":            fieldsOf[Status](),
		"Supervisor status": fieldsOf[SupervisorStatus](),
		"Exit":              fieldsOf[exitJSON](),
		"Event":             fieldsOf[eventJSON](),
		"Kinds of event":    slices.Clone(kindNames[:EventUnknown]), // the last stands for what this version does not know
	} {
		if d := cmp.Diff(fields, documented[title]); d != "" {
			t.Errorf("%s (-code +JSON.md):\n%s", title, d)
		}
	}
}

// fieldsOf returns the names of the JSON fields of a struct.
func fieldsOf[T any]() []string { return jsonFields(reflect.TypeFor[T]()) }

func jsonFields(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, jsonFields(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
