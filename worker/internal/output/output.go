// Package output is what becomes of a child's stdout and stderr: they are cut
// into lines, made harmless, and brought to a logger and a file; the last lines
// are kept, and regular expressions can wait for theirs.
//
//	out := output.New(output.Config{Logger: log})
//	w, err := out.Pipe("stdout") // for the child
//	... start the child, close w ...
//	out.Start(pid)
//	... the child dies ...
//	end := out.Drain()
//
// # Nothing here holds up the supervisor, nor the child for long
//
// A call of the logger or a write to the file may take [Config].Delay. After
// that lines are dropped, at the child's full speed, until the call has come
// back and what was in hand is delivered; only then may a call take its time
// again. What is dropped is counted, and said where it is missing:
//
//   - in the log, "lines of output were dropped: the log was too slow";
//   - in the file, "--- 12 lines of output are missing here: no space left on
//     device ---", and in the log that this is so.
//
// The tail and the regular expressions see all lines, whatever the sinks do.
// A call that never returns keeps its goroutine, and what one read brought.
//
// # What it costs
//
// A silent child: a descriptor for each stream, some 1,200 bytes of memory for
// both, 300 more with a file, and no goroutine, timer or buffer but for the
// beginning of an unfinished line. One goroutine of the process waits
// for all pipes, and stays (package poller). A stream that has something to say gets a
// goroutine until its pipe is empty; lines are handed over to no other unless a
// sink hangs. The end of a silent stream is noted and no more, until Drain: it
// comes just before the death of a child can be noticed, and would delay that.
package output

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Config says where the output of one incarnation goes. What is zero has its
// default.
type Config struct {
	// Logger gets the lines, each at the level that it seems to have, and is
	// told what was dropped or is missing in the file. Nil: nobody is.
	Logger hclog.Logger

	// Fields are added to what is logged, key and value in turn. "pid" and
	// "stream" are there already.
	Fields []any

	// MaxLine bounds a line, in bytes; 64 KiB if zero. A longer line comes in
	// pieces, with "…" at both sides of each cut.
	MaxLine int

	// TailLines is how many of the last lines are kept, each cut at 1 KiB; 10
	// if zero, none if negative.
	TailLines int

	// Delay is how long a sink may hold up the child; 1s if zero.
	Delay time.Duration

	// File gets the lines too, if it is not nil. It must stay open until Drain
	// or Close has returned, and is not closed by either.
	File *File

	// FileOnly keeps the lines from the Logger, which is only told about them.
	FileOnly bool

	// Raw is given what was read, as the child wrote it, before all else. It is
	// called by one goroutine at a time for each stream, and does not keep b.
	Raw func(stream string, b []byte)

	// Line is told of every line, before any sink gets it and whatever becomes of
	// it there. It is called by one goroutine at a time for each stream, and does
	// not keep line.
	Line func(stream string, line []byte)

	// Name and Incarnation are told by the marker line with which an
	// incarnation begins in the File.
	Name        string
	Incarnation uint64
}

const (
	defaultMaxLine   = 64 << 10
	defaultTailLines = 10
	defaultDelay     = time.Second

	// quietFor and drainFor bound the reading after the child's death: until
	// the end of the stream, or nothing came for quietFor, or drainFor passed.
	// In the ordinary case all writers are dead and the end is there at once.
	quietFor = 100 * time.Millisecond
	drainFor = time.Second
)

// Output is the output of one incarnation. The order of calls is Pipe for each
// stream, Start, Drain; or Pipe and Close. Watch may be called at any time.
type Output struct {
	cfg     Config
	streams [2]stream
	pid     int
	marker  *marker        // nil: no file
	pumps   sync.WaitGroup // one for each stream that is being read, whichever goroutine pumps
	watches watches
	held    atomic.Bool // reading ended before the stream did
	n       uint8       // of streams

	// until is set when the child is dead. After that time lines are kept but
	// no longer logged, so that a slow logger does not hold up Drain.
	until atomic.Pointer[time.Time]

	mu   sync.Mutex // guards tail
	tail tail
}

// New makes the Output of one incarnation.
func New(cfg Config) *Output {
	cfg.MaxLine = cmp.Or(cfg.MaxLine, defaultMaxLine)
	cfg.TailLines = max(0, cmp.Or(cfg.TailLines, defaultTailLines))
	cfg.Delay = cmp.Or(cfg.Delay, defaultDelay)
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
		cfg.FileOnly = true
	}
	return &Output{cfg: cfg, tail: tail{max: cfg.TailLines}}
}

