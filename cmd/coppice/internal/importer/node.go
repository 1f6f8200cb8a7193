package importer

import (
	"strconv"
	"strings"
	"time"
)

// node is a value of a file in JSON or YAML, with its place.
type node struct {
	kind  kind
	text  string  // of a scalar
	items []*node // of a list
	pairs []pair  // of a mapping, in the order of the file
	line  int
}

type pair struct {
	key   string
	line  int
	value *node
}

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	mapping
)

func (k kind) String() string {
	return [...]string{"nothing", "true or false", "a number", "a text", "a list", "a mapping"}[k]
}

func (n *node) scalar() bool { return n.kind == boolean || n.kind == number || n.kind == text }

// get is the value of a key; nil if there is none, or nothing is its value.
func (n *node) get(keys ...string) *node {
	for i := range n.pairs {
		for _, k := range keys {
			if n.pairs[i].key == k && n.pairs[i].value.kind != null {
				return n.pairs[i].value
			}
		}
	}
	return nil
}

// shown is a value in a comment: what there is room for.
func (n *node) shown() string {
	switch n.kind {
	case null:
		return "null"
	case list:
		words := make([]string, len(n.items))
		for i, item := range n.items {
			words[i] = item.shown()
		}
		return short("[" + strings.Join(words, ", ") + "]")
	case mapping:
		words := make([]string, len(n.pairs))
		for i, p := range n.pairs {
			words[i] = p.key + ": " + p.value.shown()
		}
		return short("{" + strings.Join(words, ", ") + "}")
	}
	return short(n.text)
}

func short(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return s
}

// noNUL looks for a character that no text of a tree can have. Escapes can make it.
func (im *importer) noNUL(n *node) {
	if strings.IndexByte(n.text, 0) >= 0 {
		im.problem(im.path, n.line, "there is a NUL character in a text")
	}
	for _, item := range n.items {
		im.noNUL(item)
	}
	for _, p := range n.pairs {
		if strings.IndexByte(p.key, 0) >= 0 {
			im.problem(im.path, p.line, "there is a NUL character in a key")
		}
		im.noNUL(p.value)
	}
}

// The values of a kind. What is of another is a problem, and not ok; so is what is
// not there, without a problem.

func (im *importer) str(n *node, key string) (s string, ok bool) {
	if n == nil {
		return "", false
	}
	if !n.scalar() {
		im.problem(im.path, n.line, "%s: expected a text, found %s", key, n.kind)
	}
	return n.text, n.scalar()
}

func (im *importer) flag(n *node, key string) (value, ok bool) {
	if n == nil {
		return false, false
	}
	switch strings.ToLower(n.text) {
	case "true", "yes", "on":
		return true, n.scalar()
	case "false", "no", "off":
		return false, n.scalar()
	}
	im.problem(im.path, n.line, "%s: expected true or false, found %s", key, n.shown())
	return false, false
}

// count is a whole number that is not negative.
func (im *importer) count(n *node, key string) (int, bool) {
	if n == nil {
		return 0, false
	}
	v, err := strconv.ParseInt(n.text, 10, 32)
	if err != nil || v < 0 || !n.scalar() {
		im.problem(im.path, n.line, "%s: expected a whole number from 0 on, found %s", key, n.shown())
		return 0, false
	}
	return int(v), true
}

// seconds are a number of them.
func (im *importer) seconds(n *node, key string) (time.Duration, bool) {
	v, ok := im.count(n, key)
	return time.Duration(v) * time.Second, ok
}

// texts is a list of texts.
func (im *importer) texts(n *node, key string) ([]string, bool) {
	if n == nil {
		return nil, false
	}
	if n.kind != list {
		im.problem(im.path, n.line, "%s: expected a list of texts, found %s", key, n.kind)
		return nil, false
	}
	words := make([]string, 0, len(n.items))
	for _, item := range n.items {
		s, ok := im.str(item, key)
		if !ok {
			return nil, false
		}
		words = append(words, s)
	}
	return words, true
}

// object is a mapping; nil if it is not there, or something else.
func (im *importer) object(n *node, key string) *node {
	if n == nil || n.kind == mapping {
		return n
	}
	im.problem(im.path, n.line, "%s: expected a mapping of keys to values, found %s", key, n.kind)
	return nil
}
