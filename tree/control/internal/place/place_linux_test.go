package place

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shortDir makes a directory: those of tests have too long a name for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestMakeDir: what is made is private, and what is there is used only if it is.
func TestMakeDir(t *testing.T) {
	base := shortDir(t)
	at := func(name string) string { return filepath.Join(base, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(at("private"), 0o700))
	must(os.Mkdir(at("open"), 0o700))
	must(os.Chmod(at("open"), 0o750))
	must(os.Symlink(at("private"), at("link")))
	must(os.WriteFile(at("file"), nil, 0o600))
	foreign := os.Geteuid() == 0
	if foreign {
		must(os.Mkdir(at("foreign"), 0o700))
		must(os.Chown(at("foreign"), 65534, -1))
	}
	for _, c := range []struct {
		name, says string
		skip       bool
	}{
		{name: "private"},
		{name: "new"},
		{name: "open", says: "chmod 700 " + at("open")},
		{name: "link", says: "is no directory"},
		{name: "file", says: "is no directory"},
		{name: "no/where", says: "XDG_RUNTIME_DIR"},
		{name: "foreign", says: "belongs to uid 65534, not to you", skip: !foreign},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.skip {
				t.Skip("needs root: a directory of another user is needed")
			}
			err := MakeDir(at(c.name))
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
	info, err := os.Stat(at("new"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the new directory has mode %v, %v", info.Mode(), err)
	}
	if foreign {
		if err := checkDir(at("foreign")); err != nil {
			t.Errorf("root may look at the trees of others, but: %v", err)
		}
	}
}
