//go:build linux

package worker

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/failpoint"
)

func fail(t *testing.T, p *failpoint.Point, program string) {
	t.Helper()
	if err := failpoint.Set(p, program); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { failpoint.Clear(p) })
}

// What the points make fail is dealt with as the real failure would be, and leaves
// nothing.
func TestFailpoints(t *testing.T) {
	for _, p := range []*failpoint.Point{failpoint.Spawn, failpoint.Exec} {
		before := openFiles(t)
		fail(t, p, "2*error(EMFILE)->1*error(EACCES)->off")
		proc, err := self("exit", 0).Process()
		if err != nil {
			t.Fatal(err)
		}
		var spawn *SpawnError
		if err := proc.Init(quiet()); !errors.As(err, &spawn) || !errors.Is(err, unix.EACCES) {
			t.Errorf("%v: %v; EMFILE is tried again, EACCES is not", p, err)
		}
		if now := openFiles(t); now != before {
			t.Errorf("%v: %d open files, before %d", p, now, before)
		}
		if err := start(t, self("exit", 0)).end(); err != nil {
			t.Errorf("%v: %v afterwards", p, err)
		}
	}
	fail(t, failpoint.LogWrite, "1*off->error(ENOSPC)") // the marker is written
	cmd := Shell("echo one; echo two")
	cmd.File = &File{Path: filepath.Join(t.TempDir(), "log")}
	r := start(t, cmd)
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(r.log.String(), "no space left on device") {
		t.Errorf("the log does not say that lines are missing:\n%s", r.log)
	}
}
