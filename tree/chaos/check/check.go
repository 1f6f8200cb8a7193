package check

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Check judges the evidence. The error says what of it cannot be read; then
// there is no report.
func Check(e Evidence, o Options) (Report, error) {
	begin, err := readSnapshot("begin", e.Begin)
	if err != nil {
		return Report{}, err
	}
	c := newChecker(&e, o, begin)
	var ev event
	for i, raw := range e.Events {
		if err := ev.read(i, raw); err != nil {
			return Report{}, err
		}
		c.event(&ev)
	}
	if err := c.close(); err != nil {
		return Report{}, err
	}
	return c.report(), nil
}

// checker follows the events, and judges each by what it knows of the tree.
type checker struct {
	findings
	o        Options
	evidence *Evidence
	root     *node
	nodes    map[string]*node // by path; those that were removed, too
	begin    *snapshot
	earlier  map[string]uint64 // incarnations when the evidence began
	failures map[cascade]bool  // incarnations that failed since
	hits     map[cascade][]*hit
	stuck    []string  // the paths below children that are stuck, with a slash
	now      time.Time // of the event at hand
	seq      uint64    // of the latest event
	treeEnd  treeEnd
	samples  []Sample // those not looked at yet
	ready    ready
}

func newChecker(e *Evidence, o Options, begin *snapshot) *checker {
	c := &checker{
		o: o.orDefault(), evidence: e, begin: begin, nodes: map[string]*node{}, seq: begin.Rev, now: begin.Time,
		earlier: map[string]uint64{}, failures: map[cascade]bool{}, hits: map[cascade][]*hit{}, samples: e.Samples,
	}
	c.root = c.build(nil, &begin.Root, begin.Time)
	c.root.listed = true
	for path, n := range c.nodes {
		c.earlier[path] = n.n
	}
	for i := range e.Faults {
		c.expect(&e.Faults[i])
	}
	c.ready.at = e.Quiet.Add(c.o.Quiet)
	if !e.Settled.IsZero() && e.Settled.Before(c.ready.at) {
		c.ready.at = e.Settled
	}
	c.o.Operator = c.o.Operator || e.Operator
	return c
}

// event judges one event and adds it to what is known.
func (c *checker) event(e *event) {
	for len(c.samples) > 0 && c.samples[0].Time.Before(e.Time) {
		c.look(&c.samples[0])
		c.samples = c.samples[1:]
	}
	if c.ready.due(e.Time) {
		c.everythingUp()
	}
	c.now = e.Time
	c.fact(reports)
	if e.Kind == "dropped" {
		c.fail(reports, e, "%d events were lost after event %d", e.N, c.seq)
		return
	}
	if e.Seq != c.seq+1 {
		c.fail(reports, e, "the event after %d should be %d, and is %d: events are missing, or out of order", c.seq, c.seq+1, e.Seq)
	}
	c.seq = e.Seq
	if slices.ContainsFunc(c.stuck, func(path string) bool { return strings.HasPrefix(e.Path, path) }) {
		return
	}
	if e.Kind == "added" {
		c.added(e)
		return
	}
	n := c.find(e.Path)
	if n == nil || n.stuck {
		c.fail(reports, e, "%s is told of %s, which is not on the list of any supervisor", e.Kind, e.Path)
		return
	}
	c.apply(n, e)
	if n.job != nil {
		n.job.touched = e.Time
	}
	c.origin(e)
	c.stillUp(n, e)
}

func (c *checker) apply(n *node, e *event) {
	switch e.Kind {
	case "stopping", "killing":
		c.ordered(n, e)
		return
	case "starting":
		c.starting(n, e)
		return
	case "progress", "running":
		c.progress(n, e)
		return
	case "exited":
		c.exited(n, e)
		return
	case "reconfiguring":
		c.reconfiguring(n, e)
		return
	case "reconfigured":
		c.reconfigured(n, e)
		return
	case "shutdown_error":
		c.shutdownErred(n, e)
		return
	}
	if n.up == nil {
		return // nothing else is told of a root
	}
	switch e.Kind {
	case "ignored":
		c.ignored(n, e)
	case "start_error":
		c.startError(n, e)
	case "not_started":
		c.notStarted(n, e)
	case "waiting":
		c.waits(n, e)
	case "child_terminated":
		c.terminated(n, e)
	case "restarting", "giving_up":
		c.decided(n, e)
	case "renewing":
		c.fact(radius)
		c.undisturbed(n.up, e)
		c.restart(n.up, n, e)
	case "removed":
		c.removed(n, e)
	case "cancelled":
		c.cancelled(n, e)
	case "stuck":
		c.isStuck(n, e)
	}
}

