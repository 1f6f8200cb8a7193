package output

import (
	"bytes"
	"strings"
)

// maxTailLine bounds a line kept for the tail, in bytes, so that a thousand
// children with long lines do not fill the memory.
const maxTailLine = 1 << 10

// tail is a ring of the last lines.
type tail struct {
	lines []string
	max   int
	next  int // the oldest, once the ring is full
}

// see takes what is last in a block.
func (t *tail) see(block []byte) {
	start := len(block)
	for n := 0; n < t.max && start > 0; n++ {
		start = bytes.LastIndexByte(block[:start-1], '\n') + 1
	}
	if t.max == 0 {
		return
	}
	for line := range bytes.Lines(block[start:]) {
		t.add(line[:len(line)-1])
	}
}

func (t *tail) add(line []byte) {
	text := string(line[:min(len(line), maxTailLine)])
	if len(line) > maxTailLine {
		text = strings.ToValidUTF8(text, "") + cutMark // no half of a character
	}
	if len(t.lines) < t.max {
		t.lines = append(t.lines, text)
		return
	}
	t.lines[t.next] = text
	t.next = (t.next + 1) % t.max
}

// all returns the lines in order; nil if there are none.
func (t *tail) all() []string {
	return append(append([]string(nil), t.lines[t.next:]...), t.lines[:t.next]...)
}
