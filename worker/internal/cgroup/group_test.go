//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// killers are both ways to kill a cgroup; old kernels have only the second.
var killers = map[string]func(*Group) error{
	"cgroup.kill": (*Group).Kill,
	"freeze":      func(g *Group) error { return killEach(g.dir) },
}

// No descendant escapes: not by a session of its own, not by a double fork.
func TestKillReachesAll(t *testing.T) {
	for name, kill := range killers {
		t.Run(name, func(t *testing.T) {
			g := group(t, parent(t))
			c := start(t, in(g), "escape")
			g.CloseFD()
			pids := append(c.left(t, 3), c.Process.Pid)

			sessions := make(map[int]bool)
			for _, pid := range pids {
				sid, err := unix.Getsid(pid)
				if err != nil {
					t.Fatal(err)
				}
				sessions[sid] = true
			}
			if len(sessions) != 3 {
				t.Fatalf("%d sessions, want the child's and two escapes", len(sessions))
			}
			slices.Sort(pids)
			if got, err := g.Pids(); err != nil || !slices.Equal(got, pids) {
				t.Fatalf("pids %v %v, want %v", got, err, pids)
			}

			if err := kill(g); err != nil {
				t.Fatal(err)
			}
			if left, err := g.AwaitEmpty(patience); err != nil || len(left) > 0 {
				t.Fatalf("left %v, %v", left, err)
			}
			allDead(t, pids...) // though nobody has waited for the child yet
			if got, err := g.Pids(); err != nil || len(got) > 0 {
				t.Errorf("pids %v %v", got, err)
			}
			if frozen, err := words(g.dir + "/cgroup.freeze"); err != nil || !slices.Equal(frozen, []string{"0"}) {
				t.Errorf("cgroup.freeze is %v, %v", frozen, err)
			}
			if err := g.Remove(); err != nil || exists(g.dir) {
				t.Errorf("Remove: %v", err)
			}
		})
	}
}

// Neither does one that forks all the time, nor one that is never there: each
// process starts the next and ends, so that who reads a list of pids comes too
// late.
func TestKillWhileForking(t *testing.T) {
	for name, kill := range killers {
		t.Run(name+"/many", func(t *testing.T) {
			g := group(t, parent(t))
			start(t, in(g), "breed", "400")
			killsAll(t, g, kill)
		})
		t.Run(name+"/runner", func(t *testing.T) {
			g := group(t, parent(t))
			out, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd := exec.Command("/bin/sh", "-c", `r() { if [ $1 -eq 20 ]; then echo ready; fi; if [ $1 -lt 20000 ]; then r $(($1+1)) & fi; }; r 0`)
			cmd.SysProcAttr, cmd.Stdout = in(g), w
			err = cmd.Start()
			w.Close()
			if err != nil {
				t.Skip(err)
			}
			if _, err := out.Read(make([]byte, 6)); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if runs, err := populated(g.dir); err != nil || !runs {
				t.Fatalf("nobody runs: %v", err)
			}
			killsAll(t, g, kill)
		})
	}
}

func killsAll(t *testing.T, g *Group, kill func(*Group) error) {
	t.Helper()
	if err := kill(g); err != nil {
		t.Fatal(err)
	}
	if left, err := g.AwaitEmpty(5 * time.Second); err != nil || len(left) > 0 { // the runner would last longer
		t.Errorf("left %v, %v", left, err)
	}
}

// Whoever lives at the end of the time is named.
func TestAwaitEmptyGivesUp(t *testing.T) {
	g := group(t, parent(t))
	c := start(t, in(g), "escape")
	pids := append(c.left(t, 3), c.Process.Pid)
	slices.Sort(pids)
	for _, within := range []time.Duration{-time.Second, 0, 20 * time.Millisecond} {
		began := time.Now()
		left, err := g.AwaitEmpty(within)
		if err != nil || !slices.Equal(left, pids) {
			t.Errorf("within %v: left %v, %v; want %v", within, left, err, pids)
		}
		if took := time.Since(began); took < within {
			t.Errorf("within %v: gave up after %v", within, took)
		}
	}
	for _, pid := range pids {
		if !alive(pid) {
			t.Errorf("AwaitEmpty without Kill ended pid %d", pid)
		}
	}
}

// The end is noticed when it comes.
func TestAwaitEmptyNotices(t *testing.T) {
	g := group(t, parent(t))
	c := start(t, in(g), "linger")
	done := make(chan error, 1)
	go func() {
		left, err := g.AwaitEmpty(patience)
		if len(left) > 0 {
			err = fmt.Errorf("left %v", left)
		}
		done <- err
	}()
	_ = c.Process.Kill()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// After Kill, AwaitEmpty kills again what an old kernel let through. Here it
// comes from elsewhere.
func TestAwaitEmptyKillsAgain(t *testing.T) {
	g := group(t, parent(t))
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	c := start(t, nil, "linger")
	if err := write(g.dir+"/cgroup.procs", strconv.Itoa(c.Process.Pid)); err != nil {
		t.Fatal(err)
	}
	if left, err := g.AwaitEmpty(0); err != nil || !slices.Equal(left, []int{c.Process.Pid}) {
		t.Fatalf("left %v, %v", left, err)
	}
	if left, err := g.AwaitEmpty(patience); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// What the child made below its cgroup goes with it.
func TestNested(t *testing.T) {
	g := group(t, parent(t))
	c := start(t, in(g), "nest", "3")
	pids := append(c.left(t, 3), c.Process.Pid)
	slices.Sort(pids)
	if got, err := g.Pids(); err != nil || !slices.Equal(got, pids) {
		t.Fatalf("pids %v %v, want %v", got, err, pids)
	}

	err := g.Remove()
	if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), fmt.Sprint(pids)) {
		t.Errorf("Remove with living processes: %v", err)
	}
	if !exists(g.dir + "/nested/nested/nested") {
		t.Error("Remove took a cgroup from a living child")
	}
	if got := g.FD(); got != -1 {
		t.Errorf("the descriptor is %d after Remove", got)
	}

	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	if left, err := g.AwaitEmpty(patience); err != nil || len(left) > 0 {
		t.Fatalf("left %v, %v", left, err)
	}
	allDead(t, pids...)
	if err := g.Remove(); err != nil || exists(g.dir) {
		t.Errorf("Remove: %v", err)
	}
}

