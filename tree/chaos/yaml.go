package chaos

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/coppice-go/coppice/tree/load"
)

const (
	maxPlanFile  = 1 << 20 // bytes
	maxPlanDepth = 20      // of what is nested in one another
)

// value is a value of a plan file, with its place.
type value struct {
	text  string  // of a scalar
	items []value // of a list
	pairs []pair  // of a mapping
	kind  valueKind
	line  int // from 1
	col   int
}

type pair struct {
	key       string
	line, col int
	value     value
}

type valueKind uint8

const (
	scalar valueKind = iota
	list
	mapping
)

func (v *value) describe() string {
	switch v.kind {
	case list:
		return "a list"
	case mapping:
		return "a mapping"
	}
	return fmt.Sprintf("%q", v.text)
}

// reader reads one file, and notes what is wrong with it.
type reader struct {
	path     string
	lines    []string
	problems []load.Problem
}

func newReader(path string, data []byte) *reader {
	data = bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
	return &reader{path: path, lines: strings.Split(string(data), "\n")}
}

func (r *reader) problem(line, col int, hint, format string, args ...any) {
	p := load.Problem{File: r.path, Line: max(1, line), Column: max(1, col), Message: fmt.Sprintf(format, args...), Hint: hint}
	if p.Line <= len(r.lines) {
		p.Source = r.lines[p.Line-1]
	}
	r.problems = append(r.problems, p)
}

func (r *reader) wrong(v *value, hint, format string, args ...any) {
	r.problem(v.line, v.col, hint, format, args...)
}

// err is all that is wrong, in the order of the file; nil if nothing is.
func (r *reader) err() error {
	if r.problems == nil {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b load.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &load.Error{Problems: r.problems}
}

// parse reads the file as YAML; false if that cannot be done.
func (r *reader) parse() (value, bool) {
	text := strings.Join(r.lines, "\n")
	switch {
	case len(text) > maxPlanFile:
		r.problem(1, 1, fmt.Sprintf("%d MiB is the most", maxPlanFile>>20), "the file is too large for a plan")
		return value{}, false
	case !utf8.ValidString(text):
		r.problem(1, 1, "save it in UTF-8", "the file is not in UTF-8")
		return value{}, false
	}
	file, err := parseYAML(text)
	if err != nil {
		line, col, message := 1, 1, err.Error()
		if wrong, ok := errors.AsType[*yaml.SyntaxError](err); ok && wrong.Token != nil && wrong.Token.Position != nil {
			line, col, message = wrong.Token.Position.Line, wrong.Token.Position.Column, wrong.Message
		}
		r.problem(line, col, "", "this is not YAML: %s", message)
		return value{}, false
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body != nil && body != nil {
			r.problem(d.Body.GetToken().Position.Line, 1, "give each plan a file of its own", "a second document begins here")
			return value{}, false
		}
		body = cmp.Or(d.Body, body)
	}
	if body == nil {
		r.problem(1, 1, "a plan has at least the key method", "the file has nothing in it")
		return value{}, false
	}
	before := len(r.problems)
	v := r.value(body, 0)
	return v, len(r.problems) == before
}

func parseYAML(text string) (file *ast.File, err error) {
	defer func() {
		if v := recover(); v != nil { // the parser is not to be trusted with everything
			file, err = nil, errors.New("look for brackets and quotes without their partner")
		}
	}()
	tokens := lexer.Tokenize(text)
	if tooDeep(tokens) {
		return nil, errors.New("it is nested too deeply")
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// tooDeep finds out what would take the parser, which is recursive, too long. A plan
// has nothing that is nested in so many others.
func tooDeep(tokens token.Tokens) bool {
	depth, run := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
			run++
		case token.MappingEndType, token.SequenceEndType:
			depth--
			run = 0
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType, token.AnchorType, token.TagType:
			run++
		default:
			run = 0
		}
		if depth > 5*maxPlanDepth || run > 5*maxPlanDepth {
			return true
		}
	}
	return false
}

func (r *reader) value(n ast.Node, depth int) value {
	v := value{line: 1, col: 1}
	if t := first(n); t != nil {
		v.line, v.col = t.Position.Line, t.Position.Column
	}
	if depth > maxPlanDepth {
		r.wrong(&v, "", "this is nested too deeply")
		return v
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		r.mapping(&v, n.Values, depth)
	case *ast.MappingValueNode:
		r.mapping(&v, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		v.kind = list
		for _, item := range n.Values {
			v.items = append(v.items, r.value(item, depth+1))
		}
	case *ast.LiteralNode:
		v.text = n.Value.Value
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		r.wrong(&v, "write it out", "anchors, aliases, merge keys and tags have no meaning in a plan")
	case *ast.NullNode:
	default:
		if t := n.GetToken(); t != nil {
			v.text = t.Value
		}
	}
	return v
}

func (r *reader) mapping(v *value, values []*ast.MappingValueNode, depth int) {
	v.kind = mapping
	for _, m := range values {
		t := m.Key.GetToken()
		p := pair{key: t.Value, line: t.Position.Line, col: t.Position.Column}
		if slices.ContainsFunc(v.pairs, func(q pair) bool { return q.key == p.key }) {
			r.problem(p.line, p.col, "", "the key %q is there twice", p.key)
			continue
		}
		p.value = r.value(m.Value, depth+1)
		v.pairs = append(v.pairs, p)
	}
}

// first is the token with which a value begins: for a mapping in block style that
// is its first key, and not the colon after it.
func first(n ast.Node) *token.Token {
	var t *token.Token
	switch n := n.(type) {
	case nil:
	case *ast.MappingNode:
		t = n.Start
		if !n.IsFlowStyle && len(n.Values) > 0 {
			t = n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		t = n.Key.GetToken()
	default:
		t = n.GetToken()
	}
	if t == nil || t.Position == nil {
		return nil
	}
	return t
}
