package place

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Peer returns the uid and pid of the process at the other end, as the kernel
// noted them when it connected, or began to listen (SO_PEERCRED, unix(7)).
func Peer(c *net.UnixConn) (uid, pid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, 0, err
	}
	if credErr != nil {
		return 0, 0, os.NewSyscallError("getsockopt SO_PEERCRED", credErr)
	}
	return int(cred.Uid), int(cred.Pid), nil
}

func ownerOf(info fs.FileInfo) (int, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("owner of %s: %w", info.Name(), errors.ErrUnsupported)
	}
	return int(st.Uid), nil
}

// ErrLocked says that another has the lock.
var ErrLocked = errors.New("locked by another")

// LockFile makes the file at path and locks it, until it is closed or the
// process ends. The file may be removed by who has it locked.
func LockFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		// Who had it before may have removed it after it was opened here.
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if there, err := os.Lstat(path); err == nil && os.SameFile(mine, there) {
			return f, nil
		}
		f.Close()
	}
}
