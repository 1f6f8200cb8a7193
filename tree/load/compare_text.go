package load

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// aspect is what a key of the file made of a T, in the words of the file. Values
// that are not the same have not the same text.
type aspect[T any] struct {
	key  string
	def  string // the default, if it can be written
	text func(*T) string
}

// of is empty for the default.
func (a *aspect[T]) of(v *T) string {
	if text := a.text(v); text != a.def {
		return text
	}
	return ""
}

// quoted is a text with quotes if YAML needs them, wherever it is.
func quoted(s string) string {
	const marks = "_/.@%+=-"
	other := func(r rune) bool {
		return !strings.ContainsRune(marks, r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	if s == "" || s == "-" || strings.EqualFold(s, "null") || strings.ContainsFunc(s, other) || strings.ContainsAny(s[:1], "@%+=") {
		return strconv.Quote(s)
	}
	return s
}

// flow is a list.
func flow(items []string) string {
	texts := make([]string, len(items))
	for i, s := range items {
		texts[i] = quoted(s)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// The following are empty for what Go has for nothing.

func scalar(s string) string {
	if s == "" {
		return ""
	}
	return quoted(s)
}

func argv(list []string) string {
	if list == nil {
		return ""
	}
	return flow(list)
}

func codes(list []int) string {
	if len(list) == 0 {
		return ""
	}
	return strings.ReplaceAll(fmt.Sprint(slices.Sorted(slices.Values(list))), " ", ", ")
}

func truth(v bool) string {
	if !v {
		return ""
	}
	return "true"
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func decimal(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func size(n int64) string {
	if n == 0 {
		return ""
	}
	return bytesText(uint64(n))
}

func signalText(s syscall.Signal) string {
	if s == 0 {
		return ""
	}
	if name := signalName(s); name != "" {
		return name
	}
	return strconv.Itoa(int(s))
}

func pointed(v *int, text func(int) string) string {
	if v == nil {
		return ""
	}
	return text(*v)
}

func octal(v int) string { return fmt.Sprintf("%04o", v) }

// bytesText is a size in the largest unit that it is a multiple of.
func bytesText(n uint64) string {
	for _, unit := range [...]string{"GiB", "MiB", "KiB", "GB", "MB", "kB"} {
		if by := uint64(sizeUnits[unit]); n > 0 && n%by == 0 {
			return strconv.FormatUint(n/by, 10) + unit
		}
	}
	return strconv.FormatUint(n, 10)
}
