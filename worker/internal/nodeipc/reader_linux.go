package nodeipc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
)

// readBuffers are lent to a reader for as long as it takes to deal with what was
// read: a silent child holds none.
var readBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// reader takes the messages out of a channel's socket. It reads with read(2),
// which has no room for descriptors: those that come with a handle the kernel
// closes (unix(7)), and they are never ours.
type reader struct {
	c     *Channel
	parse parser
	poll  func(fd uintptr) bool // r.read, made once

	// what the last read brought
	buf *[64 << 10]byte
	n   int
	err error
}

func newReader(c *Channel) *reader {
	r := &reader{c: c, parse: parser{max: MaxMessage}}
	r.poll = r.read
	return r
}

// run returns io.EOF at an end, else what broke the channel.
func (r *reader) run() error {
	for {
		err := r.c.conn.Read(r.poll)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return r.rest()
		}
		if err != nil {
			return fmt.Errorf("wait for a message of the child: %w", err)
		}
		if err := r.deal(); err != nil {
			return err
		}
	}
}

// rest reads, without waiting, what has arrived, and the end of the stream if
// that is next: no more, so that a child which writes on and on has no hold on
// us.
func (r *reader) rest() error {
	arrived := 0
	_ = r.c.conn.Control(func(fd uintptr) { arrived, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	for got := 0; got <= arrived; got += r.n {
		some := false
		if err := r.c.conn.Control(func(fd uintptr) { some = r.read(fd) }); err != nil || !some {
			break
		}
		if err := r.deal(); err != nil {
			return err
		}
	}
	return io.EOF
}

// read reads once into a borrowed buffer; false if there is nothing to read yet.
func (r *reader) read(fd uintptr) bool {
	r.buf = readBuffers.Get().(*[64 << 10]byte)
	r.n, r.err = netpoll.IgnoringEINTR(func() (int, error) { return unix.Read(int(fd), r.buf[:]) })
	if r.err == unix.EAGAIN {
		r.giveBack()
		return false
	}
	return true
}

// deal deals with what the last read brought.
func (r *reader) deal() error {
	defer r.giveBack()
	switch {
	// ECONNRESET: the child ended with something unread.
	case r.err != nil && r.err != unix.ECONNRESET:
		return fmt.Errorf("read from the child: %w", r.err)
	case r.n > 0:
		if err := r.parse.feed(r.buf[:r.n], r.c.arrived); err != nil {
			return fmt.Errorf("read from the child: %w", err)
		}
		return nil
	case r.parse.within():
		return fmt.Errorf("the child ended in the midst of a message: %w", io.ErrUnexpectedEOF)
	}
	return io.EOF
}

func (r *reader) giveBack() {
	readBuffers.Put(r.buf)
	r.buf = nil
}
