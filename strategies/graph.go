package strategies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// This file is the strategy Dependents: who needs whom, and the order in which
// the members of a group may be stopped and started because of it.

// fateDependents: the failed child and whatever transitively needs it, or was
// stopped with it and waits to be started with it.
func (m *Machine) fateDependents(failed *child, group []*child) []*child {
	m.marks++
	failed.mark = m.marks
	group = append(group, failed)
	add := func(c *child) {
		m.visited++
		if c.mark != m.marks {
			c.mark = m.marks
			group = append(group, c)
		}
	}
	for i := len(group) - 1; i < len(group); i++ {
		for _, c := range m.neededBy[group[i].id] {
			add(c)
		}
		if p := group[i].pauses; p != nil {
			for _, c := range p.held {
				if c.state == Down && !c.gone {
					add(c)
				}
			}
		}
	}
	slices.SortFunc(group, byRank)
	return group
}

func byRank(a, b *child) int { return cmp.Compare(a.rank, b.rank) }

// sequence holds the members of a job whose turn has come: those that no other
// member must be stopped before, or started before.
type sequence struct {
	ready []*child // by rank
}

// landed marks a member that is down, though its turn to be stopped may come yet.
const landed = -1 << 30

// orderStops makes the members wait for those that need them.
func (j *job) orderStops(m *Machine) {
	for _, c := range j.members {
		c.blocked = 0
	}
	for _, c := range j.members {
		m.eachNeed(c, func(n *child) {
			if n.owner == j {
				n.blocked++
			}
		})
	}
	j.collectReady()
}

// orderStarts makes the members wait for what they need.
func (j *job) orderStarts(m *Machine) {
	for _, c := range j.members {
		c.blocked = 0
		m.eachNeed(c, func(n *child) {
			if n.owner == j {
				c.blocked++
			}
		})
	}
	j.collectReady()
}

func (j *job) collectReady() {
	j.order.ready = j.order.ready[:0]
	for _, c := range j.members {
		if c.blocked == 0 && !c.gone {
			j.order.ready = append(j.order.ready, c)
		}
	}
}

func (j *job) unblock(c *child) {
	if c.blocked--; c.blocked == 0 && !c.gone {
		i, _ := slices.BinarySearchFunc(j.order.ready, c, byRank)
		j.order.ready = slices.Insert(j.order.ready, i, c)
	}
}

// isDown lets those go on that c needs: they may be stopped now.
func (m *Machine) isDown(j *job, c *child) {
	if !j.graph || c.blocked == landed {
		return
	}
	c.blocked = landed
	if j.left--; j.left == 0 {
		j.order.ready = j.order.ready[:0] // who was down before its turn
	}
	m.eachNeed(c, func(n *child) {
		if n.owner == j {
			j.unblock(n)
		}
	})
}

// isStarted lets those go on that need c: they may be started now.
func (m *Machine) isStarted(j *job, c *child) {
	if !j.graph {
		return
	}
	for _, d := range m.neededBy[c.id] {
		if d.owner == j {
			j.unblock(d)
		}
	}
}

// mustWait reports whether something outside the job that c needs, directly or
// not, is waiting to be started again. Then c will be started with it.
func (m *Machine) mustWait(j *job, c *child) bool {
	if !j.graph || m.waiting == 0 {
		return false
	}
	m.marks++
	return m.needsWaiting(j, c)
}

func (m *Machine) needsWaiting(j *job, c *child) bool {
	wait := false
	m.eachNeed(c, func(n *child) {
		if wait || n.owner == j || n.mark == m.marks {
			return
		}
		n.mark = m.marks
		wait = n.state == Waiting || n.state == Down && m.needsWaiting(j, n)
	})
	return wait
}

// busyNeed returns the job that has to do with something that a child of this
// description needs; nil if there is none. A start must not be beside it.
func (m *Machine) busyNeed(s *ChildSpec) *job {
	for _, id := range s.Needs {
		if n := m.children[id]; n != nil && n.owner != nil {
			return n.owner
		}
	}
	return nil
}

// neededBusy puts off a call to start a child until the job is done which has to
// do with somebody who needs it, and might start that one meanwhile.
func (m *Machine) neededBusy(c *child, in *Input) bool {
	for _, other := range m.neededBy[c.id] {
		if j := other.owner; j != nil {
			j.parked = append(j.parked, m.later(in))
			return true
		}
	}
	return false
}

// needsBusy puts off a call to start a child until then.
func (m *Machine) needsBusy(s *ChildSpec, in *Input) bool {
	j := m.busyNeed(s)
	if j != nil {
		j.parked = append(j.parked, m.later(in))
	}
	return j != nil
}

func (m *Machine) eachNeed(c *child, f func(*child)) {
	for _, id := range c.spec.Needs {
		m.visited++
		if n := m.children[id]; n != nil {
			f(n)
		}
	}
}

// needs checks that all that is needed is there, and that nothing needs itself.
func (v *validation) needs(children []ChildSpec) {
	_, cycle := startOrder(children)
	v.cycle("", cycle)
	known := make(map[string]bool, len(children))
	for i := range children {
		known[children[i].ID] = true
	}
	for i := range children {
		v.known(&children[i], func(id string) bool { return known[id] })
	}
}

func (v *validation) cycle(path string, cycle []string) {
	if cycle != nil {
		v.add(path, fmt.Errorf("%w: none of these can be started before the others: %s", ErrNeeds, strings.Join(cycle, " needs ")))
	}
}

func (v *validation) known(s *ChildSpec, known func(id string) bool) {
	for i, id := range s.Needs {
		switch {
		case slices.Contains(s.Needs[:i], id):
			v.add(s.ID, fmt.Errorf("%w: %s is named twice", ErrNeeds, id))
		case !known(id):
			v.add(s.ID, fmt.Errorf("%w: it has no sibling %q", ErrNeeds, id))
		}
	}
}

// startOrder returns the indices of the children in an order in which each
// comes after what it needs, otherwise as they stand; or else a cycle, its first
// id again at its end.
func startOrder(children []ChildSpec) (order []int, cycle []string) {
	index := make(map[string]int, len(children))
	for i := range children {
		index[children[i].ID] = i
	}
	const (
		fresh = iota
		open
		done
	)
	state := make([]byte, len(children))
	var path []int
	var visit func(i int) bool
	visit = func(i int) bool {
		switch state[i] {
		case done:
			return true
		case open:
			for _, k := range path[slices.Index(path, i):] {
				cycle = append(cycle, children[k].ID)
			}
			cycle = append(cycle, children[i].ID)
			return false
		}
		state[i] = open
		path = append(path, i)
		for _, id := range children[i].Needs {
			if k, ok := index[id]; ok && !visit(k) {
				return false
			}
		}
		path = path[:len(path)-1]
		state[i] = done
		order = append(order, i)
		return true
	}
	for i := range children {
		if !visit(i) {
			return nil, cycle
		}
	}
	return order, nil
}

// cycleWith returns the cycle that would come about if s were added: a child
// that was removed may still be needed by others.
func (m *Machine) cycleWith(s *ChildSpec) []string {
	all := []ChildSpec{*s}
	for c := m.first; c != nil; c = c.next {
		all = append(all, ChildSpec{ID: c.id, Needs: c.spec.Needs})
	}
	_, cycle := startOrder(all)
	return cycle
}
