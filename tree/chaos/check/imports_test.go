package check_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports: the checker shares no code with what it judges.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("go list does not run here: %v", err)
	}
	const module = "github.com/coppice-go/coppice/"
	deps := strings.Fields(string(out))
	for _, dep := range deps {
		if strings.HasPrefix(dep, module) && dep != module+"tree/chaos/check" {
			t.Errorf("it imports %s", dep)
		}
	}
	if len(deps) < 10 {
		t.Errorf("go list told of %d packages only", len(deps))
	}
}
