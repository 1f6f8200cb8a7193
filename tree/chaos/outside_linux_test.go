package chaos_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// serveOutside is the other process: it serves a tree and tells its events on
// stdout, the snapshot first.
func serveOutside() int {
	root, err := tree.New("outside", tree.Spec{Intensity: strategies.Intensity{Max: 99}, Children: []tree.Child{process("a"), parent("b"), process("c")}})
	if err != nil {
		return 1
	}
	sub := root.Subscribe(tree.Lossless)
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(sub.Snapshot())
	go func() {
		for e := range sub.All(context.Background()) {
			_ = out.Encode(e)
		}
	}()
	_ = root.Serve(context.Background())
	return 0
}

func init() { outsideTree = serveOutside }

// outside is a tree in another process: a Subject that knows what it is told.
type outside struct {
	pid    int
	begin  json.RawMessage
	lines  chan json.RawMessage
	mu     sync.Mutex // guards replay
	replay *tree.Replay
}

func (o *outside) PID() int                                        { return o.pid }
func (o *outside) Subscribe(context.Context) (chaos.Stream, error) { return o, nil }
func (o *outside) Begin() json.RawMessage                          { return o.begin }
func (o *outside) Close()                                          {}
func (o *outside) Restart(context.Context, string) error           { return tree.ErrNotRunning }
func (o *outside) Stop(context.Context, string) error              { return tree.ErrNotRunning }
func (o *outside) Start(context.Context, string) error             { return tree.ErrNotRunning }

func (o *outside) Snapshot(context.Context) (tree.Snapshot, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.replay.Snapshot(), nil
}

func (o *outside) Next(ctx context.Context) (json.RawMessage, error) {
	select {
	case raw, ok := <-o.lines:
		if !ok {
			return nil, io.EOF
		}
		return raw, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func startOutside(t *testing.T) *outside {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "CHAOS_OUTSIDE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := &outside{pid: cmd.Process.Pid, lines: make(chan json.RawMessage, 1000)}
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		t.Fatal("it says nothing")
	}
	o.begin = json.RawMessage(strings.Clone(lines.Text()))
	var s tree.Snapshot
	if err := json.Unmarshal(o.begin, &s); err != nil {
		t.Fatal(err)
	}
	o.replay = tree.NewReplay(s)
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer close(o.lines)
		for lines.Scan() {
			raw := json.RawMessage(strings.Clone(lines.Text()))
			var e tree.Event
			if json.Unmarshal(raw, &e) == nil {
				o.mu.Lock()
				_ = o.replay.Apply(e)
				o.mu.Unlock()
			}
			o.lines <- raw
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-over
	})
	return o
}

// The process that runs the tree is stopped, goes on, and is killed.
func TestSupervisorFaults(t *testing.T) {
	j := carryOut(t, startOutside(t), `method:
  - {at: 50ms, fault: supervisor_hang(300ms)}
  - {at: 100ms, fault: kill, target: outside/a}
  - {at: 600ms, fault: emfile(200ms)}
  - {at: 650ms, fault: kill, target: outside/c}
  - {at: 1200ms, fault: supervisor_kill}
`, atOnce)
	for _, f := range j.Evidence.Faults {
		if f.Missed != "" || f.PID == 0 && !strings.HasPrefix(f.Kind, "emfile") {
			t.Errorf("%+v", f)
		}
	}
	// There is no guard: the child of a child may outlive them all. (The next tree
	// on the machine ends it, if there are cgroups.)
	// Those that are dead already wait for init to reap them, and are none.
	left := slices.DeleteFunc(slices.Clone(j.Evidence.Left), func(p check.Process) bool { return p.State == "Z" || p.State == "X" })
	for _, p := range left {
		_ = syscall.Kill(p.PID, syscall.SIGKILL) // it is a child of init by now, and sleeps
		if p.Path != "outside/b" || p.Leader {
			t.Errorf("left: %+v", p)
		}
	}
	if nothing := j.Invariants.Results[5]; j.Evidence.Left == nil || (nothing.Verdict == check.Violated) != (len(left) > 0) {
		t.Errorf("left: %+v, %+v", left, nothing)
	}
	hung, killed := j.Evidence.Faults[0], j.Evidence.Faults[1]
	if hung.Until.Sub(hung.Time) < 300*time.Millisecond {
		t.Errorf("%+v", hung)
	}
	// The exit is seen when the supervisor goes on, the next start with it.
	if r := j.Stats.ByCause["kill"]; r.N != 2 || killed.Time.After(hung.Until) {
		t.Errorf("%+v", j.Stats)
	}
	if r := j.Stats.ByCause["kill"]; r.Max < 50 { // the other could not be started at once
		t.Errorf("it was started without descriptors: %+v", r)
	}
}

// Within the process of the tree its supervisor is not to be harmed.
func TestSupervisorFaultsInside(t *testing.T) {
	root, stop := live(t, "inside", tree.Spec{Children: []tree.Child{process("a")}})
	o := atOnce
	o.Stop = stop
	j := carryOut(t, chaos.Local(root), "method: [{at: 1ms, fault: supervisor_kill}, {at: 1ms, fault: supervisor_hang}, {at: 2ms, fault: nproc(50ms)}]", o)
	for i, want := range []string{"the tree runs in the process of this run", "the tree runs in the process of this run", "the tree runs in the process of this run"} {
		if f := j.Evidence.Faults[i]; !strings.Contains(f.Missed, want) {
			t.Errorf("%+v, want %q", f, want)
		}
	}
	holds(t, j, 6, 9)
}

// A process that can make no others goes on, or ends: the Go runtime decides. Of
// root it is not asked.
func TestNoProcesses(t *testing.T) {
	j := carryOut(t, startOutside(t), "method: [{at: 1ms, fault: nproc(200ms)}, {at: 50ms, fault: kill, target: outside/a}]", atOnce)
	f := j.Evidence.Faults[0]
	if os.Geteuid() == 0 {
		if !strings.Contains(f.Missed, "the tree runs as root, whom RLIMIT_NPROC does not bind") {
			t.Errorf("%+v", f)
		}
		t.Skip("root is not bound by RLIMIT_NPROC: run it as another user")
	}
	if f.Missed != "" || f.Until.Sub(f.Time) < 200*time.Millisecond && j.Status == chaos.Completed {
		t.Errorf("%s: %+v", j.Status, f)
	}
}
