package record

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrClosed is returned by Next of a reader when nothing more will come.
var ErrClosed = errors.New("the record is closed")

// behindBytes bounds the text that waits for a follower.
const behindBytes = 1 << 20

// Follower is a stream of lines. It is safe for concurrent use, needs no
// goroutine, and is to be closed.
type Follower struct {
	path   string
	limit  int
	leave  func(*Follower)
	wake   chan struct{} // holds a token while there is something to be seen
	behind sync.Mutex    // guards what follows

	pending ring[Line]
	bytes   int
	dropped uint64
	closed  bool
}

// offer never blocks. After a loss it takes nothing more until the reader has
// been told of it.
func (f *Follower) offer(l Line) {
	f.behind.Lock()
	defer f.behind.Unlock()
	switch {
	case f.closed:
		return
	case f.dropped > 0, f.pending.len() >= f.limit, f.bytes+len(l.Text) > behindBytes && f.pending.len() > 0:
		f.dropped++
	default:
		f.pending.push(l)
		f.bytes += len(l.Text)
	}
	f.signal()
}

func (f *Follower) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next line. If the reader was too slow, one with nothing but
// Path, Time and Dropped stands for those that were lost. What is there is
// returned even if ctx has ended. The error is ErrClosed or ctx's.
func (f *Follower) Next(ctx context.Context) (Line, error) {
	for {
		if l, ok, err := f.take(); ok || err != nil {
			return l, err
		}
		select {
		case <-f.wake:
		case <-ctx.Done():
			return Line{}, ctx.Err()
		}
	}
}

func (f *Follower) take() (l Line, ok bool, err error) {
	f.behind.Lock()
	defer f.behind.Unlock()
	switch {
	case f.pending.len() > 0:
		l = f.pending.pop()
		f.bytes -= len(l.Text)
		if f.pending.len() > 0 || f.dropped > 0 {
			f.signal()
		}
	case f.dropped > 0:
		l = Line{Time: time.Now(), Path: f.path, Dropped: f.dropped}
		f.dropped = 0
	case f.closed:
		f.signal() // for others who wait
		return l, false, ErrClosed
	default:
		return l, false, nil
	}
	return l, true, nil
}

// Close ends the stream. What was not taken yet can still be.
func (f *Follower) Close() {
	f.leave(f)
	f.end()
}

func (f *Follower) end() {
	f.behind.Lock()
	defer f.behind.Unlock()
	f.closed = true
	f.signal()
}
