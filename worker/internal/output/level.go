package output

import (
	"strings"

	"github.com/hashicorp/go-hclog"
)

// infer tells from the beginning of a line how severe it says it is; NoLevel if
// it does not say. crash is set for the first line of a dying Go program's
// report. Nothing here looks at more than the first hundred bytes or so.
func infer(line string) (level hclog.Level, crash bool) {
	if line == "" {
		return hclog.NoLevel, false
	}
	switch line[0] {
	case 'p':
		if strings.HasPrefix(line, "panic: ") {
			return hclog.Error, true
		}
	case 'f':
		if strings.HasPrefix(line, "fatal error: ") {
			return hclog.Error, true
		}
	case 'g':
		if strings.HasPrefix(line, "goroutine ") && strings.HasSuffix(line, "]:") {
			return hclog.Error, false
		}
	case 'T': // Python
		if strings.HasPrefix(line, "Traceback (most recent call last)") {
			return hclog.Error, false
		}
	case 'E': // Java
		if strings.HasPrefix(line, "Exception in thread ") {
			return hclog.Error, false
		}
	case 't':
		switch {
		case strings.HasPrefix(line, "thread '"): // Rust
			if strings.Contains(line[:min(len(line), 100)], "' panicked at ") {
				return hclog.Error, false
			}
		case strings.HasPrefix(line, "time="), strings.HasPrefix(line, "ts="), strings.HasPrefix(line, "t="): // logfmt
			return logfmtLevel(line[:min(len(line), 100)]), false
		}
	case 'l':
		if strings.HasPrefix(line, "level=") || strings.HasPrefix(line, "lvl=") {
			return logfmtLevel(line[:min(len(line), 30)]), false
		}
	}
	if level := klogLevel(line); level != hclog.NoLevel {
		return level, false
	}
	return leadingLevel(afterTime(line)), false
}

// logfmtLevel finds level=warn or lvl="warn" in the head of a logfmt line.
func logfmtLevel(head string) hclog.Level {
	for _, key := range [...]string{"level=", "lvl="} {
		i := strings.Index(head, key)
		if i < 0 || i > 0 && head[i-1] != ' ' {
			continue
		}
		value := strings.TrimPrefix(head[i+len(key):], `"`)
		return levelOf(value[:letters(value)])
	}
	return hclog.NoLevel
}

// klogLevel knows the header of glog and klog: I0102 15:04:05.000000.
func klogLevel(line string) hclog.Level {
	if len(line) < 6 || line[5] != ' ' || letters(line) != 1 || digits(line[1:]) != 4 {
		return hclog.NoLevel
	}
	switch line[0] {
	case 'I':
		return hclog.Info
	case 'W':
		return hclog.Warn
	case 'E', 'F':
		return hclog.Error
	}
	return hclog.NoLevel
}

// leadingLevel takes the first word of a line for a level if it looks like
// one: [error], ERROR in capitals, or with a colon behind it. "Error handling
// is on" is none.
func leadingLevel(line string) hclog.Level {
	bracket := strings.HasPrefix(line, "[")
	if bracket {
		line = line[1:]
	}
	n := letters(line)
	word, rest := line[:n], line[n:]
	level := levelOf(word)
	if level == hclog.NoLevel {
		return level
	}
	switch {
	case bracket:
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, "]") {
			return level
		}
	case strings.HasPrefix(rest, ":"):
		return level
	case word[0] <= 'Z' && word[len(word)-1] <= 'Z':
		if rest == "" || strings.IndexByte(" \t|]-", rest[0]) >= 0 {
			return level
		}
	}
	return hclog.NoLevel
}

// afterTime skips a time at the beginning of a line, and a time zone and
// process number behind it, as in
//
//	2006/01/02 15:04:05 [error] 12#0: ...
//	2006-01-02 15:04:05.000 UTC [123] ERROR: ...
func afterTime(line string) string {
	clock := false // digit:digit was seen
	i := 0
	for ; i < len(line) && i < 64; i++ {
		afterDigit := i > 0 && isDigit(line[i-1])
		beforeDigit := i+1 < len(line) && isDigit(line[i+1])
		switch b := line[i]; {
		case isDigit(b), b == '[' && beforeDigit:
			continue
		case i == 0:
			return line
		case strings.IndexByte(" :.,-/+]", b) >= 0:
			clock = clock || b == ':' && afterDigit && beforeDigit
			continue
		case b == 'T' && afterDigit && beforeDigit, b == 'Z' && afterDigit:
			continue
		}
		n := letters(line[i:])
		if (n != 3 && n != 4) || !strings.HasPrefix(line[i+n:], " [") || levelOf(line[i:i+n]) != hclog.NoLevel {
			break // the for
		}
		i += n - 1 // a time zone
	}
	if !clock {
		return line
	}
	return line[i:]
}

// levelOf knows the names of levels, in any case.
func levelOf(word string) hclog.Level {
	if len(word) < 3 || len(word) > 9 {
		return hclog.NoLevel
	}
	var lower [9]byte
	for i := range len(word) {
		lower[i] = word[i] | 0x20
	}
	switch string(lower[:len(word)]) {
	case "trace", "trce":
		return hclog.Trace
	case "debug", "dbug", "verbose":
		return hclog.Debug
	case "info", "notice", "log", "inf":
		return hclog.Info
	case "warn", "warning", "wrn":
		return hclog.Warn
	case "error", "err", "eror", "fail", "fatal", "panic", "dpanic", "critical", "crit", "alert", "emerg", "emergency", "severe":
		return hclog.Error
	}
	return hclog.NoLevel
}

// letters counts the ASCII letters that s begins with, up to ten.
func letters(s string) int {
	n := 0
	for n < len(s) && n < 10 && 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z' {
		n++
	}
	return n
}

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
