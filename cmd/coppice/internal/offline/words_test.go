package offline

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var quoted = []struct{ arg, want string }{
	{"plain", "plain"},
	{"-p=/a/b.c:1,2@x+%", "-p=/a/b.c:1,2@x+%"},
	{"", "''"},
	{"a b", "'a b'"},
	{"it's", `'it'\''s'`},
	{"$HOME", "'$HOME'"},
	{"~", "'~'"},
	{`back\slash`, `'back\slash'`},
	{"ünï日本", "ünï日本"},
	{"a\u00a0b", "'a\u00a0b'"},
	{"two\nlines", `$'two\nlines'`},
	{"tab\t'quoted' \\", `$'tab\t\'quoted\' \\'`},
	{"\x1b[31m", `$'\x1b[31m'`},
	{"\u202eabc", `$'\u202eabc'`},
}

func TestQuote(t *testing.T) {
	for _, c := range quoted {
		if got := quote(c.arg); got != c.want {
			t.Errorf("%q is written as %s, want %s", c.arg, got, c.want)
		}
	}
}

// A shell makes of it what it was.
func TestShellReadsBack(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not there: ", err)
	}
	var args []string
	for _, c := range quoted {
		args = append(args, c.arg)
	}
	cmd := exec.Command(bash, "-c", "printf '%s\\0' "+shell(args))
	cmd.Env = []string{"LC_ALL=C.UTF-8"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(args, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"db": "db", "ünï 日本": "ünï 日本", "a\u202eb": `a\u202eb`, "\x1b]0;x\a": `\x1b]0;x\a`, "'\t'": `'\t'`,
	} {
		if got := printable(in); got != want {
			t.Errorf("%q is shown as %s, want %s", in, got, want)
		}
	}
}
