package tree

import (
	"reflect"
	"slices"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// This file is what becomes of the entries in the hub when a supervisor gets another
// Spec. What stops and starts for it is the machine's to say.

// anew is a new Spec on its way to the machine and back.
type anew struct {
	design *redesign
	spec   *Spec
	added  map[string]*node // the entries of those that the Spec so far does not have
}

// newConfig translates a new Spec for the machine; l.mu is held.
func (d *redesign) newConfig(l *life, spec *Spec) *strategies.NewConfig {
	n := &strategies.NewConfig{Config: spec.config()}
	latest := l.latest
	old := make(map[string]*Child, len(latest.Children))
	for i := range latest.Children {
		old[latest.Children[i].ID] = &latest.Children[i]
	}
	for i := range spec.Children {
		c := &spec.Children[i]
		switch before := old[c.ID]; {
		case before == nil:
			n.Added = append(n.Added, c.ID)
		case d.renew[l.sup.node.path+"/"+c.ID], !alike(before.Start, c.Start):
			n.Renew = append(n.Renew, c.ID)
		}
	}
	return n
}

// alike reports whether one kind of supervisor, or of worker, is what another is.
func alike(a, b Starter) bool {
	x, y := a.nested(), b.nested()
	return a.kind() == b.kind() && (x == nil) == (y == nil) && (x == nil || (x.Dynamic == nil) == (y.Dynamic == nil))
}

// reconfiguring makes the request of a new Spec.
func (l *life) reconfiguring(a *anew) strategies.Input {
	n := a.design.newConfig(l, a.spec)
	n.Tag = a
	up := l.sup.node
	a.added = make(map[string]*node, len(n.Added))
	for i := range n.Children {
		c := &n.Children[i]
		if !slices.Contains(n.Added, c.ID) {
			continue
		}
		e := newChildNode(up, &a.spec.Children[i])
		e.incarnation = up.sup.latest(c.ID)
		c.Tag, c.Incarnation = e, e.incarnation
		a.added[c.ID] = e
	}
	l.latest = a.spec
	return strategies.Reconfigure(0, n)
}

// reconfigure records what became of a request: the description holds from now on.
// If nobody can tell, because all that is said of the children is as it was, there is
// no event. hub.mu is held.
func (l *life) reconfigure(now time.Time, a *strategies.Action) {
	n, r := l.sup.node, a.Tag.(*anew)
	if a.Report == strategies.Reconfigured {
		l.sup.spec.Store(r.spec)
		l.reconfigured(now, r.spec, r.added, a.Members())
	} else if a.Group > 0 || !n.sup.looks(r.spec) {
		l.event(&Event{Kind: EventReconfiguring, Time: now, Incarnation: n.incarnation, Group: a.Members()}, n)
	}
}

// looks reports whether all that can be seen of a supervisor is as a Spec says.
func (s *supNode) looks(spec *Spec) bool { return reflect.DeepEqual(s.spec.config(), spec.config()) }

// reconfigured lets a Spec hold, and records that; hub.mu is held.
func (l *life) reconfigured(now time.Time, spec *Spec, added map[string]*node, group []string) {
	n := l.sup.node
	quiet := len(group) == 0 && n.sup.looks(spec)
	for i := range spec.Children {
		if c := &spec.Children[i]; c.Start.nested() == nil {
			if kid := n.sup.children[c.ID]; kid != nil && kid.sup != nil {
				l.removedBelow(now, kid)
			}
		}
	}
	n.sup.respec(now, spec, added)
	if group != nil { // it runs, and one that a call had added before may be gone for good since
		for id, kid := range added {
			if n.sup.children[id] == kid && !slices.Contains(group, id) {
				n.sup.remove(kid)
			}
		}
	}
	if quiet {
		return
	}
	e := Event{Kind: EventReconfigured, Time: now, Incarnation: n.incarnation, Group: group}
	if l.heard() {
		st := n.status(now)
		e.Child = &st
	}
	l.event(&e, n)
}

// removedBelow records that what was below a supervisor is gone with it, because it is
// none any more; hub.mu is held.
func (l *life) removedBelow(now time.Time, n *node) {
	for n.sup.tail != nil {
		last := n.sup.tail
		if last.sup != nil {
			l.removedBelow(now, last)
		}
		l.event(&Event{Kind: EventRemoved, Time: now, Incarnation: last.incarnation}, last)
	}
}

// respec makes the children on the list those of a new Spec, in its order, with what
// calls have added at the end. Those in added come on the list, if they are not there.
func (s *supNode) respec(now time.Time, spec *Spec, added map[string]*node) {
	if was, is := s.spec.Dynamic != nil, spec.Dynamic != nil; was != is { // names that it gave may be ids now, and the other way round
		s.counts.floor = max(s.counts.floor, s.highest)
	}
	s.spec = spec
	s.window.Limit(now, spec.Intensity)
	if d := spec.Dynamic; d != nil {
		for _, kid := range s.children {
			kid.restart, kid.significant = d.Restart, d.Significant
			if kid.ofTemplate && !missing(d.Start) { // a template may have none: then it runs what it ran
				kid.start = d.Start
			}
		}
	}
	in := make(map[string]bool, len(spec.Children))
	for i := range spec.Children {
		in[spec.Children[i].ID] = true
	}
	var others []*node
	for c := s.first; c != nil; c = c.next {
		if !in[c.id()] {
			c.ofSpec = false
			others = append(others, c)
		}
	}
	s.first, s.tail = nil, nil
	for i := range spec.Children {
		c := &spec.Children[i]
		kid := s.children[c.ID]
		switch {
		case kid != nil:
			s.forget(c.ID) // whose name it has taken
		case added[c.ID] != nil:
			kid = added[c.ID]
			kid.inherit()
			kid.incarnation = max(kid.incarnation, s.latest(c.ID))
		default:
			if kid = s.removed[c.ID]; kid != nil {
				kid.respec(c) // should its supervisor begin anew
			}
			continue
		}
		kid.respec(c)
		kid.ofSpec = true
		s.add(kid)
	}
	for _, c := range others {
		s.add(c)
	}
	for id := range s.removed {
		if !in[id] {
			s.forget(id)
		}
	}
}

// forget drops the entry of a child that was in the Spec and is not any more.
func (s *supNode) forget(id string) {
	r := s.removed[id]
	if r == nil {
		return
	}
	delete(s.removed, id)
	s.counts.remember(id, r.used())
	r.discard()
}

// respec gives an entry what is said of the child now. What is below a supervisor
// that stays one is that one's own affair.
func (n *node) respec(c *Child) {
	n.start, n.restart, n.kind = c.Start, c.Restart, c.Start.kind()
	n.significant, n.needs = c.Significant, c.Needs
	sub := c.Start.nested()
	switch {
	case sub == nil && n.sup != nil:
		n.up.sup.counts.remember(n.id(), n.used())
		n.discard()
		n.sup = nil
	case sub != nil && n.sup == nil:
		n.supervise(sub)
		n.raise(n.up.sup.counts.last(n.id()))
	}
}
