package output

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// record is what a structured logger in the child wrote as one JSON object.
type record struct {
	level   hclog.Level // NoLevel if it does not say
	message string
	fields  []any // key and value in turn, in the order of the line
}

// parseRecord reads a line as hclog, zap, zerolog, slog, pino, bunyan, logrus
// and their like write it. A line that is no JSON object, or has neither
// message nor level, is none.
//
// The time is dropped: the logger writes its own. A key loses a leading @, so
// that it cannot be taken for one of the logger's; strings become harmless;
// numbers stay exact; objects and arrays become compact JSON.
func parseRecord(line string) (record, bool) {
	if len(line) < 2 || line[0] != '{' {
		return record{}, false
	}
	if !json.Valid([]byte(line)) {
		return record{}, false
	}
	var r record
	hasMessage := false
	for rest := line[1:]; ; {
		var key, value string
		var ok bool
		if key, value, rest, ok = member(rest); !ok {
			break
		}
		switch key {
		case "@message", "msg", "message":
			if value[0] == '"' && !hasMessage {
				r.message, hasMessage = unquote(value, false), true
				continue
			}
		case "@level", "level", "severity":
			if level := levelIn(value); level != hclog.NoLevel && r.level == hclog.NoLevel {
				r.level = level
				continue
			}
		case "@timestamp", "timestamp", "time", "ts":
			if value[0] == '"' || value[0] == '-' || isDigit(value[0]) {
				continue
			}
		}
		r.fields = append(r.fields, strings.TrimLeft(key, "@"), fieldValue(value))
	}
	return r, hasMessage || r.level != hclog.NoLevel
}

// member splits off the next key and value of what is known to be the inside
// of a valid JSON object.
func member(s string) (key, value, rest string, ok bool) {
	s = strings.TrimLeft(s, ", \t")
	if s[0] == '}' {
		return "", "", "", false
	}
	n := valueLen(s)
	key, s = unquote(s[:n], false), s[n:]
	s = strings.TrimLeft(s, ": \t")
	n = valueLen(s)
	return key, s[:n], s[n:], true
}

// valueLen is the length of the valid JSON value at the beginning of s.
func valueLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 { // of the object around a number or literal
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// unquote is the text of a valid JSON string, made harmless. lines says
// whether it may have several.
func unquote(quoted string, lines bool) string {
	raw := quoted[1 : len(quoted)-1]
	if strings.IndexByte(raw, '\\') < 0 {
		return raw // harmless, as the whole line is
	}
	var s string
	if json.Unmarshal([]byte(quoted), &s) != nil {
		return raw
	}
	if !lines {
		return string(appendHarmless(nil, []byte(s)))
	}
	var text []byte
	for line := range bytes.Lines([]byte(s)) {
		body, cut := bytes.CutSuffix(line, []byte{'\n'})
		text = appendHarmless(text, body)
		if cut {
			text = append(text, '\n')
		}
	}
	return string(text)
}

// fieldValue is a JSON value as a logger takes it. A string, a stack trace for
// instance, may have several lines: loggers indent them.
func fieldValue(value string) any {
	switch value[0] {
	case '"':
		return unquote(value, true)
	case 't':
		return true
	case 'f':
		return false
	case 'n':
		return nil
	case '{', '[':
		var compact bytes.Buffer
		if json.Compact(&compact, []byte(value)) != nil {
			return value
		}
		return compact.String()
	}
	return json.Number(value)
}

// levelIn understands the names of levels, slog's "WARN+1" among them, and the
// numbers of pino and bunyan.
func levelIn(value string) hclog.Level {
	if value[0] == '"' {
		name := unquote(value, false)
		if i := strings.IndexAny(name, "+-"); i > 0 {
			name = name[:i]
		}
		return levelOf(name)
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil || n < 10 || n >= 70:
		return hclog.NoLevel
	case n < 20:
		return hclog.Trace
	case n < 30:
		return hclog.Debug
	case n < 40:
		return hclog.Info
	case n < 50:
		return hclog.Warn
	}
	return hclog.Error
}
