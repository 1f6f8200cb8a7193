package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/coppice-go/coppice/cmd/coppice/internal/demo"
	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/controltest"
)

// The commands that talk to a running tree are tested here with trees of
// goroutines in this process, and with one of processes in
// processes_linux_test.go.

// socketDir makes a directory for sockets and has the commands look there.
func socketDir(t *testing.T) string {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	dir := controltest.Dir(t)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("LC_ALL", "C.UTF-8")
	return filepath.Join(dir, "coppice")
}

// shop is a tree with children that crash when told to.
type shop struct {
	*controltest.Run
	db, cache controltest.Crash
}

func shopSpec(db, cache controltest.Crash) tree.Spec {
	return tree.Spec{
		Strategy:  strategies.RestForOne,
		Intensity: strategies.Intensity{Max: 3},
		Children: []tree.Child{
			{ID: "db", Start: tree.Func(db.Run)},
			{ID: "web", Start: tree.Sub(tree.Spec{
				Strategy:  strategies.OneForAll,
				Intensity: strategies.Intensity{Max: 1},
				Children: []tree.Child{
					{ID: "api", Start: tree.Func(controltest.Wait)},
					{ID: "cache", Start: tree.Func(cache.Run)},
				},
			})},
			{ID: "once", Start: tree.Func(func(context.Context) error { return nil }), Restart: strategies.Temporary},
		},
	}
}

func startShop(t *testing.T, change ...func(*control.Config)) *shop {
	t.Helper()
	s := &shop{db: make(controltest.Crash), cache: make(controltest.Crash)}
	s.Run = controltest.StartIn(t, socketDir(t), "shop", shopSpec(s.db, s.cache), change...)
	s.await(t, 0, tree.EventRemoved, "shop/once")
	s.settle(t)
	return s
}

// crash ends a child and waits until all that follows is over.
func (s *shop) crash(t *testing.T, child controltest.Crash, reason string) {
	t.Helper()
	before := s.Root.Snapshot().Rev
	child <- errors.New(reason)
	path := "shop/db"
	if child == s.cache {
		path = "shop/web/cache"
	}
	s.await(t, before, tree.EventExited, path)
	s.settle(t)
}

// await waits for an event after seq.
func (s *shop) await(t *testing.T, seq uint64, kind tree.EventKind, path string) {
	t.Helper()
	for events := s.Book.Events(seq); ; {
		e, err := events.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == kind && e.Path == path {
			return
		}
	}
}

func (s *shop) settle(t *testing.T) {
	t.Helper()
	if err := s.Root.AwaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// end ends the tree, and the server, as the end of a run does.
func (s *shop) end(t *testing.T) {
	t.Helper()
	s.StopTree()
	if err := s.Server.Close(); err != nil {
		t.Fatal(err)
	}
}

// result is what a command has written, and its exit status.
type result struct {
	stdout, stderr string
	status         int
}

// command runs a command in this process. The error it ends with is part of stderr.
func command(args ...string) result {
	var stdout, stderr bytes.Buffer
	app := newApp(demo.Scenes())
	app.Writer, app.ErrWriter = &stdout, &stderr
	err := app.Run(flagsFirst(app, append([]string{"coppice"}, args...)))
	if err != nil {
		stderr.WriteString("coppice: " + err.Error() + "\n")
	}
	return result{stdout.String(), stderr.String(), exit.Status(err)}
}

// stdoutOf is what a command prints that succeeds.
func stdoutOf(t *testing.T, args ...string) string {
	t.Helper()
	r := command(args...)
	if r.status != exit.Clean {
		t.Fatalf("%q: status %d, %s", args, r.status, r.stderr)
	}
	return r.stdout
}

// refusedWith checks that a command fails and says why.
func refusedWith(t *testing.T, status int, why string, args ...string) {
	t.Helper()
	r := command(args...)
	if r.status != status || !strings.Contains(r.stderr, why) || r.stdout != "" {
		t.Errorf("%q: status %d, stderr %q, stdout %q; want status %d and %q", args, r.status, r.stderr, r.stdout, status, why)
	}
}

// stable replaces what is another each time.
func stable(text string) string {
	for _, s := range []struct{ is, becomes string }{
		{`(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(\.\d{3})?`, "TIME"},
		{`just now|\b[0-9.]+m?s ago`, "AGO"},
		{`for [0-9.ms]+`, "for SPAN"},
		{`, [0-9.ms]+ from now`, ", SPAN from now"},
		{`refill in [0-9.]+m?s`, "refill in SPAN"},
	} {
		text = regexp.MustCompile(s.is).ReplaceAllString(text, s.becomes)
	}
	return text
}

func diffText(t *testing.T, want, got string) {
	t.Helper()
	if d := cmp.Diff(strings.Split(strings.TrimPrefix(want, "\n"), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// jsonLines reads what a command prints with --output json.
func jsonLines[T any](t *testing.T, text string) (all []T) {
	t.Helper()
	for dec := json.NewDecoder(strings.NewReader(text)); dec.More(); {
		var v T
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		all = append(all, v)
	}
	return all
}
