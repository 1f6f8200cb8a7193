package output

import (
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
)

// poller waits for the pipes of all children. They are in one epoll instance,
// which itself is waited for in Go's netpoller: an idle pipe costs neither a
// goroutine nor what Go keeps for a file. Each is registered with EPOLLONESHOT,
// so that one that is being read wakes nobody (epoll_ctl(2)).
type poller struct {
	mu   sync.Mutex // guards last and all, and the beginning
	last uint64     // the latest id
	all  map[uint64]*pipe

	epoll int
}

// pipes is the poller of this process. It begins with the first pipe, and stays.
var pipes poller

// begin is called with p.mu held.
func (p *poller) begin() error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make an epoll instance for output: %w", err)
	}
	_, conn, err := netpoll.File(epoll, "epoll of output")
	if err != nil {
		return fmt.Errorf("wait for output: %w", err)
	}
	p.epoll, p.all = epoll, make(map[uint64]*pipe)
	go pollOutput(p, conn)
	return nil
}

// pollOutput never ends. Its name is part of package worker's documentation.
func pollOutput(p *poller, conn syscall.RawConn) {
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

// hand gives events to their pipes.
func (p *poller) hand(events []unix.EpollEvent) {
	for _, e := range events {
		p.mu.Lock()
		pipe := p.all[eventID(e)] // nil: it is gone
		p.mu.Unlock()
		if pipe != nil {
			pipe.ready(e.Events&unix.EPOLLIN == 0) // EPOLLHUP alone
		}
	}
}

// add registers a pipe for one event, and gives it an id. That is never used
// again, unlike a descriptor: a program that is just being started, with copies
// of our descriptors, keeps a registration alive which we closed, so that an
// event may come for a pipe that is gone (epoll(7), "Questions and answers").
func (p *poller) add(pipe *pipe) error {
	if err := p.register(pipe); err != nil {
		return err
	}
	e := event(pipe.id)
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, pipe.fd, &e); err != nil {
		p.forget(pipe.id) // fs.epoll.max_user_watches
		return fmt.Errorf("wait for output: %w", err)
	}
	return nil
}

func (p *poller) register(pipe *pipe) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		if err := p.begin(); err != nil {
			return err
		}
	}
	p.last++
	pipe.id = p.last
	p.all[pipe.id] = pipe
	return nil
}

// again registers a pipe for one more event. What has come in the meantime is
// reported.
func (p *poller) again(id uint64, fd int) {
	e := event(id)
	_ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_MOD, fd, &e) // fails for unknown descriptors only
}

// forget has events of the pipe find nothing.
func (p *poller) forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, id)
}

func event(id uint64) unix.EpollEvent {
	return unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: int32(id), Pad: int32(id >> 32)}
}

func eventID(e unix.EpollEvent) uint64 { return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32 }
