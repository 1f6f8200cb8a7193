package load

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Files that were made to bring the loader down are refused in time.
func TestHostile(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s, 100_000) }
	var stairs, chain strings.Builder
	for i := range 1300 {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	chain.WriteString("x-0: &a0 [a]\n")
	for i := range 5000 {
		chain.WriteString(copyID("x", i+1) + ": &a" + copyID("", i+1)[1:] + " [*a" + copyID("", i)[1:] + "]\n")
	}
	for name, text := range map[string]string{
		"lists":           many("["),
		"mappings":        many("{a: "),
		"dashes":          many("- "),
		"question marks":  many("? "),
		"anchors":         "a: " + many("&a "),
		"tags":            "a: " + many("!!str "),
		"colons":          many("a: "),
		"indentation":     stairs.String(),
		"chained aliases": chain.String() + "children: *a5000\n",
		"quotes":          many(`"`),
		"the same key":    many("a: 1\n")[:50_000], // the parser takes time with the square of their number
		"unknown keys":    "children:\n" + many("- {id: a, command: [a], nope: 1}\n")[:200_000],
		"too large":       strings.Repeat("#", maxFile+1),
		"line ends":       many("\r"),
		"a long name":     many("x") + ": 1",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse("t.yaml", []byte(text), Options{})
			var wrong *Error
			if !errors.As(err, &wrong) {
				t.Fatalf("%v, want an *Error", err)
			}
			if n := len(err.Error()); n > 1_000_000 {
				t.Errorf("the message has %d bytes", n)
			}
			if n := len(wrong.Problems); n > maxProblems+1 {
				t.Errorf("%d problems", n)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
			t.Logf("%v: %.200s", time.Since(start), err)
		})
	}
}
