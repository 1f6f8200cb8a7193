//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// own is a parent of the test's own, so that all that is in it can be counted.
func own(t testing.TB) *Parent {
	t.Helper()
	p, err := newParent(base(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustNew(t testing.TB, p *Parent, name string) *Group {
	t.Helper()
	g, err := p.New(name, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// empty reports an error unless nothing is left below the parent, nor of it.
func empty(t *testing.T, p *Parent, fds int) {
	t.Helper()
	if names, err := subdirs(p.dir); err != nil || len(names) > 0 {
		t.Errorf("left %v, %v", names, err)
	}
	if now := openFiles(t); now != fds {
		t.Errorf("%d open files, before %d", now, fds)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.groups != 0 || p.living != 0 || len(p.retired.kinds) != 0 || p.retired.first() != nil || len(p.abandoned) != 0 {
		t.Errorf("%d groups are counted, %d living, %d retired, %d abandoned", p.groups, p.living, p.retired.queue.Len(), len(p.abandoned))
	}
	if p.retired.timer != nil && p.retired.timer.Stop() {
		t.Error("the timer runs")
	}
}

// awaitRemoval waits until a directory is gone.
func awaitRemoval(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(patience); exists(dir); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s stays", dir)
		}
	}
}

// crash runs a child in a group and kills it, but not by means of the group.
func crash(t testing.TB, g *Group) {
	t.Helper()
	c := start(t, in(g), "linger")
	g.CloseFD()
	if got, err := g.Pids(); err != nil || !slices.Equal(got, []int{c.Process.Pid}) {
		t.Fatalf("the child is %d, in the group are %v, %v", c.Process.Pid, got, err)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
}

// The next incarnation gets the same group, with all that a group can do.
func TestRetire(t *testing.T) {
	p := own(t)
	fds := openFiles(t)
	g := mustNew(t, p, "a/b")
	dir := g.dir
	for range 3 {
		crash(t, g)
		must(t, g.Retire())
		if got := g.FD(); got != -1 {
			t.Errorf("the descriptor is %d after Retire", got)
		}
		g = mustNew(t, p, "a/b")
		if g.dir != dir {
			t.Fatalf("%s was retired, New made %s", dir, g)
		}
	}
	crash(t, g)
	must(t, g.Kill())
	must(t, g.Remove())
	empty(t, p, fds)
}

// Who has retired a group has no more to do with it, whoever is in it now.
func TestRetiredGroupIsAnothers(t *testing.T) {
	p := own(t)
	before := mustNew(t, p, "a")
	must(t, before.Retire())
	g := mustNew(t, p, "a")
	if before.dir != g.dir {
		t.Fatalf("%s was retired, New made %s", before, g)
	}
	c := start(t, in(g), "linger")

	if got, err := before.Pids(); err != nil || len(got) > 0 {
		t.Errorf("Pids: %v, %v", got, err)
	}
	began := time.Now()
	if left, err := before.AwaitEmpty(patience); err != nil || len(left) > 0 || time.Since(began) >= patience {
		t.Errorf("AwaitEmpty: %v, %v after %v", left, err, time.Since(began))
	}
	before.CloseFD()
	if err := errors.Join(before.Kill(), before.Retire(), before.Remove()); err != nil {
		t.Error(err)
	}
	if got, err := g.Pids(); err != nil || !slices.Equal(got, []int{c.Process.Pid}) {
		t.Errorf("in the group are %v, %v; want the child, %d", got, err, c.Process.Pid)
	}
	// A SIGKILL that was sent before would be what it dies of.
	_ = c.Process.Signal(unix.SIGTERM)
	if err := c.Wait(); err == nil || err.Error() != "signal: terminated" {
		t.Errorf("the child ended with %v", err)
	}
	must(t, g.Remove())
}

// It waits for a second; then nothing is left, if nothing else was.
func TestRetiredGroupExpires(t *testing.T) {
	p := own(t)
	fds := openFiles(t)
	g := mustNew(t, p, "a")
	began := time.Now()
	must(t, g.Retire())
	awaitRemoval(t, p.run)
	if took := time.Since(began); took < lingerFor {
		t.Errorf("removed after %v", took)
	}
	empty(t, p, fds)

	// Each has its own second, also when the timer is running for another.
	taken, first := mustNew(t, p, "taken"), mustNew(t, p, "first")
	must(t, taken.Retire())
	taken = mustNew(t, p, "taken")
	must(t, first.Retire())
	time.Sleep(lingerFor / 4)
	began = time.Now()
	must(t, taken.Retire())
	awaitRemoval(t, first.dir)
	awaitRemoval(t, p.run)
	if took := time.Since(began); took < lingerFor {
		t.Errorf("the last one was removed after %v", took)
	}
	empty(t, p, fds)
}

// Only the same is the same.
func TestRetireOtherKind(t *testing.T) {
	p := own(t)
	g := mustNew(t, p, "a")
	must(t, g.Retire())
	other := mustNew(t, p, "b")
	if other.dir == g.dir {
		t.Error("it was taken for another name")
	}
	for _, l := range []Limits{{Memory: 1 << 30}, {CPU: 1}, {PIDs: 100}} {
		if got := p.take(kind{"a", l}); got != nil {
			t.Errorf("it was taken for other limits, %+v", l)
		}
	}
	if !exists(g.dir) {
		t.Error("it was removed, while there was another group")
	}
	must(t, other.Remove())
}

// A group in which something is not as in a new one is removed at once.
func TestRetireNotUsedAgain(t *testing.T) {
	for name, spoil := range map[string]func(g *Group) error{
		"killed":         (*Group).Kill,
		"a subgroup":     func(g *Group) error { return os.Mkdir(g.dir+"/sub", 0o755) },
		"deep subgroups": func(g *Group) error { return os.MkdirAll(g.dir+"/sub/sub/sub", 0o755) },
		"frozen":         func(g *Group) error { return write(g.dir+"/cgroup.freeze", "1") },
		"removed":        func(g *Group) error { return unix.Rmdir(g.dir) },
	} {
		t.Run(name, func(t *testing.T) {
			p := own(t)
			fds := openFiles(t)
			g := mustNew(t, p, "a")
			crash(t, g)
			must(t, spoil(g))
			must(t, g.Retire())
			empty(t, p, fds)
			next := mustNew(t, p, "a")
			if next.dir == g.dir {
				t.Error("it was used again")
			}
			crash(t, next) // which runs
			must(t, next.Remove())
		})
	}
}

// What decides about another use, from what the kernel's files say.
func TestReusable(t *testing.T) {
	const quiet = "populated 0\nfrozen 0\n"
	for _, tt := range []struct {
		name, events, handsOn string
		controllers, want     bool
	}{
		{name: "as new", events: quiet, want: true},
		{name: "as new, with controllers", events: quiet, controllers: true, want: true},
		{name: "hands controllers on", events: quiet, controllers: true, handsOn: "memory pids\n"},
		{name: "populated", events: "populated 1\nfrozen 0\n"},
		{name: "frozen", events: "populated 0\nfrozen 1\n"},
		{name: "unknown", events: ""},
	} {
		dir := t.TempDir()
		must(t, os.WriteFile(dir+"/cgroup.events", []byte(tt.events), 0o644))
		must(t, os.WriteFile(dir+"/cgroup.subtree_control", []byte(tt.handsOn), 0o644))
		p := &Parent{}
		p.controllers.Store(tt.controllers)
		g := &Group{parent: p, dir: dir, fd: -1}
		if got := g.reusable(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		must(t, os.Mkdir(dir+"/sub", 0o755))
		if g.reusable() {
			t.Errorf("%s: reusable with a subgroup", tt.name)
		}
		g.CloseFD()
	}
}

// What the child left behind is found out, wherever it is.
func TestRetireBusy(t *testing.T) {
	for _, role := range []string{"escape", "nest"} {
		t.Run(role, func(t *testing.T) {
			p := own(t)
			fds := openFiles(t)
			g := mustNew(t, p, "a")
			c := start(t, in(g), role, "3")
			left := c.left(t, 3)
			_ = c.Process.Kill()
			_ = c.Wait()

			slices.Sort(left)
			if err := g.Retire(); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), fmt.Sprint(left)) {
				t.Errorf("%v was left: %v", left, err)
			}
			if other := mustNew(t, p, "a"); other.dir == g.dir {
				t.Error("a group with processes in it was used again")
			} else {
				must(t, other.Remove())
			}
			must(t, g.Kill())
			if alive, err := g.AwaitEmpty(patience); err != nil || len(alive) > 0 {
				t.Fatalf("left %v, %v", alive, err)
			}
			must(t, g.Remove())
			empty(t, p, fds)
		})
	}
}

// A zombie is nobody: its group can be used again.
func TestRetireZombie(t *testing.T) {
	p := own(t)
	g := mustNew(t, p, "a")
	c := start(t, in(g), "linger")
	_ = c.Process.Kill()
	awaitZombie(t, c.Process.Pid)
	must(t, g.Retire())
	next := mustNew(t, p, "a")
	if next.dir != g.dir {
		t.Errorf("%s was retired, New made %s", g, next)
	}
	crash(t, next)
	must(t, next.Remove())
}

// Whoever comes first takes it.
func TestRetireManyTakers(t *testing.T) {
	p := own(t)
	fds := openFiles(t)
	const retired, takers = 5, 20
	var groups []*Group
	for range retired {
		groups = append(groups, mustNew(t, p, "a"))
	}
	before := make(map[string]bool)
	for _, g := range groups {
		before[g.dir] = true
		must(t, g.Retire())
	}
	var mu sync.Mutex
	now := make(map[string]*Group)
	var all sync.WaitGroup
	for range takers {
		all.Go(func() {
			g, err := p.New("a", Limits{})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			now[g.dir] = g
		})
	}
	all.Wait()
	again := 0
	for dir := range now {
		if before[dir] {
			again++
		}
	}
	if len(now) != takers || again != retired {
		t.Errorf("%d takers have %d groups, of them %d used again; want %d", takers, len(now), again, retired)
	}
	for _, g := range now {
		must(t, g.Remove())
	}
	empty(t, p, fds)
}

// When many crash at once and none comes back, all go.
func TestRetireMany(t *testing.T) {
	p := own(t)
	fds := openFiles(t)
	const n = 200
	groups := make([]*Group, n)
	for i := range groups {
		groups[i] = mustNew(t, p, strconv.Itoa(i%150)) // some have the same name
		groups[i].CloseFD()
	}
	var all sync.WaitGroup
	for _, g := range groups {
		all.Go(func() {
			if err := g.Retire(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if now := openFiles(t); now > fds+n {
		t.Errorf("%d open files, before %d", now, fds)
	}
	awaitRemoval(t, p.run)
	empty(t, p, fds)
}

// When the last group is removed nothing waits any more: this may be the end.
func TestRemoveOfTheLast(t *testing.T) {
	p := own(t)
	fds := openFiles(t)
	one, last := mustNew(t, p, "one"), mustNew(t, p, "last")
	for i := range 10 {
		must(t, mustNew(t, p, strconv.Itoa(i)).Retire())
	}
	must(t, one.Remove())
	if names, err := subdirs(p.run); err != nil || len(names) != 11 {
		t.Errorf("there are %v, %v", names, err)
	}
	must(t, last.Remove())
	empty(t, p, fds)
}

// Nor is anything left if the timer is just removing some.
func TestRemoveOfTheLastWhileExpiring(t *testing.T) {
	p := own(t)
	for range 50 {
		last := mustNew(t, p, "last")
		for i := range 3 {
			must(t, mustNew(t, p, strconv.Itoa(i)).Retire())
		}
		var timer sync.WaitGroup
		timer.Go(func() { p.clear(func(*Group) bool { return true }) })
		must(t, last.Remove())
		left := exists(p.run)
		timer.Wait()
		if left {
			t.Fatal("retired groups were left")
		}
	}
}

// It was not the end if somebody comes meanwhile.
func TestRemoveOfTheLastIsOvertaken(t *testing.T) {
	p := own(t)
	groups := []*Group{mustNew(t, p, "0"), mustNew(t, p, "1"), mustNew(t, p, "2")}
	for _, g := range groups {
		must(t, g.Retire())
	}
	for range cap(turns) { // nothing can be removed now
		turns <- struct{}{}
	}
	var end sync.WaitGroup
	end.Go(p.Finish)
	for began := false; !began; time.Sleep(time.Millisecond) {
		p.mu.Lock()
		began = p.retired.queue.Len() == 2
		p.mu.Unlock()
	}
	taken := mustNew(t, p, "1")
	for range cap(turns) {
		<-turns
	}
	end.Wait()
	if exists(groups[0].dir) || !exists(groups[1].dir) || !exists(groups[2].dir) {
		t.Errorf("one is to be removed, one taken, one kept: they are there: %v, %v, %v",
			exists(groups[0].dir), exists(groups[1].dir), exists(groups[2].dir))
	}
	must(t, taken.Remove())
}

// A retired group into which somebody put a process stays until that has ended.
func TestRetiredGroupInUse(t *testing.T) {
	p := own(t)
	fds := openFiles(t)
	g := mustNew(t, p, "a")
	must(t, g.Retire())
	c := start(t, nil, "linger")
	must(t, write(g.dir+"/cgroup.procs", strconv.Itoa(c.Process.Pid)))
	p.clear(func(*Group) bool { return true }) // not after a second: a machine may be slow
	if !exists(g.dir) || !alive(c.Process.Pid) {
		t.Error("it was removed with a process in it")
	}
	must(t, mustNew(t, p, "b").Remove())
	_ = c.Process.Kill()
	_ = c.Wait()
	other := mustNew(t, p, "b")
	if exists(g.dir) {
		t.Error("it stays")
	}
	must(t, other.Remove())
	empty(t, p, fds)
}

// Retiring, taking, expiring and removing at the same time leave nothing, and
// nobody's group is taken from under him.
func TestRetireConcurrent(t *testing.T) {
	p := own(t)
	fds := openFiles(t)
	users := make(map[string]int)
	var mu sync.Mutex // guards users
	use := func(dir string, by int) {
		mu.Lock()
		defer mu.Unlock()
		if users[dir] += by; users[dir] > 1 {
			t.Errorf("%d use %s", users[dir], dir)
		}
	}
	live := func(i, n int) error {
		g, err := p.New(strconv.Itoa(i%3), Limits{})
		if err != nil {
			return err
		}
		use(g.dir, 1)
		switch {
		case !exists(g.dir):
			t.Errorf("%s is not there", g)
		case g.FD() < 0:
			t.Errorf("%s has no descriptor", g)
		}
		use(g.dir, -1)
		switch n % 8 {
		case 0:
			return g.Remove()
		case 1:
			return errors.Join(g.Kill(), g.Retire())
		case 2:
			g.CloseFD()
		}
		return g.Retire()
	}
	stop := make(chan struct{})
	var timer, all sync.WaitGroup
	timer.Go(func() { // in place of the timer, which would be slower
		for every := 0; ; every++ {
			select {
			case <-stop:
				return
			default:
				p.clear(func(*Group) bool { every++; return every%4 > 0 })
				p.expire()
			}
		}
	})
	for i := range 8 {
		all.Go(func() {
			for n := range 60 {
				if err := live(i, n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	close(stop)
	timer.Wait()
	awaitRemoval(t, p.run)
	empty(t, p, fds)
}

// Only kills of this incarnation count, though the kernel counts on.
func TestOOMKillsOfIncarnation(t *testing.T) {
	p := &Parent{dir: t.TempDir(), groups: 1, living: 1}
	p.run = p.dir + "/run"
	k := kind{"a", Limits{Memory: 1 << 20}}
	g := &Group{parent: p, kind: k, dir: p.run + "/a-1", fd: -1}
	must(t, os.MkdirAll(g.dir, 0o755))
	must(t, os.WriteFile(g.dir+"/cgroup.events", []byte("populated 0\nfrozen 0\n"), 0o644))
	count := func(n int) {
		must(t, os.WriteFile(g.dir+"/memory.events", fmt.Appendf(nil, "max 7\noom_kill %d\noom_group_kill 9\n", n), 0o644))
	}
	want := func(g *Group, want int) {
		t.Helper()
		if n, err := g.OOMKills(); err != nil || n != want {
			t.Errorf("%d, %v; want %d", n, err, want)
		}
	}
	count(3)
	want(g, 3)
	must(t, g.Retire())
	count(4) // the kernel may be late
	next := p.take(k)
	if next == nil || next.dir != g.dir {
		t.Fatalf("%s was retired, taken was %v", g, next)
	}
	want(next, 0)
	count(6)
	want(next, 2)
	want(g, 0) // it is over
	next.CloseFD()

	// Without a limit the count is that of many incarnations: none is told.
	unlimited := &Group{parent: p, kind: kind{name: "a"}, dir: g.dir, fd: -1}
	want(unlimited, 0)
}

// A group that could not be removed is when another one is made.
func TestAbandon(t *testing.T) {
	p := parent(t)
	g, err := p.New("a", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	g.Abandon()
	other, err := p.New("b", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(g.dir); !os.IsNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
	if err := other.Remove(); err != nil {
		t.Fatal(err)
	}
}

// What a restart pays for the cgroup: the end of one incarnation's and the
// beginning of the next one's, with a child in between.
func BenchmarkRestart(b *testing.B) {
	for _, end := range []struct {
		name string
		f    func(*Group) error
	}{{"Retire", (*Group).Retire}, {"Remove", (*Group).Remove}} {
		for _, pause := range []time.Duration{0, time.Second} {
			b.Run(fmt.Sprintf("%s/pause=%v", end.name, pause), func(b *testing.B) {
				p := own(b)
				other := mustNew(b, p, "another") // or Remove would remove the run directory too
				g := mustNew(b, p, "bench")
				var all []time.Duration
				for b.Loop() {
					cmd := light()
					cmd.SysProcAttr = in(g)
					must(b, cmd.Start())
					g.CloseFD()
					_ = cmd.Process.Kill()
					_ = cmd.Wait()
					time.Sleep(pause)
					began := time.Now()
					err := end.f(g)
					if err == nil {
						g, err = p.New("bench", Limits{})
					}
					all = append(all, time.Since(began))
					must(b, err)
				}
				must(b, g.Remove())
				must(b, other.Remove())
				slices.Sort(all)
				b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1000, "median-us")
			})
		}
	}
}
