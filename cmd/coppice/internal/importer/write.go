package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// order is that in which keys are written.
var order = []string{"restart", "significant", "needs", "strategy", "parallel", "intensity", "auto_shutdown",
	"command", "shell", "copies", "dir", "env_file", "env", "inherit", "node_ipc", "ready", "alive",
	"success_codes", "fatal_codes", "fatal_ends_tree", "stop", "backoff", "log", "user", "group", "umask"}

// write is the file whose root this is. Without a format it is only for the loader.
func (c *child) write(file string, from Format) []byte {
	var w writer
	if from != Unknown {
		w.comment("", fmt.Sprintf("Made from %s, of %s, by coppice import. It belongs into the same directory.", file, from))
	}
	for _, r := range c.remarks {
		w.comment("", r.text)
	}
	w.line("name: " + scalar(literal(c.id)))
	if codes := c.keys.get(failureAnchor); codes != nil {
		w.comment("", "All exit codes but 0.")
		w.line(failureAnchor + ": &failure " + inline(codes))
	}
	w.entries("", c)
	return []byte(w.String())
}

// failureAnchor is a key of the root for the list of all exit codes but 0.
const failureAnchor = "x-failure"

type writer struct{ strings.Builder }

func (w *writer) line(s string) { w.WriteString(s + "\n") }

func (w *writer) comment(indent, text string) {
	w.line(indent + "# " + strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, text))
}

// entries writes the keys of a child but for its id, and its children.
func (w *writer) entries(indent string, c *child) {
	all := slices.Clone(c.keys)
	if c.restart != "" {
		all = all.with("restart", c.restart)
	}
	if len(c.needs) > 0 {
		all = all.with("needs", escaped(c.needs))
	}
	if c.command != nil {
		all = all.with("command", c.command)
	}
	if c.shell != "" {
		all = all.with("shell", c.shell)
	}
	if c.copies > 0 {
		all = all.with("copies", c.copies)
	}
	if c.backoff.min > 0 {
		all = all.with("backoff", c.backoff.flow())
	}
	for _, key := range order {
		if v := all.get(key); v != nil {
			w.entry(indent, key, v)
		}
	}
	if c.children == nil {
		return
	}
	w.line(indent + "children:")
	for _, kid := range c.children {
		w.child(indent+"  ", kid)
	}
}

func (w *writer) child(indent string, c *child) {
	var inner writer
	inner.line("- id: " + scalar(literal(c.id)))
	for _, r := range c.remarks {
		inner.comment("  ", r.text)
	}
	inner.entries("  ", c)
	for line := range strings.Lines(inner.String()) {
		switch {
		case c.off:
			w.WriteString(indent + "# " + line)
		case line == "\n":
			w.WriteString(line)
		default:
			w.WriteString(indent + line)
		}
	}
}

// wide is how many characters a mapping in one line may have.
const wide = 110

func (w *writer) entry(indent, key string, v any) {
	if s, ok := v.(string); ok && key == "shell" && blockText(s) {
		w.line(indent + key + ": |-")
		for line := range strings.Lines(s) {
			w.WriteString(indent + "  " + line)
		}
		w.line("")
		return
	}
	one := inline(v)
	if f, ok := v.(flow); ok && len(one) > wide {
		w.line(indent + key + ":")
		for _, e := range f {
			w.line(indent + "  " + scalar(e.key) + ": " + inline(e.value))
		}
		return
	}
	w.line(indent + key + ": " + one)
}

// blockText reports whether a text of several lines can be written as they are.
func blockText(s string) bool {
	if !strings.Contains(s, "\n") || strings.HasSuffix(s, "\n") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if line == "" || line != strings.TrimRight(line, " ") || strings.ContainsFunc(line, func(r rune) bool { return r != ' ' && !unicode.IsGraphic(r) }) {
			return false
		}
	}
	return s[0] != ' '
}

// inline is a value in one line.
func inline(v any) string {
	switch v := v.(type) {
	case raw:
		return string(v)
	case string:
		return scalar(v)
	case time.Duration:
		return duration(v)
	case []string:
		words := make([]string, len(v))
		for i, s := range v {
			words[i] = scalar(s)
		}
		return "[" + strings.Join(words, ", ") + "]"
	case flow:
		words := make([]string, len(v))
		for i, e := range v {
			words[i] = scalar(e.key) + ": " + inline(e.value)
		}
		return "{" + strings.Join(words, ", ") + "}"
	case []int:
		words := make([]string, len(v))
		for i, n := range v {
			words[i] = strconv.Itoa(n)
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// plainText is what needs no quotes anywhere, and nobody takes for something else.
var plainText = regexp.MustCompile(`^[A-Za-z_./][A-Za-z0-9_./=+@%-]*$|^-{1,2}[A-Za-z][A-Za-z0-9_./=-]*$|^[0-9]+[KMG]i?B$`)

// notText are words that are no texts to one YAML or another.
var notText = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|y|n|null|\.nan|[-+]?\.inf|\.[0-9].*)$`)

func scalar(s string) string {
	if plainText.MatchString(s) && !notText.MatchString(s) {
		return s
	}
	if strings.ContainsAny(s, `"\`) && !strings.Contains(s, "'") && !strings.ContainsFunc(s, func(r rune) bool { return r != ' ' && !unicode.IsGraphic(r) }) {
		return "'" + s + "'"
	}
	return strconv.Quote(s)
}

// duration writes 1m0s as 1m.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (b backoff) flow() flow {
	f := flow{{"min", b.min}}
	if b.max > b.min {
		f = append(f, entry{"max", b.max})
	}
	if b.factor != 0 {
		f = append(f, entry{"factor", b.factor})
	}
	if b.reset != 0 {
		f = append(f, entry{"reset", b.reset})
	}
	return f
}
