//go:build linux

package cgroup

import (
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		limits Limits
		want   []setting
	}{
		{Limits{}, nil},
		{Limits{Memory: 64 << 20}, []setting{{"memory", "memory.max", "67108864"}}},
		{Limits{CPU: 1.5}, []setting{{"cpu", "cpu.max", "150000 100000"}}},
		{Limits{CPU: 0.01}, []setting{{"cpu", "cpu.max", "1000 100000"}}},
		{Limits{PIDs: 7, CPU: 2, Memory: 1}, []setting{{"memory", "memory.max", "1"}, {"cpu", "cpu.max", "200000 100000"}, {"pids", "pids.max", "7"}}},
	} {
		got, err := tt.limits.settings()
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(setting{})); diff != "" || err != nil {
			t.Errorf("%+v: %v %s", tt.limits, err, diff)
		}
	}
	for _, bad := range []Limits{{Memory: -1}, {PIDs: -1}, {CPU: -1}, {CPU: 0.009}, {CPU: math.NaN()}, {CPU: math.Inf(1)}} {
		if got, err := bad.settings(); err == nil {
			t.Errorf("%+v: %v", bad, got)
		}
	}
}

// On this machine, whatever it is: limits that Check permits are set, and those
// that it refuses make New fail in the same words and leave nothing.
func TestLimitsHere(t *testing.T) {
	p := parent(t)
	for name, l := range map[string]Limits{"memory": {Memory: 64 << 20}, "cpu": {CPU: 0.5}, "pids": {PIDs: 50}} {
		t.Run(name, func(t *testing.T) {
			refused := p.Check(l)
			g, err := p.New("limited", l)
			if refused != nil {
				if err == nil || err.Error() != refused.Error() {
					t.Errorf("Check says %v, New says %v", refused, err)
				}
				if !strings.Contains(refused.Error(), name) {
					t.Errorf("%v does not name the controller", refused)
				}
				if !errors.Is(refused, errors.ErrUnsupported) && !errors.Is(refused, unix.EBUSY) {
					t.Error(refused)
				}
				if p.groups == 0 && exists(p.run) {
					t.Errorf("%s is left", p.run)
				}
				t.Log(refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			settings, _ := l.settings()
			for _, s := range settings {
				if got, err := os.ReadFile(g.dir + "/" + s.file); err != nil || strings.TrimSpace(string(got)) != s.value {
					t.Errorf("%s is %q, %v; want %s", s.file, got, err, s.value)
				}
			}
			if err := g.Remove(); err != nil {
				t.Error(err)
			}
		})
	}
	if err := p.Check(Limits{}); err != nil {
		t.Errorf("no limits: %v", err)
	}
	if err := p.Check(Limits{Memory: -1}); err == nil {
		t.Error("a negative limit is accepted")
	}
}

// Controllers are handed on from the parent to the group, and only where no
// process is in the way. Which controller it is makes no difference.
func TestEnable(t *testing.T) {
	dir := base(t)
	there, err := words(dir + "/cgroup.controllers")
	if err != nil {
		t.Fatal(err)
	}
	if len(there) == 0 {
		t.Skipf("%s hands no controller on to its children", parent(t))
	}
	name := there[0]
	limit := []setting{{name, "cgroup.max.depth", "7"}} // every group has this file
	p, err := newParent(dir)
	if err == nil {
		err = p.hold()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.release(); err != nil {
			t.Error(err)
		}
	}()

	inner := start(t, inside(t, dir, 0), "linger")
	if _, err := p.makeHeld(kind{name: "x"}, limit); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), name+" cannot be enabled below "+dir) {
		t.Errorf("with a process in the parent: %v", err)
	}
	if on, err := words(dir + "/cgroup.subtree_control"); err != nil || len(on) > 0 {
		t.Errorf("enabled all the same: %v, %v", on, err)
	}
	_ = inner.Process.Kill()
	_ = inner.Wait()

	for range 2 {
		g, err := p.makeHeld(kind{name: "x"}, limit)
		if err != nil {
			t.Fatal(err)
		}
		if has, err := words(g.dir + "/cgroup.controllers"); err != nil || !slices.Equal(has, []string{name}) {
			t.Errorf("the group has the controllers %v, %v; want %s", has, err, name)
		}
		if got, err := words(g.dir + "/cgroup.max.depth"); err != nil || !slices.Equal(got, []string{"7"}) {
			t.Errorf("the setting is %v, %v", got, err)
		}
		// Processes can be started in it: the group is not part of a threaded subtree.
		start(t, in(g), "linger")
		err = g.Kill()
		if _, err2 := g.AwaitEmpty(patience); err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if err := removeTree(g.dir); err != nil {
			t.Error(err)
		}
		g.CloseFD()
	}

	refused := []setting{{name, "cgroup.max.depth", "nonsense"}}
	if _, err := p.makeHeld(kind{name: "y"}, refused); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a value that the kernel refuses: %v", err)
	}
	if left, err := subdirs(p.run); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// The memory limit is real: who passes it is killed, and that is counted.
