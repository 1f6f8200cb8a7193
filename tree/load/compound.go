package load

import (
	"maps"
	"slices"
)

// lists are lists of at least so many values.
func lists[V any](of value[V], expected string, least int) value[[]V] {
	return value[[]V]{
		what: "list of " + of.what + "s", expected: expected,
		schema: schema{"type": "array", "items": of.schema, "minItems": least},
		read: func(d *decoder, n *node, expected string) ([]V, bool) {
			if n.kind != sequence {
				d.problem(n.pos, "", "expected %s, found %s", expected, n.describe())
				return nil, false
			}
			if n.partial {
				return nil, false // and that was told
			}
			if len(n.items) < least {
				d.problem(n.pos, "", "expected %s, found an empty one", expected)
				return nil, false
			}
			list, good := make([]V, 0, len(n.items)), true
			for _, item := range n.items {
				v, ok := of.get(d, item)
				good = good && ok
				list = append(list, v)
			}
			return list, good
		},
	}
}

// oneOrMore are a value, or a list of them.
func oneOrMore[V any](of value[V]) value[[]V] {
	expected := of.expected + ", or a list"
	many := lists(of, expected, 1)
	return value[[]V]{
		what: of.what + ", or " + many.what, expected: expected,
		schema: anyOf(of.schema, many.schema),
		read: func(d *decoder, n *node, expected string) ([]V, bool) {
			if n.kind == sequence {
				return many.read(d, n, expected)
			}
			v, ok := of.read(d, n, expected)
			return []V{v}, ok
		},
	}
}

// or adds names, for values that are written as none of the others.
func or[V any](of value[V], names []string, values ...V) value[V] {
	return value[V]{
		what:     of.what + ", or " + either(names),
		expected: of.expected + ", or " + either(names),
		schema:   anyOf(of.schema, schema{"enum": names}),
		read: func(d *decoder, n *node, expected string) (V, bool) {
			if i := slices.Index(names, n.text); i >= 0 && n.kind == text {
				return values[i], true
			}
			return of.read(d, n, expected)
		},
	}
}

// as reads what is written as a V and stands for a W.
func as[V, W any](of value[V], convert func(V) W) value[W] {
	return value[W]{
		what: of.what, expected: of.expected, schema: of.schema,
		read: func(d *decoder, n *node, expected string) (w W, ok bool) {
			v, ok := of.read(d, n, expected)
			if ok {
				w = convert(v)
			}
			return w, ok
		},
	}
}

// checked reads what is a V only if check says so; the hint may be empty.
func checked[V any](of value[V], check func(V) error, hint string) value[V] {
	return value[V]{
		what: of.what, expected: of.expected, schema: of.schema,
		read: func(d *decoder, n *node, expected string) (V, bool) {
			v, ok := of.read(d, n, expected)
			if !ok {
				return v, false
			}
			if err := check(v); err != nil {
				d.problem(n.pos, hint, "%v", err)
				return v, false
			}
			return v, true
		},
	}
}

// unique tells a schema that nothing may be in a list twice; that is checked where
// all items are known.
func unique[V any](of value[[]V]) value[[]V] {
	s := maps.Clone(of.schema)
	s["uniqueItems"] = true
	of.schema = s
	return of
}

func pointer[V any](v V) *V { return &v }
