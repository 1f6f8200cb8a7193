package output

import (
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// logSink brings the lines of one stream to the logger.
type logSink struct {
	gate
	crash bool // a Go program's last words: all that follows is part of them
}

// deliver logs the lines of text. It returns false if the stream is in other
// hands now.
func (l *logSink) deliver(text string) bool {
	n := int64(strings.Count(text, "\n"))
	if l.stream.out.over() {
		l.drop(n)
		text, n = "", 0
	}
	if text == "" && !l.owing() {
		return true
	}
	o, ok := l.enter()
	if !ok {
		l.drop(n)
		return true
	}
	l.inHand.Store(n)
	l.say(o)
	l.lines(text)
	if l.leave() {
		return true
	}
	l.catchUp(l.say)
	return false
}

// say says what the logger is owed.
func (l *logSink) say(o owed) bool {
	logger := l.stream.out.cfg.Logger
	if o.dropped > 0 {
		logger.Log(hclog.Warn, "lines of output were dropped: the log was too slow", l.with("lines", o.dropped)...)
	}
	for _, r := range o.reports {
		logger.Log(r.level, r.message, l.with(r.fields...)...)
	}
	return true
}

// lines logs each line of text, until the time for that is over.
func (l *logSink) lines(text string) {
	if text == "" {
		return
	}
	fields := l.with()          // not kept: an idle stream has none
	clone := len(text) > little // a logger that keeps one line shall not keep them all
	for len(text) > 0 {
		if l.stream.out.over() {
			l.dropInHand()
			return
		}
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if clone {
			line = strings.Clone(line)
		}
		l.line(line, fields)
		l.inHand.Add(-1)
	}
}

func (l *logSink) line(line string, fields []any) {
	logger := l.stream.out.cfg.Logger
	if r, ok := parseRecord(line); ok {
		if r.level == hclog.NoLevel {
			r.level = hclog.Info
		}
		// Ours come last: a formatter that keeps one value per key keeps ours.
		logger.Log(r.level, r.message, append(r.fields, fields...)...)
		return
	}
	level, crash := infer(line)
	l.crash = l.crash || crash
	switch {
	case l.crash:
		level = hclog.Error
	case level == hclog.NoLevel:
		level = hclog.Info
	}
	logger.Log(level, line, fields...)
}

// with puts fields before those of each line.
func (l *logSink) with(fields ...any) []any {
	o := l.stream.out
	return slices.Concat(fields, o.cfg.Fields, []any{"pid", o.pid, "stream", l.stream.name})
}