func TestOOMKill(t *testing.T) {
	p := parent(t)
	l := Limits{Memory: 32 << 20}
	if err := p.Check(l); err != nil {
		t.Skip(err)
	}
	g, err := p.New("oom", l)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(g.dir+"/memory.swap.max", "0"); err != nil && !gone(err) {
		t.Fatal(err)
	}
	c := start(t, in(g), "gorge")
	if err := c.Wait(); err == nil {
		t.Error("it had more than its limit")
	}
	if n, err := g.OOMKills(); err != nil || n == 0 {
		t.Errorf("%d, %v", n, err)
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}

func TestParseOOMKills(t *testing.T) {
	const events = "low 0\nhigh 0\nmax 121\noom 4\noom_kill 3\noom_group_kill 1\n"
	if n := parseOOMKills(events); n != 3 {
		t.Errorf("%d", n)
	}
	if n := parseOOMKills("low 0\nhigh 0\n"); n != 0 {
		t.Errorf("%d", n)
	}
}

// Who may hand controllers on, decided from what the kernel's files say.
func TestMissing(t *testing.T) {
	need := []setting{{controller: "memory"}, {controller: "pids"}}
	for _, tt := range []struct {
		name                        string
		available, enabled, procs   string
		root                        bool
		want                        []string
		unsupported, busy, noErrors bool
	}{
		{name: "enabled", available: "cpu memory pids", enabled: "memory pids", procs: "1\n", noErrors: true},
		{name: "free", available: "cpu memory pids", want: []string{"memory", "pids"}, noErrors: true},
		{name: "one is enabled", available: "cpu memory pids", enabled: "memory", want: []string{"pids"}, noErrors: true},
		{name: "processes inside", available: "cpu memory pids", procs: "1\n2\n", busy: true},
		{name: "processes of another namespace inside", available: "memory pids", procs: "0\n", busy: true},
		{name: "processes in the root", available: "memory pids", procs: "1\n", root: true, want: []string{"memory", "pids"}, noErrors: true},
		{name: "one is not there", available: "cpu memory", unsupported: true},
		{name: "none is there, and processes inside", procs: "1\n", unsupported: true},
	} {
		dir := t.TempDir()
		files := map[string]string{"cgroup.controllers": tt.available, "cgroup.subtree_control": tt.enabled, "cgroup.procs": tt.procs, "cgroup.type": "domain"}
		if tt.root {
			delete(files, "cgroup.type")
		}
		for name, text := range files {
			if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := missing(dir, need)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if (err == nil) != tt.noErrors || errors.Is(err, errors.ErrUnsupported) != tt.unsupported || errors.Is(err, unix.EBUSY) != tt.busy {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.busy && !strings.Contains(err.Error(), "DelegateSubgroup") {
			t.Errorf("%s: %v does not say what to do", tt.name, err)
		}
	}
}

func TestExplainUnavailable(t *testing.T) {
	const table = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t9\t1\nmemory\t0\t1\t0\npids\t8\t1\t1\n"
	for name, want := range map[string]string{
		"cpu":    "",
		"memory": "memory is disabled: remove cgroup_disable",
		"pids":   "pids is in use by cgroup v1",
		"rdma":   "",
	} {
		if got := explainUnavailable(table, []string{name}); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
