package strategies

import "slices"

// drain tells all children of a dynamic supervisor at once to end, under one
// common deadline (rule J7). There is no order between them to be kept.
func (m *Machine) drain(j *job) {
	j.stop = 0
	m.actions = slices.Grow(m.actions, len(j.members)+1) // at once: growing step by step would copy them all several times
	ordered := 0
	for _, c := range j.members {
		switch {
		case c.state == Up:
			m.await(j, c)
			m.setState(c, Stopping)
			if c.spec.Shutdown == BrutalKill {
				m.tell(c, j.cascade)
				continue
			}
			limit, _ := c.spec.Shutdown.limit()
			m.ask(c, j.cascade, limit)
			ordered++
		default:
			m.stop(j, c)
		}
	}
	if limit, limited := m.template.Shutdown.limit(); limited && ordered > 0 {
		m.emit(Action{Do: DoArm, Timer: DrainTimer, After: limit})
	}
}

// drained kills those that have not stopped in time.
func (m *Machine) drained() {
	if !m.draining() {
		return
	}
	for _, c := range m.ending.members {
		if c.state == Stopping && c.order == orderStop && !c.spared {
			m.kill(c)
		}
	}
}

// draining reports whether the children of a dynamic supervisor are ending all
// together.
func (m *Machine) draining() bool { return m.template != nil && m.phase == finishing }

// unexpected counts the exits of one class that should not have been.
type unexpected struct {
	exit Exit // the first
	n    int
}

func (m *Machine) tally(e Exit) {
	u := &m.unexpected[min(e.Class, Crash)]
	if u.n == 0 {
		u.exit = e
	}
	u.n++
}

// reportDrained reports how the children ended that did not end as they should,
// once for each class of exit, when all are gone (rule J7).
func (m *Machine) reportDrained() {
	for _, u := range m.unexpected {
		if u.n > 0 {
			m.emit(Action{Do: DoReport, Report: ShutdownError, Exit: u.exit, Group: u.n, Cascade: m.ending.cascade})
		}
	}
}
