package load

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// maxNodes bounds what aliases can make of a small file.
const maxNodes = 250_000

// converter makes nodes of what the parser found.
type converter struct {
	*decoder
	anchors map[string][]*anchor // by name, in the order of the file
	left    int                  // nodes that may still be made
	depth   int                  // of the value that is being made
}

// convert makes the root, without the keys that begin with x-; nil if it is not a
// mapping.
func (d *decoder) convert(body ast.Node) *node {
	c := &converter{decoder: d, anchors: make(map[string][]*anchor), left: maxNodes}
	c.collect(body)
	n := c.node(body, c.start(body), true)
	switch {
	case n == nil || c.left <= 0:
		return nil
	case n.kind != mapping:
		d.problem(n.pos, "it begins with the key children, or name", "expected a mapping of keys to values, found %s", n.describe())
		return nil
	}
	return n
}

// node converts one value. Where stands for the place of what has none of its
// own. It is nil if the limit is reached, or if there was something that cannot
// be understood; a problem was noted then.
func (c *converter) node(n ast.Node, where pos, root bool) *node {
	if c.left--; c.left <= 0 {
		if c.left == 0 {
			c.problem(where, "", "with its aliases the file has more than %d values", maxNodes)
		}
		return nil
	}
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > 10*maxDepth {
		c.problem(where, "", "this is nested too deeply")
		return nil
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		if n.IsFlowStyle {
			where = c.tokenPos(n.Start)
		}
		return c.mapping(n.Values, where, root)
	case *ast.MappingValueNode:
		return c.mapping([]*ast.MappingValueNode{n}, where, root)
	case *ast.SequenceNode:
		if n.IsFlowStyle {
			where = c.tokenPos(n.Start)
		}
		return c.sequence(n, where)
	case *ast.AnchorNode:
		return c.node(n.Value, where, root)
	case *ast.AliasNode:
		return c.alias(n, root)
	case *ast.TagNode:
		return c.tagged(n, where, root)
	case *ast.LiteralNode:
		return c.text(n.Value.Value, c.tokenPos(n.Start))
	case nil:
		return &node{kind: null, pos: where}
	}
	return c.scalar(n.GetToken(), where)
}

func (c *converter) scalar(t *token.Token, where pos) *node {
	switch t.Type {
	case token.ImplicitNullType:
		return &node{kind: null, pos: where}
	case token.SingleQuoteType, token.DoubleQuoteType:
		return c.text(t.Value, c.tokenPos(t))
	}
	if k := plain(t.Value); k != text {
		return &node{kind: k, text: t.Value, pos: c.tokenPos(t)}
	}
	return c.text(t.Value, c.tokenPos(t))
}

// text is a scalar that is a text, with its variables expanded; nil if that cannot
// be done.
func (c *converter) text(s string, at pos) *node {
	before := c.found
	n := &node{kind: text, pos: at}
	n.text, n.expanded = c.expand(s, at)
	if strings.IndexByte(n.text, 0) >= 0 {
		c.problem(at, "", "a text cannot contain a NUL character")
	}
	if c.found > before {
		return nil
	}
	return n
}

func (c *converter) tagged(n *ast.TagNode, where pos, root bool) *node {
	if n.Start.Value != "!!str" {
		c.problem(c.tokenPos(n.Start), "leave it out", "tags have no meaning here, but for !!str")
		return c.node(n.Value, where, root)
	}
	v := c.node(n.Value, where, root)
	if v != nil && v.kind < sequence {
		v.kind = text
	}
	return v
}

func (c *converter) sequence(s *ast.SequenceNode, where pos) *node {
	n := &node{kind: sequence, pos: where}
	for _, v := range s.Values {
		if item := c.node(v, c.start(v), false); item != nil {
			n.items = append(n.items, item)
		} else {
			n.partial = true
		}
	}
	return n
}

func (c *converter) mapping(values []*ast.MappingValueNode, where pos, root bool) *node {
	n := &node{kind: mapping, pos: where}
	lines := make(map[string]int, len(values)) // of the keys
	var merged []*node
	for _, v := range values {
		at := c.tokenPos(v.Key.GetToken())
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			bases := c.merge(v.Value, at)
			merged = append(merged, bases...)
			n.partial = n.partial || bases == nil
			continue
		}
		key, ok := c.key(v.Key, at)
		if !ok {
			n.partial = true
			continue
		}
		if root && strings.HasPrefix(key, "x-") {
			continue
		}
		if first := lines[key]; first > 0 {
			c.problem(at, "", "the key %q is there twice, first in line %d", key, first)
			continue
		}
		lines[key] = at.line
		if value := c.node(v.Value, at, false); value != nil {
			n.pairs = append(n.pairs, pair{key, at, value})
		} else {
			n.partial = true
		}
	}
	for _, m := range merged {
		for _, p := range m.pairs {
			if lines[p.key] == 0 {
				lines[p.key] = p.pos.line
				n.pairs = append(n.pairs, p)
			}
		}
	}
	return n
}

func (c *converter) key(k ast.Node, at pos) (string, bool) {
	switch k := k.(type) {
	case *ast.MappingKeyNode:
		return c.key(k.Value, at)
	case *ast.AnchorNode:
		return c.key(k.Value, at)
	case *ast.AliasNode:
		if n := c.alias(k, false); n == nil || n.kind < sequence {
			return orEmpty(n), n != nil
		}
	case ast.ScalarNode:
		if t := k.GetToken(); t != nil {
			return t.Value, true
		}
	}
	c.problem(at, "keys are texts", "this cannot be a key")
	return "", false
}

func orEmpty(n *node) string {
	if n == nil {
		return ""
	}
	return n.text
}
