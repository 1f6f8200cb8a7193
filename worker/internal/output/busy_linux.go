package output

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A stream whose reads follow each other closely is busy, and gets a larger
// pipe and larger reads. That takes a third off what its output costs us, and
// half off what it costs the child, who is woken less often.
const (
	busyReads = 64
	busyGap   = 3 * time.Millisecond
	largePipe = 512 << 10

	// An unprivileged user's pipes may hold 64 MiB in all, or new ones become
	// very small (pipe(7), pipe-user-pages-soft): only so many are enlarged at a
	// time, in the whole process.
	maxEnlarged = 32
)

var enlarged atomic.Int32

// busy is what a pipe knows about its pace.
type busy struct {
	last  time.Time
	burst int32 // reads that followed each other within busyGap
	large bool  // the pipe is one of the enlarged
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
}

func (b *busy) enlarge(p *pipe) {
	if enlarged.Add(1) > maxEnlarged {
		enlarged.Add(-1)
		return
	}
	if _, err := unix.FcntlInt(uintptr(p.fd), unix.F_SETPIPE_SZ, largePipe); err != nil { // EPERM: the user has too many pipes
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
