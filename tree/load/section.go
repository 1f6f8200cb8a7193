package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-go/coppice/tree/internal/nearest"
)

// section is a mapping of the file: a table of its keys. It is the one source of
// how they are read, of what is said about those that are not known, of the JSON
// Schema and of FORMAT.md.
type section[T any] struct {
	name   string // in $defs, and as the heading of FORMAT.md
	noun   string // "a program", for messages
	doc    string
	keys   []key[T]
	choice []string // exactly one of these keys has to be there
}

// key is one key of a section.
type key[T any] struct {
	info
	set func(d *decoder, n *node, t *T)
}

// info is what can be said of a key without knowing what it is read into.
type info struct {
	name, doc string
	def       string // the default, in words; empty: there is none
	what      string // how its value is written
	schema    schema
	required  bool
	with      []string // one of these keys has to be there too
	aka       []string // what it is called elsewhere
}

// field is a key whose value is stored at a place in T.
func field[T, V any](name string, v value[V], at func(*T) *V, doc string, options ...func(*info)) key[T] {
	k := key[T]{
		info: info{name: name, doc: doc, what: v.what, schema: v.schema},
		set: func(d *decoder, n *node, t *T) {
			if got, ok := v.get(d, n); ok {
				*at(t) = got
			}
		},
	}
	for _, o := range options {
		o(&k.info)
	}
	return k
}

func required(i *info)                    { i.required = true }
func defaultTo(def string) func(*info)    { return func(i *info) { i.def = def } }
func with(keys ...string) func(*info)     { return func(i *info) { i.with = keys } }
func alsoKnownAs(s ...string) func(*info) { return func(i *info) { i.aka = s } }
func writtenAs(what string) func(*info)   { return func(i *info) { i.what = what } }

// lift makes keys of A into keys of B, which has an A.
func lift[A, B any](keys []key[A], at func(*B) *A) []key[B] {
	lifted := make([]key[B], len(keys))
	for i, k := range keys {
		lifted[i] = key[B]{info: k.info, set: func(d *decoder, n *node, b *B) { k.set(d, n, at(b)) }}
	}
	return lifted
}

func (s *section[T]) infos() []info {
	list := make([]info, len(s.keys))
	for i := range s.keys {
		list[i] = s.keys[i].info
	}
	return list
}

func (s *section[T]) find(name string) *key[T] {
	for i := range s.keys {
		if s.keys[i].name == name {
			return &s.keys[i]
		}
	}
	return nil
}

// decode reads a mapping into t, and reports whether there was nothing wrong.
func (s *section[T]) decode(d *decoder, n *node, t *T) bool {
	if n.kind != mapping {
		d.problem(n.pos, "they are "+list(names(s.infos())), "expected the keys of %s, found %s", s.noun, n.describe())
		return false
	}
	before := d.found
	there := make(map[string]bool) // keys, as they are or were probably meant
	for i := range n.pairs {
		p := &n.pairs[i]
		if k := s.find(p.key); k != nil {
			there[k.name] = true
			k.set(d, p.value, t)
		} else {
			there[d.unknownKey(p, s.infos(), s.noun)] = true
		}
	}
	if !n.partial {
		s.complete(d, n, there)
	}
	return d.found == before
}

// complete looks for keys that have to be there.
func (s *section[T]) complete(d *decoder, n *node, has map[string]bool) {
	for i := range s.keys {
		k := &s.keys[i].info
		switch {
		case k.required && !has[k.name]:
			d.problem(n.pos, k.doc, "the key %q is missing: %s needs it", k.name, s.noun)
		case has[k.name] && k.with != nil && !slices.ContainsFunc(k.with, func(other string) bool { return has[other] }):
			d.problem(n.at(k.name), "", "%s has a meaning only together with %s", k.name, either(k.with))
		}
	}
	if s.choice == nil {
		return
	}
	var chosen []string
	for _, name := range s.choice {
		if has[name] {
			chosen = append(chosen, name)
		}
	}
	switch {
	case len(chosen) == 0:
		d.problem(n.pos, "", "%s needs one of the keys %s", s.noun, either(s.choice))
	case len(chosen) > 1:
		d.problem(n.at(chosen[1]), "", "%s has %s: only one of them can be", s.noun, list(chosen))
	}
}

func names(infos []info) []string {
	list := make([]string, len(infos))
	for i := range infos {
		list[i] = infos[i].name
	}
	return list
}

// unknownKey says what was probably meant, and returns the key of here that it
// should have been; "" if there is no such guess.
func (d *decoder) unknownKey(p *pair, here []info, noun string) (meant string) {
	var hint string
	if i := slices.IndexFunc(here, func(k info) bool { return slices.Contains(k.aka, strings.ToLower(p.key)) }); i >= 0 {
		meant = here[i].name
		hint = fmt.Sprintf("here it is called %q", meant)
	} else if others := keyElsewhere(p.key); others != nil {
		hint = "it is a key of " + list(others)
		if noun == programSection.noun && slices.Contains(others, nestedSection.noun) || noun == nestedSection.noun && slices.Contains(others, programSection.noun) {
			hint += "; a child with the key children is a supervisor, any other is a program"
		}
	} else if meant = nearest.Word(p.key, names(here)); meant != "" {
		hint = fmt.Sprintf("did you mean %q?", meant)
	} else {
		hint = "the keys of " + noun + " are " + list(names(here))
	}
	d.problem(p.pos, hint, "unknown key %q", shorten(p.key))
	return meant
}

// object is a section as the value of a key.
func object[T any](s *section[T]) value[T] {
	return value[T]{
		what: "see [" + s.name + "](#" + s.name + ")", expected: s.noun,
		schema: schema{"$ref": "#/$defs/" + s.name},
		read: func(d *decoder, n *node, _ string) (t T, ok bool) {
			ok = s.decode(d, n, &t)
			return t, ok
		},
	}
}
