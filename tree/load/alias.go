package load

import (
	"maps"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

type anchor struct {
	pos   pos
	value ast.Node
	open  bool // it is being converted
}

// collect finds all anchors, those of ignored keys included.
func (c *converter) collect(n ast.Node) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			c.collect(v)
		}
	case *ast.MappingValueNode:
		c.collect(n.Key)
		c.collect(n.Value)
	case *ast.MappingKeyNode:
		c.collect(n.Value)
	case *ast.SequenceNode:
		for _, v := range n.Values {
			c.collect(v)
		}
	case *ast.TagNode:
		c.collect(n.Value)
	case *ast.AnchorNode:
		name := n.Name.GetToken().Value
		at := c.tokenPos(n.Start)
		at.width += len([]rune(name))
		c.anchors[name] = append(c.anchors[name], &anchor{pos: at, value: n.Value})
		c.collect(n.Value)
	}
}

// alias converts what the latest anchor of that name before the alias stands for.
func (c *converter) alias(n *ast.AliasNode, root bool) *node {
	at := c.tokenPos(n.Start)
	name := n.Value.GetToken().Value
	at.width += len([]rune(name))
	all := c.anchors[name]
	i := len(all) - 1
	for i >= 0 && !all[i].pos.before(at) {
		i--
	}
	switch {
	case i < 0 && len(all) > 0:
		c.problem(at, "an anchor comes before its aliases", "the anchor &%s comes only in line %d", name, all[0].pos.line)
		return nil
	case i < 0:
		hint := didYouMean(name, slices.Sorted(maps.Keys(c.anchors)))
		if hint == "" {
			hint = `a text that begins with * needs quotes`
		}
		c.problem(at, hint, "there is no anchor &%s", name)
		return nil
	case all[i].open:
		c.problem(at, "", "*%s stands for something that it is part of", name)
		return nil
	}
	all[i].open = true
	defer func() { all[i].open = false }()
	return c.node(all[i].value, all[i].pos, root)
}

// merge returns the mappings that << names, the first of them to count most.
func (c *converter) merge(value ast.Node, at pos) []*node {
	n := c.node(value, at, false)
	if n == nil {
		return nil
	}
	all := []*node{n}
	if n.kind == sequence {
		all = n.items
	}
	for _, m := range all {
		if m.kind != mapping {
			c.problem(at, "write <<: *anchor", "<< takes a mapping, or a list of them, found %s", m.describe())
			return nil
		}
	}
	return all
}
