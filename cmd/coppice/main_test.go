//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/coppice-go/coppice/cmd/coppice/internal/demo"
	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

// wrongScene in the environment makes the binary one whose scenes expect what
// does not happen.
const wrongScene = "COPPICE_TEST_WRONG_SCENE"

const noExitSleep = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	// The race detector would have every child sleep for a second at its exit.
	if err := os.Setenv("GORACE", noExitSleep); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"coppice": func() {
		scenes := demo.Scenes()
		if os.Getenv(wrongScene) != "" {
			scenes[0].Steps[0].Left++
		}
		os.Exit(run(newApp(scenes), os.Args))
	}})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "../../testdata/cli",
		Setup: func(e *testscript.Env) error { e.Setenv("GORACE", noExitSleep); return nil },
	})
}

// hearHangups keeps programs of the tests from ignoring SIGHUP where the tests do
// (nohup(1)): what is handled here has its default there.
var hearHangups = sync.OnceFunc(func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) })

// coppice is a command that runs this binary as coppice.
func coppice(t *testing.T, args ...string) *exec.Cmd {
	hearHangups()
	path, err := exec.LookPath("coppice") // testscript.Main put it there
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(path, args...)
}

// line is what the JSON view writes, as far as the tests look at it.
type line struct {
	Type  string
	Event struct {
		Seq  uint64
		Kind string
		PID  int
	}
	Result struct {
		AsTold bool `json:"as_told"`
		Wrong  string
		Pids   []int
		Left   int

		Interrupted bool
	}
}

func decode(t *testing.T, out []byte) []line {
	t.Helper()
	var lines []line
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var l line
		if err := dec.Decode(&l); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestDemoJSON(t *testing.T) {
	out, err := coppice(t, "demo", "rest-for-one", "--output", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := decode(t, out)
	var seq uint64
	for _, l := range lines {
		if l.Type == "event" {
			if seq++; l.Event.Seq != seq {
				t.Fatalf("event %d follows %d", l.Event.Seq, seq-1)
			}
		}
	}
	result := lines[len(lines)-1]
	if result.Type != "result" || !result.Result.AsTold || len(result.Result.Pids) != 8 || lines[0].Type != "scene" {
		t.Errorf("%+v", result)
	}
	for _, pid := range result.Result.Pids {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("pid %d is alive", pid)
		}
	}
}

// The checks of a scene can fail: then the demo says what differed, and fails.
func TestSceneNotAsTold(t *testing.T) {
	cmd := coppice(t, "demo", "one-for-one", "--plain")
	cmd.Env = append(os.Environ(), wrongScene+"=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if _ = cmd.Run(); cmd.ProcessState.ExitCode() != exit.Failed {
		t.Errorf("exit status %d", cmd.ProcessState.ExitCode())
	}
	const want = "step 1, kill shop/search: 3 restarts are left; told was 4"
	if !bytes.Contains(stderr.Bytes(), []byte(want)) || !bytes.Contains(stdout.Bytes(), []byte("NOT AS TOLD: "+want)) || !bytes.Contains(stdout.Bytes(), []byte(", 0 are left")) {
		t.Errorf("stdout:\n%s\nstderr:\n%s", &stdout, &stderr)
	}
}

// The first SIGINT stops in order; if the demo itself is killed, the kernel
// ends its children.
func TestDemoInterrupted(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		cmd := coppice(t, "demo", "storm", "--output", "json")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var pids []int
		var last line
		dec := json.NewDecoder(out)
		for dec.Decode(&last) == nil {
			if last.Event.Kind == "progress" && last.Event.PID != 0 {
				if pids = append(pids, last.Event.PID); len(pids) == 12 {
					_ = cmd.Process.Signal(sig)
				}
			}
		}
		_ = cmd.Wait()
		if sig == syscall.SIGINT && (cmd.ProcessState.ExitCode() != exit.Failed || last.Type != "result" || !last.Result.Interrupted || last.Result.Left != 0) {
			t.Errorf("interrupted: exit status %d, last line %+v", cmd.ProcessState.ExitCode(), last)
		}
		for _, pid := range pids {
			waitGone(t, pid)
		}
	}
}

func TestFlagsFirst(t *testing.T) {
	app := newApp(demo.Scenes())
	for _, c := range []struct{ in, want []string }{
		{[]string{"coppice"}, []string{"coppice"}},
		{[]string{"coppice", "nosuch", "-x"}, []string{"coppice", "nosuch", "-x"}},
		{[]string{"coppice", "demo", "storm", "--plain"}, []string{"coppice", "demo", "--plain", "storm"}},
		{[]string{"coppice", "demo", "storm", "--seed", "7", "--plain"}, []string{"coppice", "demo", "--seed", "7", "--plain", "storm"}},
		{[]string{"coppice", "demo", "storm", "--seed=7"}, []string{"coppice", "demo", "--seed=7", "storm"}},
		{[]string{"coppice", "demo", "storm", "--", "--plain"}, []string{"coppice", "demo", "storm", "--", "--plain"}},
	} {
		if d := cmp.Diff(c.want, flagsFirst(app, c.in)); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.in, d)
		}
	}
}
