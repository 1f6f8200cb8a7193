package offline

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/coppice-go/coppice/strategies"
)

// node is a child of a tree, or its root.
type node struct {
	path, id string
	spec     *strategies.ChildSpec // of the root an empty one
	tree     *strategies.Tree      // of a supervisor; nil: a program
	last     []bool                // for each level of depth: it is the last of its siblings
}

// nodes yields the tree in start order, parents before children.
func nodes(t *strategies.Tree) iter.Seq[node] {
	return node{path: t.Name, id: t.Name, spec: &strategies.ChildSpec{Kind: strategies.Supervisor}, tree: t}.all()
}

// all yields a node and those below it.
func (n node) all() iter.Seq[node] {
	return func(yield func(node) bool) { walk(n, yield) }
}

func walk(n node, yield func(node) bool) bool {
	if !yield(n) {
		return false
	}
	for kid := range n.children() {
		if !walk(kid, yield) {
			return false
		}
	}
	return true
}

func (n node) children() iter.Seq[node] {
	return func(yield func(node) bool) {
		if n.tree == nil {
			return
		}
		list := n.tree.Config.Children
		for i := range list {
			c := &list[i]
			last := append(slices.Clone(n.last), i == len(list)-1)
			if !yield(node{n.path + "/" + c.ID, c.ID, c, n.tree.Nested[c.ID], last}) {
				return
			}
		}
	}
}

// parent is the path of a child's supervisor; "" for the root.
func parent(path string) string {
	return path[:max(0, strings.LastIndexByte(path, '/'))]
}

// find returns the node at path; the zero node if there is none.
func (t *Tree) find(path string) node {
	for n := range nodes(t.root) {
		if n.path == path {
			return n
		}
	}
	return node{}
}

// Program returns an error that says what to do unless path is that of a program
// of the tree.
func (t *Tree) Program(path string) error {
	n := t.find(path)
	switch {
	case n.spec == nil:
		hint := "`coppice check` lists all of them"
		if meant := t.Nearest(path); meant != "" {
			hint = "did you mean " + meant + "?"
		}
		return errors.New("there is no such program; " + hint)
	case n.tree != nil:
		for below := range n.all() {
			if below.tree == nil {
				return fmt.Errorf("this is a supervisor, which ends because of its children; give a program, as %s", below.path)
			}
		}
	}
	return nil
}
