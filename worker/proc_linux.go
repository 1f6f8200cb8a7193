package worker

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
)

// member is a process as /proc shows it: pid and start together name one
// process for as long as the system runs.
type member struct {
	pid            int
	start          uint64 // in clock ticks since boot
	group, session int
}

type procEntry struct {
	member
	dead bool // a zombie: all of its threads have ended
}

// lookAtProc returns all processes by session. It reads /proc after it was
// called; callers who come while it is being read wait for the next reading and
// share that, so that a thousand children who die together cost two readings,
// not a thousand.
func lookAtProc() (map[int][]procEntry, error) {
	waiting.Add(1)
	defer func() {
		if waiting.Add(-1) == 0 {
			reading.mu.Lock()
			if waiting.Load() == 0 {
				reading.all = nil // nobody left to share it
			}
			reading.mu.Unlock()
		}
	}()
	next := begun.Load() + 1 // the first reading that begins from now on
	reading.mu.Lock()
	defer reading.mu.Unlock()
	if reading.done < next || reading.all == nil {
		n := begun.Add(1)
		reading.all, reading.err = readProc()
		reading.done = n
	}
	return reading.all, reading.err
}

var (
	waiting atomic.Int64  // callers of lookAtProc
	begun   atomic.Uint64 // readings begun

	reading struct {
		mu   sync.Mutex // guards what follows
		done uint64     // the last reading that was completed,
		all  map[int][]procEntry
		err  error // and its result
	}
)

func readProc() (map[int][]procEntry, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	all := make(map[int][]procEntry)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			e, err := readStat(pid)
			switch err {
			case nil:
				all[e.session] = append(all[e.session], e)
			case unix.ENOENT, unix.ESRCH: // gone in the meantime
			default:
				return nil, &os.PathError{Op: "read", Path: statPath(pid), Err: err}
			}
		}
	}
	return all, nil
}

func statPath(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/stat" }

func readStat(pid int) (procEntry, error) {
	fd, err := netpoll.IgnoringEINTR(func() (int, error) { return unix.Open(statPath(pid), unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return procEntry{}, err
	}
	defer unix.Close(fd)
	var buf [1024]byte
	n, err := netpoll.IgnoringEINTR(func() (int, error) { return unix.Read(fd, buf[:]) })
	if err != nil {
		return procEntry{}, err
	}
	e, ok := parseStat(pid, buf[:n])
	if !ok {
		return procEntry{}, unix.ESRCH
	}
	return e, nil
}

// parseStat reads a line of proc_pid_stat(5). The name, in parentheses, may
// contain anything; the fields after the last parenthesis begin with the third.
func parseStat(pid int, line []byte) (procEntry, bool) {
	const (
		state   = 3
		group   = 5
		session = 6
		threads = 20
		start   = 22
	)
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) < start-2 {
		return procEntry{}, false
	}
	num := func(i int) uint64 {
		n, _ := strconv.ParseUint(string(fields[i-3]), 10, 64)
		return n
	}
	e := procEntry{member: member{pid: pid, start: num(start), group: int(num(group)), session: int(num(session))}}
	switch fields[state-3][0] {
	case 'X', 'x':
		e.dead = true
	case 'Z': // its first thread has ended; are there others?
		e.dead = num(threads) <= 1
	}
	return e, true
}

// kill sends SIGKILL to exactly this process: once the pidfd is open the number
// is looked at again.
func (m member) kill() {
	fd, err := unix.PidfdOpen(m.pid, 0)
	if err != nil {
		return // gone, or no descriptor to be had; the next round tries again
	}
	defer unix.Close(fd)
	if now, err := readStat(m.pid); err == nil && now.member == m {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// ticks is the current time in the unit of /proc's start times: USER_HZ is 100
// on every architecture that Go runs on.
func ticks() uint64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return uint64(ts.Nano()) / 1e7
}
