package cgroup

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Group is the cgroup of one incarnation of a child. Its methods may be called
// at the same time from many goroutines; none but FD needs the descriptor, and none
// but AwaitEmpty waits for processes. Once it has been removed or retired they do
// nothing: the directory may then be another Group's.
type Group struct {
	parent    *Parent
	kind      kind
	dir       string
	oomBefore int       // what the kernel had counted before this incarnation
	until     time.Time // when it is removed, if it is retired; guarded by parent.mu

	mu     sync.Mutex // guards what follows
	fd     int        // -1: closed
	killed bool       // Kill was called
	over   bool       // removed or retired
}

// String is the group's directory.
func (g *Group) String() string { return g.dir }

// FD is a descriptor for [syscall.SysProcAttr].CgroupFD (O_PATH, close-on-exec),
// or -1 if it has been closed. It stays the group's: it is closed by CloseFD, Remove or
// Retire, which must not be called while a child is being started.
func (g *Group) FD() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fd
}

// CloseFD closes the descriptor, of which a running child has no need. All else
// works without it. Calling it again does nothing.
func (g *Group) CloseFD() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closeFD()
}

func (g *Group) closeFD() {
	if g.fd >= 0 {
		_ = unix.Close(g.fd)
		g.fd = -1
	}
}

func (g *Group) open() error {
	fd, err := unix.Open(g.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open cgroup %s: %w", g.dir, err)
	}
	g.fd = fd
	return nil
}

// Kill sends SIGKILL to all processes in the group and in groups below it. A
// process that is being started in it at the same time dies too. After that
// nothing more can be started in it: from Linux 6.14 it would be killed at once.
func (g *Group) Kill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return nil
	}
	g.killed = true
	return kill(g.dir)
}

// AwaitEmpty waits until no process is in the group or in a group below it;
// zombies do not count. If some are left at the end of the time it returns
// their pids. If Kill was called before, it is repeated now and then: before
// Linux 6.14 a process that was being forked could survive it.
//
// Emptiness is looked for, with growing pauses of 100 us to 50 ms; so it is
// meant for a group that was killed or is about to be empty, not for the life of
// a child.
func (g *Group) AwaitEmpty(within time.Duration) (left []int, err error) {
	g.mu.Lock()
	over, killed := g.over, g.killed
	g.mu.Unlock()
	if over {
		return nil, nil
	}
	var again func(string) error
	if killed {
		again = kill // it will not be retired: nobody else dies
	}
	left, err = awaitEmpty(g.dir, within, again)
	if g.isOver() {
		return nil, nil
	}
	return left, err
}

// isOver is asked after something was read from the group: what was found may
// be of another incarnation.
func (g *Group) isOver() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.over
}

// Pids returns, in order, the processes in the group and in groups below it.
func (g *Group) Pids() ([]int, error) {
	list, err := pids(g.dir)
	if g.isOver() {
		return nil, nil
	}
	return list, err
}

// OOMKills counts the processes of this incarnation that the kernel has killed
// for want of memory. Without a limit of memory it is 0. It must be asked before
// Remove or Retire.
func (g *Group) OOMKills() (int, error) {
	if g.kind.limits.Memory == 0 {
		return 0, nil
	}
	n, err := oomKills(g.dir)
	if err != nil || g.isOver() {
		return 0, err
	}
	return n - g.oomBefore, nil
}

// oomKills counts from when the group was made.
func oomKills(dir string) (int, error) {
	data, err := os.ReadFile(dir + "/memory.events")
	switch {
	case gone(err):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return parseOOMKills(string(data)), nil
}

func parseOOMKills(events string) int {
	for line := range strings.Lines(events) {
		if value, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(value))
			return n
		}
	}
	return 0
}

// Remove closes the descriptor and removes the group, with groups that the
// child made below it. While a process is in one of them nothing is removed and
// the error wraps [unix.EBUSY]: that makes Remove the cheapest way to find out
// whether a child has left something behind. It may then be called again.
//
// With the last group of this process the retired ones are removed too.
func (g *Group) Remove() error {
	g.mu.Lock()
	err := g.remove()
	g.mu.Unlock()
	if err == nil {
		g.parent.Finish()
	}
	return err
}

// Retire is Remove for when another incarnation is likely, as after a crash: the
// group waits a second for a call of [Parent.New] with the same name and limits,
// and is removed if none comes. A process left in it is the same error as of
// Remove, which is then the one to call. A group that is not as a new one, for it
// was killed or frozen or has groups below it, is removed at once.
//
// Who takes the group has it as it is. Limits and other settings that somebody
// has changed stay so.
//
// It cannot be seen that somebody else has written to cgroup.kill, after which
// the group is good for nothing, as after Kill: from Linux 6.14 whatever is
// started in it dies of SIGKILL before it runs, without a page fault (getrusage(2),
// ru_minflt). The group of such a process must be removed, not retired, or the
// next one dies too.
func (g *Group) Retire() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over || g.killed || !g.reusable() {
		return g.remove()
	}
	next := &Group{parent: g.parent, kind: g.kind, dir: g.dir, fd: g.fd}
	g.fd, g.over = -1, true
	g.parent.retire(next)
	return nil
}

// Abandon leaves a group that cannot be removed now, as some of its processes do
// not die. It is tried again whenever another group is made.
func (g *Group) Abandon() {
	g.parent.mu.Lock()
	defer g.parent.mu.Unlock()
	g.parent.abandoned = append(g.parent.abandoned, g)
}

// remove is called with mu held.
func (g *Group) remove() error {
	if g.over {
		g.closeFD()
		return nil
	}
	if err := g.removeDir(); err != nil {
		return err
	}
	return g.parent.release()
}

// removeDir is called with mu held.
func (g *Group) removeDir() error {
	g.closeFD()
	turns <- struct{}{}
	defer func() { <-turns }()
	if err := removeTree(g.dir); err != nil {
		return fmt.Errorf("remove cgroup: %w", err)
	}
	g.over = true
	return nil
}
