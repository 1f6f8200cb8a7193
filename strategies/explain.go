package strategies

import (
	"errors"
	"iter"
	"strings"
)

// Explanation tells what follows from the crash of one worker.
type Explanation struct {
	Path string
	// Stops and Starts are the paths of what is told to stop and what is
	// started because of one crash, in order: the blast radius. A supervisor
	// comes before what is below it. The worker itself is not among the stops.
	Stops, Starts []string
	// Escalation tells which supervisors end if the worker crashes again and
	// again without a pause, from its own upwards.
	Escalation []Escalation
}

// Escalation is the end of a supervisor because a worker below it keeps
// crashing.
type Escalation struct {
	Path    string    // of the supervisor
	Crashes int       // of the worker, until then
	Why     Why       // Exhausted, or AutoStopped
	Within  Intensity // its limit, defaults filled in
}

// explainLimit is how many crashes Explain looks ahead. A supervisor that is
// still there after so many is not listed.
const explainLimit = 1_000

// Explain finds out what follows from the crash of the worker at path, by
// letting it crash in a [Simulation] of the tree. The error is that of
// [Tree.Validate], or says that path is not that of a worker of the tree.
func Explain(t *Tree, path string) (*Explanation, error) {
	if err := errors.Join(t.Validate(), t.worker(path)); err != nil {
		return nil, err
	}
	x := &Explanation{Path: path}
	crashes := 0
	seen := map[string]bool{}
	s := NewSimulation(t, Script{Event: func(e SimEvent) {
		switch a := &e.Action; {
		case crashes == 0:
		case a.Do == DoFinish && !e.Exited && above(e.Path, path) && !seen[e.Path]:
			seen[e.Path] = true
			if a.Why != Told {
				x.Escalation = append(x.Escalation, Escalation{e.Path, crashes, a.Why, Intensity{}})
			}
		case crashes > 1 || e.Exited:
		case a.Do == DoStop || a.Do == DoKill:
			x.Stops = append(x.Stops, e.Path)
		case a.Do == DoStart:
			x.Starts = append(x.Starts, e.Path)
		}
	}})
	_ = s.Boot() // a valid tree whose children start as they should starts
	for err := s.Settle(); ; err = s.Settle() {
		if err != nil {
			return nil, err
		}
		if crashes == explainLimit || s.Live(path) == 0 {
			break
		}
		crashes++
		s.Exit(path, Exit{Class: Crash})
	}
	for i := range x.Escalation {
		x.Escalation[i].Within = t.find(x.Escalation[i].Path).Config.Intensity.OrDefault()
	}
	return x, nil
}

// above reports whether the supervisor at path has the child at below it.
func above(path, child string) bool { return strings.HasPrefix(child, path+"/") }

// find returns the description of the supervisor at path; nil if there is none.
func (t *Tree) find(path string) *Tree {
	rest, ok := strings.CutPrefix(path+"/", t.Name+"/")
	if !ok {
		return nil
	}
	for t != nil && rest != "" {
		var id string
		id, rest, _ = strings.Cut(rest, "/")
		t = t.Nested[id]
	}
	return t
}

// kind returns the kind of the child at path, and whether there is one.
func (t *Tree) kind(path string) (Kind, bool) {
	if path == t.Name {
		return Supervisor, true
	}
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return 0, false
	}
	sup := t.find(path[:i])
	if sup == nil {
		return 0, false
	}
	for c := range sup.children() {
		if c.ID == path[i+1:] {
			return c.Kind, true
		}
	}
	return 0, false
}

func (t *Tree) children() iter.Seq[*ChildSpec] {
	return func(yield func(*ChildSpec) bool) {
		for i := range t.Config.Children {
			if !yield(&t.Config.Children[i]) {
				return
			}
		}
	}
}

// Workers yields the paths of the workers that the tree starts with, in start
// order.
func (t *Tree) Workers() iter.Seq[string] {
	return func(yield func(string) bool) { t.workers(t.Name, yield) }
}

func (t *Tree) workers(path string, yield func(string) bool) bool {
	for c := range t.children() {
		kid := path + "/" + c.ID
		switch sub := t.Nested[c.ID]; {
		case c.Kind == Worker && !yield(kid):
			return false
		case sub != nil && !sub.workers(kid, yield):
			return false
		}
	}
	return true
}
