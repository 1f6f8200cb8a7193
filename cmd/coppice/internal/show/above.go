package show

import (
	"slices"
	"strings"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// Above finds out with what a child was stopped. A supervisor that is told to
// stop stops its children in order, and does not tell them why: their ends are
// part of no cascade, nor are those of a restart by request or for another
// description of the tree.
type Above struct {
	path    string
	asked   map[string]Stop // the child and those above it that are part of what somebody asked for
	stops   map[string]Stop // of those that are being stopped
	stopped map[uint64]Stop // of incarnations of the child
	leaves  bool            // the latest end of it, or of what is above it, was for another description
	dropped bool            // and that does not have it
}

// Stop is that of the child, or of a supervisor above.
type Stop struct {
	Path    string
	Cascade strategies.Cascade // that it is part of; zero: none
	Request string             // the path of the child whose restart was asked for; empty: none was
	Reload  bool               // its supervisor got another description
}

// NewAbove begins to look at the child at path.
func NewAbove(path string) *Above {
	return &Above{path: path, asked: make(map[string]Stop), stops: make(map[string]Stop), stopped: make(map[uint64]Stop)}
}

// See takes the next event. What comes before the first one is unknown.
func (a *Above) See(e *tree.Event) {
	switch {
	case e.Kind == tree.EventRenewing:
		a.ask(Parent(e.Path), e.Group, Stop{Request: e.Path})
	case e.Kind == tree.EventReconfiguring:
		a.ask(e.Path, e.Group, Stop{Reload: true})
	case !Under(a.path, e.Path):
	case e.Kind == tree.EventStopping:
		s := a.asked[e.Path]
		s.Path, s.Cascade = e.Path, e.Cascade
		a.stops[e.Path] = s
	case e.Kind == tree.EventRemoved:
		a.dropped = a.leaves || a.asked[e.Path].Reload
		delete(a.asked, e.Path)
	case e.Kind == tree.EventExited, e.Kind == tree.EventStarting:
		if s, ok := a.first(); ok && e.Kind == tree.EventExited && e.Path == a.path {
			a.stopped[e.Incarnation] = s
		}
		a.leaves = e.Kind == tree.EventExited && a.asked[e.Path].Reload
		delete(a.stops, e.Path)
		delete(a.asked, e.Path)
	}
}

// ask takes note that children of a supervisor are part of what somebody asked for.
func (a *Above) ask(up string, ids []string, s Stop) {
	for _, id := range ids {
		if member := up + "/" + id; Under(a.path, member) {
			a.asked[member] = s
		}
	}
}

// first is the stop with which the others began: that of the highest.
func (a *Above) first() (first Stop, ok bool) {
	for i := range len(a.path) + 1 {
		if i == len(a.path) || a.path[i] == '/' {
			if s, ok := a.stops[a.path[:i]]; ok {
				return s, true
			}
		}
	}
	return Stop{}, false
}

// Of returns the stop with which an incarnation of the child was stopped.
func (a *Above) Of(incarnation uint64) (s Stop, ok bool) {
	s, ok = a.stopped[incarnation]
	return s, ok
}

// Dropped reports whether the child is gone because another description of the
// tree does not have it, or what it was below. That is so from its removal on.
func (a *Above) Dropped() bool { return a.dropped }

// withBelow says of the paths in stopped of which nothing below is named, but is
// in started, that all of it was stopped with them.
func withBelow(stopped, started []string) []string {
	named := make([]string, 0, len(stopped))
	for _, path := range stopped {
		below := func(other string) bool { return strings.HasPrefix(other, path+"/") }
		if slices.ContainsFunc(started, below) && !slices.ContainsFunc(stopped, below) {
			path += " (with all below it)"
		}
		named = append(named, path)
	}
	return named
}
