package guard

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// killTree sends SIGKILL to all descendants, parents before their children.
//
// That order leaves no gap for a fork. From the moment SIGKILL is sent to a
// process it makes no more children: a fork(2) that is under way fails or is
// already in the list of children, which is read afterwards. And nobody lives
// to see his child die and to start another. Children of a parent that died in
// the meantime are the guard's, and found at the next call; so are those of one
// that forks and ends before its turn.
func killTree() {
	for level := killChildren(); len(level) > 0; {
		var next []int
		for _, parent := range level {
			for _, pid := range children(parent) {
				if killGrandchild(pid, parent) {
					next = append(next, pid)
				}
			}
		}
		level = next
	}
}

// killChildren sends SIGKILL to the guard's own children, and returns them.
// Only the guard reaps these, so that their numbers are theirs.
func killChildren() []int {
	pids := children(os.Getpid())
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	return pids
}

// killGrandchild sends SIGKILL to a child of parent, which may have become one of
// the guard's, and to nobody else: once the pidfd is open, the number is looked
// at again. If it cannot be done now the child will come up to the guard when
// its parent is dead.
func killGrandchild(pid, parent int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	s, err := readStat(pid)
	if err != nil || (s.parent != parent && s.parent != os.Getpid()) {
		return false
	}
	_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	return true
}

// children returns the pids of a process's children, zombies too. proc(5): a
// list may lack some if others of it end while it is read.
func children(pid int) (pids []int) {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	for _, tid := range names(dir) {
		list, _ := os.ReadFile(filepath.Join(dir, tid, "children"))
		for _, field := range bytes.Fields(list) {
			if pid, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// names lists a directory; it is empty if it cannot be read.
func names(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	all, _ := f.Readdirnames(-1)
	return all
}

// stat is what is needed of proc_pid_stat(5).
type stat struct {
	name   string
	state  byte
	parent int
	start  uint64 // in clock ticks since boot
}

// dead reports whether it is a zombie, or about to be none any more.
func (s stat) dead() bool { return s.state == 'Z' || s.state == 'X' }

func readStat(pid int) (stat, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	line, err := os.ReadFile(path)
	if err != nil {
		return stat{}, err
	}
	// The name, in parentheses, may contain anything.
	from, to := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if from < 0 || to < from {
		return stat{}, fmt.Errorf("read %s: %q is not understood", path, line)
	}
	const state, parent, start = 0, 1, 19 // the fields 3, 4 and 22 of the line
	fields := strings.Fields(string(line[to+1:]))
	if len(fields) <= start {
		return stat{}, fmt.Errorf("read %s: %q is not understood", path, line)
	}
	s := stat{name: string(line[from+1 : to]), state: fields[state][0]}
	s.parent, _ = strconv.Atoi(fields[parent])
	s.start, _ = strconv.ParseUint(fields[start], 10, 64)
	return s, nil
}

// checkProc finds out whether the guard would see its children. A /proc of
// another PID namespace shows other processes under their numbers.
func checkProc() error {
	pid, err := os.Readlink("/proc/self")
	switch {
	case err != nil:
		return fmt.Errorf("guard: /proc is needed (mount -t proc proc /proc): %w: %w", errors.ErrUnsupported, err)
	case pid != strconv.Itoa(os.Getpid()):
		return fmt.Errorf("guard: /proc is that of another PID namespace (mount -t proc proc /proc): %w", errors.ErrUnsupported)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/self/task/%s/children", pid)); err != nil {
		return fmt.Errorf("guard: the kernel does not list children (CONFIG_PROC_CHILDREN): %w: %w", errors.ErrUnsupported, err)
	}
	return nil
}
