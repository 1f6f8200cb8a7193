package load

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// value is a way of writing a V: how it is told to a person and to a JSON Schema,
// and how it is read. Read notes a problem if it returns false.
type value[V any] struct {
	what     string // "text", "duration": a column of FORMAT.md
	expected string // "a duration, as in 5s": for messages
	schema   schema
	read     func(d *decoder, n *node, expected string) (V, bool)
}

func (v *value[V]) get(d *decoder, n *node) (V, bool) { return v.read(d, n, v.expected) }

// schema is a JSON Schema.
type schema map[string]any

// variablePattern is what a schema can see of ${…}: an even number of $ before it would
// make it text.
const variablePattern = `(^|[^$])(\$\$)*\$\{`

// orVariable accepts a text with a variable in it as well.
func orVariable(s schema) schema {
	return schema{"anyOf": []schema{s, {"type": "string", "pattern": variablePattern}}}
}

func anyOf(s ...schema) schema { return schema{"anyOf": s} }

// scalar returns the text of a scalar of one of the kinds. A text that was made by
// expansion may stand for any of them.
func (d *decoder) scalar(n *node, expected string, kinds ...kind) (string, bool) {
	for _, k := range kinds {
		if n.kind == k || n.kind == text && n.expanded {
			return n.text, true
		}
	}
	hint := ""
	switch {
	case n.kind == text && kinds[0] == number && plainNumber.MatchString(n.text), n.kind == text && kinds[0] == boolean && plainBoolean.MatchString(n.text):
		hint = fmt.Sprintf("write %s, without quotes", n.text)
	case n.kind == text && kinds[0] == boolean:
		hint = booleanHint(n.text)
	case kinds[0] == text && (n.kind == number || n.kind == boolean):
		hint = fmt.Sprintf("write %q, with quotes, if this is meant", n.text)
	}
	d.problem(n.pos, hint, "expected %s, found %s", expected, n.describe())
	return "", false
}

func booleanHint(s string) string {
	switch strings.ToLower(s) {
	case "yes", "on", "y", "enabled":
		return "write true"
	case "no", "off", "n", "disabled":
		return "write false"
	}
	return ""
}

// texts are texts that are not empty.
func texts(expected string) value[string] {
	return value[string]{
		what: "text", expected: expected,
		schema: schema{"type": "string", "minLength": 1},
		read: func(d *decoder, n *node, expected string) (string, bool) {
			s, ok := d.scalar(n, expected, text)
			if ok && s == "" {
				d.problem(n.pos, "", "expected %s, found an empty text", expected)
				return "", false
			}
			return s, ok
		},
	}
}

// words are what a program is given as text: numbers and booleans are taken as
// they are written.
func words(expected string) value[string] {
	return value[string]{
		what: "text", expected: expected,
		schema: schema{"type": []string{"string", "number", "boolean"}},
		read: func(d *decoder, n *node, expected string) (string, bool) {
			return d.scalar(n, expected, text, number, boolean)
		},
	}
}

var booleans = value[bool]{
	what: "boolean", expected: "true or false",
	schema: orVariable(schema{"type": "boolean"}),
	read: func(d *decoder, n *node, expected string) (v, ok bool) {
		s, ok := d.scalar(n, expected, boolean)
		if ok && !plainBoolean.MatchString(s) {
			d.problem(n.pos, booleanHint(s), "expected %s, found %s", expected, n.describe())
			return false, false
		}
		return ok && (s[0] == 't' || s[0] == 'T'), ok
	},
}

// onlyTrue is for keys whose presence says it all.
var onlyTrue = value[bool]{
	what: "true", expected: "true",
	schema: orVariable(schema{"const": true}),
	read: func(d *decoder, n *node, expected string) (v, ok bool) {
		v, ok = booleans.read(d, n, expected)
		if ok && !v {
			d.problem(n.pos, "leave the key out", "expected %s, found false", expected)
		}
		return v, ok && v
	},
}

// integers are whole numbers within bounds.
func integers[I int | int64](least, most I) value[I] {
	return value[I]{
		what: "number", expected: "a whole number " + bounds(float64(least), float64(most)),
		schema: orVariable(schema{"type": "integer", "minimum": least, "maximum": most}),
		read: func(d *decoder, n *node, expected string) (I, bool) {
			s, ok := d.scalar(n, expected, number)
			if !ok {
				return 0, false
			}
			hint := ""
			v, err := strconv.ParseInt(s, 10, 64)
			if len(s) > 1 && s[0] == '0' {
				hint = "write it as a decimal number, without leading zeros"
			} else if err == nil && v >= int64(least) && v <= int64(most) {
				return I(v), true
			}
			d.problem(n.pos, hint, "expected %s, found %s", expected, n.describe())
			return 0, false
		},
	}
}

func bounds(least, most float64) string {
	from := strconv.FormatFloat(least, 'f', -1, 64)
	if most >= math.MaxInt32 { // as good as none
		return "of at least " + from
	}
	return "from " + from + " to " + strconv.FormatFloat(most, 'f', -1, 64)
}

// numbers are numbers within bounds.
func numbers(least, most float64) value[float64] {
	return value[float64]{
		what: "number", expected: "a number " + bounds(least, most),
		schema: orVariable(schema{"type": "number", "minimum": least, "maximum": most}),
		read: func(d *decoder, n *node, expected string) (float64, bool) {
			s, ok := d.scalar(n, expected, number)
			if !ok {
				return 0, false
			}
			v, err := strconv.ParseFloat(s, 64)
			if err != nil || !(v >= least && v <= most) {
				d.problem(n.pos, "", "expected %s, found %s", expected, n.describe())
				return 0, false
			}
			return v, true
		},
	}
}

// enums are one of a few names. Aka is what others call them.
func enums[V any](names []string, values []V, aka map[string]string) value[V] {
	return value[V]{
		what: either(names), expected: either(names),
		schema: orVariable(schema{"enum": names}),
		read: func(d *decoder, n *node, expected string) (v V, ok bool) {
			if i := slices.Index(names, n.text); i >= 0 && n.kind == text {
				return values[i], true
			}
			hint := ""
			if meant := aka[n.text]; meant != "" {
				hint = "write " + meant
			} else if n.kind == text {
				hint = didYouMean(n.text, names)
			}
			d.problem(n.pos, hint, "expected %s, found %s", expected, n.describe())
			return v, false
		},
	}
}
