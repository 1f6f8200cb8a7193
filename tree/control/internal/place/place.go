// Package place knows where control sockets are, and which of them can be
// trusted: server and client agree here.
package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/coppice-go/coppice/strategies"
)

const (
	socketSuffix = ".sock"
	lockSuffix   = ".lock"
)

// maxPath is the length of the longest path of a socket (unix(7)).
const maxPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// DefaultDir is where sockets are: coppice in $XDG_RUNTIME_DIR if that is the
// path of a directory, else coppice-UID in the directory for temporary files.
func DefaultDir() string {
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		if info, err := os.Stat(run); err == nil && info.IsDir() {
			return filepath.Join(run, "coppice")
		}
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("coppice-%d", os.Geteuid()))
}

// Socket is the path of the socket of a tree. The error says what is wrong with
// the name; dir is DefaultDir if empty.
func Socket(dir, name string) (string, error) {
	if dir == "" {
		dir = DefaultDir()
	}
	switch {
	case name == "" || strings.Contains(name, "/"):
		return "", fmt.Errorf("tree name %q: %w", name, strategies.ErrID)
	case strings.ContainsRune(name, 0):
		return "", fmt.Errorf("tree name %q: it must not contain a NUL", name)
	}
	path := filepath.Join(dir, name+socketSuffix)
	if over := len(path) - maxPath; over > 0 {
		return "", fmt.Errorf("%s: the path of a socket has at most %d bytes, this one has %d: make the name of the tree %d bytes shorter, or XDG_RUNTIME_DIR",
			path, maxPath, len(path), over)
	}
	return path, nil
}

// Lock is the path of the lock that goes with the socket at this path.
func Lock(socket string) string { return strings.TrimSuffix(socket, socketSuffix) + lockSuffix }

// Names returns the names for which there is a socket in dir, sorted, of trees that
// run or not; dir is DefaultDir if empty.
func Names(dir string) ([]string, error) {
	if dir == "" {
		dir = DefaultDir()
	}
	err := checkDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list running trees: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), socketSuffix); ok && name != "" && e.Type()&fs.ModeSocket != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names) // not as their files are: a- comes before a.sock
	return names, nil
}

// Connect connects to a socket whose path Socket gave. A socket that others could
// have made is refused.
func Connect(ctx context.Context, path string) (*net.UnixConn, error) {
	if err := checkDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialUnix(ctx, "unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
}

// Gone reports whether an error of Connect says that nobody listens.
func Gone(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

// MakeDir makes the directory for sockets, or checks the one that is there.
func MakeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the directory for control sockets: %w; XDG_RUNTIME_DIR says where it is to be", err)
	}
	owner, err := privateDir(dir)
	if err != nil {
		return err
	}
	return ownedBy(dir, owner, os.Geteuid())
}

// checkDir refuses a directory in which others could have put a socket. Root may
// use anybody's, to look at anybody's tree.
func checkDir(dir string) error {
	owner, err := privateDir(dir)
	if err != nil || os.Geteuid() == 0 {
		return err
	}
	return ownedBy(dir, owner, os.Geteuid())
}

// privateDir returns the owner of a directory that nobody else can enter.
func privateDir(dir string) (owner int, err error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return 0, err
	}
	owner, err = ownerOf(info)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s: %w", dir, err)
	case !info.IsDir():
		return 0, fmt.Errorf("%s is no directory, but control sockets are to be in it: remove it", dir)
	case info.Mode().Perm()&0o077 != 0:
		return 0, fmt.Errorf("%s has mode %04o, others can enter it: control sockets are not safe there. Say: chmod 700 %s", dir, info.Mode().Perm(), dir)
	}
	return owner, nil
}

func ownedBy(dir string, owner, uid int) error {
	if owner == uid {
		return nil
	}
	return fmt.Errorf("%s belongs to uid %d, not to you (uid %d): control sockets are not safe there. Remove it, or set XDG_RUNTIME_DIR to a directory of your own", dir, owner, uid)
}
