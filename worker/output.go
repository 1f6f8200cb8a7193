package worker

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// maxTailLine bounds a line kept for ExitError.Tail, in bytes, so that a
// thousand children with long lines do not fill the memory.
const maxTailLine = 1 << 10

// output is where the lines of both streams of a child go: to the log, and the
// last of them to the tail.
type output struct {
	log hclog.Logger

	// until is set when the child is dead. After that time lines are kept but
	// no longer logged, so that a slow logger does not hold up Serve.
	until    atomic.Pointer[time.Time]
	unlogged atomic.Int64

	mu   sync.Mutex // guards tail
	tail tail
}

func (o *output) line(text string, fields []any) {
	o.mu.Lock()
	o.tail.add(text)
	o.mu.Unlock()
	if until := o.until.Load(); until != nil && time.Now().After(*until) {
		o.unlogged.Add(1)
		return
	}
	o.log.Info(text, fields...)
}

// stream cuts one stream of a child's output into lines. It belongs to one
// goroutine.
type stream struct {
	out     *output
	fields  []any // of each log line
	maxLine int
	partial []byte // the beginning of a line whose end is still to come
	resumed bool   // partial continues a line that was cut
}

// write takes the next bytes of the stream; it does not keep b.
func (s *stream) write(b []byte) {
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			break
		}
		s.complete(b[:end])
		b = b[end+1:]
	}
	if len(b) > 0 {
		s.partial = s.bound(append(s.partial, b...))
	}
}

// flush takes the end of the stream for the end of its last line.
func (s *stream) flush() {
	if len(s.partial) > 0 {
		s.complete(nil)
	}
}

// complete emits the line that ends with b.
func (s *stream) complete(b []byte) {
	if s.partial != nil {
		b = append(s.partial, b...)
		s.partial = nil // not kept for the next: a silent child holds no buffer
	}
	b = bytes.TrimSuffix(s.bound(b), []byte("\r"))
	s.emit(b, "")
	s.resumed = false
}

// bound emits what exceeds the length of a line, in pieces, and returns the rest.
func (s *stream) bound(b []byte) []byte {
	for len(b) > s.maxLine {
		n := s.maxLine
		for i := n; i > 0 && n-i < utf8.UTFMax; i-- {
			if utf8.RuneStart(b[i]) { // do not cut a character in two
				n = i
				break
			}
		}
		s.emit(b[:n], "…")
		s.resumed = true
		b = b[n:]
	}
	return b
}

func (s *stream) emit(b []byte, end string) {
	text := harmless(b) + end
	if s.resumed {
		text = "…" + text
	}
	s.out.line(text, s.fields)
}

// harmless makes text of bytes: invalid UTF-8 becomes U+FFFD, and control
// characters other than tab are written as escapes, so that a child cannot
// forge log lines or talk to the reader's terminal.
func harmless(b []byte) string {
	for _, c := range b {
		if c != '\t' && (c < ' ' || c >= 0x7f) {
			return escaped(strings.ToValidUTF8(string(b), "\uFFFD"))
		}
	}
	return string(b)
}

func escaped(s string) string {
	var sb strings.Builder
	for _, r := range s {
		switch {
		case r != '\t' && r < ' ' || r == 0x7f:
			fmt.Fprintf(&sb, `\x%02x`, r)
		case 0x80 <= r && r <= 0x9f: // C1: some terminals take U+009B for ESC [
			fmt.Fprintf(&sb, `\u%04x`, r)
		default:
			sb.WriteRune(r)
		}
	}
	return sb.String()
}

// tail is a ring of the last lines.
type tail struct {
	lines []string
	max   int
	next  int // the oldest, once the ring is full
}

func (t *tail) add(line string) {
	if len(line) > maxTailLine {
		line = strings.ToValidUTF8(line[:maxTailLine], "") + "…" // a copy: the long line is let go
	}
	switch {
	case len(t.lines) < t.max:
		t.lines = append(t.lines, line)
	case t.max > 0:
		t.lines[t.next] = line
		t.next = (t.next + 1) % t.max
	}
}

// all returns the lines in order; nil if there are none.
func (t *tail) all() []string {
	return append(append([]string(nil), t.lines[t.next:]...), t.lines[:t.next]...)
}
