package load

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const durationPattern = `^(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$`

var (
	durationText = regexp.MustCompile(durationPattern)
	days         = regexp.MustCompile(`^([0-9]+)d$`)
)

// durations are at least so long; least is 0 or 1.
func durations(least time.Duration) value[time.Duration] {
	accepted := schema{"type": "string", "pattern": durationPattern}
	if least > 0 {
		accepted = schema{"allOf": []schema{accepted, {"pattern": "[1-9]"}}}
	}
	return value[time.Duration]{
		what: "duration", expected: "a duration, as in 500ms, 5s or 1m30s",
		schema: orVariable(accepted),
		read: func(d *decoder, n *node, expected string) (time.Duration, bool) {
			if n.kind == number {
				d.problem(n.pos, "write "+n.text+"s if seconds are meant", "expected %s, found %s, which has no unit", expected, n.text)
				return 0, false
			}
			s, ok := d.scalar(n, expected, text)
			if !ok {
				return 0, false
			}
			v, err := time.ParseDuration(s)
			switch {
			case err == nil && v < 0:
				d.problem(n.pos, "", "a duration must not be negative: %s", s)
			case !durationText.MatchString(s), err != nil:
				d.problem(n.pos, durationHint(s), "expected %s, found %s", expected, n.describe())
			case v < least:
				d.problem(n.pos, "leave the key out for the default", "a duration of %s has no meaning here: it must be more than nothing", s)
			default:
				return v, true
			}
			return 0, false
		},
	}
}

func durationHint(s string) string {
	if durationText.MatchString(s) {
		return "that is more than there can be"
	}
	if m := days.FindStringSubmatch(s); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n < 10000 {
			return "write " + strconv.Itoa(24*n) + "h"
		}
	}
	if plainNumber.MatchString(s) {
		return "write " + s + "s if seconds are meant"
	}
	return "the units are ms, s, m and h"
}

const sizePattern = `^[0-9]+(\.[0-9]+)?(B|kB|KiB|MB|MiB|GB|GiB)$`

var sizeText = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) *([A-Za-z]*)$`)

var sizeUnits = map[string]float64{
	"": 1, "B": 1, "kB": 1e3, "KiB": 1 << 10, "MB": 1e6, "MiB": 1 << 20, "GB": 1e9, "GiB": 1 << 30,
}

// sizes are numbers of bytes, at least so many.
func sizes(least int64) value[int64] {
	accepted := schema{"type": "string", "pattern": sizePattern}
	if least > 0 {
		accepted = schema{"allOf": []schema{accepted, {"pattern": "^[0.]*[1-9]"}}}
	}
	return value[int64]{
		what: "size", expected: "a size, as in 512KiB, 10MiB or 1GB",
		schema: orVariable(anyOf(accepted, schema{"type": "integer", "minimum": least})),
		read: func(d *decoder, n *node, expected string) (int64, bool) {
			s, ok := d.scalar(n, expected, text, number)
			if !ok {
				return 0, false
			}
			v, good, hint := parseSize(s, n.kind == number || n.expanded)
			switch {
			case !good:
				d.problem(n.pos, hint, "expected %s, found %s", expected, n.describe())
			case v < least:
				d.problem(n.pos, "leave the key out for the default", "a size of %s has no meaning here: it must be at least %d B", s, least)
			default:
				return v, true
			}
			return 0, false
		},
	}
}

func parseSize(s string, bare bool) (_ int64, ok bool, hint string) {
	m := sizeText.FindStringSubmatch(s)
	if strings.HasPrefix(s, "-") {
		return 0, false, "a size is not negative"
	}
	if m == nil {
		return 0, false, "the units are B, KiB, MiB and GiB, or kB, MB and GB"
	}
	factor, known := sizeUnits[m[2]]
	if !known || m[2] != "" && s != m[1]+m[2] {
		return 0, false, sizeHint(m[1], m[2])
	}
	if m[2] == "" && (!bare || strings.Contains(s, ".") || len(s) > 1 && s[0] == '0') {
		return 0, false, "write " + s + "B if bytes are meant"
	}
	if whole, err := strconv.ParseInt(m[1], 10, 64); err == nil && whole <= math.MaxInt64/int64(factor) {
		return whole * int64(factor), true, ""
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if v = math.Round(v * factor); err != nil || v >= math.MaxInt64 {
		return 0, false, "that is more than there can be"
	}
	return int64(v), true, ""
}

// sizeHint is for what others write.
func sizeHint(number, unit string) string {
	switch strings.ToUpper(unit) {
	case "K", "KB", "KIB":
		return "write " + number + "KiB (of 1024 bytes) or " + number + "kB (of 1000)"
	case "M", "MB", "MIB":
		return "write " + number + "MiB (of 1024 KiB) or " + number + "MB (of 1000 kB)"
	case "G", "GB", "GIB":
		return "write " + number + "GiB (of 1024 MiB) or " + number + "GB (of 1000 MB)"
	}
	return "the units are B, KiB, MiB and GiB, or kB, MB and GB"
}
