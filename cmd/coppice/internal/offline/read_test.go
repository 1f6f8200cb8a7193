package offline

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree/load"
)

const small = "children: [{id: a, command: [a]}]\n"

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	if tree, err := Read("check", []string{path}, nil); err != nil || tree.Name != "shop" || tree.Path != path {
		t.Errorf("a file: %+v, %v", tree, err)
	}
	tree, err := Read("check", []string{"-"}, strings.NewReader("name: web\n"+small))
	if err != nil || tree.Name != "web" || tree.Path != "stdin" {
		t.Errorf("standard input: %+v, %v", tree, err)
	}
	if dir, _ := os.Getwd(); tree.Commands["web/a"].Dir != dir {
		t.Errorf("a program from standard input would run in %s", tree.Commands["web/a"].Dir)
	}
}

func TestReadRefuses(t *testing.T) {
	for want, c := range map[string]struct {
		args  []string
		stdin string
	}{
		"check: give the file of the tree; - is standard input":                            {nil, ""},
		"check: give one file, not 2: a b":                                                 {[]string{"a", "b"}, ""},
		"no such file or directory; give a file that can be read, or - for standard input": {[]string{"/nosuch/file.yaml"}, ""},
		"stdin:1:1: the tree has no name":                                                  {[]string{"-"}, small},
		"stdin:2:1: unknown key \"childre\"":                                               {[]string{"-"}, "name: x\nchildre: []\n"},
	} {
		_, err := Read("check", c.args, strings.NewReader(c.stdin))
		_, usage := errors.AsType[*exit.UsageError](err)
		_, bad := errors.AsType[*load.Error](err)
		if err == nil || !strings.Contains(err.Error(), want) || usage == (c.stdin != "") || bad != (c.stdin != "") {
			t.Errorf("%q: %v", want, err)
		}
	}
	if _, err := Read("check", []string{"-"}, iotest.ErrReader(errors.New("no more"))); err == nil || !strings.Contains(err.Error(), "stdin: no more") {
		t.Errorf("a broken stdin: %v", err)
	}
}

func TestWriteProblems(t *testing.T) {
	_, err := load.Parse("a.yaml", []byte("childre: 5\nrestart: <b>\n"), load.Options{})
	bad, ok := errors.AsType[*load.Error](err)
	if !ok {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteProblems(&b, bad); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), `{"file":"a.yaml","line":`); n != len(bad.Problems) || !strings.HasPrefix(b.String(), `{"v":"v1","problems":[{`) {
		t.Errorf("%d of %d problems: %s", n, len(bad.Problems), &b)
	}
}
