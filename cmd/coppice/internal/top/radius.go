package top

import (
	"slices"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
)

// radius is whom the end of the child under the cursor takes with it.
type radius struct {
	path   string
	stops  map[string]int // the how manyth to be stopped, from 1
	starts map[string]int
	of     control.Radius
	asking bool // for it
	stale  bool // something happened since
}

func newRadius(path string, of control.Radius) radius {
	return radius{path: path, stops: numbered(of.Stops), starts: numbered(of.Starts), of: of}
}

func (r *radius) has(path string) bool { return r.stops[path] > 0 || r.starts[path] > 0 }

func numbered(paths []string) map[string]int {
	n := make(map[string]int, len(paths))
	for i, path := range paths {
		n[path] = i + 1
	}
	return n
}

// recorded is what a restart of the child would touch, in the state of a
// recording, where there is nobody to ask: a machine knows who shares its fate.
func recorded(up, child *tree.Status) (r control.Radius) {
	if up == nil {
		return r
	}
	cfg := strategies.Config{Strategy: up.Supervisor.Strategy}
	byID := make(map[string]*tree.Status)
	for i := range up.Supervisor.Children {
		kid := &up.Supervisor.Children[i]
		byID[kid.ID] = kid
		cfg.Children = append(cfg.Children, strategies.ChildSpec{ID: kid.ID, Needs: kid.Needs})
	}
	m, err := strategies.NewMachine(cfg)
	if err != nil { // a child may need one that is gone
		return r
	}
	group := m.Radius(child.ID)
	for _, id := range slices.Backward(group) {
		r.Stops = stops(r.Stops, byID[id])
	}
	for _, id := range group {
		r.Starts = starts(r.Starts, byID[id])
	}
	return r
}

// stops appends what runs of a child and below it, the last first.
func stops(paths []string, st *tree.Status) []string {
	if st.State == strategies.Down || st.State == strategies.Waiting {
		return paths
	}
	paths = append(paths, st.Path)
	if st.Supervisor != nil {
		for i := range slices.Backward(st.Supervisor.Children) {
			paths = stops(paths, &st.Supervisor.Children[i])
		}
	}
	return paths
}

func starts(paths []string, st *tree.Status) []string {
	paths = append(paths, st.Path)
	if st.Supervisor != nil {
		for i := range st.Supervisor.Children {
			paths = starts(paths, &st.Supervisor.Children[i])
		}
	}
	return paths
}
