package output

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
)

// pipe is our end of a child's stdout or stderr. Its reading is independent of
// the child's death: a descendant may hold the other end for ever.
type pipe struct {
	file  *os.File
	conn  syscall.RawConn
	poll  func(fd uintptr) bool // p.read, made once
	until *atomic.Pointer[time.Time]

	// what the last read brought
	buf *buffer
	n   int
	err error

	busy

	resting bool // nothing more is waited for
	rest    int  // how much may still be read then
	cut     bool // reading ended before the stream did
}

// newPipe makes a pipe whose read end is ours, in the netpoller, and whose
// write end is an ordinary blocking descriptor for the child.
func newPipe(until *atomic.Pointer[time.Time]) (_ *pipe, w int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, -1, err
	}
	file, conn, err := netpoll.File(fds[0], "output of a child")
	if err != nil {
		unix.Close(fds[1])
		return nil, -1, err
	}
	p := &pipe{file: file, conn: conn, until: until}
	p.poll = p.read
	return p, fds[1], nil
}

// next waits for something to read. From the time when the child is dead and
// nothing more comes, it reads without waiting what the pipe holds. That cannot
// be more than its capacity (pipe(7)), so that a descendant which writes on and
// on has no hold on us, and all that was written before the child's death is
// read.
func (p *pipe) next() *buffer {
	if !p.resting {
		if until := p.until.Load(); until != nil {
			p.drain(earlier(time.Now().Add(quietFor), *until))
		}
		p.pace(p)
		if err := p.conn.Read(p.poll); err == nil {
			return p.got()
		}
		p.resting = true
		_ = p.conn.Control(func(fd uintptr) { p.rest, _ = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) })
	}
	some := false
	if p.rest >= 0 {
		_ = p.conn.Control(func(fd uintptr) { some = p.read(fd) })
	}
	if !some {
		p.cut = true
		p.close()
		return nil
	}
	p.rest -= p.n
	return p.got()
}

// read reads once into a borrowed buffer; false if there is nothing to read yet.
func (p *pipe) read(fd uintptr) bool {
	p.buf = borrow(p.large)
	p.n, p.err = netpoll.IgnoringEINTR(func() (int, error) { return unix.Read(int(fd), p.buf.space()) })
	if p.err == unix.EAGAIN {
		p.buf.giveBack()
		p.buf = nil
		return false
	}
	return true
}

// got returns what was read; nil if that is the end.
func (p *pipe) got() *buffer {
	buf := p.buf
	p.buf = nil
	if p.n <= 0 || p.err != nil {
		buf.giveBack()
		p.close()
		return nil
	}
	buf.filled(p.n)
	return buf
}

func (p *pipe) held() bool { return p.cut }

// drain makes a next that waits, and those to come, give up at quiet.
func (p *pipe) drain(quiet time.Time) { _ = p.file.SetReadDeadline(quiet) }

func (p *pipe) close() {
	p.calm()
	_ = p.file.Close()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
