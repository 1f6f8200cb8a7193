package notify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// runtimeDir is a directory for the sockets of this process. As long as it is
// in use it is locked (flock(2)), which tells the living from the dead in every
// pid namespace, and keeps systemd-tmpfiles from ageing it (tmpfiles.d(5)).
type runtimeDir struct {
	path    string
	lock    *os.File // the directory itself, opened and locked
	sockets int      // guarded by home.mu
}

// home is the directory where the next socket goes.
var home struct {
	mu    sync.Mutex
	dir   *runtimeDir // nil if there is no socket
	swept bool        // the left-overs of dead runs were looked for
}

// Both are checked before anything is removed, or it is not ours to remove.
var (
	homeName = regexp.MustCompile(`^coppice-notify-[0-9]+-[0-9]+$`)
	sockName = regexp.MustCompile(`^[0-9]+-[0-9]+\.sock$`)
)

func socketName(n uint64) string { return fmt.Sprintf("%d-%d.sock", os.Getpid(), n) }

// fits reports whether a socket in dir can have a path short enough.
func fits(dir string) bool { return len(dir)+len("/4194304-12345678901.sock") <= maxPath }

// enterHome returns the directory for one more socket.
func enterHome() (*runtimeDir, error) {
	home.mu.Lock()
	defer home.mu.Unlock()
	if home.dir == nil || !home.dir.there() { // or it was cleaned away by somebody
		dir, err := makeRuntimeDir(bases())
		if err != nil {
			return nil, err
		}
		home.dir = dir
	}
	if !home.swept {
		home.swept = true
		sweep(filepath.Dir(home.dir.path))
	}
	home.dir.sockets++
	return home.dir, nil
}

// leave is called once for each enterHome.
func (d *runtimeDir) leave() error {
	home.mu.Lock()
	defer home.mu.Unlock()
	d.sockets--
	if d.sockets > 0 {
		return nil
	}
	if home.dir == d {
		home.dir = nil
	}
	return d.remove()
}

// there reports whether the path still leads to the directory.
func (d *runtimeDir) there() bool {
	atPath, err1 := os.Lstat(d.path)
	locked, err2 := d.lock.Stat()
	return err1 == nil && err2 == nil && os.SameFile(atPath, locked)
}

// remove ends the use of d and removes it if there is nothing in it.
func (d *runtimeDir) remove() error {
	var err error
	if d.there() {
		err = os.Remove(d.path)
	}
	return errors.Join(err, d.lock.Close())
}

// bases are the places for a directory of our own, the best first.
func bases() []string {
	first := os.Getenv("XDG_RUNTIME_DIR")
	if os.Geteuid() == 0 {
		first = "/run"
	}
	return slices.DeleteFunc([]string{first, os.TempDir(), "/tmp"}, func(dir string) bool { return dir == "" })
}

func makeRuntimeDir(bases []string) (*runtimeDir, error) {
	var errs []error
	for _, base := range bases {
		d, err := makeIn(base)
		if err == nil {
			return d, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("%w\nset TMPDIR to a directory of yours with a short path", errors.Join(errs...))
}

func makeIn(base string) (*runtimeDir, error) {
	base, err := filepath.Abs(base)
	if err != nil {
		return nil, err
	}
	if err := trusted(base); err != nil {
		return nil, err
	}
	if !fits(filepath.Join(base, "coppice-notify-4194304-1234567890")) {
		return nil, fmt.Errorf("%s: the path of a socket in it would have more than %d bytes", base, maxPath)
	}
	// Another process may sweep a directory that was made and not yet locked.
	for range 100 {
		path, err := os.MkdirTemp(base, fmt.Sprintf("coppice-notify-%d-", os.Getpid()))
		if err != nil {
			return nil, err
		}
		d, err := lockDir(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EWOULDBLOCK):
			continue
		case err != nil:
			return nil, errors.Join(err, os.Remove(path))
		case d.there():
			return d, nil
		}
		d.lock.Close()
	}
	return nil, fmt.Errorf("%s: what is made there is removed at once by another process", base)
}

// lockDir opens a directory of ours and locks it, if nobody else has.
func lockDir(path string) (*runtimeDir, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case ownerOf(info) != os.Geteuid():
		err = fmt.Errorf("%s belongs to user %d", path, ownerOf(info))
	case info.Mode()&0o022 != 0:
		err = fmt.Errorf("%s has mode %#o: others can write to it", path, info.Mode().Perm())
	default:
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			err = &os.PathError{Op: "flock", Path: path, Err: err}
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &runtimeDir{path: path, lock: f}, nil
}

// sweep removes from base what dead runs of this user left there. Nothing but
// sockets with our kind of name in directories with our kind of name is
// touched, and no directory that is locked. What cannot be removed stays.
func sweep(base string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !homeName.MatchString(entry.Name()) {
			continue
		}
		d, err := lockDir(filepath.Join(base, entry.Name()))
		if err != nil {
			continue
		}
		d.removeSockets()
		_ = d.remove()
	}
}

func (d *runtimeDir) removeSockets() {
	entries, err := d.lock.ReadDir(-1)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.Type() == fs.ModeSocket && sockName.MatchString(entry.Name()) {
			_ = unix.Unlinkat(int(d.lock.Fd()), entry.Name(), 0)
		}
	}
}

// trusted refuses a directory in which others could put something of theirs in
// the place of what is ours.
func trusted(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case ownerOf(info) != os.Geteuid() && ownerOf(info) != 0:
		return fmt.Errorf("%s belongs to user %d, neither to us nor to root", dir, ownerOf(info))
	case info.Mode()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0:
		return fmt.Errorf("%s has mode %#o: others could replace what is in it; give a directory that only its owner can write to",
			dir, info.Mode().Perm())
	}
	return nil
}

func ownerOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }
