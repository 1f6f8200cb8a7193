package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Probe is what was seen of a [Steady].
type Probe struct {
	Name    string  `json:"name"`
	Mode    Mode    `json:"mode"`
	Met     bool    `json:"steady_state_met"`
	Value   float64 `json:"value"`   // the part that was up: of the children, or of the time
	Wanted  float64 `json:"wanted"`  // and what it was to be at least
	Message string  `json:"message"` // what was seen, for a reader
}

// MetAll reports whether all probes found what was wanted.
func MetAll(probes []Probe) bool {
	return !slices.ContainsFunc(probes, func(p Probe) bool { return !p.Met })
}

// probe looks at every Steady of the plan that is for this mode. Before and After
// look at one instant.
func (p *Plan) probe(h *history, m Mode, from, to time.Time) []Probe {
	var all []Probe
	for _, s := range p.Steady {
		if slices.Contains(s.modes(), m) {
			found := s.check(h, from, to)
			found.Name, found.Mode = s.Name(), m
			all = append(all, found)
		}
	}
	return all
}

func (AllReady) check(h *history, _, to time.Time) Probe {
	var not []string
	n := 0
	for i, l := range h.lanes {
		n++
		if p := l.at(to); p != phaseUp && (p != phaseDone || i == 0) { // the root has to run
			not = append(not, l.path)
		}
	}
	if not == nil {
		return Probe{Met: true, Value: 1, Wanted: 1, Message: "everything that should run is up"}
	}
	return Probe{Value: float64(n-len(not)) / float64(n), Wanted: 1, Message: "not up: " + some(not)}
}

func (a Availability) check(h *history, from, to time.Time) Probe {
	v := h.available(a.Child, from, to)
	return Probe{
		Met: v >= a.AtLeast, Value: v, Wanted: a.AtLeast,
		Message: fmt.Sprintf("%s was up for %s of the time, wanted were %s", a.Child, percent(v), percent(a.AtLeast)),
	}
}

func percent(f float64) string { return fmt.Sprintf("%.2f %%", 100*f) }

// some names the first few.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
