// Package poller waits for descriptors, thousands of them, at little cost: they
// are in one epoll instance, which itself is waited for in Go's netpoller by one
// goroutine. A descriptor that waits takes neither a goroutine nor what Go keeps
// for a file. It is for Linux.
package poller

import (
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
)

// Waiter is told of events. Ready is called by the goroutine that waits for all,
// and so must not wait for anything. Over says that there is nothing to read and
// will never be (EPOLLHUP alone).
type Waiter interface{ Ready(over bool) }

// ID is a registration's. It is never used again, unlike a descriptor: a program
// that is just being started, with copies of our descriptors, keeps alive a
// registration which we closed, so that an event may come for somebody who is
// gone (epoll(7), "Questions and answers"). The zero ID is nobody's.
type ID struct{ slot, generation uint32 }

// Add registers a descriptor for one event (EPOLLONESHOT), that it can be read.
func Add(fd int, w Waiter) (ID, error) { return all.add(fd, w) }

// Again registers it for one more. What has come in the meantime is reported.
func Again(id ID, fd int) {
	e := event(id)
	_ = unix.EpollCtl(all.epoll, unix.EPOLL_CTL_MOD, fd, &e) // fails for unknown descriptors only
}

// Forget has nobody told of events any more. It comes before the descriptor is
// closed. An event may be on its way.
func Forget(id ID) { all.forget(id) }

// Registered counts those that are registered.
func Registered() int {
	all.mu.Lock()
	defer all.mu.Unlock()
	return len(all.slots) - len(all.free)
}

// all is the poller of this process. It begins with the first descriptor, and
// stays.
var all poller

type poller struct {
	mu    sync.Mutex // guards slots and free, and the beginning
	slots []slot
	free  []uint32 // of slots

	begun bool
	epoll int
}

type slot struct {
	waiter     Waiter // nil: free
	generation uint32 // of the one that has it
}

// begin is called with p.mu held.
func (p *poller) begin() error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make an epoll instance: %w", err)
	}
	_, conn, err := netpoll.File(epoll, "epoll")
	if err != nil {
		return fmt.Errorf("wait for an epoll instance: %w", err)
	}
	p.epoll, p.begun = epoll, true
	go wait(p, conn)
	return nil
}

// wait never ends. Its name is part of package worker's documentation.
func wait(p *poller, conn syscall.RawConn) {
	events := make([]unix.EpollEvent, 128)
	_ = conn.Read(func(epoll uintptr) bool {
		for {
			n, _ := netpoll.IgnoringEINTR(func() (int, error) { return unix.EpollWait(int(epoll), events, 0) })
			p.hand(events[:max(n, 0)])
			if n < len(events) {
				return false // to be called again when there are more
			}
		}
	})
}

// hand gives events to those who wait for them.
func (p *poller) hand(events []unix.EpollEvent) {
	for _, e := range events {
		if w := p.waiter(eventID(e)); w != nil {
			w.Ready(e.Events&unix.EPOLLIN == 0)
		}
	}
}

func (p *poller) add(fd int, w Waiter) (ID, error) {
	id, err := p.register(w)
	if err != nil {
		return ID{}, err
	}
	e := event(id)
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		p.forget(id)
		return ID{}, fmt.Errorf("wait for a descriptor: %w", err) // fs.epoll.max_user_watches
	}
	return id, nil
}

func (p *poller) register(w Waiter) (ID, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.begun {
		if err := p.begin(); err != nil {
			return ID{}, err
		}
	}
	if len(p.free) == 0 {
		p.slots = append(p.slots, slot{})
		p.free = append(p.free, uint32(len(p.slots)-1))
	}
	i := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	s := &p.slots[i]
	s.waiter = w
	s.generation++
	return ID{i, s.generation}, nil
}

func (p *poller) waiter(id ID) Waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.slots[id.slot]; s.generation == id.generation {
		return s.waiter
	}
	return nil
}

func (p *poller) forget(id ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.slots[id.slot]
	if s.waiter == nil || s.generation != id.generation {
		return
	}
	s.waiter = nil
	p.free = append(p.free, id.slot)
}

func event(id ID) unix.EpollEvent {
	return unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: int32(id.slot), Pad: int32(id.generation)}
}

func eventID(e unix.EpollEvent) ID { return ID{uint32(e.Fd), uint32(e.Pad)} }
