package record

import (
	"strings"
	"time"
)

// Line is one line of a child's output. Its JSON form is part of the control
// protocol, version 1: fields may be added, and nothing else may change.
type Line struct {
	Time        time.Time `json:"time"` // when it was read
	Path        string    `json:"path"` // of the child
	Incarnation uint64    `json:"incarnation,omitempty"`
	PID         int       `json:"pid,omitempty"`
	Stream      string    `json:"stream,omitempty"`  // stdout or stderr
	Text        string    `json:"text"`              // without the line break
	Dropped     uint64    `json:"dropped,omitempty"` // not 0: no line, but so many were lost here to a slow reader

	seq uint64 // its place among the lines of all children
}

// cutMark stands at the end of a line that was cut.
const cutMark = "…"

// cut bounds the text, in bytes, and leaves no half of a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + cutMark
}

// under reports whether path is that of the child at top, or of one below it.
func under(path, top string) bool {
	rest, ok := strings.CutPrefix(path, top)
	return ok && (rest == "" || rest[0] == '/')
}
