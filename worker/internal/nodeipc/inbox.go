package nodeipc

import (
	"context"
	"encoding/json"
	"sync"
)

const (
	// maxQueued and maxQueuedBytes bound the messages that wait to be
	// received. One alone may be longer than maxQueuedBytes.
	maxQueued      = 256
	maxQueuedBytes = 1 << 20
)

// inbox holds the messages that wait to be received. When it is full, the one
// who puts has to wait; but as long as nobody ever took, the oldest are dropped
// instead: most programs only say that they are ready, and nobody receives.
type inbox struct {
	more   chan struct{} // holds a token when there may be something to take
	room   chan struct{} // holds a token when there may be room
	lifted chan struct{} // closed by lift: put waits no more
	done   chan struct{} // closed by end: nothing will be put

	mu      sync.Mutex // guards what follows
	queue   []json.RawMessage
	bytes   int  // in queue
	taken   bool // somebody takes, or has
	dropped uint64
	err     error // of end
}

func newInbox() *inbox {
	return &inbox{
		more:   make(chan struct{}, 1),
		room:   make(chan struct{}, 1),
		lifted: make(chan struct{}),
		done:   make(chan struct{}),
	}
}

// put is called by one goroutine.
func (in *inbox) put(m json.RawMessage) {
	for !in.tryPut(m) {
		select {
		case <-in.room:
		case <-in.lifted:
			in.mu.Lock()
			in.push(m)
			in.mu.Unlock()
			return
		}
	}
}

func (in *inbox) tryPut(m json.RawMessage) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.queue) > 0 && (len(in.queue) >= maxQueued || in.bytes+len(m) > maxQueuedBytes) {
		if in.taken {
			return false
		}
		in.pop()
		in.dropped++
	}
	in.push(m)
	return true
}

// take waits for a message. At the end of them, the error is that of end.
func (in *inbox) take(ctx context.Context) (json.RawMessage, error) {
	for {
		if m, err := in.tryTake(); m != nil || err != nil {
			return m, err
		}
		select {
		case <-in.more:
		case <-in.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (in *inbox) tryTake() (json.RawMessage, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.taken = true
	if len(in.queue) == 0 {
		return nil, in.err
	}
	m := in.pop()
	signal(in.room)
	if len(in.queue) > 0 {
		signal(in.more) // for another who takes
	}
	return m, nil
}

func (in *inbox) push(m json.RawMessage) {
	in.queue = append(in.queue, m)
	in.bytes += len(m)
	signal(in.more)
}

func (in *inbox) pop() json.RawMessage {
	m := in.queue[0]
	in.queue[0] = nil
	in.queue = in.queue[1:]
	if len(in.queue) == 0 {
		in.queue = nil
	}
	in.bytes -= len(m)
	return m
}

// end says that nothing more will be put, and why. It is called once.
func (in *inbox) end(err error) {
	in.mu.Lock()
	in.err = err
	in.mu.Unlock()
	close(in.done)
}

func signal(token chan<- struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}