// failure takes note of an incarnation that a cascade may begin with.
func (c *checker) failure(n *node, e *event) { c.failures[cascade{n.path, e.Incarnation}] = true }

// origin: a cascade begins with an incarnation that failed.
func (c *checker) origin(e *event) {
	if e.Cascade == nil {
		return
	}
	c.fact(reports)
	o := *e.Cascade
	if e.Kind == "exited" && o.Origin == e.Path && o.N == e.Incarnation { // it was not told to stop yet
		c.failures[o] = true
	}
	if c.failures[o] {
		return
	}
	if last, known := c.earlier[o.Origin]; c.begin.Rev > 0 && (known && o.N <= last || c.nodes[o.Origin] == nil) {
		return // before the evidence began
	}
	c.fail(reports, e, "%s: %s is said to follow from the failure of %s, incarnation %d, which has not failed", e.Path, e.Kind, o.Origin, o.N)
}

// close judges what can be said only at the end.
func (c *checker) close() error {
	closed := c.evidence.Closed
	if closed.IsZero() {
		closed = c.now
	}
	for i := range c.samples {
		c.look(&c.samples[i])
	}
	c.overdue(closed)
	c.missed(closed)
	c.readyAtEnd(closed)
	c.held()
	if len(c.evidence.End) == 0 || string(c.evidence.End) == "null" {
		return nil
	}
	end, err := readSnapshot("end", c.evidence.End)
	if err != nil {
		return err
	}
	c.addsUp(end)
	return nil
}

// addsUp compares what the events add up to with the state at the end.
func (c *checker) addsUp(end *snapshot) {
	if len(c.stuck) > 0 {
		return
	}
	at := &event{Time: end.Time, Path: end.Root.Path}
	c.fact(reports)
	if end.Rev != c.seq {
		c.fail(reports, at, "the state at the end is that after event %d, but the last event is %d", end.Rev, c.seq)
		return
	}
	c.same(&end.Root, at, "at the end")
}

// same compares a status that is told with what the events add up to.
func (c *checker) same(st *status, at *event, when string) {
	c.fact(reports)
	at.Path = st.Path
	n := c.find(st.Path)
	state := st.State
	if state == "dead" || state == "waiting" && n != nil && n.state == down && n.job != nil && !n.begun { // that its pause is over is told by no event
		state = "down"
	}
	if n == nil || n.n != st.Incarnation || n.state.String() != state {
		c.fail(reports, at, "%s is %s %s, incarnation %d, but by the events it is %s", st.Path, st.State, when, st.Incarnation, n.describe())
		return
	}
	if n.sup == nil || st.Supervisor == nil {
		return
	}
	got := make([]string, 0, len(n.sup.children))
	for m := range n.sup.each {
		got = append(got, m.id)
	}
	want := make([]string, 0, len(st.Supervisor.Children))
	for i := range st.Supervisor.Children {
		want = append(want, st.Supervisor.Children[i].ID)
	}
	if !slices.Equal(got, want) {
		c.fail(reports, at, "the children of %s %s are %s, but by the events they are %s", st.Path, when, list(want), list(got))
		return
	}
	for i := range st.Supervisor.Children {
		c.same(&st.Supervisor.Children[i], at, when)
	}
}

func (n *node) describe() string {
	if n == nil {
		return "not there"
	}
	b, _ := json.Marshal(n.n) // a number: there is no error
	return n.state.String() + ", incarnation " + string(b)
}

func (c *checker) sortedPaths() iter.Seq[string] {
	return slices.Values(slices.Sorted(maps.Keys(c.nodes)))
}
