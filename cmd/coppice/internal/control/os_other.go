//go:build !linux

package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"syscall"
)

var (
	errLocked = errors.New("locked by another")
	errHere   = fmt.Errorf("control sockets on %s: %w", runtime.GOOS, errors.ErrUnsupported)
)

// Peer would return the uid and pid of the process at the other end.
func Peer(*net.UnixConn) (uid, pid int, err error) { return 0, 0, errHere }

// ParseSignal would read the name of a signal.
func ParseSignal(string) (syscall.Signal, error) { return 0, errHere }

func ownerOf(fs.FileInfo) (int, error) { return 0, errHere }

func lockFile(string) (*os.File, error) { return nil, errHere }
