package load

import (
	"fmt"
	"regexp"
	"strconv"
)

// pos is a place in the file: a line and a column from 1, and how many characters
// from there on.
type pos struct{ line, col, width int }

func (p pos) before(q pos) bool { return p.line < q.line || p.line == q.line && p.col < q.col }

// node is a value of the file, with aliases and merge keys resolved and variables
// expanded.
type node struct {
	kind  kind
	text  string // of a scalar: as written, without quotes
	pos   pos
	items []*node // of a list
	pairs []pair  // of a mapping; no key is there twice

	// partial: something in the list or mapping could not be understood, which was told.
	// What seems to be missing may be there.
	partial bool

	// expanded: ${…} was in the text. What it is to be was not to be seen in
	// the file, and so is for the reader to say.
	expanded bool
}

type pair struct {
	key   string
	pos   pos
	value *node
}

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	sequence
	mapping
)

// find returns the pair with a key; nil if there is none.
func (n *node) find(key string) *pair {
	for i := range n.pairs {
		if n.pairs[i].key == key {
			return &n.pairs[i]
		}
	}
	return nil
}

// at is the place of a key, or else of the mapping.
func (n *node) at(key string) pos {
	if p := n.find(key); p != nil {
		return p.pos
	}
	return n.pos
}

// valueAt is the place of a key's value, or else of the mapping.
func (n *node) valueAt(key string) pos {
	if p := n.find(key); p != nil {
		return p.value.pos
	}
	return n.pos
}

// describe says what a value is, for "expected …, found …".
func (n *node) describe() string {
	switch n.kind {
	case null:
		return "nothing"
	case boolean:
		return n.text
	case number:
		return "the number " + n.text
	case text:
		return "the text " + strconv.Quote(shorten(n.text))
	case sequence:
		return "a list"
	}
	return "a mapping of keys to values"
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}

// The plain scalars of YAML 1.2's core schema that are no texts. In YAML 1.1
// there were more: yes, no, on and off, and numbers with : and _ in them.
var (
	plainNull    = regexp.MustCompile(`^(|~|null|Null|NULL)$`)
	plainBoolean = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	plainNumber  = regexp.MustCompile(`^([-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// plain is the kind of a scalar without quotes.
func plain(s string) kind {
	switch {
	case plainNull.MatchString(s):
		return null
	case plainBoolean.MatchString(s):
		return boolean
	case plainNumber.MatchString(s):
		return number
	}
	return text
}

// problem notes what is wrong at a place of the tree's file.
func (d *decoder) problem(at pos, hint, format string, args ...any) {
	p := Problem{File: d.file, Line: at.line, Column: at.col, width: at.width, Message: fmt.Sprintf(format, args...), Hint: hint}
	if at.line >= 1 && at.line <= len(d.lines) {
		p.Source = d.lines[at.line-1]
	}
	d.add(p)
}

// maxProblems is more than anybody reads.
const maxProblems = 1000

// add notes a problem once: what several aliases use is written once.
func (d *decoder) add(p Problem) {
	d.found++
	if d.told[p] || len(d.problems) > maxProblems {
		return
	}
	if len(d.problems) == maxProblems {
		p.Message, p.Hint = "and there are more problems", ""
	}
	d.told[p] = true
	d.problems = append(d.problems, p)
}
