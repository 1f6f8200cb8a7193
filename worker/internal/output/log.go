package output

import (
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// logSink brings the lines of one stream to the logger.
type logSink struct {
	gate
	logger hclog.Logger
	fields []any // of each line
	over   func() bool

	crash bool // a Go program's last words: all that follows is part of them
}

// deliver logs the lines of text. It returns false if the stream is in other
// hands now.
func (l *logSink) deliver(text string) bool {
	n := int64(strings.Count(text, "\n"))
	if l.over() {
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
	if o.dropped > 0 {
		l.logger.Log(hclog.Warn, "lines of output were dropped: the log was too slow", l.with("lines", o.dropped)...)
	}
	for _, r := range o.reports {
		l.logger.Log(r.level, r.message, l.with(r.fields...)...)
	}
	return true
}

// lines logs each line of text, until the time for that is over.
func (l *logSink) lines(text string) {
	clone := len(text) > little // a logger that keeps one line shall not keep them all
	for len(text) > 0 {
		if l.over() {
			l.dropInHand()
			return
		}
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if clone {
			line = strings.Clone(line)
		}
		l.line(line)
		l.inHand.Add(-1)
	}
}

func (l *logSink) line(line string) {
	if r, ok := parseRecord(line); ok {
		if r.level == hclog.NoLevel {
			r.level = hclog.Info
		}
		// Ours come last: a formatter that keeps one value per key keeps ours.
		l.logger.Log(r.level, r.message, append(r.fields, l.fields...)...)
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
	l.logger.Log(level, line, l.fields...)
}

// with puts fields before those of each line.
func (l *logSink) with(fields ...any) []any {
	return append(slices.Clip(fields), l.fields...)
}
