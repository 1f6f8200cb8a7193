package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Env names the environment variable which decides where groups are made:
// "off" for nowhere, or the absolute path of another parent cgroup. A path must
// not be passed on to children: their groups would be made outside of ours.
const Env = "COPPICE_CGROUP"

// Find returns the cgroup below which this process may make others. It looks
// once and for all: later calls return the same.
//
// That is the process's own cgroup, or the one above it if systemd has put the
// process into a subgroup of what it delegates (DelegateSubgroup=). It has been
// tried: a group could be made, a process started in it, the group removed.
//
// If there is none the error wraps [errors.ErrUnsupported] and says why. Two
// errors do not wrap it, as somebody should hear of them: a value of [Env] that
// does not do, and a want of descriptors, processes or memory, after which the
// next call looks again.
func Find() (*Parent, error) {
	found.mu.Lock()
	defer found.mu.Unlock()
	if !found.done {
		found.parent, found.err = find(os.Getenv(Env))
		found.done = !lacking(found.err)
	}
	return found.parent, found.err
}

var found struct {
	mu     sync.Mutex // guards what follows
	done   bool
	parent *Parent
	err    error
}

// lacking reports whether an error may pass.
func lacking(err error) bool {
	for _, want := range []error{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EAGAIN} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

func find(env string) (*Parent, error) {
	switch {
	case env == "off":
		return nil, fmt.Errorf("cgroups are switched off by %s=off: %w", Env, errors.ErrUnsupported)
	case filepath.IsAbs(env):
		p, err := try(filepath.Clean(env))
		switch {
		case lacking(err):
			return nil, err
		case err != nil: // not %w: ENOSYS and others are ErrUnsupported too
			return nil, fmt.Errorf("%s=%s cannot be used, correct or unset it: %v", Env, env, err)
		}
		return p, nil
	case env != "":
		return nil, fmt.Errorf("%s is %q: set it to the absolute path of a cgroup2 directory or to off, or unset it", Env, env)
	}

	dirs, err := ownDirs()
	errs := []error{err}
	for _, dir := range dirs {
		p, err := try(dir)
		if err == nil {
			return p, nil
		}
		errs = append(errs, err)
	}
	err = errors.Join(errs...)
	if lacking(err) {
		return nil, fmt.Errorf("look for a cgroup: %w", err)
	}
	return nil, fmt.Errorf("no cgroup can be used: %w (%w)", err, errors.ErrUnsupported)
}

// ownDirs returns the directories that may do, the best first: those that show
// this process's own cgroup (one, but in strange arrangements of mounts), each
// after the one above it if that was delegated.
func ownDirs() ([]string, error) {
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	own, ok := parseOwn(string(self))
	if !ok {
		return nil, errors.New("/proc/self/cgroup has no entry for cgroup v2: the kernel has only v1")
	}
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	mounts := parseMounts(string(info))
	if len(mounts) == 0 {
		return nil, errors.New("no file system of type cgroup2 is mounted: mount one (mount -t cgroup2 none DIRECTORY)")
	}
	var dirs []string
	for _, m := range mounts {
		if dir, ok := m.dirOf(own); ok {
			if above := filepath.Dir(dir); delegated(above) {
				dirs = append(dirs, above)
			}
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("the own cgroup %s is in none of the %d mounted cgroup2 file systems", own, len(mounts))
	}
	return dirs, nil
}

// delegated reports whether systemd marked dir as the top of what its service
// may manage. It sets both attributes; the first is unreadable to users.
func delegated(dir string) bool {
	var value [8]byte
	for _, attr := range []string{"trusted.delegate", "user.delegate"} {
		if n, err := unix.Getxattr(dir, attr, value[:]); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// try finds out whether groups can be made below dir and used.
func try(dir string) (_ *Parent, err error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return nil, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return nil, fmt.Errorf("%s is not in a cgroup2 file system", dir)
	}
	p, err := newParent(dir)
	if err != nil {
		return nil, err
	}
	g, err := p.make(kind{name: "try"})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.Remove()) }()
	for _, name := range []string{"cgroup.events", "cgroup.procs"} {
		if err := unix.Access(g.dir+"/"+name, unix.F_OK); err != nil {
			return nil, fmt.Errorf("cgroup %s has no file %s: %w", g.dir, name, err)
		}
	}
	if unix.Access(g.dir+"/cgroup.kill", unix.W_OK) != nil && unix.Access(g.dir+"/cgroup.freeze", unix.W_OK) != nil {
		return nil, fmt.Errorf("cgroup %s has neither cgroup.kill (Linux 5.14) nor cgroup.freeze (Linux 5.2)", g.dir)
	}
	if err := tryStart(g); err != nil {
		return nil, err
	}
	_, err = g.AwaitEmpty(time.Second)
	return p, err
}

// tryStart starts a process in g the way children are started. The kernel, the
// rights to the cgroups on the way, a threaded cgroup and a sandbox that
// forbids clone3 can each refuse it.
//
// The process ends before it has executed anything: the kernel looks at no
// path that is longer than PATH_MAX. So ENAMETOOLONG is the success: it is an error
// of execve(2) and none of clone(2).
func tryStart(g *Group) error {
	pid, err := syscall.ForkExec(strings.Repeat("x", unix.PathMax+1), nil, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD()},
	})
	why := ""
	switch err {
	case unix.ENAMETOOLONG:
		return nil
	case nil:
		// It was killed before it could execute anything. Linux counts how often
		// each cgroup was killed, to find forks that a kill has overtaken,
		// but since 6.14 compares the count of the wrong cgroup: that of the
		// process which clones, not that of the one cloned into.
		for err = unix.EINTR; err == unix.EINTR; {
			_, err = unix.Wait4(pid, nil, 0, nil)
		}
		return fmt.Errorf("processes started in cgroup %s are killed at once: cgroup.kill was once used on the cgroup of this process, "+
			"which the kernel mistakes for a kill of them: start this program in a new cgroup", g.dir)
	case unix.ENOSYS, unix.EINVAL, unix.E2BIG:
		why = "the kernel is older than 5.7, or a sandbox forbids clone3"
	case unix.EACCES, unix.EPERM, unix.ENOENT:
		why = "this process may not put children there: the cgroup above it that also holds this process must be delegated to its user, and be in its cgroup namespace"
	case unix.EOPNOTSUPP:
		why = "it is in a threaded subtree, or the cgroup above holds processes and has controllers enabled"
	default:
		return fmt.Errorf("start a process in cgroup %s: %w", g.dir, err)
	}
	return fmt.Errorf("start a process in cgroup %s: %s (%w)", g.dir, why, err)
}

