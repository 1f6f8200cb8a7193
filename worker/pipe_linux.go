package worker

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// quietFor and drainFor bound the reading after the child's death: until
	// the end of the stream, or nothing came for quietFor, or drainFor passed.
	// In the ordinary case all writers are dead and the end is there at once.
	quietFor = 100 * time.Millisecond
	drainFor = time.Second
)

// readBuffers are lent to a pipe for as long as it takes to deal with what was
// read: a silent child holds none.
var readBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// pipe is our end of a child's stdout or stderr. Its reading is independent of
// the child's death: a descendant may hold the other end for ever.
type pipe struct {
	stream stream
	file   *os.File
	conn   syscall.RawConn
	poll   func(fd uintptr) bool // p.read, made once

	// what the last read brought
	buf *[32 << 10]byte
	n   int
	err error

	held bool // reading ended before the stream did
}

// newPipe makes a pipe whose read end is ours, in the netpoller, and whose
// write end is an ordinary blocking descriptor for the child.
func newPipe() (_ *pipe, w int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, -1, err
	}
	file, conn, err := pollable(fds[0], "output of a child")
	if err != nil {
		unix.Close(fds[1])
		return nil, -1, err
	}
	p := &pipe{file: file, conn: conn}
	p.poll = p.read
	return p, fds[1], nil
}

// pump takes the stream from the pipe until its end.
func (p *pipe) pump() {
	defer p.file.Close()
	for p.next() {
		p.stream.write(p.buf[:p.n])
		p.giveBack()
	}
	p.stream.flush()
}

// next waits for something to read; false is the end.
func (p *pipe) next() bool {
	if until := p.stream.out.until.Load(); until != nil {
		_ = p.file.SetReadDeadline(earlier(time.Now().Add(quietFor), *until))
	}
	if err := p.conn.Read(p.poll); err != nil {
		p.rest()
		return false
	}
	return !p.ended()
}

// rest reads, without waiting, what the pipe holds. It cannot hold more than
// its capacity (pipe(7)), so that a descendant which writes on and on has no
// hold on us, and all that was written before the child's death is read.
func (p *pipe) rest() {
	capacity := 0
	_ = p.conn.Control(func(fd uintptr) { capacity, _ = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) })
	for got := 0; got <= capacity; {
		some := false
		if err := p.conn.Control(func(fd uintptr) { some = p.read(fd) }); err != nil || !some {
			break
		}
		if p.ended() {
			return
		}
		got += p.n
		p.stream.write(p.buf[:p.n])
		p.giveBack()
	}
	p.held = true
}

// read reads once into a borrowed buffer; false if there is nothing to read yet.
func (p *pipe) read(fd uintptr) bool {
	p.buf = readBuffers.Get().(*[32 << 10]byte)
	p.n, p.err = ignoringEINTR(func() (int, error) { return unix.Read(int(fd), p.buf[:]) })
	if p.err == unix.EAGAIN {
		p.giveBack()
		return false
	}
	return true
}

// ended reports whether the last read found the end of the stream.
func (p *pipe) ended() bool {
	if p.n > 0 && p.err == nil {
		return false
	}
	p.giveBack()
	return true
}

func (p *pipe) giveBack() {
	readBuffers.Put(p.buf)
	p.buf = nil
}

// drain makes both pumps come to an end and reports what was lost. The log
// gets what it can take in drainFor; the tail gets all that was written before
// the child died.
func (c *process) drain() []string {
	now := time.Now()
	until := now.Add(drainFor)
	c.out.until.Store(&until)
	for _, p := range c.pipes {
		// Wakes a pump that waits already; one that does not will see until.
		_ = p.file.SetReadDeadline(now.Add(quietFor))
	}
	c.pumps.Wait()

	if c.pipes[0].held || c.pipes[1].held {
		c.out.log.Warn("output pipe closed although a descendant outside of the session still holds it", "pid", c.id)
	}
	if n := c.out.unlogged.Load(); n > 0 {
		c.out.log.Warn("the log was too slow for the last lines of output", "pid", c.id, "lines", n)
	}
	return c.out.tail.all()
}

// pollable puts a descriptor under the care of the netpoller, so that waiting
// for it takes no thread. The descriptor is closed if that fails.
func pollable(fd int, name string) (*os.File, syscall.RawConn, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fd), name)
	// NewFile says nothing when epoll refuses (fs.epoll.max_user_watches).
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		file.Close()
		if errors.Is(err, os.ErrNoDeadline) {
			err = unix.ENOSPC
		}
		return nil, nil, err
	}
	conn, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, conn, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func ignoringEINTR(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); err != unix.EINTR {
			return n, err
		}
	}
}
