package strategies

import "errors"

// Tree describes a whole tree of supervisors, for [Simulate] and [Explain].
// Every supervisor of package tree can describe itself as one.
type Tree struct {
	Name   string // of the root; a nested Tree has the id of its child
	Config Config
	// Nested describes the children of Kind Supervisor, by id. One that is
	// missing is taken for a supervisor without children, a leaf.
	Nested map[string]*Tree
	// Template describes the children of a dynamic supervisor, if they are
	// supervisors.
	Template *Tree
}

// Validate returns everything that is wrong with the tree, each a *SpecError
// with its path; nil if nothing is.
func (t *Tree) Validate() error {
	var wrong []error
	t.validate(t.Name, func(e *SpecError) { wrong = append(wrong, e) })
	return errors.Join(wrong...)
}

func (t *Tree) validate(path string, wrong func(*SpecError)) {
	for _, e := range t.Config.Validate() {
		if e.Path == "" {
			e.Path = path
		} else {
			e.Path = path + "/" + e.Path
		}
		wrong(e)
	}
	for i := range t.Config.Children {
		id := t.Config.Children[i].ID
		if sub := t.Nested[id]; sub != nil {
			sub.validate(path+"/"+id, wrong)
		}
	}
	if t.Template != nil {
		t.Template.validate(path+"/(template)", wrong)
	}
}
