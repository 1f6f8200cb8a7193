package top

import (
	"slices"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree"
)

// request is a restart that somebody asked for, or another description of a
// supervisor, while it goes on: what belongs to it is part of no cascade.
type request struct {
	*item
	up      string          // the supervisor concerned
	members map[string]bool // paths of those whose turn is not over; whether their start has begun
	pending bool            // the description does not hold yet
}

// requested finds what was asked for of which the event is a part, if it is.
func (s *story) requested(e *tree.Event) *item {
	switch e.Kind {
	case tree.EventRenewing:
		return s.begin(e, show.Parent(e.Path)).item
	case tree.EventReconfiguring:
		r := s.begin(e, e.Path)
		r.pending = true
		return r.item
	case tree.EventDropped: // who can tell what they were
		s.requests = nil
	}
	for _, r := range s.requests {
		switch member := r.member(e.Path); {
		case r.pending && e.Kind == tree.EventReconfigured && e.Path == r.up:
			r.members, r.pending = members(r.up, e), false
			return r.item
		case member != "":
			r.turn(e, member)
			return r.item
		}
	}
	return nil
}

// begin makes an item of what is asked for about children of a supervisor. What went on
// with them is over.
func (s *story) begin(e *tree.Event, up string) *request {
	r := &request{item: s.add(e.Cascade), up: up, members: members(up, e)}
	r.origin = e
	s.over(up)
	s.requests = append(s.requests, r)
	return r
}

// members are the paths of an event's Group.
func members(up string, e *tree.Event) map[string]bool {
	m := make(map[string]bool, len(e.Group))
	for _, id := range e.Group {
		m[up+"/"+id] = false
	}
	return m
}

// member is the path of the one that is at this path, or above it.
func (r *request) member(path string) string {
	for ; path != ""; path = show.Parent(path) {
		if _, ok := r.members[path]; ok {
			return path
		}
	}
	return ""
}

// turn takes what happens to a member. After a start that fails no other begins.
func (r *request) turn(e *tree.Event, member string) {
	if e.Path != member {
		return
	}
	switch e.Kind {
	case tree.EventStarting:
		r.members[member] = true
	case tree.EventProgress, tree.EventRunning, tree.EventIgnored, tree.EventRemoved, tree.EventCancelled:
		delete(r.members, member)
	case tree.EventStartError, tree.EventNotStarted:
		delete(r.members, member)
		for path, begun := range r.members {
			if !begun {
				delete(r.members, path)
			}
		}
	}
}

// over ends what goes on with the children of a supervisor, and what has come to its
// end by itself.
func (s *story) over(up string) {
	s.requests = slices.DeleteFunc(s.requests, func(r *request) bool {
		return r.up == up || len(r.members) == 0 && !r.pending
	})
}
