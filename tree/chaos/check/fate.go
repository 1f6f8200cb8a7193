package check

import (
	"fmt"
	"slices"
	"strings"
)

// blocked: something that n needs, directly or not, waits to be started, or was
// not started in the same job.
func (s *sup) blocked(n *node, j *job, seen []*node) bool {
	for _, id := range n.needs {
		y := s.children[id]
		switch {
		case y == nil || slices.Contains(seen, y):
		case y.state == waiting, y.job == j && !y.done && y.begun, y.rests && y.told != untold:
			return true
		case y.state == down && s.blocked(y, j, append(seen, n)):
			return true
		}
	}
	return false
}

// fate returns who shares that of n, in start order: who must, and who may.
func (s *sup) fate(n *node) (must []*node, may map[*node]bool) {
	switch s.strategy {
	case "one_for_all":
		for other := range s.each {
			must = append(must, other)
		}
	case "rest_for_one":
		for other := n; other != nil; other = other.next {
			must = append(must, other)
		}
	case "dependents":
		in := map[*node]bool{n: true}
		may = map[*node]bool{}
		must = append(must, n)
		for i := 0; i < len(must); i++ {
			for _, other := range s.neededBy[must[i].id] {
				if !in[other] {
					in[other] = true
					must = append(must, other)
				}
			}
			for _, other := range must[i].held { // they wait with it
				switch {
				case !other.listed || other.state != down || in[other]:
				case other.dead:
					may[other] = true
				default:
					in[other] = true
					must = append(must, other)
				}
			}
		}
		slices.SortFunc(must, func(a, b *node) int { return int(a.rank) - int(b.rank) })
	default:
		must = append(must, n)
	}
	return must, may
}

// group judges whom a restart takes along, and returns them.
func (c *checker) group(s *sup, n *node, e *event) []*node {
	must, may := s.fate(n)
	var got []*node
	strangers := ""
	for _, id := range e.Group {
		if m := s.children[id]; m != nil {
			got = append(got, m)
		} else {
			strangers = id
		}
	}
	c.fact(radius)
	same := slices.Equal(got, must)
	if s.graph() {
		same = isSet(got, must, may)
	}
	if strangers != "" || !same {
		c.fail(radius, e, "%s: the strategy %s takes along %s, but the event says %s", n.path, s.strategy, list(ids(must)), list(e.Group))
		return must
	}
	return got
}

func isSet(got, must []*node, may map[*node]bool) bool {
	in := make(map[*node]bool, len(got))
	for _, n := range got {
		if in[n] {
			return false
		}
		in[n] = true
	}
	for _, n := range must {
		if !in[n] {
			return false
		}
		delete(in, n)
	}
	for n := range in {
		if !may[n] {
			return false
		}
	}
	return true
}

func ids(nodes []*node) []string {
	var list []string
	for _, n := range nodes {
		list = append(list, n.id)
	}
	return list
}

func list(ids []string) string {
	const most = 12
	if len(ids) == 0 {
		return "nobody"
	}
	if len(ids) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
	}
	return strings.Join(ids, ", ")
}
