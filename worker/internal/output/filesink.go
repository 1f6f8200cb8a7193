package output

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// errSlow is why lines are missing when a write hangs.
var errSlow = errors.New("writing was too slow")

// fileSink brings the lines of one stream to the log file.
type fileSink struct {
	gate
	failed error // guarded by gate.mu: why lines are missing; nil while they are not
}

// marker is the line in the file with which an incarnation begins: whichever
// stream writes first writes it.
type marker struct {
	text    []byte // guarded by File.mu; nil once it is written
	written atomic.Bool
}

func newMarker(name string, incarnation uint64, pid int, now time.Time) *marker {
	return &marker{text: fmt.Appendf(nil, "--- %s: incarnation %d, pid %d, %s ---\n",
		appendHarmless(nil, []byte(name)), incarnation, pid, now.UTC().Format(time.RFC3339Nano))}
}

func (f *fileSink) file() *File { return f.stream.out.cfg.File }

// deliver writes block. It returns false if the stream is in other hands now.
func (f *fileSink) deliver(block []byte) bool {
	n := int64(bytes.Count(block, newline))
	o, ok := f.enter()
	if !ok {
		if n > 0 {
			f.fail(n, errSlow)
		}
		return true
	}
	f.inHand.Store(n)
	f.write(o.dropped, block)
	f.inHand.Store(0)
	if f.leave() {
		return true
	}
	f.catchUp(func(o owed) bool { return f.write(o.dropped, nil) })
	return false
}

// settled reports whether the file has all that it is to get, and needs no
// report.
func (f *fileSink) settled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.owed.nothing() && f.telling+f.inHand.Load() == 0 && f.stream.out.marker.written.Load()
}

// lastReport has it reported if lines are missing now that no more will come.
func (f *fileSink) lastReport() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.owed.dropped + f.telling + f.inHand.Load(); n > 0 {
		f.stream.log.report(f.missing(n, cmp.Or(f.failed, errSlow)))
	}
}

func (f *fileSink) missing(lines int64, why error) report {
	return warn("lines of output are missing in the log file", "lines", lines, "file", f.file().path, "error", why)
}

// write writes block, and before it that lines are missing. It returns false if
// not even that was possible.
func (f *fileSink) write(missing int64, block []byte) bool {
	var gap []byte
	if missing > 0 {
		f.mu.Lock()
		gap = fmt.Appendf(nil, "--- %d lines of output are missing here: %v ---\n", missing, cmp.Or(f.failed, errSlow))
		f.mu.Unlock()
	}
	told, lost, err := f.file().write(f.stream.out.marker, gap, block)
	if told {
		f.recovered(missing)
	} else {
		f.untold()
	}
	if err != nil {
		f.fail(lost, err)
	}
	return told
}

// fail counts lines that the file did not take, and has the first of a series
// of failures reported.
func (f *fileSink) fail(lost int64, err error) {
	f.drop(lost)
	f.mu.Lock()
	first := f.failed == nil
	f.failed = err
	f.mu.Unlock()
	if first {
		f.stream.log.report(warn("the log file takes no lines of output: they are dropped until it does", "file", f.file().path, "error", err))
	}
}

// recovered is called when the file knows that lines are missing. That ends a
// series of failures, unless more have been dropped meanwhile.
func (f *fileSink) recovered(missing int64) {
	f.mu.Lock()
	why := cmp.Or(f.failed, errSlow)
	f.telling = 0
	if f.owed.dropped == 0 {
		f.failed = nil
	}
	f.mu.Unlock()
	if missing > 0 {
		f.stream.log.report(f.missing(missing, why))
	}
}
