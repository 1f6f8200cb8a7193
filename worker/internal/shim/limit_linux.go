package shim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Infinity is no limit.
const Infinity = ^uint64(0)

// Rlimit is a resource limit (getrlimit(2)).
type Rlimit struct {
	// Resource is the name of the limit in lower case, as in RLIMIT_NOFILE:
	// as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile,
	// nproc, rss, rtprio, rttime, sigpending or stack.
	Resource string

	// Soft is the limit in force, Hard the ceiling up to which an unprivileged
	// process may raise it. The unit is the kernel's: bytes, seconds of CPU
	// time (cpu), microseconds (rttime) or a count.
	Soft, Hard uint64
}

var resources = map[string]int{
	"as":         unix.RLIMIT_AS,
	"core":       unix.RLIMIT_CORE,
	"cpu":        unix.RLIMIT_CPU,
	"data":       unix.RLIMIT_DATA,
	"fsize":      unix.RLIMIT_FSIZE,
	"locks":      unix.RLIMIT_LOCKS,
	"memlock":    unix.RLIMIT_MEMLOCK,
	"msgqueue":   unix.RLIMIT_MSGQUEUE,
	"nice":       unix.RLIMIT_NICE,
	"nofile":     unix.RLIMIT_NOFILE,
	"nproc":      unix.RLIMIT_NPROC,
	"rss":        unix.RLIMIT_RSS,
	"rtprio":     unix.RLIMIT_RTPRIO,
	"rttime":     unix.RLIMIT_RTTIME,
	"sigpending": unix.RLIMIT_SIGPENDING,
	"stack":      unix.RLIMIT_STACK,
}

func (l Rlimit) validate() error {
	if _, known := resources[l.Resource]; !known {
		return fmt.Errorf("limit %q is unknown: the limits are %s", l.Resource,
			strings.Join(slices.Sorted(maps.Keys(resources)), ", "))
	}
	if l.Soft > l.Hard {
		return fmt.Errorf("limit %s: the soft limit is above the hard limit", l)
	}
	return nil
}

// String returns the limit as "nofile 1024:4096".
func (l Rlimit) String() string {
	return l.Resource + " " + limitText(l.Soft) + ":" + limitText(l.Hard)
}

func limitText(n uint64) string {
	if n == Infinity {
		return "infinity"
	}
	return strconv.FormatUint(n, 10)
}
