package check

import "time"

// stopClock is what is known of the end that a child was ordered to take.
type stopClock struct {
	at, killed time.Time
	limit      time.Duration // 0: none was told
	seq        uint64
}

// spare is what a goroutine that cannot be killed is given to stop by itself.
const spare = 5 * time.Second

func (c *checker) startClock(n *node, e *event) {
	k := &n.clock
	switch {
	case e.Kind == "stopping":
		*k = stopClock{at: e.Time, limit: e.after(), seq: e.Seq}
	case k.at.IsZero():
		*k = stopClock{at: e.Time, killed: e.Time, seq: e.Seq}
	case !k.killed.IsZero(): // it could not be, and was given more time
	default:
		c.fact(shutdown)
		took := e.Time.Sub(k.at)
		if k.limit > 0 && (took < k.limit-c.o.Clock || took > k.limit+c.o.Late) {
			c.fail(shutdown, e, "%s is killed %v after it was told to stop, and its limit is %v", n.path, took, k.limit)
		}
		k.killed, k.seq = e.Time, e.Seq
	}
}

// until is when n must be gone, if there is such a time.
func (c *checker) until(n *node) (t time.Time, ok bool) {
	k := &n.clock
	switch {
	case !k.killed.IsZero() && n.pid == 0:
		return k.killed.Add(spare + c.o.Kill), true
	case !k.killed.IsZero():
		return k.killed.Add(c.o.Kill), true
	case k.limit > 0:
		return k.at.Add(k.limit + c.o.Late), true
	}
	return t, false
}

// gone judges how long it took a child to end that was told to.
func (c *checker) gone(n *node, e *event) {
	k := &n.clock
	if k.at.IsZero() {
		c.treeEnd.endless = c.treeEnd.endless || n.early && n.state == stopping // told before the evidence began
		return
	}
	if until, ok := c.until(n); ok {
		c.fact(shutdown)
		if e.Time.After(until) && k.killed.IsZero() {
			c.fail(shutdown, e, "%s is gone %v after it was told to stop, its limit was %v, and it was not killed", n.path, e.Time.Sub(k.at), k.limit)
		} else if e.Time.After(until) {
			c.fail(shutdown, e, "%s is gone only %v after it was killed", n.path, e.Time.Sub(k.killed))
		}
	}
	if t := &c.treeEnd; !t.at.IsZero() && n.sup == nil {
		t.orders++
		switch {
		case !k.killed.IsZero():
			t.sum += k.limit + spare + c.o.Kill
		case k.limit > 0:
			t.sum += k.limit
		default:
			t.endless = true
		}
	}
	*k = stopClock{}
}

// treeEnd adds up the limits of all that has to stop when the root ends.
type treeEnd struct {
	at      time.Time // zero: it does not
	sum     time.Duration
	orders  time.Duration
	endless bool // somebody had no limit
}

func (c *checker) rootEnds(s *sup) {
	if c.treeEnd.at.IsZero() && s.running {
		c.treeEnd.at = c.now
	}
}

func (c *checker) rootEnded(n *node, e *event) {
	t := &c.treeEnd
	if t.at.IsZero() || t.endless {
		return
	}
	c.fact(shutdown)
	const each = 10 * time.Millisecond // what it takes to tell one
	if took := e.Time.Sub(t.at); took > t.sum+c.o.Late+t.orders*each {
		c.fail(shutdown, e, "%s took %v to end, and the limits of all that had to stop are %v together", n.path, took, t.sum)
	}
}