// Pipe makes the pipe for a stream, named "stdout" or "stderr", and returns its
// write end: a blocking descriptor, closed on exec, which the caller passes on
// to the child and then closes.
func (o *Output) Pipe(stream string) (w int, err error) {
	if int(o.n) == len(o.streams) {
		return -1, fmt.Errorf("pipe for %s: there are two streams already", stream)
	}
	s := o.add(stream)
	if w, err = s.pipe.open(s); err != nil {
		o.n--
	}
	return w, err
}

// add makes a stream, which still needs a source.
func (o *Output) add(name string) *stream {
	s := &o.streams[o.n]
	o.n++
	s.out, s.name, s.cut.maxLine = o, name, o.cfg.MaxLine
	s.log.gate.stream, s.log.after = s, reading
	if o.cfg.File != nil {
		s.file = &fileSink{gate: gate{stream: s, after: logging}}
	}
	return s
}

// each goes through the streams.
func (o *Output) each(yield func(*stream) bool) {
	for i := range o.n {
		if !yield(&o.streams[i]) {
			return
		}
	}
}

// Watch returns a channel that is closed when a line matches re, among those
// that are read from now on; if Start was not called yet, among all. The line
// is matched as it is logged, without its newline, and before any sink gets it.
// If the output ends without such a line, the channel stays open.
func (o *Output) Watch(re *regexp.Regexp) <-chan struct{} { return o.watches.add(re) }

// Start begins to read. Pid is that of the child, which has started.
func (o *Output) Start(pid int) {
	o.pid = pid
	if o.cfg.File != nil {
		o.marker = newMarker(o.cfg.Name, o.cfg.Incarnation, pid, time.Now())
	}
	for s := range o.each {
		if s.file != nil && s == &o.streams[0] {
			o.pumps.Add(1)
			go s.begin()
			continue
		}
		s.source.start()
	}
}

// Close is for when the child could not be started: Start was not called.
func (o *Output) Close() {
	for s := range o.each {
		s.source.close()
	}
}

// End tells how the output ended.
type End struct {
	// Tail are the last lines of both streams, in the order in which they were
	// read.
	Tail []string

	// Unlogged and Unwritten are the lines which the Logger and the File had
	// not taken when Drain returned.
	Unlogged, Unwritten int64

	// Held says that a descendant of the child still has a pipe open. What it
	// writes from now on is an error to it (EPIPE, SIGPIPE).
	Held bool
}

// Drain is called after the child's death, and returns when all that was
// written before has been read, and delivered as far as the sinks take it
// within the bound of about a second. Of goroutines there is left after that,
// at most, one for each sink which has not returned from a call.
func (o *Output) Drain() End {
	until := time.Now().Add(drainFor)
	o.until.Store(&until)
	for s := range o.each {
		s.drain()
		s.log.hurry(drainFor)
		if s.file != nil {
			s.file.hurry(drainFor)
		}
	}
	o.pumps.Wait()

	var end End
	for s := range o.each {
		end.Unlogged += s.log.await(until.Add(quietFor))
		if s.file != nil {
			end.Unwritten += s.file.await(until.Add(quietFor))
		}
	}
	end.Held = o.held.Load()
	end.Tail = o.tail.all()
	return end
}

// see shows the lines to those who never take long.
func (o *Output) see(stream string, block []byte) {
	if len(block) == 0 {
		return
	}
	if o.cfg.Line != nil {
		for line := range bytes.Lines(block) {
			o.cfg.Line(stream, line[:len(line)-1])
		}
	}
	o.mu.Lock()
	o.tail.see(block)
	o.mu.Unlock()
	o.watches.see(block)
}

// bound is how long a call may take that begins now.
func (o *Output) bound() time.Duration {
	until := o.until.Load()
	if until == nil {
		return o.cfg.Delay
	}
	return min(o.cfg.Delay, max(time.Until(*until), quietFor))
}

// over reports whether the time for logging is over.
func (o *Output) over() bool {
	until := o.until.Load()
	return until != nil && time.Now().After(*until)
}

func warn(message string, fields ...any) report { return report{hclog.Warn, message, fields} }
