package importer

import (
	"errors"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNodes bounds what aliases can make of a small file.
const maxNodes = 100_000

var (
	plainNull    = regexp.MustCompile(`^(|~|null|Null|NULL)$`)
	plainBoolean = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	plainNumber  = regexp.MustCompile(`^([-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// yaml reads a file in YAML; nil if it is none.
func (im *importer) yaml(data []byte) *node {
	body, err := parseYAML(data)
	line := 1
	if err != nil {
		if wrong, ok := errors.AsType[*yaml.SyntaxError](err); ok && wrong.Token != nil {
			line, err = wrong.Token.Position.Line, errors.New(wrong.Message)
		}
		im.problem(im.path, line, "this is not YAML: %v", err)
		return nil
	}
	y := yamlReader{importer: im, anchors: make(map[string]*node), left: maxNodes}
	n := y.value(body, 1)
	if y.left <= 0 {
		im.problem(im.path, 1, "with its aliases the file has more than %d values", maxNodes)
	}
	im.noNUL(n)
	return n
}

func parseYAML(data []byte) (body ast.Node, err error) {
	defer func() {
		if recover() != nil { // the parser is not to be trusted with everything
			body, err = nil, errors.New("look for brackets and quotes without their partner")
		}
	}()
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, err
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			return doc.Body, nil
		}
	}
	return nil, nil
}

type yamlReader struct {
	*importer
	anchors map[string]*node
	left    int // nodes that may still be made
}

// value converts what the parser found. The line is for what has none of its own.
func (y *yamlReader) value(v ast.Node, line int) *node {
	if y.left--; y.left <= 0 {
		return &node{line: line}
	}
	switch v := v.(type) {
	case *ast.MappingNode:
		return y.mapping(v.Values, line)
	case *ast.MappingValueNode:
		return y.mapping([]*ast.MappingValueNode{v}, line)
	case *ast.SequenceNode:
		n := &node{kind: list, line: line}
		for _, item := range v.Values {
			n.items = append(n.items, y.value(item, lineOf(item, line)))
		}
		return n
	case *ast.AnchorNode:
		n := y.value(v.Value, line)
		y.anchors[v.Name.String()] = n
		return n
	case *ast.AliasNode:
		if n := y.anchors[v.Value.String()]; n != nil {
			y.left -= n.size()
			return n
		}
		y.problem(y.path, line, "there is no anchor &%s before", v.Value)
	case *ast.TagNode:
		return y.value(v.Value, line)
	case *ast.LiteralNode:
		return &node{kind: text, text: v.Value.Value, line: line}
	case ast.ScalarNode:
		return scalarOf(v.GetToken(), line)
	}
	return &node{line: line}
}

func (n *node) size() int {
	size := 1
	for _, item := range n.items {
		size += item.size()
	}
	for _, p := range n.pairs {
		size += p.value.size()
	}
	return size
}

func lineOf(n ast.Node, otherwise int) int {
	if n == nil || n.GetToken() == nil {
		return otherwise
	}
	return n.GetToken().Position.Line
}

func scalarOf(t *token.Token, line int) *node {
	n := &node{kind: text, text: t.Value, line: line}
	switch {
	case t.Type == token.SingleQuoteType, t.Type == token.DoubleQuoteType:
	case t.Type == token.ImplicitNullType, plainNull.MatchString(t.Value):
		n.kind, n.text = null, ""
	case plainBoolean.MatchString(t.Value):
		n.kind, n.text = boolean, strings.ToLower(t.Value)
	case plainNumber.MatchString(t.Value):
		n.kind = number
	}
	return n
}

func (y *yamlReader) mapping(values []*ast.MappingValueNode, line int) *node {
	n := &node{kind: mapping, line: line}
	there := make(map[string]bool)
	var merged []pair
	for _, v := range values {
		at := lineOf(v.Key, line)
		value := y.value(v.Value, at)
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			for _, from := range append(value.items, value) {
				merged = append(merged, from.pairs...)
			}
			continue
		}
		key := scalarOf(v.Key.GetToken(), at)
		name := v.Key.GetToken().Value
		if there[name] {
			y.problem(y.path, key.line, "the key %q is there twice", name)
		}
		there[name] = true
		n.pairs = append(n.pairs, pair{name, at, value})
	}
	for _, p := range merged {
		if !there[p.key] {
			there[p.key] = true
			n.pairs = append(n.pairs, p)
		}
	}
	return n
}
