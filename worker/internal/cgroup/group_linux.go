package cgroup

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Group is the cgroup of one incarnation of a child. Its methods may be called
// at the same time from many goroutines; none but FD needs the descriptor, and none
// but AwaitEmpty waits for processes.
type Group struct {
	parent *Parent
	dir    string
	killed atomic.Bool // Kill was called

	mu      sync.Mutex // guards what follows
	fd      int        // -1: closed
	removed bool
}

// String is the group's directory.
func (g *Group) String() string { return g.dir }

// FD is a descriptor for [syscall.SysProcAttr].CgroupFD (O_PATH, close-on-exec),
// or -1 if it has been closed. It stays the group's: it is closed by CloseFD or Remove,
// which must not be called while a child is being started.
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

// Kill sends SIGKILL to all processes in the group and in groups below it. A
// process that is being started in it at the same time dies too. After that
// nothing more can be started in it: from Linux 6.14 it would be killed at once.
// Killing a group that has been removed does nothing.
func (g *Group) Kill() error {
	g.killed.Store(true)
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
	again := kill
	if !g.killed.Load() {
		again = nil
	}
	return awaitEmpty(g.dir, within, again)
}

// Pids returns, in order, the processes in the group and in groups below it.
func (g *Group) Pids() ([]int, error) { return pids(g.dir) }

// OOMKills counts the processes of the group that the kernel has killed for
// want of memory since the group was made. Without the memory controller (see
// [Limits]) it is 0. It must be asked before Remove.
func (g *Group) OOMKills() (int, error) {
	data, err := os.ReadFile(g.dir + "/memory.events")
	switch {
	case errors.Is(err, os.ErrNotExist):
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
// whether a child has left something behind. It may then be called again. When
// the group has been removed, calling it again does nothing.
func (g *Group) Remove() error { return g.remove(g.parent.release) }

// Retire is Remove for when another group will be made soon, as after a crash:
// the directory that holds the groups of this process stays for a second.
func (g *Group) Retire() error { return g.remove(g.parent.releaseLater) }

// Abandon leaves a group that cannot be removed now, as some of its processes do
// not die. It is tried again whenever another group is made.
func (g *Group) Abandon() {
	g.parent.mu.Lock()
	defer g.parent.mu.Unlock()
	g.parent.abandoned = append(g.parent.abandoned, g)
}

func (g *Group) remove(release func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closeFD()
	if g.removed {
		return nil
	}
	turns <- struct{}{}
	defer func() { <-turns }()
	if err := removeTree(g.dir); err != nil {
		return fmt.Errorf("remove cgroup: %w", err)
	}
	g.removed = true
	return release()
}
