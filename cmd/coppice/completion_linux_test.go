package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/controltest"
)

func web() tree.Spec {
	return tree.Spec{Children: []tree.Child{
		{ID: "db:5432", Start: tree.Func(controltest.Wait)},
		{ID: "web", Start: tree.Sub(tree.Spec{Children: []tree.Child{{ID: "the api", Start: tree.Func(controltest.Wait)}}})},
	}}
}

// The last word, which may be empty, is completed by what is possible there.
func TestCompletion(t *testing.T) {
	dir := socketDir(t)
	controltest.StartIn(t, dir, "shop", web())
	only := []string{"shop", "shop/db:5432", "shop/web", "shop/web/the api"}
	for _, c := range []struct {
		typed []string
		want  []string
	}{
		{[]string{"comp"}, []string{"completion"}},
		{[]string{"st"}, []string{"start", "stop"}},
		{[]string{"ps", ""}, only},
		{[]string{"tree", "shop/w"}, only[2:]},
		{[]string{"why", "--all", "shop/d"}, only[1:2]},
		{[]string{"why", "--", "shop/d"}, only[1:2]},
		{[]string{"why", "shop", ""}, nil}, // it takes one
		{[]string{"signal", "shop/web", "SIGU"}, []string{"SIGUSR1", "SIGUSR2"}},
		{[]string{"logs", "--tail", "5", "shop/d"}, only[1:2]},
		{[]string{"logs", "--tail", ""}, nil},
		{[]string{"logs", "--"}, []string{"--tail", "--follow", "--previous", "--name", "--output", "--help"}},
		{[]string{"logs", "shop", "--pre"}, []string{"--previous"}},
		{[]string{"logs", "--output", ""}, []string{"table", "json"}},
		{[]string{"logs", "-o", "j"}, []string{"json"}},
		{[]string{"logs", "--output=j"}, []string{"--output=json"}},
		{[]string{"stop", "--name", ""}, []string{"shop"}},
		{[]string{"stop", "--name=s"}, []string{"--name=shop"}},
		{[]string{"stop", "--name", "barn", ""}, nil},
		{[]string{"stop", "--name=shop", "shop/d"}, only[1:2]},
		{[]string{"completion", ""}, []string{"bash", "fish", "zsh"}},
		{[]string{"demo", "one-"}, []string{"one-for-one", "one-for-all"}},
		{[]string{"run", ""}, nil}, // a file
		{[]string{"nosuch", ""}, nil},
	} {
		var got []string
		for line := range strings.Lines(stdoutOf(t, append(c.typed, completionFlag)...)) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			got = append(got, word)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.typed, d)
		}
	}
	if got := stdoutOf(t, completionFlag); !strings.Contains(got, "ps\tshow the state of a running tree\n") || strings.Contains(got, "misbehave") {
		t.Error(got)
	}
	if got := stdoutOf(t, "ps", "shop/w", completionFlag); got != "shop/web\tup\nshop/web/the api\tup\n" {
		t.Error(got)
	}
	// Of two trees it takes the name.
	controltest.StartIn(t, dir, "mill", web())
	if got := stdoutOf(t, "ps", "", completionFlag); got != "" {
		t.Error(got)
	}
	if got := stdoutOf(t, "ps", "--name", "mill", "mill/w", completionFlag); !strings.HasPrefix(got, "mill/web\tup\n") {
		t.Error(got)
	}
}

// Nothing is done when a word is completed, whatever stands before it.
func TestCompletionDoesNothing(t *testing.T) {
	r := controltest.StartIn(t, socketDir(t), "shop", web())
	before := r.Root.Snapshot().Rev
	for _, args := range [][]string{{"stop", "shop/web"}, {"stop", "--", "shop/web"}, {"stop", "shop/web", "--"}, {"restart", "-o", "json", "shop/web", ""}} {
		command(append(args, completionFlag)...)
	}
	if now := r.Root.Snapshot().Rev; now != before {
		t.Errorf("%d events", now-before)
	}
}

// The script for bash, in bash: what it replies when Tab is pressed.
func TestCompletionBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	controltest.StartIn(t, socketDir(t), "shop", web())
	script := filepath.Join(t.TempDir(), "completion.bash")
	if err := os.WriteFile(script, []byte(stdoutOf(t, "completion", "bash")), 0o600); err != nil {
		t.Fatal(err)
	}
	// What bash sets when Tab is pressed at the end of the line.
	const tab = `
source "$1"
complete -p coppice >/dev/null || exit 1
COMP_LINE=$2 COMP_POINT=${#2}
_coppice
for word in "${COMPREPLY[@]}"; do echo "$word"; done
`
	for line, want := range map[string]string{
		"coppice comp":                 "completion\n",
		"coppice ps shop/w":            "shop/web\nshop/web/the\\ api\n",
		"coppice ps shop/db:":          "5432\n", // bash breaks words at the colon
		"coppice stop --name=":         "shop\n",
		"coppice stop --name shop ":    "shop\nshop/db:5432\nshop/web\nshop/web/the\\ api\n",
		"coppice run ":                 "",
		"coppice why $(touch pwned) x": "",
	} {
		cmd := exec.Command(bash, "--norc", "-c", tab, "bash", script, line)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%q: %v, %q, want %q", line, err, out, want)
		}
		if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
			t.Errorf("%q: a part of the line was run", line)
		}
	}
}
