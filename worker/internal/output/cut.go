package output

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// cutMark stands at both sides of the place where a line was cut.
const cutMark = "…"

// cutter makes lines of a stream's bytes. What it returns are blocks: lines
// that are bounded and harmless, each with its newline. It belongs to one
// goroutine at a time.
type cutter struct {
	maxLine int
	partial []byte // the beginning of a line whose end is still to come; at most maxLine+1 bytes
	resumed bool   // partial continues a line that was cut
}

// cut takes the next bytes of the stream. The block may lie in buf, so that in
// the ordinary case nothing is copied.
func (c *cutter) cut(buf *buffer) (block []byte) {
	data := buf.data()
	end := bytes.LastIndexByte(data, '\n') + 1
	if end == 0 {
		c.partial = append(c.partial, data...)
		return c.bound(nil)
	}
	if len(c.partial) <= headroom {
		end += len(c.partial)
		data = buf.prepend(c.partial)
	} else {
		end += len(c.partial)
		data = append(c.partial, data...)
	}
	// A fresh one and not c.partial[:0]: a silent child holds no buffer.
	lines, rest := data[:end], bytes.Clone(data[end:])
	if c.resumed || !presentable(lines, c.maxLine) {
		lines = c.present(lines)
	}
	if c.partial = rest; len(rest) == 0 {
		c.partial = nil
		return lines
	}
	return c.bound(lines)
}

// flush takes the end of the stream for the end of its last line.
func (c *cutter) flush() (block []byte) {
	if len(c.partial) > 0 {
		block = c.present(append(c.partial, '\n'))
		c.partial = nil
	}
	return block
}

// present makes a block of lines.
func (c *cutter) present(lines []byte) (block []byte) {
	block = make([]byte, 0, len(lines)+len(lines)/8)
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n')
		line := bytes.TrimSuffix(lines[:end], []byte{'\r'})
		lines = lines[end+1:]
		for len(line) > c.maxLine {
			block, line = c.piece(block, line)
		}
		if c.resumed {
			block = append(block, cutMark...)
		}
		block = append(appendHarmless(block, line), '\n')
		c.resumed = false
	}
	return block
}

// bound appends to block the pieces of the partial line that exceed the length
// of a line. One byte more than that may be the \r of its end.
func (c *cutter) bound(block []byte) []byte {
	line := c.partial
	block = slices.Clip(block) // it may lie in a buffer
	for len(line) > c.maxLine && !(len(line) == c.maxLine+1 && line[c.maxLine] == '\r') {
		block, line = c.piece(block, line)
	}
	if len(line) < len(c.partial) {
		c.partial = bytes.Clone(line)
	}
	return block
}

// piece appends the first piece of a line that is too long, and returns the rest.
func (c *cutter) piece(block, line []byte) (_, rest []byte) {
	n := c.maxLine
	for i := n; i > 0 && n-i < utf8.UTFMax; i-- {
		if utf8.RuneStart(line[i]) { // do not cut a character in two
			n = i
			break
		}
	}
	if c.resumed {
		block = append(block, cutMark...)
	}
	block = append(appendHarmless(block, line[:n]), cutMark+"\n"...)
	c.resumed = true
	return block, line[n:]
}

// presentable reports whether lines can be taken as they are. In the ordinary
// case, text in ASCII without tabs, they are looked at eight bytes at a time
// and not one by one: next to the copying, this is what output costs.
func presentable(lines []byte, maxLine int) bool {
	for rest := lines; len(rest) > maxLine; {
		end := bytes.LastIndexByte(rest[:maxLine+1], '\n')
		if end < 0 {
			return false
		}
		rest = rest[end+1:]
	}
	if plain(lines) {
		return true
	}
	for _, b := range lines {
		if b < ' ' && b != '\t' && b != '\n' || b == 0x7f {
			return false
		}
	}
	return utf8.Valid(lines) && !hasC1(lines)
}

// plain reports whether b has nothing but printable ASCII characters and
// newlines.
func plain(b []byte) bool {
	for ; len(b) >= 32; b = b[32:] {
		w, x := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:16])
		y, z := binary.LittleEndian.Uint64(b[16:24]), binary.LittleEndian.Uint64(b[24:32])
		// The high bit of a byte comes out set if it was set, if the byte is less
		// than a space, or if it is DEL. A carry into the next byte changes
		// nothing: it comes from a byte whose own bit is set.
		bad := w | (w - ' '*ones) | (w + ones) | x | (x - ' '*ones) | (x + ones) |
			y | (y - ' '*ones) | (y + ones) | z | (z - ' '*ones) | (z + ones)
		if bad&highs != 0 && notPlain(w)|notPlain(x)|notPlain(y)|notPlain(z) != 0 {
			return false
		}
	}
	for ; len(b) >= 8; b = b[8:] {
		if notPlain(binary.LittleEndian.Uint64(b)) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c != '\n' && (c < ' ' || c >= 0x7f) {
			return false
		}
	}
	return true
}

// notPlain sets the high bit of each byte that is neither a printable ASCII
// character nor a newline. Nothing is carried from one byte to the next.
func notPlain(x uint64) uint64 {
	seven := x & lows
	space := seven + (0x80-' ')*ones    // at least a space
	other := (seven ^ '\n'*ones) + lows // not a newline
	del := seven + ones                 // DEL
	return (x | ^space&other | del) & highs
}

const (
	ones  = 0x0101010101010101
	lows  = 0x7f * ones
	highs = 0x80 * ones
)

// hasC1 looks in valid UTF-8 for U+0080 to U+009F: some terminals take U+009B
// for ESC [.
func hasC1(b []byte) bool {
	for {
		i := bytes.IndexByte(b, 0xc2)
		if i < 0 {
			return false
		}
		if b[i+1] <= 0x9f {
			return true
		}
		b = b[i+2:]
	}
}

// appendHarmless appends b as text: a run of invalid UTF-8 becomes U+FFFD, and
// control characters other than tab are written as escapes, so that a child
// cannot forge lines or talk to the reader's terminal.
func appendHarmless(to, b []byte) []byte {
	const hex = "0123456789abcdef"
	for i, invalid := 0, false; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if c != '\t' && (c < ' ' || c == 0x7f) {
				to = append(to, '\\', 'x', hex[c>>4], hex[c&15])
			} else {
				to = append(to, c)
			}
			i, invalid = i+1, false
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			if !invalid {
				to = utf8.AppendRune(to, utf8.RuneError)
			}
			i, invalid = i+1, true
			continue
		case r <= 0x9f:
			to = append(to, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			to = append(to, b[i:i+n]...)
		}
		i, invalid = i+n, false
	}
	return to
}