// A group that is gone does no harm and counts nothing.
func TestAfterRemove(t *testing.T) {
	p := parent(t)
	g, other := group(t, p), group(t, p)
	start(t, in(other), "linger")
	events, err := os.Open(g.dir + "/cgroup.events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	for range 2 {
		if err := g.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := events.Read(make([]byte, 100)); !gone(err) {
		t.Errorf("a file of it that was open reads with %v", err)
	}
	if err := errors.Join(g.Kill(), killEach(g.dir)); err != nil {
		t.Errorf("Kill: %v", err)
	}
	if left, err := g.AwaitEmpty(patience); err != nil || len(left) > 0 {
		t.Errorf("AwaitEmpty: %v, %v", left, err)
	}
	if pids, err := g.Pids(); err != nil || len(pids) > 0 {
		t.Errorf("Pids: %v, %v", pids, err)
	}
	if n, err := g.OOMKills(); err != nil || n != 0 {
		t.Errorf("OOMKills: %d, %v", n, err)
	}
	g.CloseFD()
	if pids, err := other.Pids(); err != nil || len(pids) != 1 {
		t.Errorf("the other group holds %v, %v", pids, err)
	}
	if p.groups != 1 {
		t.Errorf("%d groups are counted, want the other one", p.groups)
	}
}

// Two hundred at once leave nothing, whoever is the last, again and again.
func TestConcurrent(t *testing.T) {
	dir := base(t)
	p, err := newParent(dir)
	if err != nil {
		t.Fatal(err)
	}
	fds := openFiles(t)
	live := func(i int) error {
		g, err := p.New(fmt.Sprintf("child/%d", i%3), Limits{})
		if err != nil {
			return err
		}
		if i%10 > 0 { // most have no process: the edges are reached more often
			return errors.Join(g.Kill(), g.Remove())
		}
		cmd := light()
		cmd.SysProcAttr = in(g)
		if err := cmd.Start(); err != nil {
			return errors.Join(err, g.Remove())
		}
		g.CloseFD()
		err = g.Kill()
		_ = cmd.Wait()
		left, err2 := g.AwaitEmpty(patience)
		if len(left) > 0 {
			err2 = fmt.Errorf("left %v", left)
		}
		return errors.Join(err, err2, g.Remove())
	}
	for range 3 {
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				if err := live(i); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if names, err := subdirs(dir); err != nil || len(names) > 0 {
			t.Fatalf("left %v, %v", names, err)
		}
	}
	// A few goroutines, so that the number of groups often falls to none.
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 300 {
				if err := live(1 + i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if names, err := subdirs(dir); err != nil || len(names) > 0 {
		t.Fatalf("left %v, %v", names, err)
	}
	if now := openFiles(t); now != fds {
		t.Errorf("%d open files, before %d", now, fds)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"db", "db"},
		{"", "child"},
		{"web/0 ä\n", "web_0____"},
		{"../..", ".._.."},
		{"A.b_c-9", "A.b_c-9"},
		{strings.Repeat("x", 1000), strings.Repeat("x", maxName)},
	} {
		if got := sanitize(tt.name); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.name, got, tt.want)
		}
	}
	p := parent(t)
	a, b := group(t, p), group(t, p)
	if a.dir == b.dir || !strings.HasPrefix(a.dir, p.run+"/TestNames-") {
		t.Errorf("%s and %s", a, b)
	}
}

// A process that executed itself anew finds the groups of its former self.
func TestNameInUse(t *testing.T) {
	p, err := newParent(base(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{p.run, p.run + "/x-1", p.run + "/x-2"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	g, err := p.New("x", Limits{})
	if err != nil || g.dir != p.run+"/x-3" {
		t.Fatalf("%v, %v", g, err)
	}
	if err := g.Remove(); !errors.Is(err, unix.EBUSY) || exists(g.dir) {
		t.Errorf("%v, want the run directory to be in use", err)
	}
}

func BenchmarkNewRemove(b *testing.B) {
	p := parent(b)
	once := func(b *testing.B) {
		for b.Loop() {
			g, err := p.New("bench", Limits{})
			if err == nil {
				err = g.Remove()
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("alone", once)
	b.Run("one-of-several", func(b *testing.B) {
		group(b, p)
		once(b)
	})
}

// The whole life of a child in a group, ended by Kill.
func BenchmarkKill(b *testing.B) {
	p := parent(b)
	group(b, p)
	for b.Loop() {
		g, err := p.New("bench", Limits{})
		if err != nil {
			b.Fatal(err)
		}
		cmd := light()
		cmd.SysProcAttr = in(g)
		if err := cmd.Start(); err != nil {
			b.Fatal(errors.Join(err, g.Remove()))
		}
		err = g.Kill()
		_, err2 := g.AwaitEmpty(patience)
		_ = cmd.Wait()
		if err := errors.Join(err, err2, g.Remove()); err != nil {
			b.Fatal(err)
		}
	}
}
