package top

import (
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// usage is what a process uses.
type usage struct {
	Used
	at  time.Time
	cpu float64 // of one processor, in the time before; -1: not known yet
}

// used takes a sample. What a process has used is held against the sample before.
func (m *Model) used(u Usage) {
	now := make(map[int]usage, len(u.Of))
	for pid, is := range u.Of {
		next := usage{Used: is, at: u.Now, cpu: -1}
		if was, ok := m.usage[pid]; ok && u.Now.After(was.at) && is.CPU >= was.CPU { // else it is another's number
			next.cpu = float64(is.CPU-was.CPU) / float64(u.Now.Sub(was.at))
		}
		now[pid] = next
	}
	m.usage = now
}

// visiblePIDs are those of the processes that are drawn.
func (m *Model) visiblePIDs() []int {
	var pids []int
	for _, r := range m.drawn() {
		if r.PID != 0 && r.State != strategies.Down {
			pids = append(pids, r.PID)
		}
	}
	return pids
}
