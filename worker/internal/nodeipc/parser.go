package nodeipc

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// parser takes messages out of a stream. It holds at most one message that is
// not complete, and nothing between two messages.
type parser struct {
	max  int    // bytes that a message may have
	line []byte // of the message that is not complete
	err  error  // that ended it
}

// feed calls emit for each message that the next bytes of the stream complete;
// the message is emit's to keep. After an error, which is the same however the
// stream was cut into pieces, there are no more.
func (p *parser) feed(chunk []byte, emit func(json.RawMessage)) error {
	for len(chunk) > 0 && p.err == nil {
		// A message of the serialization 'advanced' begins with its length in
		// four bytes, the highest first, and perhaps never has a newline.
		if len(p.line) == 0 && chunk[0] == 0 {
			p.err = ErrAdvanced
			break
		}
		end := bytes.IndexByte(chunk, '\n')
		part := chunk
		if end >= 0 {
			part = chunk[:end]
		}
		if len(p.line)+len(part) > p.max {
			p.err = ErrTooLong
			break
		}
		p.line = append(p.line, part...)
		if end < 0 {
			break
		}
		chunk = chunk[end+1:]
		message := p.line
		p.line = nil
		if !json.Valid(message) {
			p.err = fmt.Errorf("%w: %q", ErrNotJSON, abridged(message))
			break
		}
		emit(message)
	}
	if p.err != nil {
		p.line = nil
	}
	return p.err
}

// within reports whether the stream is in the midst of a message.
func (p *parser) within() bool { return len(p.line) > 0 }

func abridged(b []byte) []byte {
	const enough = 80
	if len(b) > enough {
		return append(bytes.Clone(b[:enough]), "..."...)
	}
	return b
}
