package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/coppice-go/coppice/tree/control/internal/place"
)

// RunningError says that there is a tree of this name already.
type RunningError struct {
	Name   string
	Socket string // its path
	PID    int    // of the process that runs it; 0 if it is not known
}

func (e *RunningError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("a tree named %q runs already, %s has %s: stop it first, or give this one another name", e.Name, who, e.Socket)
}

// claim is the right to a name, and the socket that goes with it. It lasts until
// released, or until the process ends: the kernel then lets the lock go, and the
// next one may replace the socket.
type claim struct {
	path     string // of the socket
	lock     *os.File
	listener *net.UnixListener
}

// newClaim takes a name. The error is a *RunningError if somebody has it.
func newClaim(dir, name string) (*claim, error) {
	path, err := place.Socket(dir, name)
	if err != nil {
		return nil, err
	}
	if err := place.MakeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	c := &claim{path: path}
	c.lock, err = place.LockFile(place.Lock(c.path))
	if errors.Is(err, place.ErrLocked) {
		return nil, &RunningError{Name: name, Socket: path, PID: holder(path)}
	}
	if err != nil {
		return nil, fmt.Errorf("lock the name of the tree: %w", err)
	}
	if err := c.listen(name); err != nil {
		c.unlock()
		return nil, err
	}
	return c, nil
}

// listen makes the socket in place of one that is left of a tree that ended
// without removing it.
func (c *claim) listen(name string) error {
	if err := removeStale(c.path, name); err != nil {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: c.path, Net: "unix"})
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // release does, before it lets the lock go
	if err := os.Chmod(c.path, 0o600); err != nil {
		l.Close()
		os.Remove(c.path)
		return fmt.Errorf("control socket: %w", err)
	}
	c.listener = l
	return nil
}

// removeStale removes a socket on which nobody listens. That somebody does,
// though the lock was free, is so when the lock file was removed by hand.
func removeStale(path, name string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("%s is no socket, but the control socket is to be there: remove it", path)
	}
	conn, err := place.Connect(context.Background(), path)
	if err == nil {
		conn.Close()
		return &RunningError{Name: name, Socket: path, PID: holder(path)}
	}
	if !place.Gone(err) {
		return fmt.Errorf("the control socket of an earlier run: %w: remove it if nothing uses it", err)
	}
	return os.Remove(path)
}

// holder returns the pid of who listens; 0 if nobody does.
func holder(path string) int {
	conn, err := place.Connect(context.Background(), path)
	if err != nil {
		return 0
	}
	defer conn.Close()
	_, pid, err := place.Peer(conn)
	if err != nil {
		return 0
	}
	return pid
}

// release removes the socket, whose listener is closed, and gives the name back.
func (c *claim) release() error { return errors.Join(os.Remove(c.path), c.unlock()) }

// unlock removes the lock file while it is locked: see place.LockFile.
func (c *claim) unlock() error { return errors.Join(os.Remove(place.Lock(c.path)), c.lock.Close()) }
