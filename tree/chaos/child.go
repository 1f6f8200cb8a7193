package chaos

import (
	"strings"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// Child is what a plan needs to know of a child of the tree to say which faults
// it can be given.
type Child struct {
	Path       string
	Parent     string // path of its supervisor; "" for the root
	Supervisor bool
	Process    bool // it is a process of the operating system
	Wrapped    bool // it is a leaf that an Injector has wrapped
	Dynamic    bool // its supervisor is dynamic
	Max        int  // restarts that its supervisor allows
}

// Children lists everything in a tree, the root too. What is a process is known
// of those that run. The Injector may be nil.
func Children(s tree.Snapshot, in *Injector) []Child {
	var all []Child
	var walk func(st *tree.Status, up *tree.Status)
	walk = func(st, up *tree.Status) {
		c := Child{Path: st.Path, Supervisor: st.Kind == strategies.Supervisor, Process: st.PID != 0, Wrapped: in.knows(st.Path)}
		if up != nil {
			c.Parent, c.Dynamic, c.Max = up.Path, up.Supervisor.Dynamic, up.Supervisor.Intensity.Max
		}
		all = append(all, c)
		if st.Supervisor != nil {
			for i := range st.Supervisor.Children {
				walk(&st.Supervisor.Children[i], st)
			}
		}
	}
	walk(&s.Root, nil)
	return all
}

// find returns the status at a path below st.
func find(st *tree.Status, path string) *tree.Status {
	if st.Path == path {
		return st
	}
	if st.Supervisor == nil || !strings.HasPrefix(path, st.Path+"/") {
		return nil
	}
	for i := range st.Supervisor.Children {
		if f := find(&st.Supervisor.Children[i], path); f != nil {
			return f
		}
	}
	return nil
}

// above is the path of the supervisor; "" for a root's.
func above(path string) string { return path[:max(0, strings.LastIndexByte(path, '/'))] }
