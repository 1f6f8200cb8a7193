package strategies

// Strategy answers one question: when a child dies and must be restarted, who
// shares its fate? The group is stopped in reverse order and started in order;
// nothing else differs between strategies.
type Strategy uint8

const (
	// OneForOne restarts the failed child alone (rule D1). The default.
	OneForOne Strategy = iota
	// OneForAll restarts every child (rule D2).
	OneForAll
	// RestForOne restarts the failed child and those started after it (rule D3).
	RestForOne
	// Dependents restarts the failed child and whatever transitively Needs it:
	// rest for one, generalised from a list to a graph.
	Dependents
)

var strategyNames = [...]string{"one_for_one", "one_for_all", "rest_for_one", "dependents"}

func (s Strategy) String() string { return enumName(strategyNames[:], int(s), "Strategy") }

// fates holds each strategy's function: it appends to group the children that
// share the failed child's fate, itself included, in start order.
var fates = [...]func(m *Machine, failed *child, group []*child) []*child{
	OneForOne:  (*Machine).fateOneForOne,
	OneForAll:  (*Machine).fateOneForAll,
	RestForOne: (*Machine).fateRestForOne,
	Dependents: (*Machine).fateDependents,
}

func (m *Machine) fateOneForOne(failed *child, group []*child) []*child {
	return append(group, failed)
}

func (m *Machine) fateOneForAll(_ *child, group []*child) []*child {
	return m.from(m.first, group)
}

func (m *Machine) fateRestForOne(failed *child, group []*child) []*child {
	return m.from(failed, group)
}

// from appends c and those after it.
func (m *Machine) from(c *child, group []*child) []*child {
	for ; c != nil; c = c.next {
		m.visited++
		group = append(group, c)
	}
	return group
}

// Radius returns the ids of the children that share the fate of the child id,
// itself included, in start order: its blast radius.
func (m *Machine) Radius(id string) []string {
	c := m.find(id)
	if c == nil {
		return nil
	}
	return ids(fates[m.cfg.Strategy](m, c, nil))
}

func ids(children []*child) []string {
	list := make([]string, len(children))
	for i, c := range children {
		list[i] = c.id
	}
	return list
}
