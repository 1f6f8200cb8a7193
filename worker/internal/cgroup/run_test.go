//go:build linux

package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What a dead run left is cleared by the next; nothing else is touched.
func TestClearDead(t *testing.T) {
	dir := base(t)
	self, err := ownID()
	if err != nil {
		t.Fatal(err)
	}
	hosts := make([]*child, 3)
	for i := range hosts {
		hosts[i] = start(t, nil, "host", dir)
	}
	living, zombie, gone := hosts[0], hosts[1], hosts[2]
	for _, c := range []*child{zombie, gone} {
		_ = c.Process.Kill()
	}
	awaitZombie(t, zombie.Process.Pid)
	_ = gone.Wait()
	orphans := append(zombie.left(t, 1), gone.left(t, 1)...)
	for _, pid := range orphans {
		if !alive(pid) {
			t.Fatalf("pid %d died with its supervisor: there is nothing to clear", pid)
		}
	}

	reused := self // a pid that another process has now
	reused.start--
	stranger := runID{pid: gone.Process.Pid, start: 1, ns: self.ns + 1}
	foreign := []string{
		stranger.String(),
		fmt.Sprintf("coppice-%d-1", gone.Process.Pid),
		fmt.Sprintf("coppice-%d-1-%d.service", gone.Process.Pid, self.ns),
		fmt.Sprintf("coppice-0%d-1-%d", gone.Process.Pid, self.ns),
		"coppice-", "db-1",
	}
	for _, name := range append(foreign, reused.String()) {
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}

	p, err := newParent(dir)
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.New("new", Limits{}) // which clears
	if err != nil {
		t.Fatal(err)
	}
	allDead(t, orphans...)
	want := append(foreign, filepath.Base(living.word("dir")), filepath.Base(p.run))
	slices.Sort(want)
	if got, err := subdirs(dir); err != nil || !slices.Equal(got, want) {
		t.Errorf("there are %v, %v; want %v", got, err, want)
	}
	for _, pid := range append(living.left(t, 1), living.Process.Pid) {
		if !alive(pid) {
			t.Errorf("pid %d of the living run is dead", pid)
		}
	}

	// Once it is dead too it can be cleared on request.
	_ = living.Process.Kill()
	_ = living.Wait()
	if err := p.ClearDead(); err != nil {
		t.Error(err)
	}
	allDead(t, living.left(t, 1)...)
	if exists(living.word("dir")) {
		t.Error("the last run is left")
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}

// Pids of another pid namespace mean nothing here.
func TestOtherPidNamespace(t *testing.T) {
	self, err := ownID()
	if err != nil {
		t.Fatal(err)
	}
	other := runID{pid: 1 << 22, start: 1, ns: self.ns} // above any pid_max
	if !other.dead(self) {
		t.Error("a pid that cannot exist is alive")
	}
	other.ns++
	if other.dead(self) {
		t.Error("judged about another namespace")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a pid namespace")
	}
	// Its /proc is still ours, so that it cannot know its own start time.
	c := start(t, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, "find")
	if got := c.word("found"); !strings.Contains(got, "unsupported=true") || !strings.Contains(got, "/proc is not that of this process") {
		t.Errorf("with a strange /proc: found %s", got)
	}
}

func awaitZombie(t *testing.T, pid int) {
	t.Helper()
	// WNOWAIT leaves the zombie where it is (waitid(2)).
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == nil {
			return
		}
		if err != unix.EINTR {
			t.Fatal(err)
		}
	}
}

func TestRunID(t *testing.T) {
	self, err := ownID()
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := parseRunID(self.String()); !ok || got != self || self.dead(self) {
		t.Errorf("%v is read as %v", self, got)
	}
	for _, bad := range []string{"", "coppice-", "coppice-1", "coppice-1-2", "coppice-1-2-3-4", "coppice-+1-2-3", "coppice-1-02-3",
		"coppice-0-2-3", "coppice--1-2-3", "coppice-1-2-x", "xcoppice-1-2-3", "coppice-1-99999999999999999999-3"} {
		if id, ok := parseRunID(bad); ok {
			t.Errorf("%q is read as %v", bad, id)
		}
	}
}

func TestParseStat(t *testing.T) {
	const format = "10 (%s) %s 1 20 30 34816 -1 4194304 0 0 0 0 0 0 0 0 20 0 %s 0 4711 0 0"
	for _, tt := range []struct {
		name, state, threads string
		ended                bool
	}{
		{"cat", "S", "1", false},
		{"a) Z 1 (b c", "R", "1", false},
		{"zombie", "Z", "1", true},
		{"first thread ended", "Z", "3", false},
		{"dead", "X", "0", true},
	} {
		line := fmt.Sprintf(format, tt.name, tt.state, tt.threads)
		if got, ok := parseStat(line); !ok || got != (stat{10, 4711, tt.ended}) {
			t.Errorf("%s: %+v %v", line, got, ok)
		}
	}
	for _, bad := range []string{"", "10 (cat", "10 (cat) S 1 2", "x" + fmt.Sprintf(format, "cat", "S", "1")} {
		if _, ok := parseStat(bad); ok {
			t.Errorf("%q was understood", bad)
		}
	}
}
