package importer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// live is an imported tree that runs.
type live struct {
	*tree.Supervisor
	events *tree.Subscription
	t      *testing.T
}

// serve imports a file and runs the tree until the test is over; then it must stop in
// order.
func serve(t *testing.T, file string) *live {
	return serveData(t, filepath.Base(file), read(t, filepath.Join(dir, file)))
}

func serveData(t *testing.T, name string, data []byte) *live {
	path := filepath.Join(t.TempDir(), name) // where programs may write
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Import(path, data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Check(path, r)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tree.New(f.Name, f.Spec)
	if err != nil {
		t.Fatal(err)
	}
	l := &live{root, root.Subscribe(tree.Lossless), t}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- root.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
		l.events.Close()
	})
	return l
}

// await waits until each of these was started once more, in any order.
func (l *live) await(paths ...string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	missing := make(map[string]bool)
	for _, p := range paths {
		missing[p] = true
	}
	for len(missing) > 0 {
		e, err := l.events.Next(ctx)
		if err != nil {
			l.t.Fatalf("%v were not started: %v", missing, err)
		}
		if e.Kind == tree.EventProgress {
			delete(missing, e.Path)
		}
	}
}

func (l *live) kill(path string) {
	l.t.Helper()
	s, ok := l.Find(path)
	if !ok || s.PID == 0 {
		l.t.Fatalf("%s does not run", path)
	}
	if err := syscall.Kill(s.PID, syscall.SIGKILL); err != nil {
		l.t.Fatal(err)
	}
}

// An imported tree of each format runs, starts again what is killed, and stops.
func TestRuns(t *testing.T) {
	t.Parallel()
	trees := []struct {
		file   string
		paths  []string
		victim string
		again  []string // is started when that dies
		live   *live
	}{
		{file: "pm2/sleepers.json", paths: []string{"sleepers/one", "sleepers/two/two-1", "sleepers/two/two-2"},
			victim: "sleepers/two/two-2", again: []string{"sleepers/two/two-2"}},
		{file: "supervisord/sleepers.conf", paths: []string{"sleepers/first", "sleepers/second/second"},
			victim: "sleepers/second/second", again: []string{"sleepers/second/second"}},
		{file: "procfile/sleepers.procfile", paths: []string{"sleepers/one", "sleepers/two"},
			victim: "sleepers/two", again: []string{"sleepers/two"}},
		{file: "process-compose/sleepers.yml", paths: []string{"sleepers/store", "sleepers/reader", "sleepers/job"},
			victim: "sleepers/store", again: []string{"sleepers/store", "sleepers/reader", "sleepers/job"}},
	}
	for i := range trees { // together, for each pauses
		c := &trees[i]
		c.live = serve(t, c.file)
		c.live.await(c.paths...)
		c.live.kill(c.victim)
	}
	for _, c := range trees {
		c.live.await(c.again...)
	}
}

// A program with a limit gives up alone, one without one never; the others go on.
func TestGivesUpAlone(t *testing.T) {
	t.Parallel()
	l := serveData(t, "t.json", []byte(`[
		{"name": "good", "script": "sleep", "args": "1000"},
		{"name": "bad", "script": "false", "max_restarts": 2},
		{"name": "hopeless", "script": "false"}
	]`))
	l.await("t/good", "t/bad/bad", "t/hopeless")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	starts, gaveUp := 1, false
	for starts < 4 || !gaveUp {
		e, err := l.events.Next(ctx)
		if err != nil {
			t.Fatalf("hopeless was started %d times, bad gave up: %v; %v", starts, gaveUp, err)
		}
		switch {
		case e.Kind == tree.EventProgress && e.Path == "t/hopeless":
			starts++
		case e.Kind == tree.EventExited && e.Path == "t/bad":
			gaveUp = true
		}
	}
	if s, ok := l.Find("t/bad"); !ok || s.State != strategies.Down || s.Incarnation != 1 {
		t.Errorf("bad is %v, incarnation %d", s.State, s.Incarnation)
	}
	if s, ok := l.Find("t/good"); !ok || s.State != strategies.Up || s.Incarnation != 1 {
		t.Errorf("good is %v, incarnation %d", s.State, s.Incarnation)
	}
}
