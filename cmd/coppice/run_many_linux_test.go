package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree"
)

// A thousand programs, all killed at once. The figures are printed; what is checked
// is that all come up, come back and go.
func TestRunThousand(t *testing.T) {
	const n = 1000
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max < 4*n {
		t.Skipf("%d descriptors are allowed, %d are needed: %v", limit.Max, 4*n, err)
	}
	begin := time.Now()
	r := runTree(t, fmt.Sprintf(`
name: many
intensity: {max: 100000, within: 1s}
children:
  - {id: a, copies: %d, command: [sleep, "100000"]}
`, n))
	took := func(what string) {
		t.Helper()
		t.Logf("%d processes: %s %v", n, what, time.Since(begin).Round(time.Millisecond))
	}
	r.await(1, "-- many: started")
	took("all up after")

	begin = time.Now()
	var s tree.Snapshot
	if err := json.Unmarshal([]byte(r.ask("ps", "--output", "json")), &s); err != nil {
		t.Fatal(err)
	}
	took("ps --output json takes")
	begin = time.Now()
	if lines := strings.Count(r.ask("ps"), "\n"); lines < n {
		t.Errorf("ps has %d lines", lines)
	}
	took("ps takes")

	supervisor := r.supervisor()
	before := cpuOf(t, supervisor)
	time.Sleep(2 * time.Second) // what is measured is that nothing happens
	t.Logf("%d processes: the idle supervisor takes %v of CPU a second", n, (cpuOf(t, supervisor)-before)/2)

	begin = time.Now()
	for _, c := range s.Root.Supervisor.Children {
		if c.PID == 0 {
			t.Fatalf("%s has no pid", c.Path)
		}
		_ = syscall.Kill(c.PID, syscall.SIGKILL)
	}
	r.await(2*n, `many/a-[0-9]+: started \(pid`)
	took("all killed, all up again after")

	begin = time.Now()
	r.signal(syscall.SIGTERM)
	if status := r.wait(); status != exit.Clean {
		t.Errorf("exit status %d", status)
	}
	took("all stopped after")
	if left := cgroupsOf(supervisor); len(left) > 0 {
		t.Errorf("%d cgroups are left", len(left))
	}
}

// cpuOf is the CPU time that a process has used, proc_pid_stat(5).
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')'):]))
	var user, system int64
	if _, err := fmt.Sscan(f[12]+" "+f[13], &user, &system); err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond // ticks of 100 Hz, as on all Linux
}
