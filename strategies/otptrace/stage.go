package otptrace

import (
	"slices"
	"strings"
)

// Stage keeps what a runner has to know about the nodes of a scenario while it
// performs it: which node is at a path, and how often that was started.
type Stage struct {
	nodes  map[string]*Node
	starts map[string]uint64
	simple map[string]bool // paths of dynamic supervisors, past ones too
}

// NewStage sets the scenario's tree up.
func NewStage(f *File) *Stage {
	s := &Stage{nodes: map[string]*Node{}, starts: map[string]uint64{}, simple: map[string]bool{}}
	s.Set(f.Scenario.Tree.ID, &f.Scenario.Tree)
	return s
}

// Set puts a node and those below it at a path.
func (s *Stage) Set(path string, n *Node) {
	s.nodes[path] = n
	if n.Simple() {
		s.simple[path] = true
		return
	}
	for i := range n.Children {
		s.Set(path+"/"+n.Children[i].ID, &n.Children[i])
	}
}

// Instance puts an instance of a dynamic supervisor at its place: the template,
// with what the step says instead.
func (s *Stage) Instance(step Step) {
	n := s.nodes[step.Sup].Children[0]
	if step.Starts != nil || step.Then != "" {
		n.Starts, n.Then = step.Starts, step.Then
	}
	if step.OnStop != nil {
		n.OnStop = *step.OnStop
	}
	s.Set(step.Sup+"/"+step.Name, &n)
}

// Node returns the node at a path; nil if there is none.
func (s *Stage) Node(path string) *Node { return s.nodes[path] }

// Start counts a start attempt and returns its number, from 1, and its outcome.
func (s *Stage) Start(path string) (n uint64, outcome string) {
	s.starts[path]++
	n = s.starts[path]
	return n, s.nodes[path].Outcome(n)
}

// Simple reports whether the supervisor at path is a dynamic one.
func (s *Stage) Simple(path string) bool { return s.simple[path] }

// Canonical brings events into the order of SCENARIO.md: the children of a
// dynamic supervisor end in no particular order.
func (s *Stage) Canonical(events []Event) {
	paths := make([]string, 0, len(s.simple))
	for path := range s.simple {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int {
		if d := strings.Count(a, "/") - strings.Count(b, "/"); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, sup := range paths {
		for i, e := range events {
			if e.E == "exit" && e.P == sup {
				sortEnd(events[:i], sup)
			}
		}
	}
}

// sortEnd sorts what comes right before the end of a dynamic supervisor.
func sortEnd(events []Event, sup string) {
	i := len(events)
	for i > 0 && events[i-1].T == "shutdown_error" && events[i-1].S == sup {
		i--
	}
	slices.SortStableFunc(events[i:], func(a, b Event) int { return strings.Compare(a.R, b.R) })
	end := i
	for i > 0 && events[i-1].below(sup) != "" {
		i--
	}
	slices.SortStableFunc(events[i:end], func(a, b Event) int { return strings.Compare(a.below(sup), b.below(sup)) })
}

// below returns the name of the instance of sup that the event is about; "" if
// it is about none.
func (e *Event) below(sup string) string {
	path := e.P
	if e.E == "report" {
		path = e.S
	}
	rest, ok := strings.CutPrefix(path, sup+"/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}
