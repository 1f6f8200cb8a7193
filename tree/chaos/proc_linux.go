package chaos

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// procStat is what is needed of proc_pid_stat(5).
type procStat struct {
	pid     int
	state   string
	parent  int
	session int
	start   uint64 // in clock ticks since boot
}

func (s procStat) dead() bool { return s.state == "Z" || s.state == "X" }

// readNames lists a directory.
func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// readProcesses reads the stat of all processes.
func readProcesses() (map[int]procStat, error) {
	names, err := readNames("/proc")
	if err != nil {
		return nil, err
	}
	all := make(map[int]procStat, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if s, ok := readStat(pid); ok {
				all[pid] = s
			}
		}
	}
	return all, nil
}

// readStat is false for a process that is gone.
func readStat(pid int) (procStat, bool) {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return procStat{}, false
	}
	// The name, in parentheses, may contain anything. After it come the fields from
	// the third on: these are the fields 3, 4, 6 and 22.
	const state, parent, session, start = 0, 1, 3, 19
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) <= start {
		return procStat{}, false
	}
	s := procStat{pid: pid, state: string(fields[state])}
	s.parent, _ = strconv.Atoi(string(fields[parent]))
	s.session, _ = strconv.Atoi(string(fields[session]))
	s.start, _ = strconv.ParseUint(string(fields[start]), 10, 64)
	return s, true
}

// readMark finds out which child of the tree that the process host runs a process
// belongs to, by its environment.
func readMark(pid, host int) (path string, incarnation uint64, ok bool) {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return "", 0, false
	}
	ours := false
	for kv := range bytes.SplitSeq(env, []byte{0}) {
		if v, is := bytes.CutPrefix(kv, []byte("COPPICE_CHILD=")); is {
			path = string(v)
		} else if v, is := bytes.CutPrefix(kv, []byte("COPPICE_INCARNATION=")); is {
			incarnation, _ = strconv.ParseUint(string(v), 10, 64)
		} else if v, is := bytes.CutPrefix(kv, []byte("COPPICE_SUPERVISOR=")); is {
			ours = string(v) == strconv.Itoa(host)
		}
	}
	return path, incarnation, ours && path != ""
}

// procStatus is what is needed of proc_pid_status(5).
type procStatus struct {
	uid, threads int
	rss          int64 // bytes
}

func readStatus(pid int) (procStatus, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return procStatus{}, err
	}
	var s procStatus
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		name, rest, _ := bytes.Cut(line, []byte(":"))
		fields := bytes.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		n, _ := strconv.Atoi(string(fields[0]))
		switch string(name) {
		case "Uid":
			s.uid = n
		case "Threads":
			s.threads = n
		case "VmRSS":
			s.rss = int64(n) << 10
		}
	}
	return s, nil
}
