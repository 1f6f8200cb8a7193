package check

import (
	"math"
	"time"
)

// window holds the restarts of one life of a supervisor, as far back as any of
// them may still count. Both its edges belong to it (rule F4). As the times of
// events may be a little off, it tells the least and the most there can be.
type window struct {
	times []time.Time // of those told, in order
	old   int         // times[:old] are too old to count for certain
	gone  int         // times[:gone] are too old even if the clock was off

	prior       int // restarts before the evidence begins
	least, most int // of them: how many still count, for certain and at most
	oldest, end time.Time
}

// before notes restarts that were before the evidence began: when the oldest was
// is known, of the others only that they were between that and the beginning.
func (w *window) before(n int, oldest, begin time.Time) {
	w.prior, w.least, w.most, w.oldest, w.end = n, n, n, oldest, begin
}

// longer: a longer period holds from now on. Restarts that are too old for the one
// so far may count again, if there was no other meanwhile.
func (w *window) longer(now time.Time, within, clock time.Duration) {
	for w.old < len(w.times) && now.Sub(w.times[w.old]) > within-clock {
		w.old++
	}
	if now.Sub(w.oldest) > within-clock {
		w.least = 0
	}
	if !w.end.IsZero() && len(w.times) == 0 {
		w.most = math.MaxInt32
	}
}

// add notes a restart, and returns how many lie in the window that ends then.
func (w *window) add(at time.Time, within, clock time.Duration) (least, most int) {
	w.times = append(w.times, at)
	for at.Sub(w.times[w.old]) > within-clock && w.old < len(w.times)-1 {
		w.old++
	}
	for at.Sub(w.times[w.gone]) > within+clock && w.gone < len(w.times)-1 {
		w.gone++
	}
	least, most = len(w.times)-w.old, len(w.times)-w.gone
	if at.Sub(w.oldest) > within-clock {
		w.least = 0
	}
	if w.prior > 0 && at.Sub(w.oldest) > within+clock {
		w.most = min(w.most, w.prior-1)
	}
	if at.Sub(w.end) > within+clock {
		w.most = 0
	}
	return least + w.least, most + w.most
}

// counted judges a restart that was decided on, or one too many (rules F1, F7).
func (c *checker) counted(s *sup, e *event) {
	least, most := s.window.add(e.Time, s.within, c.o.Clock)
	seen := between(least, most)
	c.fact(intensity)
	switch tooMany := e.Kind == "giving_up"; {
	case e.Max != s.max:
		c.fail(intensity, e, "%s: at most %d restarts in %v are allowed there, but the event says %d", s.node.path, s.max, s.within, e.Max)
	case s.gaveUp:
		c.fail(intensity, e, "%s gave up before, and goes on restarting: %s", s.node.path, e.Path)
	case !tooMany && least > s.max:
		c.fail(intensity, e, "%s restarts %s, though that is restart %s within %v and %d are allowed: it had to give up", s.node.path, e.Path, seen, s.within, s.max)
	case tooMany && most <= s.max:
		c.fail(intensity, e, "%s gives up because of %s, though that is only restart %s within %v and %d are allowed", s.node.path, e.Path, seen, s.within, s.max)
	case e.Spent < least || e.Spent > most:
		c.fail(intensity, e, "%s: this is restart %s within %v, but the event says %d", s.node.path, seen, s.within, e.Spent)
	}
}
