//go:build linux

package tree_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// herd counts a tree's children up and down by its events.
type herd struct {
	mu   sync.Mutex // guards what follows
	cond *sync.Cond
	up   map[string]int // path to pid
	ups  int            // starts so far
}

func newHerd() *herd {
	h := &herd{up: map[string]int{}}
	h.cond = sync.NewCond(&h.mu)
	return h
}

func (h *herd) sink(e tree.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case e.Supervisor:
	case e.Kind == tree.EventProgress:
		h.up[e.Path] = e.PID
		h.ups++
	case e.Kind == tree.EventExited:
		delete(h.up, e.Path)
	}
	h.cond.Broadcast()
}

// wait waits until n children are up and that many starts were seen in all.
func (h *herd) wait(n, ups int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.up) != n || h.ups < ups {
		h.cond.Wait()
	}
}

func (h *herd) pids() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	var pids []int
	for _, pid := range h.up {
		pids = append(pids, pid)
	}
	return pids
}

// alive reports whether a process is there and no zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z")
}

func threads(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), "Threads:")
	n, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestManyProcesses runs thousands of processes in one tree, kills all of them
// at once, and wants every one back, and none left in the end.
func TestManyProcesses(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 200
	}
	h := newHerd()
	spec := tree.Spec{
		Parallel:  8,
		Intensity: strategies.Intensity{Max: n, Within: time.Hour},
		Sink:      h.sink,
	}
	for i := range n {
		spec.Children = append(spec.Children, tree.Child{
			ID:    strconv.Itoa(i),
			Start: tree.Of(worker.Command{Path: "sleep", Args: []string{"86400"}}.Process),
		})
	}
	root, err := tree.New("herd", spec)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	begin := time.Now()
	go func() { done <- root.Serve(ctx) }()
	h.wait(n, n)
	t.Logf("%d processes up after %v, %d OS threads here", n, time.Since(begin).Round(time.Millisecond), threads(t))

	first := h.pids()
	begin = time.Now()
	for _, pid := range first {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	h.wait(n, 2*n)
	if k := threads(t); k >= 30 {
		t.Errorf("%d OS threads", k)
	}
	t.Logf("all killed at once: all up again after %v, %d OS threads", time.Since(begin).Round(time.Millisecond), threads(t))

	second := h.pids()
	begin = time.Now()
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("Serve returned %v", err)
	}
	left := 0
	for _, pid := range append(first, second...) {
		if alive(pid) {
			left++
		}
	}
	if left > 0 {
		t.Errorf("%d processes left", left)
	}
	t.Logf("stopped after %v, %d processes left", time.Since(begin).Round(time.Millisecond), left)
}

// The exit of a process is told by its own error, all the way up.
func TestProcessExitReachesTheRoot(t *testing.T) {
	root, err := tree.New("shop", tree.Spec{
		Intensity: strategies.Intensity{Max: tree.NoRestarts},
		Children: []tree.Child{{ID: "web", Start: tree.Sub(tree.Spec{
			Intensity: strategies.Intensity{Max: tree.NoRestarts},
			Children: []tree.Child{{ID: "api", Start: tree.Of(worker.Command{
				Path: "sh", Args: []string{"-c", "echo no database >&2; exit 3"},
			}.Process)}},
		})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = root.Serve(t.Context())
	st, _ := root.Find("shop/web/api")
	if st.Last == nil || st.Last.Exit.Class != strategies.Crash || strings.Join(st.Last.Tail(), "") != "no database" {
		t.Errorf("last exit: %+v", st.Last)
	}
	if err == nil || !strings.HasSuffix(err.Error(), "exit status 3") {
		t.Errorf("Serve returned %v", err)
	}
}

// A program that is not there is a failed start, and names itself.
func TestProgramMissing(t *testing.T) {
	root, err := tree.New("shop", tree.Spec{Children: []tree.Child{
		{ID: "db", Start: tree.Of(worker.Command{Path: "sleep", Args: []string{"86400"}}.Process)},
		{ID: "api", Start: tree.Of(worker.Command{Path: "coppice-test-no-such-program"}.Process)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	err = root.Serve(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "shop/api did not start: cannot start coppice-test-no-such-program") {
		t.Errorf("Serve returned %v", err)
	}
	if st, _ := root.Find("shop/db"); st.State != strategies.Down || st.PID != 0 {
		t.Errorf("%+v: want it stopped again", st)
	}
}
