package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
)

// IPC is a kind of channel between the host and a program.
type IPC uint8

const (
	// NoIPC: there is none.
	NoIPC IPC = iota
	// NodeIPC is the channel of Node's child_process.fork, with JSON: in an
	// unmodified script process.send, process.on('message') and
	// process.disconnect work. See [Process.Send] and [Process.Messages].
	NodeIPC
)

var ipcNames = [...]string{"none", "node"}

func (i IPC) String() string {
	if int(i) < len(ipcNames) {
		return ipcNames[i]
	}
	return fmt.Sprintf("IPC(%d)", uint8(i))
}

// ErrNoIPC is returned by Send if the program has no channel, or is not there.
var ErrNoIPC = errors.New("there is no channel to the program")

// Send sends a message, any value that encoding/json can write, to the program:
// process.on('message') there. It waits while the program does not read, until
// ctx ends. The error is [ErrNoIPC] if there is no channel, or if the program
// has closed it or is dead. Safe from any goroutine.
func (p *Process) Send(ctx context.Context, v any) error {
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	if c == nil || p.cmd.IPC != NodeIPC {
		return fmt.Errorf("%s: %w", p.cmd.Path, ErrNoIPC)
	}
	return c.send(ctx, v)
}

// Messages are those of Receive, until there are no more or ctx ends.
func (p *Process) Messages(ctx context.Context) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		for {
			m, err := p.Receive(ctx)
			if err != nil || !yield(m) {
				return
			}
		}
	}
}

// Receive waits for the next message that the program sent with process.send.
// The error is io.EOF when there are no more, or ctx's. Messages wait for their
// receiver, 256 of them, and then the program has to wait; but of a program that
// nobody ever received from the oldest are dropped. Messages whose cmd begins
// with NODE_ are Node's own and not among them.
func (p *Process) Receive(ctx context.Context) (json.RawMessage, error) {
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	if c == nil || p.cmd.IPC != NodeIPC {
		return nil, fmt.Errorf("%s: %w", p.cmd.Path, ErrNoIPC)
	}
	return c.receive(ctx)
}
