package output

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
	"github.com/coppice-go/coppice/worker/internal/poller"
)

// pipe is our end of a child's stdout or stderr. Its reading is independent of
// the child's death: a descendant may hold the other end for ever.
//
// Whoever reads it has it: a pump, which the poller starts, or Drain. While
// nobody has it, it is armed.
type pipe struct {
	stream *stream

	mu    sync.Mutex // guards armed and spent, and the arming
	armed bool
	spent bool // the poller's one event has come

	// of whoever has it, down to file
	resting bool        // nothing more is waited for
	cut     bool        // reading ended before the stream did
	over    atomic.Bool // the poller's: the pipe is empty, and nobody can write to it
	busy
	fd   int       // -1: closed
	rest int       // how much may still be read when resting
	id   poller.ID // zero: it is not there
	file *os.File  // of fd, once it has to be waited for with a deadline
}

// open makes the pipe of a stream. Its write end is an ordinary blocking
// descriptor for the child.
func (p *pipe) open(s *stream) (w int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return -1, err
	}
	p.stream, p.fd = s, fds[0]
	if _, err = unix.FcntlInt(uintptr(p.fd), unix.F_SETFL, unix.O_NONBLOCK); err == nil {
		p.id, err = poller.Add(p.fd, p)
	}
	if err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return -1, err
	}
	s.source = p
	return fds[1], nil
}

// start lets the poller have it for the first time.
func (p *pipe) start() { p.arm() }

// arm lets the poller have it. It returns false once the child is dead: the
// caller keeps it then.
func (p *pipe) arm() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until() != nil {
		return false
	}
	p.armed = true
	if p.spent {
		p.spent = false
		poller.Again(p.id, p.fd)
	}
	return true
}

// Ready is the poller's: there is something to read, or, if over, there never
// will be. That is no reason to read: it is what happens first when a child dies,
// before anybody can learn of the death, and whatever is done then delays that.
func (p *pipe) Ready(over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spent = true
	switch {
	case over:
		p.over.Store(true)
	case p.armed:
		p.armed = false
		p.stream.out.pumps.Add(1)
		go p.stream.pump(reading)
	}
}

// take gives it to the caller, unless somebody has it.
func (p *pipe) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	took := p.armed
	p.armed = false
	return took
}

// read reads without waiting.
func (p *pipe) read() (*buffer, error) {
	if p.over.Load() {
		return nil, p.end()
	}
	switch until := p.until(); {
	case until == nil:
		p.pace(p)
	case !p.resting && time.Now().After(*until):
		p.settle()
	}
	if p.resting && p.rest < 0 {
		return nil, p.abandon()
	}
	return p.got(p.fetch())
}

// wait is for when there was nothing to read. While the child lives it lets the
// poller have the pipe. After that it waits for the last words of descendants.
func (p *pipe) wait() (*buffer, error) {
	if p.arm() {
		return nil, errNothing
	}
	if buf, err := p.read(); err != errNothing {
		return buf, err
	}
	conn, err := p.late()
	if err != nil {
		return nil, p.abandon()
	}
	_ = p.file.SetReadDeadline(earlier(time.Now().Add(quietFor), *p.until()))
	var buf *buffer
	var failed error
	if err := conn.Read(func(uintptr) bool {
		buf, failed = p.fetch()
		return failed != unix.EAGAIN
	}); err == nil {
		return p.got(buf, failed)
	}
	p.settle()
	return p.read()
}

// late puts the pipe into Go's netpoller, which knows deadlines.
func (p *pipe) late() (_ syscall.RawConn, err error) {
	if p.file != nil {
		return p.file.SyscallConn()
	}
	file, conn, err := netpoll.File(p.fd, "output of a child")
	if err != nil {
		p.fd = -1
		return nil, err
	}
	p.file = file
	return conn, nil
}

// settle ends the waiting: from here on what the pipe holds is read. That cannot
// be more than its capacity (pipe(7)), so that a descendant which writes on and
// on has no hold on us, and all that was written before the child's death is
// read.
func (p *pipe) settle() {
	p.resting = true
	p.rest, _ = unix.FcntlInt(uintptr(p.fd), unix.F_GETPIPE_SZ, 0)
}

// fetch reads once into a borrowed buffer; nil is the end of the stream.
func (p *pipe) fetch() (*buffer, error) {
	buf := borrow(p.large)
	n, err := netpoll.IgnoringEINTR(func() (int, error) { return unix.Read(p.fd, buf.space()) })
	if n <= 0 || err != nil {
		buf.giveBack()
		return nil, err
	}
	buf.filled(n)
	return buf, nil
}

// got says what it means that this was fetched.
func (p *pipe) got(buf *buffer, err error) (*buffer, error) {
	switch {
	case buf != nil:
		p.rest -= len(buf.data())
		return buf, nil
	case err != unix.EAGAIN:
		return nil, p.end()
	case p.resting:
		return nil, p.abandon()
	}
	return nil, errNothing
}

func (p *pipe) held() bool { return p.cut }

// abandon ends the reading although the stream does not end.
func (p *pipe) abandon() error {
	p.cut = true
	return p.end()
}

func (p *pipe) end() error {
	p.close()
	return io.EOF
}

func (p *pipe) close() {
	p.calm()
	if p.id != (poller.ID{}) {
		poller.Forget(p.id)
		p.id = poller.ID{}
	}
	switch {
	case p.file != nil:
		_ = p.file.Close()
	case p.fd >= 0:
		unix.Close(p.fd)
	}
	p.fd = -1
}

func (p *pipe) until() *time.Time { return p.stream.out.until.Load() }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
