package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree/control/controltest"
)

// SIGHUP lets the run read its file again; one that is wrong is told in the log, and
// changes nothing.
func TestHangupReloads(t *testing.T) {
	file := write(t, "t.yaml", "name: t\nchildren:\n  - {id: a, command: [sleep, '1000']}\n")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := runFile(t, file)
	r.await(1, "-- t: started")
	before := r.pids()
	put("name: t\nchildren:\n  - {id: a, command: [sleep, '1000']}\n  - {id: b, command: [sleep, '1000']}\n")
	r.signal(syscall.SIGHUP)
	r.await(1, "-- reload of .*t.yaml: 1 added$")
	put("name: t\nchildren: [{id: a}]\n")
	r.signal(syscall.SIGHUP)
	r.await(1, "-- reload: nothing was changed, the file is wrong:")
	r.await(1, `--   .*t.yaml:2:12: .*command`)
	after := r.pids()
	if len(after) != 2 || after["t/a"] != before["t/a"] {
		t.Errorf("before %v, after %v", before, after)
	}
	r.signal(syscall.SIGTERM)
	if status := r.wait(); status != exit.Clean {
		t.Errorf("status %d", status)
	}
}

// A run whose terminal is closed stops in order, once, and leaves nothing.
func TestTerminalCloses(t *testing.T) {
	dir := controltest.Dir(t)
	log := filepath.Join(dir, "log")
	logged := func(want string) string {
		t.Helper()
		for limit := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) { // a file is not waited for otherwise
			text, _ := os.ReadFile(log)
			if strings.Contains(string(text), want) {
				return string(text)
			}
			if time.Now().After(limit) {
				t.Fatalf("%q is not logged:\n%s", want, text)
			}
		}
	}
	file := write(t, "t.yaml", "name: t\nchildren:\n  - {id: a, command: [sleep, '1000']}\n"+
		"  - {id: b, shell: \"trap 'echo last words; exit' TERM; echo set; while :; do sleep 0.1; done\", ready: {log: set}}\n")
	term := newTerminal(t, []string{"XDG_RUNTIME_DIR=" + dir}, "run", file, "2>"+log)
	logged("-- t: started")
	r := &liveRun{t: t, dir: dir}
	pids := r.pids()
	if len(pids) != 2 {
		t.Fatalf("there are %v", pids)
	}
	term.tmux("kill-server")
	text := logged("-- t has stopped")
	if !strings.Contains(text, "last words") || strings.Contains(text, "-- killing everything") || strings.Contains(text, "reload") {
		t.Errorf("it was not a stop in order:\n%s", text)
	}
	for _, pid := range pids {
		waitGone(t, pid)
	}
}
