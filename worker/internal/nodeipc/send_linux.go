package nodeipc

import (
	"context"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
)

// Send sends a message: anything that encoding/json can write but null, and no
// more than [MaxMessage] bytes of it. It returns when the message is in the
// socket, in which some 200 KiB wait for a child that does not read; after that
// Send waits, and those who send at the same time wait for their turn.
//
// When ctx ends the wait, the error is the context's, and the message was not
// sent at all; unless a part of it was already written: then the error is
// [ErrUnfinished] too, and the rest is written when the child reads. Only one
// message at a time can be in that state, so that a child which never reads
// costs the memory of one. If the channel has ended the error is [ErrClosed].
//
// Messages of one goroutine arrive in order. One whose cmd begins with NODE_ is
// taken by Node itself.
func (c *Channel) Send(ctx context.Context, v any) error {
	line, err := encode(v)
	if err != nil {
		return fmt.Errorf("send to the child: %w", err)
	}
	if err := c.send(ctx, line); err != nil {
		return fmt.Errorf("send to the child: %w", err)
	}
	return nil
}

func (c *Channel) send(ctx context.Context, line []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
	case <-c.down:
		return c.closedBy()
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	down := c.isDown
	c.mu.Unlock()
	w := &writing{line: line}
	if down {
		c.endTurn(w)
		return c.closedBy()
	}
	if err := c.conn.Write(w.once); err != nil || w.ended() {
		c.endTurn(w)
		return c.outcome(w, err)
	}
	return c.sendLater(ctx, w)
}

// sendLater waits until the socket has taken the message. Whoever waits for
// that may go, so it is a goroutine of the channel that writes.
func (c *Channel) sendLater(ctx context.Context, w *writing) error {
	written := make(chan error, 1)
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		c.endTurn(w)
		return c.closedBy()
	}
	c.work.Go(func() {
		err := c.conn.Write(w.write)
		c.endTurn(w)
		written <- c.outcome(w, err)
	})
	c.mu.Unlock()
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
	}
	if w.withdraw() {
		return ctx.Err()
	}
	select {
	case err := <-written: // at the same time
		return err
	default:
		return fmt.Errorf("%w: %w", ErrUnfinished, ctx.Err())
	}
}

// endTurn lets the next one write; but after a part of a message there can be
// nothing but its rest.
func (c *Channel) endTurn(w *writing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.broken() {
		c.takeDown()
	}
	if c.isDown { // Disconnect left it to us
		c.shutdown()
	}
	<-c.turn
}

// outcome is what Send says of a message that is written, or will not be. The
// error is that of the wait for the socket.
func (c *Channel) outcome(w *writing, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil, w.err == unix.EPIPE, w.err == unix.ECONNRESET:
		return c.closedBy()
	case w.err != nil:
		return os.NewSyscallError("sendmsg", w.err)
	}
	return nil
}

func (c *Channel) closedBy() error {
	if cause := c.Err(); cause != nil {
		return fmt.Errorf("%w: %w", ErrClosed, cause)
	}
	return ErrClosed
}

// writing is a message on its way into the socket.
type writing struct {
	mu    sync.Mutex // guards what follows
	line  []byte     // what is not yet written
	begun bool       // a part is
	err   error
}

// write writes what the socket takes; false if it takes no more for now.
func (w *writing) write(fd uintptr) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.line) > 0 {
		n, err := netpoll.IgnoringEINTR(func() (int, error) {
			return unix.SendmsgN(int(fd), w.line, nil, nil, unix.MSG_NOSIGNAL)
		})
		switch {
		case err == unix.EAGAIN:
			return false
		case err != nil:
			w.err = err
			return true
		}
		w.line, w.begun = w.line[n:], true
	}
	return true
}

// once is write for one who does not wait.
func (w *writing) once(fd uintptr) bool {
	w.write(fd)
	return true
}

// ended reports whether there is nothing left to do.
func (w *writing) ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err != nil || len(w.line) == 0
}

// broken reports whether a part is written and the rest is not.
func (w *writing) broken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun && len(w.line) > 0
}

// withdraw makes nothing of the message be written; false if a part is.
func (w *writing) withdraw() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun {
		return false
	}
	w.line = nil
	return true
}
