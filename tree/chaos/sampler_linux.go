package chaos

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// sampler finds the processes of a tree in /proc. They bear the path of a child
// and the pid of the process that runs the tree in their environment, and descend
// from that; those that have left it, because their parent ended, are known from an
// earlier look, or are now children of one of its ancestors.
type sampler struct {
	pid       int    // of the process that runs the tree
	root      string // its path
	begin     uint64 // when it started, in clock ticks since boot
	ancestors map[int]bool
	marks     map[identity]mark // of those that were seen, and not gone when last looked
}

// identity names one process for as long as the system runs.
type identity struct {
	pid   int
	start uint64
}

type mark struct {
	path        string
	incarnation uint64
}

// newSampler returns nil if there is nothing to be seen.
func newSampler(pid int, root string) *sampler {
	s, ok := readStat(pid)
	if self, err := os.Readlink("/proc/self"); !ok || err != nil || self == "" {
		return nil
	}
	m := &sampler{pid: pid, root: root, begin: s.start, ancestors: map[int]bool{1: true}, marks: map[identity]mark{}}
	for up := s.parent; up > 1; {
		m.ancestors[up] = true
		a, ok := readStat(up)
		if !ok {
			break
		}
		up = a.parent
	}
	return m
}

// look returns the processes of the tree as they are now.
func (m *sampler) look() (check.Sample, error) {
	sample := check.Sample{Time: time.Now(), Processes: []check.Process{}}
	all, err := readProcesses()
	if err != nil {
		return sample, err
	}
	marks := make(map[identity]mark, len(m.marks))
	ours := map[int]bool{m.pid: true}
	for pid := range all {
		if !m.related(all, ours, pid) {
			continue
		}
		s := all[pid]
		id := identity{pid, s.start}
		known, seen := m.marks[id]
		if !seen {
			known.path, known.incarnation, seen = readMark(pid, m.pid)
			seen = seen && strings.HasPrefix(known.path, m.root+"/")
		}
		if !seen {
			continue // between its fork and its exec, or a zombie, or no child
		}
		marks[id] = known
		sample.Processes = append(sample.Processes, check.Process{
			PID: pid, Start: s.start, Path: known.path, Incarnation: known.incarnation, Leader: s.session == pid, State: s.state,
		})
	}
	m.marks = marks
	m.settle(&sample)
	slices.SortFunc(sample.Processes, func(a, b check.Process) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Incarnation, b.Incarnation), cmp.Compare(a.PID, b.PID))
	})
	return sample, nil
}

// related reports whether a process descends from the one that runs the tree, or
// did. Ours keeps what was found out.
func (m *sampler) related(all map[int]procStat, ours map[int]bool, pid int) bool {
	if pid == m.pid {
		return false
	}
	var chain []int
	found := false
	for p := pid; !found && p > 1 && len(chain) < 1000; {
		if is, known := ours[p]; known {
			found = is
			break
		}
		s, ok := all[p]
		if !ok {
			break
		}
		chain = append(chain, p)
		_, seen := m.marks[identity{p, s.start}]
		found = seen || m.ancestors[s.parent] && !m.ancestors[p] && s.start >= m.begin && p == pid
		p = s.parent
	}
	for _, p := range chain {
		if found || p == pid {
			ours[p] = found
		}
	}
	return found
}

// settle looks again at children of which two incarnations were seen: reading
// takes time, and the one may have ended before the other was started. One that
// lives now, when the other was seen already, lived beside it.
func (m *sampler) settle(sample *check.Sample) {
	first := make(map[string]uint64)
	again := make(map[string]bool)
	for _, p := range sample.Processes {
		if n, ok := first[p.Path]; ok && n != p.Incarnation {
			again[p.Path] = true
		}
		first[p.Path] = p.Incarnation
	}
	if len(again) == 0 {
		return
	}
	sample.Processes = slices.DeleteFunc(sample.Processes, func(p check.Process) bool {
		if !again[p.Path] {
			return false
		}
		now, ok := readStat(p.PID)
		return !ok || now.start != p.Start || now.dead()
	})
}
