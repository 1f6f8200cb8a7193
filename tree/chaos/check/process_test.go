//go:build linux

package check_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
	"github.com/coppice-go/coppice/worker"
)

// TestProcesses: a tree of real processes, one of which is killed, holds by its
// events and by what is seen in /proc; and if the one that was killed had lived on
// beside its successor, the check would have seen it.
func TestProcesses(t *testing.T) {
	sleep := tree.Of(worker.Command{Path: "sleep", Args: []string{"1000"}}.Process)
	root, err := tree.New("t", tree.Spec{Strategy: strategies.RestForOne, Intensity: intensity(3),
		Children: []tree.Child{{ID: "a", Start: sleep}, {ID: "b", Start: sleep}}})
	if err != nil {
		t.Fatal(err)
	}
	r := record(t, root)
	watch := root.Subscribe(tree.Lossless)
	defer watch.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- root.Serve(ctx) }()

	await(t, watch, tree.EventProgress, "t/b", 1)
	r.e.Samples = append(r.e.Samples, see(t, root))
	a, _ := root.Find("t/a")
	r.e.Faults = []check.Fault{{Time: time.Now(), Kind: "kill", Path: "t/a", Incarnation: 1, PID: a.PID}}
	if err := syscall.Kill(a.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, watch, tree.EventProgress, "t/b", 2)
	r.e.Quiet = time.Now()
	r.e.Samples = append(r.e.Samples, see(t, root))
	cancel()
	<-done
	e := r.end()
	if n := len(e.Samples[0].Processes) + len(e.Samples[1].Processes); n != 4 {
		t.Fatalf("%d processes seen, want 4: %+v", n, e.Samples)
	}
	o := check.Options{Quiet: -1}
	if err := check1(t, e, o).Err(); err != nil {
		t.Error(err)
	}

	first := &e.Samples[0].Processes[0]
	e.Samples[1].Processes = append(e.Samples[1].Processes, *first)
	if v := check1(t, e, o).Results[4].Violation; v == nil || v.Path != first.Path {
		t.Errorf("%s lives on beside its successor, and the check says %v", first.Path, v)
	}
}

// await waits for an event.
func await(t *testing.T, sub *tree.Subscription, kind tree.EventKind, path string, incarnation uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		e, err := sub.Next(ctx)
		if err != nil {
			t.Fatalf("no %v of %s: %v", kind, path, err)
		}
		if e.Kind == kind && e.Path == path && e.Incarnation == incarnation {
			return
		}
	}
}

// see looks at the processes that the tree says it has, for the marks that they
// bear themselves.
func see(t *testing.T, root *tree.Supervisor) check.Sample {
	t.Helper()
	s := check.Sample{Time: time.Now()}
	for st := range root.Walk() {
		if st.PID == 0 {
			continue
		}
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", st.PID))
		if err != nil {
			t.Fatal(err)
		}
		p := check.Process{PID: st.PID, Leader: true, State: "S"}
		for v := range bytes.SplitSeq(env, []byte{0}) {
			switch name, value, _ := bytes.Cut(v, []byte("=")); string(name) {
			case "COPPICE_CHILD":
				p.Path = string(value)
			case "COPPICE_INCARNATION":
				p.Incarnation, _ = strconv.ParseUint(string(value), 10, 64)
			}
		}
		s.Processes = append(s.Processes, p)
	}
	return s
}
