package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/client"
	"github.com/coppice-go/coppice/tree/control/controltest"
	"github.com/coppice-go/coppice/tree/control/record"
)

// What makes no sense, or cannot be drawn, is refused before a tree is looked
// for.
func TestTopUsage(t *testing.T) {
	socketDir(t)
	for why, args := range map[string][]string{
		`top: "shop" is one argument too many`:                          {"top", "shop"},
		"top: --name with --replay: a recording is of no running tree":  {"top", "--name", "a", "--replay", "b"},
		"top: --replay: open /nosuch: no such file":                     {"top", "--replay", "/nosuch"},
		"top: this is not a terminal; `coppice ps` prints the tree":     {"top"},
		"top: flag provided but not defined: --force; `coppice top --h": {"top", "--force"},
	} {
		refusedWith(t, exit.Usage, why, args...)
	}
}

// terminal is one that tmux makes: a real one, as far as the program can tell.
type terminal struct {
	t      *testing.T
	socket string // of the server
}

func newTerminal(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed")
	}
	program, err := exec.LookPath("coppice") // testscript.Main put it there
	if err != nil {
		t.Fatal(err)
	}
	hearHangups()
	term := &terminal{t: t, socket: filepath.Join(controltest.Dir(t), "tmux")}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", term.socket, "kill-server").Run() })
	// The last lines tell how it ended, and wait to be looked at.
	script := strings.Join(env, " ") + " " + program + " " + strings.Join(args, " ") + "; echo status $?; read line"
	term.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "-s", "top", script)
	return term
}

func (term *terminal) tmux(args ...string) string {
	term.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", term.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		term.t.Fatalf("tmux %q: %v: %s", args, err, &stderr)
	}
	return string(out)
}

func (term *terminal) keys(keys ...string) {
	term.t.Helper()
	term.tmux(append([]string{"send-keys", "-t", "top"}, keys...)...)
}

// until looks at the terminal until it shows what is wanted, for a while. tmux
// has no way to wait for that.
func (term *terminal) until(want string) string {
	term.t.Helper()
	pattern := regexp.MustCompile(want)
	for limit := time.Now().Add(20 * time.Second); ; {
		text := term.tmux("capture-pane", "-p", "-t", "top")
		if pattern.MatchString(text) {
			return text
		}
		if time.Now().After(limit) {
			term.t.Fatalf("%q is not shown:\n%s", want, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A real terminal shows a tree that runs; the cursor, a filter, and a restart
// that is confirmed; another size; and at the end nothing is left on it.
func TestTopInTerminal(t *testing.T) {
	s := startShop(t)
	term := newTerminal(t, nil, "top")
	text := term.until(`(?m)^❯ shop .* up .*\n(.*\n)*.*└─cache .* up `)
	if lines := strings.Split(text, "\n"); !strings.HasPrefix(lines[0], "coppice top  shop up") || !strings.HasPrefix(lines[23], "enter why") {
		t.Errorf("the first or the last line is missing:\n%s", text)
	}
	term.keys("Down", "j", "j", "j")
	term.until(`(?m)^❯ .*└─cache +■1▶2 +up`)
	s.Book.Line(record.Line{Time: time.Now(), Path: "shop/web/cache", Incarnation: 1, Stream: "stderr", Text: "out of \x1b[2Jcheese"})
	term.keys("Tab")
	term.until(`! out of cheese`)
	term.keys("BTab", "/", "a", "p", "i")
	if text := term.until(`(?m)^❯ .*─api `); strings.Contains(text, "─cache") {
		t.Errorf("the filter shows the rest:\n%s", text)
	}
	term.keys("Escape")
	term.until(`─cache `)
	term.keys("r")
	term.until(`restart shop/web/api\? stops shop/web/cache, shop/web/api, starts shop/web/api,\s+shop/web/cache \[y/N\]`)
	term.keys("n")
	term.until(`enter why`)
	term.keys("r")
	term.until(`\[y/N\]`)
	term.keys("y")
	term.until(`restarted shop/web/api, incarnation 2`)
	term.tmux("resize-window", "-t", "top", "-x", "140", "-y", "50")
	term.until(`RESTARTS LEFT`)
	s.crash(t, s.cache, "out of cheese")
	term.until(`(?m)^▸ .*shop/web/cache +ended: out of cheese`)
	s.cache <- errors.New("disk full")
	s.await(t, s.Root.Snapshot().Rev-1, tree.EventProgress, "shop/web")
	term.until(`▲1`)
	s.end(t)
	text = term.until(`shop has ended`)
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "coppice:") || strings.Contains(line, "[DEBUG]") || strings.Contains(line, "[INFO]") {
			t.Errorf("on the screen is %q", line)
		}
	}
	term.keys("q")
	if text := term.until(`status 0`); strings.Contains(text, "❯") {
		t.Errorf("the screen is left:\n%s", text)
	}
}

// A recording of a real tree is played in a real terminal.
func TestTopReplayInTerminal(t *testing.T) {
	s := startShop(t)
	file := filepath.Join(t.TempDir(), "run.jsonl")
	recordShop(t, s, file)
	term := newTerminal(t, nil, "top", "--replay", file)
	term.until(`paused 1x 0/\d+`)
	term.keys("Right", "Right")
	term.until(`paused 1x 2/\d+(.*\n)*.*ended: out of cheese`)
	term.keys("Left")
	term.until(`paused 1x 1/\d+`)
	term.keys("+", "Space")
	text := term.until(`paused 2x (\d+)/\d+(.*\n)*.*■1 ▶2`)
	if m := regexp.MustCompile(`2x (\d+)/(\d+)`).FindStringSubmatch(text); m[1] != m[2] {
		t.Errorf("it pauses at %s of %s", m[1], m[2])
	}
	term.keys("r")
	term.until("this is a recording")
	term.keys("C-c")
	term.until(`status 0`)
}

// recordShop writes what happens when the cache crashes.
func recordShop(t *testing.T, s *shop, name string) {
	t.Helper()
	c, err := client.Dial(t.Context(), "", "shop")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	snapshot, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := enc.Encode(snapshot); err != nil {
		t.Fatal(err)
	}
	s.crash(t, s.cache, "out of cheese")
	text.WriteString(stdoutOf(t, "events", "--output", "json"))
	if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Without colours there are none, and a terminal that cannot be drawn on is
// refused. Whoever only looks changes nothing.
func TestTopTerminals(t *testing.T) {
	s := startShop(t)
	before := s.Root.Rev()
	term := newTerminal(t, []string{"NO_COLOR=1"}, "top", "--read-only")
	term.until(`read-only`)
	if text := term.tmux("capture-pane", "-p", "-e", "-t", "top"); regexp.MustCompile(`\x1b\[[0-9;]*3[1-7]m`).MatchString(text) {
		t.Errorf("coloured with NO_COLOR:\n%q", text)
	}
	term.keys("j", "r")
	term.until("--read-only: no orders are given")
	term.keys("C-c")
	term.until(`status 0`)
	if after := s.Root.Rev(); after != before {
		t.Errorf("%d things happened in the tree", after-before)
	}
	dumb := newTerminal(t, []string{"TERM=dumb"}, "top")
	dumb.until("TERM is dumb(.*\n)*status 2")
}
