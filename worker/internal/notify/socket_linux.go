package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Socket is where the messages for one incarnation of a program arrive. Its
// methods may be called from any goroutine.
//
// It is a socket in the file system, not in the abstract namespace: an abstract
// one has no permissions, so that every process in the network namespace could
// claim to be ready on the program's behalf, or fill the queue (10 datagrams by
// default, net.unix.max_dgram_qlen) and block the program. Only our own user
// may send to it, and root, and whom [Socket.Allow] lets.
type Socket struct {
	path string
	conn *net.UnixConn
	raw  syscall.RawConn // of conn
	home *runtimeDir     // nil if the caller chose the directory

	closing sync.Once
	closed  error // what Close returns
}

// maxPath is the length of the longest path that a socket can have: sun_path
// has 108 bytes, and a NUL at the end (unix(7)).
const maxPath = 107

// serial numbers the sockets of this process.
var serial atomic.Uint64

// Listen makes a socket in dir, or, if dir is empty, in a directory of this
// process alone: coppice-notify-PID-RANDOM in $XDG_RUNTIME_DIR (in /run if we
// are root: other users cannot enter root's), or else in [os.TempDir], or else
// in /tmp. The first socket makes that directory, with mode 0700, and the last
// that is closed removes it; so does the next run, should this one be killed.
//
// A dir that is given must exist and belong to us or root, and nobody else may
// be able to rename what is in it. If it is so deep that the path would be too
// long for a socket, the directory of the process is taken instead: see Path.
//
// A Socket takes one descriptor, the directory of the process another one.
func Listen(dir string) (*Socket, error) {
	if dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("notify: %w", err)
		}
		if err := trusted(dir); err != nil {
			return nil, fmt.Errorf("notify: listen in %s: %w", dir, err)
		}
		if fits(dir) {
			return listen(dir, nil)
		}
	}
	home, err := enterHome()
	if err != nil {
		return nil, fmt.Errorf("notify: no place for a socket: %w", err)
	}
	s, err := listen(home.path, home)
	if err != nil {
		return nil, errors.Join(err, home.leave())
	}
	return s, nil
}

func listen(dir string, home *runtimeDir) (*Socket, error) {
	var path string
	var conn net.PacketConn
	err := error(unix.EADDRINUSE)
	// The name is in use if a process with our pid was killed, and dir is one
	// that nobody clears.
	for tries := 0; tries < 100 && errors.Is(err, unix.EADDRINUSE); tries++ {
		path = filepath.Join(dir, socketName(serial.Add(1)))
		conn, err = (&net.ListenConfig{Control: prepare}).ListenPacket(context.Background(), "unixgram", path)
	}
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	s := &Socket{path: path, conn: conn.(*net.UnixConn), home: home}
	if s.raw, err = s.conn.SyscallConn(); err != nil {
		return nil, errors.Join(err, s.conn.Close(), os.Remove(path))
	}
	return s, nil
}

// prepare comes before bind(2): no message without credentials, and no moment
// at which others may connect. (The mode of the file is that of the socket's
// inode, less the umask: unix_bind_bsd in the kernel's net/unix/af_unix.c.)
func prepare(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		if err = unix.Fchmod(int(fd), 0o600); err == nil {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
		}
	}); e != nil {
		return e
	}
	return err
}

// Path is the value for NOTIFY_SOCKET.
func (s *Socket) Path() string { return s.path }

// Allow lets processes of another user send to the socket: it is given to uid
// (mode 0600 as before, so that there is still nobody else but root), and the
// directory of the process becomes one that others may pass, not list (0711).
// That takes root, or CAP_CHOWN. It is an error if uid could not get through to
// the socket by what the modes of the directories above say to their owner and
// to others; groups and ACLs are not considered.
func (s *Socket) Allow(uid int) error {
	if err := os.Chown(s.path, uid, -1); err != nil {
		return fmt.Errorf("notify: let user %d send to the socket: %w", uid, err)
	}
	if s.home != nil {
		if err := os.Chmod(s.home.path, 0o711); err != nil {
			return fmt.Errorf("notify: let user %d pass to the socket: %w", uid, err)
		}
	}
	if uid == 0 {
		return nil
	}
	for dir := filepath.Dir(s.path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("notify: let user %d pass to the socket: %w", uid, err)
		}
		if info.Mode()&0o001 == 0 && !(ownerOf(info) == uid && info.Mode()&0o100 != 0) {
			return fmt.Errorf("notify: user %d cannot reach %s: %s has mode %#o; listen in a directory that this user may pass",
				uid, s.path, dir, info.Mode().Perm())
		}
		if dir == "/" {
			return nil
		}
	}
}

var buffers = sync.Pool{New: func() any { return new([MaxDatagram + 1]byte) }}

// Receive waits for the next message; after Close its error wraps
// [net.ErrClosed]. While it waits it holds no thread and no buffer.
//
// Descriptors that came with the message are closed before it returns. That is
// the answer to BARRIER=1, so that one who calls Receive in a loop, and is done
// with a message before calling it again, keeps the promise of
// sd_notify_barrier(3).
func (s *Socket) Receive() (Message, error) {
	var m Message
	var err error
	if e := s.raw.Read(func(fd uintptr) bool {
		m, err = receive(int(fd))
		return err != unix.EAGAIN
	}); e != nil {
		err = e
	}
	if err != nil {
		return Message{}, fmt.Errorf("notify: receive at %s: %w", s.path, err)
	}
	return m, nil
}

func receive(fd int) (Message, error) {
	buf := buffers.Get().(*[MaxDatagram + 1]byte)
	defer buffers.Put(buf)
	// There is room for the credentials, which come first, and none for
	// descriptors: those the kernel closes (MSG_CTRUNC, unix(7)) and this
	// process never has them.
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	for {
		n, oobn, _, _, err := unix.Recvmsg(fd, buf[:], oob, unix.MSG_CMSG_CLOEXEC)
		switch err {
		case unix.EINTR:
		case nil:
			m := Parse(buf[:n])
			m.PID, err = sender(oob[:oobn])
			return m, err
		default:
			return Message{}, err
		}
	}
}

func sender(oob []byte) (int, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if cred, err := unix.ParseUnixCredentials(&m); err == nil {
			return int(cred.Pid), nil
		}
	}
	return 0, nil
}

// Close removes the socket and wakes who waits in Receive. Messages that were
// not received are lost. Closing again does nothing and has the same result.
func (s *Socket) Close() error {
	s.closing.Do(func() {
		err := os.Remove(s.path)
		if errors.Is(err, os.ErrNotExist) { // somebody cleaned up
			err = nil
		}
		s.closed = errors.Join(err, s.conn.Close())
		if s.home != nil {
			s.closed = errors.Join(s.closed, s.home.leave())
		}
	})
	return s.closed
}
