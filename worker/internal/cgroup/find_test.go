//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

const (
	unified = `24 30 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
35 23 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`
	hybrid = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
	legacy = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup2 rw,memory
`
	// A container without a cgroup namespace: its own cgroup is bind-mounted.
	bound = `612 601 0:26 /system.slice/docker-4f2a.scope /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime master:4 - cgroup2 cgroup rw
`
	// Mounted from outside of the reader's cgroup namespace.
	outer = `612 601 0:26 /../.. /host/cgroup rw,relatime - cgroup2 cgroup2 rw
`
	odd = `50 1 0:30 / /mnt/a\040b\134c rw optional:1 more:2 - cgroup2 none rw
51 1 0:30 /user.slice /mnt/user rw - cgroup2 none rw
too short - cgroup2 none rw
`
)

func TestOwnDirs(t *testing.T) {
	for _, tt := range []struct {
		name, mountinfo, cgroup string
		want                    []string
	}{
		{"unified", unified, "0::/user.slice/user-1000.slice/session-3.scope\n", []string{"/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope"}},
		{"unified, the root", unified, "0::/\n", []string{"/sys/fs/cgroup"}},
		{"unified, out of the namespace", unified, "0::/../sibling\n", nil},
		{"unified, above the namespace", unified, "0::/..\n", nil},
		{"unified, a name that begins so", unified, "0::/..a\n", []string{"/sys/fs/cgroup/..a"}},
		{"hybrid", hybrid, "9:name=systemd:/init.scope\n4:memory:/x\n0::/init.scope\n", []string{"/sys/fs/cgroup/unified/init.scope"}},
		{"hybrid, colons in names", hybrid, "1:name=a:b:/x\n0::/a:b\n", []string{"/sys/fs/cgroup/unified/a:b"}},
		{"legacy", legacy, "4:memory:/x\n", nil},
		{"container", bound, "0::/system.slice/docker-4f2a.scope\n", []string{"/sys/fs/cgroup"}},
		{"container, below", bound, "0::/system.slice/docker-4f2a.scope/app\n", []string{"/sys/fs/cgroup/app"}},
		{"container, another", bound, "0::/system.slice/docker-4f2a.scope2\n", nil},
		{"container, elsewhere", bound, "0::/\n", nil},
		{"outer", outer, "0::/\n", nil},
		{"two mounts", odd, "0::/user.slice/x\n", []string{`/mnt/a b\c/user.slice/x`, "/mnt/user/x"}},
		{"two mounts, one shows it", odd, "0::/x\n", []string{`/mnt/a b\c/x`}},
	} {
		var got []string
		if own, ok := parseOwn(tt.cgroup); ok {
			for _, m := range parseMounts(tt.mountinfo) {
				if dir, ok := m.dirOf(own); ok {
					got = append(got, dir)
				}
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	for _, none := range []string{"", "4:memory:/x\n", "10::/x\n", "0::\n", "0::x"} {
		if own, ok := parseOwn(none); ok {
			t.Errorf("%q: %q", none, own)
		}
	}
}

func TestFindByEnv(t *testing.T) {
	if _, err := find("off"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "COPPICE_CGROUP=off") {
		t.Errorf("off: %v", err)
	}
	for _, bad := range []string{"on", "cgroup", t.TempDir(), "/nowhere"} {
		_, err := find(bad)
		if err == nil || errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	dir := base(t)
	p, err := find(dir + "/")
	if err != nil || p.dir != dir {
		t.Fatalf("%v, %v", p, err)
	}
	if names, err := subdirs(dir); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// A threaded subtree cannot hold a process of another parent: found out by trying.
func TestFindThreaded(t *testing.T) {
	dir := base(t) + "/threaded"
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := write(dir+"/cgroup.type", "threaded"); err != nil {
		t.Fatal(err)
	}
	_, err := find(dir)
	if err == nil || errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "threaded subtree") {
		t.Error(err)
	}
	if names, err := subdirs(dir); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// inside starts a role as a user in a cgroup.
func inside(t *testing.T, dir string, uid int) *syscall.SysProcAttr {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	sys := &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	if uid != 0 {
		sys.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	}
	return sys
}

// A process finds its own cgroup, or the one above if systemd delegated that.
func TestFindFromInside(t *testing.T) {
	dir := base(t)
	sub := dir + "/supervisor"
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := start(t, inside(t, sub, 0), "find").word("found"); got != sub+" unsupported=false: <nil>" {
		t.Errorf("found %s", got)
	}
	if err := unix.Setxattr(dir, "user.delegate", []byte("1"), 0); err != nil {
		t.Skipf("cannot mark a cgroup as systemd does: %v", err)
	}
	if got := start(t, inside(t, sub, 0), "find").word("found"); got != dir+" unsupported=false: <nil>" {
		t.Errorf("with the mark: found %s", got)
	}
	if names, err := subdirs(dir); err != nil || !slices.Equal(names, []string{"supervisor"}) {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// A cgroup that was killed once and is used again: from Linux 6.14 each child
// that is cloned out of it into another is killed at once. Such a parent is refused.
func TestFindInKilledCgroup(t *testing.T) {
	dir := base(t)
	if err := kill(dir); err != nil {
		t.Fatal(err)
	}
	c := start(t, nil, "find-in", dir)
	got := c.word("found")
	if strings.Contains(got, "unsupported=true") && strings.Contains(got, "are killed at once") {
		t.Log(got)
	} else if got != dir+" unsupported=false: <nil>" {
		t.Errorf("found %s", got)
	}
	if behind := c.word("left behind"); behind != "" {
		t.Errorf("left behind: %s", behind)
	}
}

// What a user may do is what was delegated to it.
func TestFindAsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be somebody else")
	}
	const nobody = 65534
	dir := base(t)
	sub := dir + "/sub"
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	found := func(dir string) string {
		t.Helper()
		c := start(t, inside(t, dir, nobody), "find")
		return c.word("found")
	}

	got := found(dir)
	if !strings.Contains(got, "unsupported=true") || !strings.Contains(got, "not delegated to this user") {
		t.Errorf("not delegated: found %s", got)
	}

	// The subgroup's directory alone: groups can be made, but no process put there.
	if err := os.Chown(sub, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	got = found(sub)
	if !strings.Contains(got, "unsupported=true") || !strings.Contains(got, "may not put children there") {
		t.Errorf("delegated in part: found %s", got)
	}

	// As systemd does it.
	for _, name := range []string{"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"} {
		if err := os.Chown(filepath.Join(sub, name), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if got := found(sub); got != fmt.Sprintf("%s unsupported=false: <nil>", sub) {
		t.Errorf("delegated: found %s", got)
	}
	if names, err := subdirs(sub); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}
