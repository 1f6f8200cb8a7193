package chaos

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// resources is what the process that runs the tree holds now; nil if that cannot
// be seen.
func resources(pid int) *check.Resources {
	s, err := readStatus(pid)
	if err != nil {
		return nil
	}
	fds, err := readNames(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return nil
	}
	r := &check.Resources{FDs: len(fds), Threads: s.threads, RSS: s.rss}
	if pid == os.Getpid() {
		r.FDs-- // the one by which they were listed
		r.Goroutines = runtime.NumGoroutine()
	}
	all, err := readProcesses()
	if err != nil {
		return nil
	}
	for _, p := range all {
		if p.parent == pid && p.state == "Z" {
			r.Zombies++
		}
	}
	r.Cgroups = cgroups(pid)
	r.TempFiles = tempFiles(pid)
	return r
}

// cgroups counts those that package worker has made for the process: all are in
// directories of its name.
func cgroups(pid int) int {
	prefix := fmt.Sprintf("coppice-%d-", pid)
	n := 0
	for _, mount := range cgroupMounts() {
		_ = filepath.WalkDir(mount, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || !d.IsDir():
				return nil // gone meanwhile, or not ours to see
			case strings.HasPrefix(d.Name(), prefix):
				groups, _ := filepath.Glob(filepath.Join(path, "*", "cgroup.procs"))
				n += len(groups)
				return fs.SkipDir
			}
			return nil
		})
	}
	return n
}

// cgroupMounts are the places where version 2 of cgroups is mounted.
func cgroupMounts() []string {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var mounts []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if before, after, ok := strings.Cut(line, " - "); ok && strings.HasPrefix(after, "cgroup2 ") {
			if fields := strings.Fields(before); len(fields) > 4 {
				mounts = append(mounts, fields[4])
			}
		}
	}
	return mounts
}

// tempFiles counts the sockets that package worker has made for the process.
func tempFiles(pid int) int {
	n := 0
	seen := map[string]bool{}
	for _, base := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/run", os.TempDir(), "/tmp"} {
		if base == "" || seen[base] {
			continue
		}
		seen[base] = true
		files, _ := filepath.Glob(filepath.Join(base, fmt.Sprintf("coppice-notify-%d-*", pid), "*"))
		n += len(files)
	}
	return n
}
