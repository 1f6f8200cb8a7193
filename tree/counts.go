package tree

// counts remembers the incarnation numbers of children that were removed, so
// that one which comes back under the same name does not use a number twice. It
// remembers the latest thousand or two; a child whose name was forgotten, or is
// new, begins above the highest number forgotten. Names can thus be as many as
// may be, and the numbers stay small and start at 1 where names are few.
type counts struct {
	recent, older map[string]uint64
	floor         uint64 // the highest number forgotten
}

const countsSize = 1024

// remember takes the number that was last used for a name.
func (c *counts) remember(id string, n uint64) {
	if len(c.recent) >= countsSize {
		for _, n := range c.older {
			c.floor = max(c.floor, n)
		}
		c.older, c.recent = c.recent, nil
	}
	if c.recent == nil {
		c.recent = make(map[string]uint64)
	}
	c.recent[id] = n
}

// last returns the highest number that may have been used for a name.
func (c *counts) last(id string) uint64 {
	if n, ok := c.recent[id]; ok {
		return n
	}
	if n, ok := c.older[id]; ok {
		return n
	}
	return c.floor
}
