package tree

// counts remembers the incarnation numbers of children that were removed, so
// that one which comes back under the same name does not use a number twice. It
// remembers the latest thousand or two; a child whose name was forgotten, or is
// new, begins above the highest number forgotten. Names can thus be as many as
// may be, and the numbers stay small and start at 1 where names are few.
type counts struct {
	recent, older map[string]used
	floor         uint64 // the highest number forgotten
	numerals      bool   // some of those forgotten had numerals below them
}

// used are the highest numbers used under a name: by the child itself, and by
// what was below it; and whether there were children below it whose ids are numerals,
// as are the names that dynamic supervisors give.
type used struct {
	own, below uint64
	numerals   bool
}

// used is what has been used under the name of a child.
func (n *node) used() used {
	if n.sup == nil {
		return used{own: n.incarnation}
	}
	return used{n.incarnation, n.sup.highest, n.sup.deep}
}

const countsSize = 1024

// remember takes the numbers that were last used for a name.
func (c *counts) remember(id string, n used) {
	before := c.last(id) // it may have been no supervisor this time
	n.below, n.numerals = max(n.below, before.below), n.numerals || before.numerals
	if len(c.recent) >= countsSize {
		for _, n := range c.older {
			c.floor, c.numerals = max(c.floor, n.own, n.below), c.numerals || n.numerals
		}
		c.older, c.recent = c.recent, nil
	}
	if c.recent == nil {
		c.recent = make(map[string]used)
	}
	c.recent[id] = n
}

// last returns the highest numbers that may have been used for a name.
func (c *counts) last(id string) used {
	n, ok := c.recent[id]
	if !ok {
		n = c.older[id]
	}
	return used{max(n.own, c.floor), max(n.below, c.floor), n.numerals || c.numerals} // the floor may have been raised since
}

// use notes, all the way up, that the child uses its number; hub.mu is held.
func (n *node) use() {
	numeral := n.up != nil && n.name == 0 && generated(n.id())
	for up := n.up; up != nil; up = up.up {
		up.sup.highest = max(up.sup.highest, n.incarnation, n.name)
		up.sup.deep = up.sup.deep || numeral
	}
	if numeral {
		n.up.sup.numerals = true
	}
}

// latest returns the number that was used last for a child of this id.
func (s *supNode) latest(id string) uint64 {
	if r := s.removed[id]; r != nil {
		return r.incarnation
	}
	return s.counts.last(id).own
}

// inherit lets a child that was added, and what is below it, begin above the
// numbers that were used under its name before; hub.mu is held.
func (n *node) inherit() {
	s := n.up.sup
	if n.name != 0 {
		return // it is nobody else's
	}
	id := n.id()
	before := s.counts.last(id)
	if r := s.removed[id]; r != nil {
		u := r.used()
		before.below, before.numerals = max(before.below, u.below), before.numerals || u.numerals
	}
	n.raise(before)
}

// raise lets everything below a child begin above what was used under its name.
func (n *node) raise(before used) {
	s, to := n.sup, before.below
	if s == nil || to == 0 {
		return
	}
	s.numerals, s.deep = s.numerals || before.numerals, s.deep || before.numerals
	s.highest, s.serial, s.counts.floor = max(s.highest, to), max(s.serial, to), max(s.counts.floor, to)
	for _, kids := range []map[string]*node{s.children, s.removed} {
		for _, kid := range kids {
			kid.incarnation = max(kid.incarnation, to)
			kid.raise(before)
		}
	}
}
