package chaos

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// Stats are figures of a run. Times are milliseconds.
type Stats struct {
	Faults      int `json:"faults"` // done
	Missed      int `json:"missed"`
	Events      int `json:"events"`
	Exits       int `json:"exits"`       // of leaves
	Restarts    int `json:"restarts"`    // decided on by supervisors
	Escalations int `json:"escalations"` // supervisors that gave up

	Recovery   Recovery            `json:"recovery"`    // of all leaves: from an exit until the child is up again
	ByCause    map[string]Recovery `json:"by_cause"`    // a class of faults; cascade: it went with another; request: as an operator wanted; itself
	ByStrategy map[string]Recovery `json:"by_strategy"` // of the supervisor above

	Available float64            `json:"available"` // the part of the time in which all leaves that should run were up, from the first fault to the end
	Children  map[string]float64 `json:"children"`  // the same of each leaf

	Cascades map[int]int `json:"cascades"` // how many there were by size: how many leaves were started because of it

	Hangs     int      `json:"hangs"`     // processes that were stopped
	HangsSeen Recovery `json:"hang_seen"` // how many of them were ended before they were let go on, and how long after they were stopped
}

// Recovery is a distribution of times, in milliseconds.
type Recovery struct {
	N     int     `json:"n"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
	Never int     `json:"never"` // those that did not recover
}

// times is a Recovery in the making.
type times struct {
	all   []time.Duration
	never int
}

func (t *times) recovery() Recovery {
	slices.Sort(t.all)
	r := Recovery{N: len(t.all), Never: t.never}
	if r.N == 0 {
		return r
	}
	// The nearest rank: a time that was measured.
	at := func(p int) float64 { return milliseconds(t.all[max(0, (p*r.N+99)/100-1)]) }
	r.P50, r.P90, r.P99, r.Max = at(50), at(90), at(99), at(100)
	return r
}

// stats counts all that there is to be counted from a time on, up to an event: what
// comes later is the end that the tree was told to come to.
func (h *history) stats(e *check.Evidence, from time.Time, last uint64) Stats {
	s := Stats{ByCause: map[string]Recovery{}, ByStrategy: map[string]Recovery{}, Children: map[string]float64{}, Cascades: map[int]int{}}
	for _, f := range e.Faults {
		if f.Missed != "" {
			s.Missed++
		} else {
			s.Faults++
		}
	}
	root := h.begin.Root.Path
	s.Available = h.available(root, from, e.Closed)
	for _, l := range h.leaves(root) {
		s.Children[l.path] = h.available(l.path, from, e.Closed)
	}
	h.recoveries(e, &s, last)
	h.cascades(&s)
	h.hangs(e, &s)
	return s
}

// outage is a leaf that has ended, and is not up again.
type outage struct {
	since time.Time
	cause string
}

func (h *history) recoveries(e *check.Evidence, s *Stats, last uint64) {
	var all times
	byCause, byStrategy := map[string]*times{}, map[string]*times{}
	put := func(path string, o outage, end time.Time) {
		for _, t := range []*times{&all, under(byCause, o.cause), under(byStrategy, h.byPath[path].above.String())} {
			if end.IsZero() {
				t.never++
			} else {
				t.all = append(t.all, end.Sub(o.since))
			}
		}
	}
	hit := hits(e.Faults)
	out, told := map[string]outage{}, map[string]bool{}
	s.Events = len(h.events)
	for i := range h.events {
		ev := &h.events[i]
		if ev.Seq > last {
			break
		}
		switch ev.Kind {
		case tree.EventGivingUp:
			s.Escalations++
		case tree.EventRestarting:
			s.Restarts++
		}
		if ev.Supervisor || h.byPath[ev.Path] == nil {
			continue
		}
		switch ev.Kind {
		case tree.EventStopping, tree.EventKilling:
			told[ev.Path] = true
		case tree.EventExited:
			s.Exits++
			out[ev.Path] = outage{ev.Time, cause(ev, hit, told[ev.Path])}
			if h.byPath[ev.Path].restart == strategies.Temporary {
				delete(out, ev.Path)
			}
			told[ev.Path] = false
		case tree.EventProgress, tree.EventRunning:
			if o, was := out[ev.Path]; was {
				put(ev.Path, o, ev.Time)
				delete(out, ev.Path)
			}
		case tree.EventRemoved, tree.EventIgnored:
			delete(out, ev.Path)
		}
	}
	for path, o := range out {
		if h.byPath[path].now() != phaseDone {
			put(path, o, time.Time{})
		}
	}
	s.Recovery = all.recovery()
	for name, t := range byCause {
		s.ByCause[name] = t.recovery()
	}
	for name, t := range byStrategy {
		s.ByStrategy[name] = t.recovery()
	}
}

func under(m map[string]*times, name string) *times {
	if m[name] == nil {
		m[name] = new(times)
	}
	return m[name]
}

// victim is one incarnation.
type victim struct {
	path        string
	incarnation uint64
}

// hits are the faults that hit an incarnation, by time.
func hits(faults []check.Fault) map[victim][]check.Fault {
	m := make(map[victim][]check.Fault)
	for _, f := range faults {
		if v := (victim{f.Path, f.Incarnation}); f.Missed == "" && f.Incarnation != 0 {
			m[v] = append(m[v], f)
		}
	}
	return m
}

// cause says why a leaf ended: because of the last fault before, if that was not
// over. One that was told to stop ended for that, or because it hung.
func cause(ev *tree.Event, hit map[victim][]check.Fault, told bool) string {
	for _, f := range slices.Backward(hit[victim{ev.Path, ev.Incarnation}]) {
		name, _, _ := strings.Cut(f.Kind, "(")
		hangs := name == "hang"
		if f.Time.After(ev.Time) || told && !hangs || hangs && !f.Until.IsZero() && f.Until.Before(ev.Time) {
			continue
		}
		return name
	}
	switch {
	case told && !ev.Cascade.IsZero():
		return "cascade"
	case told:
		return "request"
	}
	return "itself"
}

func (h *history) cascades(s *Stats) {
	sizes := map[strategies.Cascade]map[string]bool{}
	for i := range h.events {
		ev := &h.events[i]
		if ev.Kind != tree.EventStarting || ev.Cascade.IsZero() || ev.Supervisor {
			continue
		}
		if sizes[ev.Cascade] == nil {
			sizes[ev.Cascade] = map[string]bool{}
		}
		sizes[ev.Cascade][ev.Path] = true
	}
	for _, paths := range sizes {
		s.Cascades[len(paths)]++
	}
}

// hangs finds out which of the stopped processes were ended for it.
func (h *history) hangs(e *check.Evidence, s *Stats) {
	var seen times
	for _, f := range e.Faults {
		if f.Missed != "" || f.PID == 0 || f.Path == "" || !strings.HasPrefix(f.Kind, "hang") {
			continue
		}
		s.Hangs++
		i := slices.IndexFunc(h.events, func(ev tree.Event) bool {
			return ev.Kind == tree.EventExited && ev.Path == f.Path && ev.Incarnation == f.Incarnation && !ev.Time.Before(f.Time)
		})
		if i >= 0 && (f.Until.IsZero() || h.events[i].Time.Before(f.Until)) {
			seen.all = append(seen.all, h.events[i].Time.Sub(f.Time))
		} else {
			seen.never++
		}
	}
	s.HangsSeen = seen.recovery()
}

// sortedKeys are the keys of a map, in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
