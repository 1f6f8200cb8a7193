package control

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports: a program that serves its tree, or asks another's, does not get the
// command, processes or YAML with it.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./...").Output()
	if err != nil {
		t.Skipf("go list does not run here: %v", err)
	}
	const module = "github.com/coppice-go/coppice/"
	for dep := range strings.FieldsSeq(string(out)) {
		for _, other := range []string{"cmd", "worker", "tree/load", "tree/chaos"} {
			if dep == module+other || strings.HasPrefix(dep, module+other+"/") {
				t.Errorf("it imports %s", dep)
			}
		}
	}
}
