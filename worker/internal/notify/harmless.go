package notify

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// harmless makes text of what a program sent, of at most max bytes: invalid
// UTF-8 becomes U+FFFD, and what would forge lines or talk to the reader's
// terminal is written as an escape, controls of the writing direction included.
func harmless(s string, max int) string {
	var sb strings.Builder
	for _, r := range s { // an invalid byte is U+FFFD here
		switch {
		case r < 0x80 && unicode.IsControl(r):
			fmt.Fprintf(&sb, `\x%02x`, r)
		case unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp):
			fmt.Fprintf(&sb, `\u%04x`, r)
		default:
			sb.WriteRune(r)
		}
	}
	text := sb.String()
	if len(text) <= max {
		return text
	}
	const more = "…"
	end := max - len(more)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}
