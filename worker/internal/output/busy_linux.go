package output

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A stream whose reads follow each other closely is busy. If every write of the
// child woke us up, that would be most of the work, for the child too: so a
// busy stream gets a larger pipe, and when a read brought little, the next one
// waits until more has come. Measured with lines of 100 bytes, this makes
// ....
const (
	busyReads = 64
	busyGap   = 3 * time.Millisecond
	nap       = 500 * time.Microsecond // 1 ms in practice: epoll_wait(2) counts in those

	// An unprivileged user's pipes may hold 64 MiB in all, or new ones become
	// very small (pipe(7), pipe-user-pages-soft): this many are enlarged, in
	// the whole process.
	maxEnlarged = 32
)

var enlarged atomic.Int32

// busy is what a pipe knows about its pace.
type busy struct {
	last  time.Time
	burst int  // reads that followed each other within busyGap
	large bool // the pipe is one of the enlarged
}

// pace is called before each read.
func (b *busy) pace(p *pipe) {
	now := time.Now()
	if now.Sub(b.last) > busyGap {
		b.burst = 0
	}
	b.last = now
	if b.burst++; b.burst == busyReads && !b.large {
		b.enlarge(p)
	}
	if b.large && b.burst > busyReads && p.n < little && p.until.Load() == nil {
		time.Sleep(nap)
		b.last = time.Now()
	}
}

func (b *busy) enlarge(p *pipe) {
	if enlarged.Add(1) > maxEnlarged {
		enlarged.Add(-1)
		return
	}
	var err error
	e := p.conn.Control(func(fd uintptr) { _, err = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, largeSize) })
	if e != nil || err != nil { // EPERM: the user has too many pipes
		enlarged.Add(-1)
		return
	}
	b.large = true
}

// calm gives back what a busy stream has.
func (b *busy) calm() {
	if b.large {
		b.large = false
		enlarged.Add(-1)
	}
}
