package nodeipc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
)

// Channel is our end of the channel to one child. Its methods may be called at
// the same time from many goroutines.
type Channel struct {
	file *os.File
	conn syscall.RawConn // of file
	in   *inbox

	turn chan struct{} // is full while somebody writes
	down chan struct{} // closed: nobody may begin to write

	mu        sync.Mutex // guards what follows
	isDown    bool
	closing   bool
	observers []func(json.RawMessage)
	nacks     int // that are owed to the child

	work sync.WaitGroup // the reader, and those who finish what was begun
}

// New makes a channel and the child's end of it: an ordinary blocking
// descriptor, closed by exec unless it is passed on, and the caller's to close
// when the child has been started. Until then nothing can arrive.
//
// The error of lacking descriptors (EMFILE, ENFILE) is in the chain.
func New() (*Channel, int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, -1, fmt.Errorf("make a channel to the child: %w", os.NewSyscallError("socketpair", err))
	}
	file, conn, err := netpoll.File(pair[0], "channel to a child")
	if err != nil {
		unix.Close(pair[1])
		return nil, -1, fmt.Errorf("wait for a channel to the child: %w", err)
	}
	c := &Channel{
		file: file,
		conn: conn,
		in:   newInbox(),
		turn: make(chan struct{}, 1),
		down: make(chan struct{}),
	}
	c.work.Go(c.read)
	return c, pair[1], nil
}

// Observe has f called for each message that will arrive, in order and before
// it can be received. While f runs nothing is read, so it must not wait, and in
// particular not call Close; and it must not change the message.
func (c *Channel) Observe(f func(json.RawMessage)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observers = append(c.observers, f)
}

// Receive waits for the next message that the child sent with process.send. When
// there are no more, the error is io.EOF; io.ErrUnexpectedEOF if the child
// ended in the midst of one; and if the channel was broken what broke it, such
// as [ErrTooLong]. What had arrived before can be received first.
//
// Messages wait for their receiver, 256 of them or 1 MiB, and then the channel
// is not read and the child has to wait. But as long as nobody ever called
// Receive, the oldest are dropped, so that who calls it late gets the latest.
func (c *Channel) Receive(ctx context.Context) (json.RawMessage, error) {
	return c.in.take(ctx)
}

// Dropped returns how many messages were dropped because nobody received.
func (c *Channel) Dropped() uint64 {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.dropped
}

// Err returns what broke the channel; nil while it is open, and if one of its
// sides has ended it.
func (c *Channel) Err() error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	if c.in.err == io.EOF {
		return nil
	}
	return c.in.err
}

// Disconnect ends what is sent to the child: it gets the event 'disconnect'
// after all messages, and an unmodified one then ends its side too. What it had
// sent can still be received. It is not a stop: a child that has something else
// to do goes on. Disconnect does not wait; [ErrClosed] if it was no more
// connected.
func (c *Channel) Disconnect() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isDown {
		return ErrClosed
	}
	c.takeDown()
	if len(c.turn) == 0 { // else the one who writes ends the message first
		c.shutdown()
	}
	return nil
}

// Close ends both directions and waits until the channel's goroutines have
// ended. All that has arrived until then can be received afterwards, so that
// closing the channel of a dead child loses nothing.
func (c *Channel) Close() {
	c.mu.Lock()
	if !c.closing {
		c.closing = true
		close(c.in.lifted)
	}
	c.takeDown()
	c.mu.Unlock()
	_ = c.file.SetDeadline(time.Unix(1, 0)) // wakes those who wait for the socket
	c.work.Wait()
	_ = c.file.Close()
}

// takeDown lets nobody begin to write; mu is held.
func (c *Channel) takeDown() {
	if !c.isDown {
		c.isDown = true
		close(c.down)
	}
}

// shutdown is the end of the stream for the child, after what was written.
func (c *Channel) shutdown() {
	_ = c.conn.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_WR) })
}

// read takes messages from the socket until the stream or the channel ends.
func (c *Channel) read() {
	err := newReader(c).run()
	c.mu.Lock()
	c.takeDown()
	c.mu.Unlock()
	c.in.end(err)
	_ = c.file.Close() // a child that writes on gets EPIPE
}

// arrived deals with one message.
func (c *Channel) arrived(m json.RawMessage) {
	switch internal(m) {
	case "":
		c.mu.Lock()
		observers := c.observers // is only ever appended to
		c.mu.Unlock()
		for _, f := range observers {
			f(m)
		}
		c.in.put(m)
	case handle:
		c.nack()
	}
}

// nack answers a handle. The reader must not wait for a child that does not
// read, hence the goroutine.
func (c *Channel) nack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nacks++; c.nacks == 1 {
		c.work.Go(c.sendNacks)
	}
}

func (c *Channel) sendNacks() {
	for {
		// The only error is that the channel has ended.
		err := c.Send(context.Background(), handleNack)
		c.mu.Lock()
		c.nacks--
		if err != nil {
			c.nacks = 0
		}
		more := c.nacks > 0
		c.mu.Unlock()
		if !more {
			return
		}
	}
}
