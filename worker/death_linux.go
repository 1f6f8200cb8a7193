package worker

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
	"github.com/coppice-go/coppice/worker/internal/poller"
)

// death is that of a leader, seen on its pidfd.
type death struct {
	pidfd int
	seen  chan struct{} // closed when the leader is dead; it is not reaped

	mu   sync.Mutex // guards what follows, against an event that comes too late
	id   poller.ID
	over bool
}

// watch takes the pidfd. It closes it if it cannot be waited for.
func (d *death) watch(pidfd int) (err error) {
	d.pidfd, d.seen = pidfd, make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.id, err = poller.Add(pidfd, d); err != nil {
		unix.Close(pidfd)
	}
	return err
}

// Ready is the poller's. A pidfd becomes readable when all threads of its process
// have ended; WNOWAIT leaves the zombie in place (waitid(2)).
func (d *death) Ready(bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	var info unix.Siginfo
	_, err := netpoll.IgnoringEINTR(func() (int, error) {
		return 0, unix.Waitid(unix.P_PIDFD, d.pidfd, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	})
	if err == nil && info.Signo == 0 { // not yet
		poller.Again(d.id, d.pidfd)
		return
	}
	close(d.seen) // or, with ECHILD, somebody else has reaped it
}

// forget closes the pidfd.
func (d *death) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	poller.Forget(d.id)
	unix.Close(d.pidfd)
}
