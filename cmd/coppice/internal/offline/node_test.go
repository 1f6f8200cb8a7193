package offline

import (
	"strings"
	"testing"
)

func TestProgram(t *testing.T) {
	tree := treeOf(t, nested)
	for path, want := range map[string]string{
		"shop/db":                  "",
		"shop/web/deep/leaf":       "",
		"shop":                     "this is a supervisor, which ends because of its children; give a program, as shop/db",
		"shop/web/deep":            "give a program, as shop/web/deep/leaf",
		"shop/bd":                  "there is no such program; did you mean shop/db?",
		"leaf":                     "did you mean shop/web/deep/leaf?",
		"/deep/leaf/":              "did you mean shop/web/deep/leaf?",
		"shop/web/apis":            "did you mean shop/web/api?",
		"nothing-like-it":          "`coppice check` lists all of them",
		"":                         "`coppice check` lists all of them",
		"shop/db/":                 "did you mean shop/db?",
		strings.Repeat("x", 1<<20): "`coppice check` lists all of them",
	} {
		err := tree.Program(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.40q: %v, want %s", path, err, want)
		}
	}
}
