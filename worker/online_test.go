//go:build linux

package worker

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// OnLine has every line, also where they go to a file, with what is left
// unfinished at the end.
func TestOnLine(t *testing.T) {
	for name, file := range map[string]*File{
		"log":  nil,
		"file": {Path: filepath.Join(t.TempDir(), "log")},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			got := map[string][]string{}
			var pids []int
			cmd := Shell(`echo one; printf 'a\033b\nlast'; echo oops >&2`)
			cmd.File = file
			cmd.OnLine = func(l OutputLine) {
				mu.Lock()
				defer mu.Unlock()
				got[l.Stream] = append(got[l.Stream], l.Text)
				pids = append(pids, l.PID)
			}
			r := start(t, cmd)
			pid := r.PID()
			if err := r.end(); err != nil {
				t.Fatal(err)
			}
			want := map[string][]string{"stdout": {"one", `a\x1bb`, "last"}, "stderr": {"oops"}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if slices.Max(pids) != pid || slices.Min(pids) != pid {
				t.Errorf("the pids are %d, want %d", pids, pid)
			}
		})
	}
}