// mount is a mounted cgroup2 file system.
type mount struct {
	root  string // the cgroup that is seen at
	point string // this directory
}

// dirOf returns the directory in which the mount shows a cgroup. A cgroup that
// lies outside of the reader's cgroup namespace begins with "/..": what is
// really above is not told (cgroup_namespaces(7)).
func (m mount) dirOf(cgroup string) (string, bool) {
	if strings.HasPrefix(cgroup+"/", "/../") {
		return "", false
	}
	rest, ok := strings.CutPrefix(cgroup, strings.TrimSuffix(m.root, "/"))
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return filepath.Join(m.point, rest), true
}

// parseMounts reads proc_pid_mountinfo(5):
//
//	41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
func parseMounts(info string) []mount {
	var mounts []mount
	for line := range strings.Lines(info) {
		front, back, ok := strings.Cut(line, " - ") // spaces in fields are escaped
		f := strings.Fields(front)
		if ok && len(f) >= 6 && strings.HasPrefix(back, "cgroup2 ") {
			mounts = append(mounts, mount{root: unescape.Replace(f[3]), point: unescape.Replace(f[4])})
		}
	}
	return mounts
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// parseOwn finds the cgroup v2 in /proc/self/cgroup (cgroups(7)):
//
//	1:name=systemd:/init.scope
//	0::/init.scope
func parseOwn(self string) (string, bool) {
	for line := range strings.Lines(self) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSuffix(path, "\n"), strings.HasPrefix(path, "/")
		}
	}
	return "", false
}
