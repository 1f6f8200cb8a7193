package top

import (
	"slices"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// What the list of events keeps.
const (
	itemsMost  = 2000 // failures, and requests, with all that follows, and events that are part of none
	eventsMost = 500  // of each failure
)

// story is what happened, folded: a failure, or what was asked for, and all that
// follows from it is one item.
type story struct {
	root     string // its path
	items    []*item
	latest   map[strategies.Cascade]*item
	requests []*request  // that go on
	end      *tree.Event // of the root; nil while it has not ended
}

// item is a failure, or a request, and what follows from it, or an event that is part
// of none.
type item struct {
	cascade strategies.Cascade
	events  []tree.Event // the first ones
	open    bool         // they are shown one by one

	n             int // events, those not kept included
	stops, starts int
	gaveUp        []tree.Event // supervisors ended over it: from the lowest up
	origin        *tree.Event  // the end, or the request, with which it began; nil if that was before
}

// see takes the next event.
func (s *story) see(e *tree.Event) {
	s.item(e).see(e)
	if e.Kind == tree.EventExited {
		s.over(e.Path)
	}
	if e.Path != s.root {
		return
	}
	switch e.Kind {
	case tree.EventExited:
		s.end = e
	case tree.EventStarting:
		s.end = nil
	}
}

// item is that to which the event belongs. That a child will be started again is
// told without the failure that it follows from, but right after it.
func (s *story) item(e *tree.Event) *item {
	if it := s.latest[e.Cascade]; it != nil && !e.Cascade.IsZero() {
		return it
	}
	if n := len(s.items); n > 0 && e.Kind == tree.EventWaiting {
		it := s.items[n-1]
		if !it.cascade.IsZero() && it.events[len(it.events)-1].Path == e.Path {
			return it
		}
	}
	if e.Cascade.IsZero() {
		if it := s.requested(e); it != nil {
			return it
		}
	}
	return s.add(e.Cascade)
}

func (s *story) add(c strategies.Cascade) *item {
	it := &item{cascade: c}
	if s.latest == nil {
		s.latest = make(map[strategies.Cascade]*item)
	}
	if !c.IsZero() {
		s.latest[c] = it
	}
	if s.items = append(s.items, it); len(s.items) > itemsMost {
		delete(s.latest, s.items[0].cascade)
		s.items = slices.Delete(s.items, 0, 1)
	}
	return it
}

func (it *item) see(e *tree.Event) {
	it.n++
	if len(it.events) < eventsMost {
		it.events = append(it.events, *e)
	}
	switch e.Kind {
	case tree.EventStopping:
		it.stops++
	case tree.EventStarting:
		it.starts++
	case tree.EventGivingUp:
		it.gaveUp = append(it.gaveUp, *e)
	case tree.EventExited, tree.EventStartError:
		if it.origin == nil && e.Path == it.cascade.Origin && e.Incarnation == it.cascade.N {
			it.origin = e
		}
	}
}

// causes tells why the tree has ended: its own end, over what each level gave
// up, and the end with which that began.
func (s *story) causes() []tree.Event {
	if s.end == nil {
		return nil
	}
	chain := []tree.Event{*s.end}
	it := s.latest[s.end.Cascade]
	if it == nil || s.end.Cascade.IsZero() {
		return chain
	}
	for _, e := range slices.Backward(it.gaveUp) {
		chain = append(chain, e)
	}
	if it.origin != nil {
		chain = append(chain, *it.origin)
	}
	return chain
}

// entry is a line of the list: an item, or one of its events.
type entry struct {
	item  *item
	event int // -1: the item
}

// entries returns the lines, the latest last.
func (s *story) entries() []entry {
	all := make([]entry, 0, len(s.items))
	for _, it := range s.items {
		if it.n == 1 {
			all = append(all, entry{it, 0})
			continue
		}
		all = append(all, entry{it, -1})
		if it.open {
			for i := range it.events {
				all = append(all, entry{it, i})
			}
		}
	}
	return all
}
