package top

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of times in /proc, USER_HZ: 1/100 s for all programs
// (proc_pid_stat(5)), whatever the kernel's own.
const clockTick = time.Second / 100

// The fields of /proc/PID/stat, counted from the one after the name in
// parentheses, which may contain anything.
const (
	utimeField = 14 - 3
	stimeField = 15 - 3
	rssField   = 24 - 3
)

// sample reads what processes use. Those that are gone are left out.
func sample(pids []int) map[int]Used {
	used := make(map[int]Used, len(pids))
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		if u, ok := parseStat(text); ok {
			used[pid] = u
		}
	}
	return used
}

func parseStat(text []byte) (u Used, ok bool) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) <= rssField {
		return u, false
	}
	utime, err1 := strconv.ParseInt(string(fields[utimeField]), 10, 64)
	stime, err2 := strconv.ParseInt(string(fields[stimeField]), 10, 64)
	pages, err3 := strconv.ParseInt(string(fields[rssField]), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return u, false
	}
	return Used{CPU: time.Duration(utime+stime) * clockTick, RSS: pages * int64(os.Getpagesize())}, true
}
