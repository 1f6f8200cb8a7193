package top

import (
	"maps"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree"
)

// A sparkline has a cell for each of the latest periods of this length.
const sparkPeriod = 5 * time.Second

// sparkCells is how many periods are remembered: more than a line has cells.
const sparkCells = 32

// timesMost bounds how many restarts of a child are remembered one by one.
const timesMost = 256

// restarts remembers when children were started again, whatever the reason.
type restarts map[string]*pulse

// pulse is that of one child.
type pulse struct {
	first uint64            // its first incarnation that was started since it was added; 0: 1
	times []time.Time       // of the latest, of the child alone
	cells [sparkCells]int32 // of it and all below it, by number of period
	last  int64             // the latest period that there is anything of
}

func (r restarts) of(path string) *pulse {
	p := r[path]
	if p == nil {
		p = new(pulse)
		r[path] = p
	}
	return p
}

// see takes the next event.
func (r restarts) see(e *tree.Event) {
	switch e.Kind {
	case tree.EventAdded:
		r.added(e.Child)
	case tree.EventReconfigured:
		r.reconfigured(e.Child)
	case tree.EventStarting:
		r.started(e)
	case tree.EventRemoved:
		delete(r, e.Path)
		if e.Supervisor {
			maps.DeleteFunc(r, func(path string, _ *pulse) bool { return show.Under(path, e.Path) })
		}
	}
}

// added notes that a child, and what is below it, has not been started yet: its
// number may be higher, after others of its name.
func (r restarts) added(st *tree.Status) {
	if st == nil {
		return
	}
	r.of(st.Path).first = st.Incarnation + 1
	if st.Supervisor != nil {
		for i := range st.Supervisor.Children {
			r.added(&st.Supervisor.Children[i])
		}
	}
}

// reconfigured notes those that a new description adds: they were never started.
func (r restarts) reconfigured(up *tree.Status) {
	if up == nil || up.Supervisor == nil {
		return
	}
	for i := range up.Supervisor.Children {
		if kid := &up.Supervisor.Children[i]; kid.Since.IsZero() {
			r.added(kid)
		}
	}
}

func (r restarts) started(e *tree.Event) {
	p := r.of(e.Path)
	if e.Incarnation <= max(1, p.first) {
		return
	}
	if p.times = append(p.times, e.Time); len(p.times) > timesMost {
		p.times = p.times[1:]
	}
	for path := e.Path; path != ""; path = show.Parent(path) {
		r.of(path).add(e.Time)
	}
}

func period(t time.Time) int64 { return t.UnixNano() / int64(sparkPeriod) }

func (p *pulse) add(t time.Time) {
	n := period(t)
	for ; p.last < n; p.last++ {
		if n-p.last > sparkCells {
			p.last = n - sparkCells
		}
		p.cells[(p.last+1)%sparkCells] = 0
	}
	if n > p.last-sparkCells {
		p.cells[n%sparkCells]++
	}
}

// spark returns the restarts of the latest periods, of which now is in the last.
func (r restarts) spark(path string, now time.Time, cells int) []int {
	counts := make([]int, cells)
	p := r[path]
	if p == nil {
		return counts
	}
	for i := range counts {
		n := period(now) - int64(cells-1-i)
		if n <= p.last && n > p.last-sparkCells {
			counts[i] = int(p.cells[n%sparkCells])
		}
	}
	return counts
}

// counts returns how often a child was started again: within some time, and
// since it was added.
func (r restarts) counts(st *tree.Status, within time.Duration, now time.Time) (window, total int) {
	first := uint64(1)
	if p := r[st.Path]; p != nil {
		first = max(first, p.first)
		for _, t := range p.times {
			if now.Sub(t) <= within {
				window++
			}
		}
	}
	if st.Incarnation > first {
		total = int(st.Incarnation - first)
	}
	return window, total
}
