package importer

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What is certain is taken apart, what needs a shell is left to one.
func TestRun(t *testing.T) {
	for _, c := range []struct {
		line    string
		command []string
		shell   string
	}{
		{"node api.js --port 80", []string{"node", "api.js", "--port", "80"}, ""},
		{`a 'b c' "d e" f\ g`, nil, `exec a 'b c' "d e" f\ g`},
		{`a 'b c' "d e" ""`, []string{"a", "b c", "d e", ""}, ""},
		{"exec node api.js", []string{"node", "api.js"}, ""},
		{"exec -a x node", []string{}, "exec -a x node"},
		{"a | b", nil, "a | b"},
		{"a && b", nil, "a && b"},
		{"a; b", nil, "a; b"},
		{"a > b", nil, "exec a > b"},
		{"a 2>&1", nil, "a 2>&1"},
		{"a $PORT", nil, "exec a $PORT"},
		{"a '$PORT'", []string{"a", "$PORT"}, ""},
		{"a '${PORT}'", []string{"a", "$${PORT}"}, ""},
		{"a ${PORT} $$", nil, "exec a $${PORT} $$$$"},
		{"a $(b)", nil, "a $(b)"},
		{"a `b`", nil, "a `b`"},
		{"a *.txt", nil, "exec a *.txt"},
		{"a ~/b", nil, "exec a ~/b"},
		{"a # b", nil, "exec a # b"},
		{"A=1 b", nil, "A=1 b"},
		{"a B=1", []string{"a", "B=1"}, ""},
		{"cd x", nil, "cd x"},
		{"if a", nil, "if a"},
		{"! a", nil, "! a"},
		{"{ a; }", nil, "{ a; }"},
		{"a 'b", nil, "exec a 'b"},
		{"./a --x", []string{"sub/a", "--x"}, ""},
		{"../a", []string{"./a"}, ""},
		{"/bin/a", []string{"/bin/a"}, ""},
		{"[[ -f x ]] && a", []string{"bash", "-c", "[[ -f x ]] && a"}, ""},
		{"source x; a ${B[0]}", []string{"bash", "-c", "source x; a $${B[0]}"}, ""},
	} {
		var got child
		got.run(c.line, "sub", true, literal)
		if len(got.command) == 0 && len(c.command) == 0 {
			got.command, c.command = nil, nil
		}
		if d := cmp.Diff(c.command, got.command); d != "" || got.shell != c.shell {
			t.Errorf("%s became %q or %q (-want +got):\n%s", c.line, got.command, got.shell, d)
		}
	}
}

// A shell takes apart in the same way what was certain.
func TestShellAgrees(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh: ", err)
	}
	pieces := strings.Split(`a|-b|--c=d|'|"|\|$|$A|*|~|#| |  |=|%|@|/|.|:|,|^|+|é|{a,b}|!|exec |'x y'|"x y"|''`, "|")
	rapid.Check(t, func(t *rapid.T) {
		line := "prog" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "pieces"), "")
		words, ok := plainCommand(line)
		if !ok {
			t.Skip("a shell has to see it")
		}
		out, err := exec.Command(sh, "-c", `printf '%s\0' `+line).Output()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), words); d != "" {
			t.Fatalf("%s (-shell +got):\n%s", line, d)
		}
	})
}

// As shlex.split of Python.
func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                   nil,
		" a  b\n\tc ":        {"a", "b", "c"},
		`a"b c"'d e'f`:       {"ab cd ef"},
		`"a\"b\\c\d" 'e\'`:   {`a"b\c\d`, `e\`},
		`a\ b \'`:            {"a b", "'"},
		`'' ""`:              {"", ""},
		"a # b; c | d $E *":  {"a", "#", "b;", "c", "|", "d", "$E", "*"},
		`--name="x y" -c'z'`: {"--name=x y", "-cz"},
	} {
		got, err := splitWords(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", line, d)
		}
	}
	for _, line := range []string{`'`, `a "b`, `a\`} {
		if got, err := splitWords(line); err == nil {
			t.Errorf("%s is %q", line, got)
		}
	}
}
