package tree

import "github.com/coppice-go/coppice/strategies"

// Describe translates a Spec, with all that is nested in it, for
// [strategies.Explain] and [strategies.Simulate], which tell what would follow
// from a failure without starting anything.
func Describe(name string, s Spec) *strategies.Tree {
	t := &strategies.Tree{Name: name, Config: s.config()}
	for i := range s.Children {
		c := &s.Children[i]
		if missing(c.Start) {
			continue
		}
		if sub := c.Start.nested(); sub != nil {
			if t.Nested == nil {
				t.Nested = make(map[string]*strategies.Tree)
			}
			t.Nested[c.ID] = Describe(c.ID, *sub)
		}
	}
	if d := s.Dynamic; d != nil && !missing(d.Start) {
		if sub := d.Start.nested(); sub != nil {
			t.Template = Describe(d.ID, *sub)
		}
	}
	return t
}
