package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree"
)

const processes = `
name: shop
intensity: {max: 3, within: 1m}
children:
  - id: web
    strategy: one_for_all
    intensity: {max: 2, within: 1m}
    children:
      - {id: api, shell: "echo listening; exec sleep 1000"}
      - {id: cache, shell: "echo out of cheese >&2; exec sleep 1000"}
`

// The commands with a real run: a process is killed, and an operator looks.
func TestProcesses(t *testing.T) {
	socketDir(t)
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(processes), 0o600); err != nil {
		t.Fatal(err)
	}
	run := coppice(t, "run", file)
	log, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	t.Cleanup(func() {
		_ = run.Process.Kill() // if it was not ended
		for lines.Scan() {
		}
		_ = run.Wait()
	})
	await := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("the log ended before %q", text)
	}
	await("-- shop: started")
	awaitLine(t, "shop/web/cache", "out of cheese")

	cache := pidOf(t, "shop/web/cache")
	if err := syscall.Kill(cache, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await("-- shop/web/cache: started")
	stdoutOf(t, "wait", "shop/web", "--ready", "--timeout", "10s")
	got := regexp.MustCompile(`pid \d+`).ReplaceAllString(stable(stdoutOf(t, "why", "shop/web/cache")), "pid N")
	diffText(t, `
shop/web/cache  up for SPAN, incarnation 2, pid N

AGO, at TIME  killed by SIGKILL (incarnation 1, pid N)
  because     of itself: no other failure came before
  decision    shop/web restarted shop/web/api, shop/web/cache together: restart 1 of 2 within 1m
  stopped     shop/web/api
  started     shop/web/api, shop/web/cache
  its last output:
    | out of cheese

shop/web has spent 1 of 2 restarts within 1m; the oldest counts until TIME, SPAN from now.
`, got)

	r := command("restart", "shop/web/cache")
	want := "restart shop/web/cache: stops shop/web/cache, shop/web/api; starts shop/web/api, shop/web/cache; not counted against the budget of shop/web\n"
	if r.status != exit.Clean || r.stderr != want || !regexp.MustCompile(`^restarted shop/web/cache, incarnation 3, pid \d+\n$`).MatchString(r.stdout) {
		t.Errorf("%+v", r)
	}
	await("-- shop/web/cache: started")
	if got := stdoutOf(t, "why", "shop/web/api"); !strings.Contains(got, "because     shop/web/cache was restarted by request, and this with it") ||
		!strings.Contains(got, "decision    started again, and counted against no budget") {
		t.Error(got)
	}
	before := pidOf(t, "shop/web/api")
	stdoutOf(t, "signal", "shop/web/api", "KILL")
	await("-- shop/web/cache: started")
	stdoutOf(t, "wait", "shop/web", "--ready", "--timeout", "10s")
	if now := pidOf(t, "shop/web/api"); now == before {
		t.Errorf("pid %d still", now)
	}
	if r := command("stop", "shop"); r.status != exit.Clean || r.stdout != "stopping shop, which ends the run\n" {
		t.Errorf("%+v", r)
	}
	await("shop has stopped")
}

// awaitLine waits until a child has written a line.
func awaitLine(t *testing.T, path, text string) {
	t.Helper()
	lines := bufio.NewScanner(followUntil(t, "logs", "--follow", path))
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	t.Fatalf("%s did not write %q", path, text)
}

func pidOf(t *testing.T, path string) int {
	t.Helper()
	s := jsonLines[tree.Snapshot](t, stdoutOf(t, "ps", "-o", "json", path))
	if len(s) != 1 || s[0].Root.PID == 0 {
		t.Fatalf("no pid of %s: %+v", path, s)
	}
	return s[0].Root.PID
}
