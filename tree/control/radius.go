package control

import (
	"slices"
	"strings"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// radius is what an action would touch as things stand: what runs is stopped,
// the last first, and then started, in order. A supervisor comes before what is
// below it.
func radius(up, child tree.Status, do Action) (r Radius, err error) {
	group := []tree.Status{child}
	if do == Restart {
		if group, err = fate(up, child.ID); err != nil {
			return r, err
		}
	}
	if do == Stop || do == Restart {
		for _, member := range slices.Backward(group) {
			r.Stops = stops(r.Stops, member)
		}
	}
	if do == Start || do == Restart {
		for _, member := range group {
			r.Starts = starts(r.Starts, member)
		}
	}
	return r, nil
}

// fate is who is restarted with a child, in start order: a machine knows.
func fate(up tree.Status, id string) ([]tree.Status, error) {
	cfg := strategies.Config{Strategy: up.Supervisor.Strategy}
	byID := make(map[string]tree.Status)
	for _, c := range up.Supervisor.Children {
		byID[c.ID] = c
		cfg.Children = append(cfg.Children, strategies.ChildSpec{ID: c.ID, Needs: c.Needs})
	}
	m, err := strategies.NewMachine(cfg)
	if err != nil {
		return nil, err
	}
	var group []tree.Status
	for _, id := range m.Radius(id) {
		group = append(group, byID[id])
	}
	return group, nil
}

func stops(paths []string, c tree.Status) []string {
	if c.State == strategies.Down || c.State == strategies.Waiting {
		return paths
	}
	paths = append(paths, c.Path)
	if c.Supervisor != nil {
		for _, below := range slices.Backward(c.Supervisor.Children) {
			paths = stops(paths, below)
		}
	}
	return paths
}

func starts(paths []string, c tree.Status) []string {
	paths = append(paths, c.Path)
	if c.Supervisor != nil {
		for _, below := range c.Supervisor.Children {
			paths = starts(paths, below)
		}
	}
	return paths
}

// split takes a path apart into that of the supervisor and the id.
func split(path string) (up, id string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}
