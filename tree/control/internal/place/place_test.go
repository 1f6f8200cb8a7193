package place

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coppice-go/coppice/strategies"
)

func TestDefaultDir(t *testing.T) {
	run := t.TempDir()
	file := filepath.Join(run, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", "/tmp/x")
	for _, c := range []struct{ env, want string }{
		{run, filepath.Join(run, "coppice")},
		{"", "/tmp/x/coppice-"},
		{"run", "/tmp/x/coppice-"},
		{filepath.Join(run, "none"), "/tmp/x/coppice-"},
		{file, "/tmp/x/coppice-"},
	} {
		t.Setenv("XDG_RUNTIME_DIR", c.env)
		if got := DefaultDir(); !strings.HasPrefix(got, c.want) {
			t.Errorf("with XDG_RUNTIME_DIR=%q it is %s, want %s", c.env, got, c.want)
		}
	}
}

func TestSocket(t *testing.T) {
	longest := strings.Repeat("n", maxPath-len("/run/.sock"))
	for _, c := range []struct{ name, want string }{
		{"shop", "/run/shop.sock"},
		{"..", "/run/...sock"},
		{"a shop", "/run/a shop.sock"},
		{longest, "/run/" + longest + ".sock"},
	} {
		if got, err := Socket("/run", c.name); got != c.want || err != nil {
			t.Errorf("%q: %q, %v", c.name, got, err)
		}
	}
	for name, says := range map[string]string{
		"":            "must not be empty",
		"a/b":         "nor contain a slash",
		"a\x00b":      "NUL",
		longest + "n": "make the name of the tree 1 bytes shorter",
	} {
		if _, err := Socket("/run", name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", name, err, says)
		}
	}
	if _, err := Socket("/run", ".."+"/x"); !errors.Is(err, strategies.ErrID) {
		t.Errorf("got %v, want the error of ids", err)
	}
}
