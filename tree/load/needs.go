package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-go/coppice/strategies"
)

// copyID is the id of one copy of a child, from 1.
func copyID(id string, i int) string { return fmt.Sprintf("%s-%d", id, i) }

// ids are those that a child has in the tree: its own, or those of its copies.
func (c *child) ids() []string {
	if c.program == nil || c.program.copies == 0 {
		return []string{c.ID}
	}
	ids := make([]string, c.program.copies)
	for i := range ids {
		ids[i] = copyID(c.ID, i+1)
	}
	return ids
}

// checkIDs looks for ids that are there twice, copies and what they are copies of
// included.
func (d *decoder) checkIDs(s *supervisor) {
	owner := make(map[string]*child)
	for _, c := range s.children {
		if c.ID == "" {
			continue // which was told
		}
		ids := c.ids()
		if ids[0] != c.ID {
			ids = append(ids, c.ID) // needs may name all copies by it
		}
		for _, id := range ids {
			other := owner[id]
			if other == nil {
				owner[id] = c
				continue
			}
			line := other.node.at("id").line
			if id == c.ID && id == other.ID {
				d.problem(c.node.valueAt("id"), "ids are unique among siblings", "the id %q is there twice, first in line %d", id, line)
			} else {
				d.problem(c.node.valueAt("id"), "give one of them another id", "the id %q is that of a copy of another child, see line %d", id, line)
			}
			break
		}
	}
}

// checkNeeds looks at what the children need: the siblings must be there, and none
// may need itself.
func (d *decoder) checkNeeds(s *supervisor) {
	known := make(map[string]*child)
	var ids []string
	for _, c := range s.children {
		for _, id := range append(c.ids(), c.ID) {
			if known[id] == nil && id != "" {
				known[id] = c
				ids = append(ids, id)
			}
		}
	}
	good := true
	for _, c := range s.children {
		if len(c.Needs) == 0 {
			continue
		}
		if s.strategy != strategies.Dependents {
			d.problem(c.node.at("needs"), "give the supervisor strategy: dependents", "needs has a meaning only under the strategy dependents, and this one is %v", s.strategy)
			good = false
			continue
		}
		for i, id := range c.Needs {
			at := c.node.find("needs").value.items[i].pos
			switch {
			case slices.Contains(c.Needs[:i], id):
				d.problem(at, "", "%s is named twice", id)
			case known[id] == nil:
				hint := didYouMean(id, ids)
				if hint == "" {
					hint = "the siblings are " + shortList(ids)
				}
				d.problem(at, hint, "there is no sibling %q", shorten(id))
			default:
				continue
			}
			good = false
		}
	}
	if good {
		d.checkCycles(s, known)
	}
}

func shortList(words []string) string {
	if len(words) > 12 {
		words = append(slices.Clone(words[:12]), "others")
	}
	return list(words)
}

// checkCycles tells of every child that needs itself, by way of others; of each
// cycle once.
func (d *decoder) checkCycles(s *supervisor, known map[string]*child) {
	const (
		fresh = iota
		open
		done
	)
	state := make(map[*child]int)
	var path []*child
	var visit func(c *child)
	visit = func(c *child) {
		state[c] = open
		path = append(path, c)
		for i, id := range c.Needs {
			switch next := known[id]; state[next] {
			case fresh:
				visit(next)
			case open:
				cycle := append(slices.Clone(path[slices.Index(path, next):]), next)
				ids := make([]string, len(cycle))
				for i, c := range cycle {
					ids[i] = c.ID
				}
				at := c.node.find("needs").value.items[i].pos
				d.problem(at, "", "none of these can be started before the others: %s", strings.Join(ids, " needs "))
			}
		}
		path = path[:len(path)-1]
		state[c] = done
	}
	for _, c := range s.children {
		if state[c] == fresh {
			visit(c)
		}
	}
}

// neededIDs are the ids in the tree of what a child needs.
func neededIDs(c *child, siblings map[string]*child) []string {
	var ids []string
	seen := make(map[string]bool)
	for _, id := range c.Needs {
		named := []string{id}
		if s := siblings[id]; s != nil {
			named = s.ids()
		}
		for _, id := range named {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}
