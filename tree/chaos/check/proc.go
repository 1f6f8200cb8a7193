package check

import (
	"strings"
	"time"
)

// look judges one look at /proc by what the events say so far.
func (c *checker) look(s *Sample) {
	leaders := map[string]*Process{}
	for i := range s.Processes {
		p := &s.Processes[i]
		if !p.lives() {
			continue
		}
		if p.Leader {
			c.alone(s, leaders[p.Path], p)
			if other := leaders[p.Path]; other == nil || other.Incarnation < p.Incarnation {
				leaders[p.Path] = p
			}
		}
		if !c.evidence.Quiet.IsZero() && !s.Time.Before(c.evidence.Quiet) {
			c.ofTheDead(s, p)
		}
	}
}

func (p *Process) lives() bool { return p.State != "Z" && p.State != "X" && p.State != "x" }

// alone: two incarnations are not alive at once. A look takes a while, in which
// one may end and the next begin; but if the next was started before the look
// began, the earlier must not be seen by it.
func (c *checker) alone(s *Sample, a, b *Process) {
	c.fact(oneIncarnation)
	if a == nil || a.Incarnation == b.Incarnation {
		return
	}
	if a.Incarnation > b.Incarnation {
		a, b = b, a
	}
	if n := c.nodes[b.Path]; n != nil && n.n == b.Incarnation && n.began.After(s.Time) {
		return
	}
	c.fail(oneIncarnation, &event{Time: s.Time, Path: b.Path}, "%s: incarnation %d (pid %d) and incarnation %d (pid %d) are alive at once",
		b.Path, a.Incarnation, a.PID, b.Incarnation, b.PID)
}

// ofTheDead: a process of an incarnation that is gone must be gone, too.
func (c *checker) ofTheDead(s *Sample, p *Process) {
	if !strings.HasPrefix(p.Path, c.root.path+"/") {
		return // of another tree
	}
	c.fact(nothingLeft)
	at := &event{Time: s.Time, Path: p.Path}
	n := c.nodes[p.Path]
	var ended time.Time
	switch {
	case n == nil || p.Incarnation > n.n:
		c.fail(nothingLeft, at, "process %d bears the mark of %s, incarnation %d, which nobody has started", p.PID, p.Path, p.Incarnation)
		return
	case p.Incarnation < n.n:
		ended = n.began // or before
	case n.state.lives():
		return
	default:
		ended = n.ended
	}
	if s.Time.Sub(ended) > c.o.Settle {
		c.fail(nothingLeft, at, "process %d of %s, incarnation %d, is there %v after that incarnation was gone", p.PID, p.Path, p.Incarnation, s.Time.Sub(ended))
	}
}

// held compares what the supervising process held before and after.
func (c *checker) held() {
	e := c.evidence
	at := &event{Time: e.Closed, Path: c.root.path}
	if e.Left != nil {
		c.fact(nothingLeft)
		for _, p := range e.Left {
			if p.lives() {
				c.fail(nothingLeft, &event{Time: e.Closed, Path: p.Path}, "process %d of %s, incarnation %d, is there after the tree has ended", p.PID, p.Path, p.Incarnation)
			}
		}
	}
	if e.Before == nil || e.After == nil {
		c.skip(memory, "it was not looked at before and after")
		return
	}
	more := func(what string, before, after, tolerance int) {
		c.fact(nothingLeft)
		if after-before > tolerance {
			c.fail(nothingLeft, at, "%d %s before, %d after: %d more are allowed", before, what, after, tolerance)
		}
	}
	more("file descriptors", e.Before.FDs, e.After.FDs, c.o.FDs)
	more("threads", e.Before.Threads, e.After.Threads, c.o.Threads)
	if e.Before.Goroutines > 0 && e.After.Goroutines > 0 {
		more("goroutines", e.Before.Goroutines, e.After.Goroutines, c.o.Goroutines)
	}
	more("zombies", e.Before.Zombies, e.After.Zombies, 0)
	more("cgroups", e.Before.Cgroups, e.After.Cgroups, 0)
	more("temporary files", e.Before.TempFiles, e.After.TempFiles, 0)
	if e.Before.RSS == 0 || e.After.RSS == 0 {
		c.skip(memory, "the resident memory is not known")
		return
	}
	c.fact(memory)
	if grown := e.After.RSS - e.Before.RSS; grown > c.o.RSS {
		c.fail(memory, at, "the resident memory has grown from %d to %d bytes, by %d MiB: %d MiB are allowed", e.Before.RSS, e.After.RSS, grown>>20, c.o.RSS>>20)
	}
}

// hit is a fault after which the incarnation that it hit must be gone.
type hit struct {
	*Fault
	gone bool
}

// violent are the faults that no incarnation outlives.
var violent = map[string]bool{"kill": true, "exit": true, "error": true, "panic": true, "goexit": true, "slow_start": true, "fail_start": true}

func (c *checker) expect(f *Fault) {
	kind, arg, _ := strings.Cut(f.Kind, "(")
	arg = strings.TrimPrefix(strings.TrimSuffix(arg, ")"), "SIG")
	if f.Missed == "" && f.Incarnation > 0 && (violent[kind] || kind == "signal" && arg == "KILL") {
		key := cascade{f.Path, f.Incarnation}
		c.hits[key] = append(c.hits[key], &hit{Fault: f})
	}
}

// hit takes note of the exit of an incarnation that faults were done to.
func (c *checker) hit(n *node, e *event) {
	for _, h := range c.hits[cascade{n.path, e.Incarnation}] {
		h.gone = true
		c.fact(reports)
		if took := e.Time.Sub(h.Time); took > c.o.Hit {
			c.fail(reports, e, "%s, incarnation %d: the exit is told only %v after the fault %s", n.path, n.n, took, h.Kind)
		}
	}
}

// missed looks for faults that had no consequence.
func (c *checker) missed(closed time.Time) {
	for i := range c.evidence.Faults {
		f := &c.evidence.Faults[i]
		for _, h := range c.hits[cascade{f.Path, f.Incarnation}] {
			if h.Fault == f && !h.gone && closed.Sub(f.Time) > c.o.Hit && f.Time.After(c.begin.Time) {
				c.fail(reports, &event{Time: f.Time, Path: f.Path}, "%s, incarnation %d: the fault %s was done to it, and its exit was never told", f.Path, f.Incarnation, f.Kind)
			}
		}
	}
}
