package cgroup

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// runID names one process for as long as the system runs; its directory bears
// that name. Pids and start times mean something only to processes of the same
// pid namespace, and processes of several may share a parent cgroup.
type runID struct {
	pid   int
	start uint64 // clock ticks since boot, proc_pid_stat(5)
	ns    uint64 // the inode of its pid namespace, namespaces(7)
}

const runPrefix = "coppice-"

func (id runID) String() string { return fmt.Sprintf(runPrefix+"%d-%d-%d", id.pid, id.start, id.ns) }

// parseRunID accepts exactly what String makes.
func parseRunID(name string) (runID, bool) {
	rest, ok := strings.CutPrefix(name, runPrefix)
	f := strings.Split(rest, "-")
	if !ok || len(f) != 3 {
		return runID{}, false
	}
	pid, err1 := strconv.Atoi(f[0])
	start, err2 := strconv.ParseUint(f[1], 10, 64)
	ns, err3 := strconv.ParseUint(f[2], 10, 64)
	id := runID{pid, start, ns}
	return id, errors.Join(err1, err2, err3) == nil && pid > 0 && id.String() == name
}

func ownID() (runID, error) {
	id := runID{pid: os.Getpid()}
	link, err := os.Readlink("/proc/self/ns/pid") // pid:[4026531836]
	if err != nil {
		return id, err
	}
	if _, err := fmt.Sscanf(link, "pid:[%d]", &id.ns); err != nil {
		return id, fmt.Errorf("/proc/self/ns/pid is %q: %w", link, err)
	}
	line, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return id, err
	}
	s, ok := parseStat(string(line))
	if !ok || s.pid != id.pid {
		return id, fmt.Errorf("/proc is not that of this process, pid %d: mount one for its pid namespace", id.pid)
	}
	id.start = s.start
	return id, nil
}

// dead reports whether the process is certainly no more, or has only its exit
// status left.
func (id runID) dead(self runID) bool {
	if id.ns != self.ns || id == self {
		return false // not for us to judge
	}
	// Not by looking into /proc: hidepid hides others' processes (proc(5)).
	if unix.Kill(id.pid, 0) == unix.ESRCH {
		return true
	}
	line, err := os.ReadFile("/proc/" + strconv.Itoa(id.pid) + "/stat")
	if err != nil {
		return false
	}
	s, ok := parseStat(string(line))
	return ok && s.pid == id.pid && (s.start != id.start || s.ended)
}

type stat struct {
	pid   int
	start uint64
	ended bool // a zombie without threads
}

// parseStat reads a line of proc_pid_stat(5). The name, in parentheses, may
// contain anything; the fields after the last parenthesis begin with the third.
func parseStat(line string) (stat, bool) {
	const (
		state   = 3
		threads = 20
		start   = 22
	)
	front, _, _ := strings.Cut(line, " ")
	f := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(f) <= start-3 {
		return stat{}, false
	}
	pid, err1 := strconv.Atoi(front)
	ticks, err2 := strconv.ParseUint(f[start-3], 10, 64)
	n, err3 := strconv.Atoi(f[threads-3])
	ended := f[state-3] == "X" || f[state-3] == "Z" && n <= 1
	return stat{pid, ticks, ended}, errors.Join(err1, err2, err3) == nil
}

// clearFor bounds the wait for the processes that a dead run left.
const clearFor = time.Second

// ClearDead kills and removes what processes left below the parent that made
// groups there and are no more. What belongs to a living process, to one of
// another pid namespace, or bears another name, is not touched. [Parent.New]
// calls it once; who sees a supervisor die may call it at once. It takes about
// a second at most, longer than a moment only if something does not die of
// SIGKILL.
func (p *Parent) ClearDead() error {
	self, err := ownID()
	if err != nil {
		return err
	}
	names, err := subdirs(p.dir)
	if err != nil {
		return err
	}
	var dead []string
	var errs []error
	for _, name := range names {
		if id, ok := parseRunID(name); ok && id.dead(self) {
			dir := p.dir + "/" + name
			if err := kill(dir); err != nil {
				errs = append(errs, err)
				continue
			}
			dead = append(dead, dir) // all are killed first: they die side by side
		}
	}
	deadline := time.Now().Add(clearFor)
	for _, dir := range dead {
		if _, err := awaitEmpty(dir, time.Until(deadline), kill); err != nil {
			errs = append(errs, err)
		}
		errs = append(errs, removeTree(dir))
	}
	return errors.Join(errs...)
}
