package otptrace

import (
	"cmp"
	"slices"

	"github.com/coppice-go/coppice/strategies"
)

// Entry is what a trace has of a child in which_children.
type Entry struct {
	ID   *string `json:"id"`
	S    string  `json:"s"`
	N    uint64  `json:"n,omitempty"`
	Type string  `json:"type"`
}

// Which translates the answer to which_children. n returns the number of the
// attempt that an incarnation is.
func Which(children []strategies.ChildInfo, simple bool, n func(id string, incarnation uint64) uint64) []Entry {
	list := []Entry{}
	for _, c := range children {
		e := Entry{ID: &c.ID, Type: c.Kind.String()}
		switch c.State {
		case strategies.Up, strategies.Dead, strategies.Stopping:
			e.S, e.N = "running", n(c.ID, c.Incarnation)
		case strategies.Waiting:
			e.S = "restarting"
			if simple {
				e.ID = nil
			}
		default:
			e.S = "undefined"
		}
		list = append(list, e)
	}
	if simple {
		slices.SortFunc(list, func(a, b Entry) int {
			return cmp.Or(cmp.Compare(a.name(), b.name()), cmp.Compare(a.N, b.N), cmp.Compare(a.S, b.S))
		})
	}
	return list
}

func (e *Entry) name() string {
	if e.ID == nil {
		return ""
	}
	return *e.ID
}

// Count translates the answer to count_children.
func Count(c strategies.Counts) map[string]int {
	return map[string]int{"specs": c.Specs, "active": c.Active, "supervisors": c.Supervisors, "workers": c.Workers}
}

// Spec translates the answer to get_childspec.
func Spec(s strategies.ChildSpec) map[string]any {
	return map[string]any{
		"id": s.ID, "restart": s.Restart.String(), "type": s.Kind.String(),
		"shutdown": ShutdownValue(s.Shutdown), "significant": s.Significant,
	}
}
