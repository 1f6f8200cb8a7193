package tree

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// This file says once more, in the simplest way there is, what the rules of
// testdata/otp/SEMANTICS.md come to for a tree at rest: which children there
// are, what each is doing, and what a call answers. It knows nothing of
// package strategies but its words, and nothing of goroutines: what happens at
// the same time happens one after the other here, in any order (see explore).
//
// Its clock has whole minutes. What a script does takes milliseconds at most,
// and so the times that matter are never a matter of less than half a minute.

// plan is how a start is to go.
type plan string

const (
	planOK     plan = "ok"
	planSlow   plan = "slow" // ok, in a while
	planFail   plan = "fail"
	planPanic  plan = "panic"
	planLate   plan = "late" // fails, in a while
	planIgnore plan = "ignore"
	planCut    plan = "cut" // never planned: it was cut off
)

func (p plan) fails() bool { return p == planFail || p == planPanic || p == planLate }

// Of a Backoff, and of the intensity, in minutes.
const (
	modelMin    = 60
	modelMax    = 240
	modelReset  = 300
	modelWithin = 150
)

var modelBackoff = strategies.Backoff{
	Min: modelMin * time.Minute, Max: modelMax * time.Minute, Factor: 2,
	Reset: modelReset*time.Minute - 30*time.Second,
}

// modelSpec describes a supervisor, to the model and to the tree.
type modelSpec struct {
	strategy strategies.Strategy
	max      int // restarts within modelWithin
	parallel int
	auto     strategies.AutoShutdown
	children []modelChild
	template *modelChild // of a dynamic supervisor
}

// modelChild describes a child.
type modelChild struct {
	id          string
	restart     strategies.Restart
	significant bool
	backoff     bool
	needs       []string
	plain       bool // a Func, whose start is nothing that could fail
	slow        bool // to stop
	sub         *modelSpec
}

func (c *modelChild) supervisor() bool { return c.sub != nil }

// model is what there is, and what is planned.
type model struct {
	now     int               // minutes
	numbers map[string]uint64 // of the latest start under each path
	plans   map[string][]plan
	floors  map[string]uint64 // what is below these paths begins above these numbers
	added   map[string]bool   // supervisors that were added under these paths
	root    *modelSup
	end     string // why the root ended; "" while it runs
	exits   []modelExit
	records int      // made so far
	firing  modelDue // which pauses are over now
	until   int      // up to when time is to pass
	cut     []string // paths whose next start is cut off by a call to terminate
}

// modelSup is one run of a supervisor.
type modelSup struct {
	path   string
	number uint64
	spec   *modelSpec
	over   bool
	spent  []int // when there were restarts
	kids   []*modelKid
}

// modelKid is the record of a child.
type modelKid struct {
	modelChild
	state    strategies.State // Down, Up, Waiting
	number   uint64           // the latest start, failed or not
	fails    uint64           // of those that failed since it was last up
	counted  bool             // the restart it waits for
	due      modelDue         // of the next attempt
	since    int              // up, since when
	failures int              // in a row, for the Backoff
	held     []int            // under Dependents, while its restart is put off: those stopped with it
	serial   int              // tells records apart
	run      *modelSup        // of a supervisor that is up
}

// modelDue is when a pause is over. The attempts that are due at the same time
// are made in any order. Zero: at once.
type modelDue int

// modelExit is the end of a supervisor that its parent has not dealt with.
type modelExit struct {
	path   string
	number uint64
	class  strategies.Class
}

func (m *model) clone() *model {
	c := *m
	c.numbers = maps.Clone(m.numbers)
	c.floors, c.added = maps.Clone(m.floors), maps.Clone(m.added)
	c.plans = maps.Clone(m.plans) // the lists are never changed in place
	c.exits, c.cut = slices.Clone(m.exits), slices.Clone(m.cut)
	c.root = m.root.clone()
	return &c
}

func (s *modelSup) clone() *modelSup {
	c := *s
	c.spent = slices.Clone(s.spent)
	c.kids = make([]*modelKid, len(s.kids))
	for i, k := range s.kids {
		kid := *k
		if k.run != nil {
			kid.run = k.run.clone()
		}
		c.kids[i] = &kid
	}
	return &c
}

// view describes all that a caller can see of the tree: one line for each
// supervisor that runs, parents first.
func (m *model) view() string {
	if m.end != "" {
		return "ended: " + m.end
	}
	var b strings.Builder
	m.root.view(&b, m.now)
	return b.String()
}

func (s *modelSup) view(b *strings.Builder, now int) {
	n := s.count()
	fmt.Fprintf(b, "%s#%d spent %d %+v:", s.path, s.number, s.spending(now), n)
	for _, k := range s.kids {
		fmt.Fprintf(b, " %s %v#%d", k.id, k.state, k.number)
	}
	b.WriteByte('\n')
	for _, k := range s.kids {
		if k.run != nil {
			k.run.view(b, now)
		}
	}
}

// key is everything about the model that makes a difference.
func (m *model) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v %v %v %v %v %v %v %v %v\n", m.cut, m.now, m.numbers, m.floors, m.added, m.plans, m.end, m.exits, m.firing, m.until)
	var all func(s *modelSup)
	all = func(s *modelSup) {
		fmt.Fprintf(&b, "%s %d %v %v\n", s.path, s.number, s.over, s.spent)
		for _, k := range s.kids {
			fmt.Fprintf(&b, " %+v %v %v %v %v %v %v %v %v \n", k.modelChild, k.state, k.number, k.fails, k.counted, k.due, k.since, k.failures, k.held)
			if k.run != nil {
				all(k.run)
			}
		}
	}
	all(m.root)
	return b.String()
}

// serve begins a run of the root.
func (m *model) serve(spec *modelSpec) string {
	m.end = ""
	m.numbers["t"]++
	m.root = m.newSup("t", spec, m.numbers["t"])
	if !m.boot(m.root) {
		m.end = "start_error"
	}
	return m.end
}

func (m *model) newSup(path string, spec *modelSpec, number uint64) *modelSup {
	s := &modelSup{path: path, spec: spec, number: number}
	for _, c := range spec.children {
		s.kids = append(s.kids, m.record(path, c))
		if kid := path + "/" + c.id; m.added[kid] { // another had its place
			m.floors[kid] = m.highest(kid)
			delete(m.added, kid)
		}
	}
	return s
}

func (m *model) record(up string, c modelChild) *modelKid {
	m.records++
	return &modelKid{modelChild: c, serial: m.records, number: m.latest(up + "/" + c.id)}
}

// number counts the starts under a path. What is below a supervisor that was
// added begins above all that was below one of its name before.
func (m *model) number(path string) uint64 {
	m.numbers[path] = m.latest(path) + 1
	return m.numbers[path]
}

func (m *model) latest(path string) uint64 {
	n := m.numbers[path]
	for up := path; ; {
		i := strings.LastIndexByte(up, '/')
		if i < 0 || generated(up[i+1:]) {
			return n
		}
		up = up[:i]
		n = max(n, m.floors[up])
	}
}

// highest is the highest number of a start, or given for a name, below a path.
func (m *model) highest(path string) uint64 {
	var n uint64
	for p, used := range m.numbers {
		if strings.HasPrefix(p, path+"/") {
			name, _ := strconv.ParseUint(p[strings.LastIndexByte(p, '/')+1:], 10, 64)
			n = max(n, used, name)
		}
	}
	return n
}

// boot starts the children a supervisor begins with (rules B1 to B3).
func (m *model) boot(s *modelSup) bool {
	return m.startAll(s, slices.Clone(s.kids), true)
}

// start makes one attempt to start a child.
func (m *model) start(s *modelSup, k *modelKid) plan {
	path := s.path + "/" + k.id
	k.number, k.counted, k.held = m.number(path), false, nil
	p := planOK
	if next := m.plans[path]; len(next) > 0 && !k.plain {
		p, m.plans[path] = next[0], next[1:]
	}
	if slices.Contains(m.cut, path) { // by one call or more
		p, m.cut = planCut, slices.DeleteFunc(slices.Clone(m.cut), func(cut string) bool { return cut == path })
	}
	if (p == planOK || p == planSlow) && k.supervisor() {
		run := m.newSup(path, k.sub, k.number)
		if m.boot(run) {
			k.run = run
		} else {
			p = planFail
		}
	}
	switch {
	case p.fails():
		k.state = strategies.Down
		k.fails++
	case p == planIgnore, p == planCut:
		k.state = strategies.Down
	default:
		k.state, k.since, k.fails = strategies.Up, m.now, 0
		p = planOK
	}
	return p
}

// startAll starts a group in order. A start that fails is the end of a boot;
// elsewhere it is to be tried again (rules E1, E6, E7).
func (m *model) startAll(s *modelSup, group []*modelKid, boot bool) bool {
	left, group := group, slices.Clone(group)
	for {
		k := s.nextStart(left)
		if k == nil {
			return true
		}
		if s.needWaits(k, group) { // it will be started with what it needs
			group = slices.DeleteFunc(group, func(other *modelKid) bool { return other == k })
			left = s.withoutDependents(left, k)
			continue
		}
		left = slices.DeleteFunc(left, func(other *modelKid) bool { return other == k })
		switch p := m.start(s, k); {
		case p.fails() && boot:
			m.stopAll(s, s.kids)
			s.over = true
			return false
		case p.fails():
			m.wait(k, m.pause(k))
			if s.spec.strategy != strategies.Dependents {
				return true
			}
			left = s.withoutDependents(left, k)
		case p != planOK:
			if p == planCut { // as if the next attempt had been given up (rule E4)
				left = s.withoutDependents(left, k)
			}
			if k.restart == strategies.Temporary || s.dynamic() {
				s.remove(k)
			}
		}
	}
}

// nextStart is the first of those left which needs none of the others.
func (s *modelSup) nextStart(left []*modelKid) *modelKid {
	for _, k := range left {
		if !slices.ContainsFunc(left, func(other *modelKid) bool { return slices.Contains(k.needs, other.id) }) {
			return k
		}
	}
	return nil
}

// withoutDependents leaves those that do not need k.
func (s *modelSup) withoutDependents(left []*modelKid, k *modelKid) []*modelKid {
	fate := s.fate(k)
	return slices.DeleteFunc(left, func(other *modelKid) bool { return slices.Contains(fate, other) })
}

// needWaits reports whether something that k needs, directly or through others
// that are down, waits to be started again. The group has been seen to.
func (s *modelSup) needWaits(k *modelKid, group []*modelKid) bool {
	return slices.ContainsFunc(k.needs, func(id string) bool {
		n := s.kid(id)
		return n != nil && !slices.Contains(group, n) &&
			(n.state == strategies.Waiting || n.state == strategies.Down && s.needWaits(n, group))
	})
}

func (s *modelSup) dynamic() bool { return s.spec.template != nil }

func (s *modelSup) kid(id string) *modelKid {
	for _, k := range s.kids {
		if k.id == id {
			return k
		}
	}
	return nil
}

func (s *modelSup) remove(k *modelKid) {
	s.kids = slices.DeleteFunc(s.kids, func(other *modelKid) bool { return other == k })
}

// stopAll stops a group (rules H1, D4).
func (m *model) stopAll(s *modelSup, group []*modelKid) {
	for _, k := range slices.Backward(slices.Clone(group)) {
		if k.state == strategies.Up {
			m.down(k)
			if k.restart == strategies.Temporary {
				s.remove(k)
			}
		}
		k.state = strategies.Down
	}
}

// down notes that a child that was up is not any more.
func (m *model) down(k *modelKid) {
	if k.run != nil {
		m.stopAll(k.run, k.run.kids)
		k.run.over = true
		k.run = nil
	}
	k.state = strategies.Down
	if m.now-k.since >= modelReset {
		k.failures = 0
	}
}

// pause is how long the next start of a child that failed is put off.
func (m *model) pause(k *modelKid) int {
	if !k.backoff {
		return 0
	}
	d := min(modelMin<<k.failures, modelMax)
	k.failures++
	return d
}

func (m *model) wait(k *modelKid, pause int) {
	k.state, k.due = strategies.Waiting, 0
	if pause > 0 {
		k.due = modelDue(m.now + pause)
	}
}

// fate is the group of those who share the fate of a child (rules D1 to D3).
func (s *modelSup) fate(k *modelKid) []*modelKid {
	switch s.spec.strategy {
	case strategies.OneForAll:
		return slices.Clone(s.kids)
	case strategies.RestForOne:
		return slices.Clone(s.kids[slices.Index(s.kids, k):])
	case strategies.Dependents:
		in := map[int]bool{k.serial: true}
		for changed := true; changed; {
			changed = false
			for _, other := range s.kids {
				if !in[other.serial] && slices.ContainsFunc(s.kids, func(k *modelKid) bool {
					return in[k.serial] && (slices.Contains(other.needs, k.id) || other.state == strategies.Down && slices.Contains(k.held, other.serial))
				}) {
					in[other.serial], changed = true, true
				}
			}
		}
		return slices.DeleteFunc(slices.Clone(s.kids), func(k *modelKid) bool { return !in[k.serial] })
	}
	return []*modelKid{k}
}

func (s *modelSup) spending(now int) int {
	n := 0
	for _, t := range s.spent {
		if now-t <= modelWithin {
			n++
		}
	}
	return n
}

// spend counts a restart and reports whether it is allowed (rule F1).
func (m *model) spend(s *modelSup) bool {
	s.spent = append(s.spent, m.now)
	return s.spending(m.now) <= s.spec.max
}

// restart deals with a child that died and is to be started again.
func (m *model) restart(s *modelSup, k *modelKid) {
	if !m.spend(s) {
		m.finish(s, strategies.Shutdown, "exhausted")
		return
	}
	group := s.fate(k)
	m.stopAll(s, group)
	if pause := m.pause(k); pause > 0 {
		m.wait(k, pause)
		k.counted = true
		for _, other := range group {
			k.held = append(k.held, other.serial)
		}
		return
	}
	m.startAll(s, s.among(group), false)
}

// retry makes the next attempt to start a child that waits (rule E1).
func (m *model) retry(s *modelSup, k *modelKid) {
	k.state = strategies.Down
	if !k.counted && !m.spend(s) {
		m.finish(s, strategies.Shutdown, "exhausted")
		return
	}
	group := s.fate(k)
	m.stopAll(s, group)
	m.startAll(s, s.among(group), false)
}

// among leaves those of a group whose records are still there.
func (s *modelSup) among(group []*modelKid) []*modelKid {
	return slices.DeleteFunc(group, func(k *modelKid) bool { return !slices.Contains(s.kids, k) })
}

// finish ends a supervisor. Its parent will hear of it.
func (m *model) finish(s *modelSup, class strategies.Class, why string) {
	m.stopAll(s, s.kids)
	s.over = true
	if s == m.root {
		m.end = why
		return
	}
	m.exits = append(m.exits, modelExit{s.path, s.number, class})
}

// exit deals with a child that ended of its own accord (rules C1 to C4, K2, K3).
func (m *model) exit(s *modelSup, k *modelKid, class strategies.Class, drop bool) {
	m.down(k)
	if !drop && (k.restart == strategies.Permanent || k.restart == strategies.Transient && !class.Clean()) {
		m.restart(s, k)
		return
	}
	if drop || k.restart == strategies.Temporary || s.dynamic() {
		s.remove(k)
	}
	left := slices.ContainsFunc(s.kids, func(other *modelKid) bool { return other.significant && other.state != strategies.Down })
	if k.significant && !(s.spec.auto == strategies.AllSignificant && left) {
		m.finish(s, strategies.Shutdown, "auto_shutdown")
	}
}

// find returns the run of a supervisor; nil if it is none that runs.
func (m *model) find(path string, number uint64) *modelSup {
	s := m.root
	if m.end != "" {
		return nil
	}
	for rest := strings.TrimPrefix(path, "t"); rest != ""; {
		id, after, more := strings.Cut(rest[1:], "/")
		k := s.kid(id)
		if k == nil || k.run == nil || k.run.over {
			return nil
		}
		s, rest = k.run, ""
		if more {
			rest = "/" + after
		}
	}
	if s.number != number || s.over {
		return nil
	}
	return s
}

// findKid returns the record of a child of a supervisor that runs.
func (m *model) findKid(path string) (*modelSup, *modelKid) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return nil, nil
	}
	up := path[:i]
	s := m.find(up, m.numbers[up])
	if s == nil {
		return nil, nil
	}
	return s, s.kid(path[i+1:])
}

// count is count_children (rules I7, J1).
func (s *modelSup) count() strategies.Counts {
	n := strategies.Counts{Specs: len(s.kids)}
	if s.dynamic() {
		n.Specs = 1
	}
	for _, k := range s.kids {
		if k.state == strategies.Up {
			n.Active++
		}
		if k.supervisor() {
			n.Supervisors++
		} else {
			n.Workers++
		}
	}
	return n
}

// op is one thing that is done to a tree.
type op struct {
	what   string
	sup    string // the supervisor that a call is for, its path
	number uint64 // and its incarnation
	id     string
	ref    strategies.ChildRef // of terminate_instance and exit
	child  modelChild          // of start
	bad    string              // of start: what is wrong with the description
	class  strategies.Class    // of exit and stop
	drop   bool                // of exit: and it says DoNotRestart
	plan   plan
	sleep  int  // minutes
	early  bool // of which, count, spec: the answer need not wait for what is under way
}

func (o op) String() string {
	s := o.what
	if o.sup != "" {
		s += fmt.Sprintf(" %s#%d", o.sup, o.number)
	}
	switch o.what {
	case "plan":
		return fmt.Sprintf("plan %s: %s", o.ref.Path, o.plan)
	case "exit":
		return fmt.Sprintf("exit %s#%d %v drop=%v", o.ref.Path, o.ref.Incarnation, o.class, o.drop)
	case "stop":
		return s + " " + o.class.String()
	case "start":
		return fmt.Sprintf("%s %v %s", s, &o.child, o.bad)
	case "terminate_instance", "instance_spec":
		return fmt.Sprintf("%s %s#%d", s, o.ref.Path, o.ref.Incarnation)
	case "sleep":
		return fmt.Sprintf("sleep %d", o.sleep)
	}
	return s + " " + o.id
}

func (c *modelChild) String() string {
	s := fmt.Sprintf("%q %v", c.id, c.restart)
	for i, is := range []bool{c.significant, c.backoff, c.plain, c.slow} {
		if is {
			s += []string{" significant", " backoff", " plain", " slow"}[i]
		}
	}
	if c.needs != nil {
		s += fmt.Sprintf(" needs %v", c.needs)
	}
	if c.sub != nil {
		s += " " + c.sub.String()
	}
	return s
}

func (s *modelSpec) String() string {
	text := fmt.Sprintf("{%v max %d %v parallel %d", s.strategy, s.max, s.auto, s.parallel)
	if s.template != nil {
		text += fmt.Sprintf(" dynamic %v", s.template)
	}
	for i := range s.children {
		text += fmt.Sprintf("; %v", &s.children[i])
	}
	return text + "}"
}

// do does to the model what an op does, and returns the result. given is the id
// that a dynamic supervisor was seen to give to a child without.
func (m *model) do(o op, given string) string {
	switch o.what {
	case "plan":
		m.plans[o.ref.Path] = append(slices.Clip(m.plans[o.ref.Path]), o.plan)
		return ""
	case "sleep":
		m.until = m.now + o.sleep
		return ""
	case "exit":
		if s, k := m.findKid(o.ref.Path); k != nil && k.state == strategies.Up && k.number == o.ref.Incarnation {
			m.exit(s, k, o.class, o.drop)
		}
		return ""
	}
	s := m.find(o.sup, o.number)
	if s == nil {
		return "noproc"
	}
	switch o.what {
	case "cancel":
		m.finish(s, strategies.Shutdown, "cancelled")
		return ""
	case "stop":
		m.finish(s, o.class, "stopped")
		return "ok"
	case "which":
		return s.which()
	case "count":
		return fmt.Sprintf("%+v", s.count())
	case "start":
		return m.startChild(s, o, given)
	case "terminate_instance":
		return m.terminateInstance(s, o)
	case "instance_spec":
		_, _, err := m.instance(s, o.ref)
		return cmp.Or(err, "ok")
	}
	if s.dynamic() {
		return "dynamic"
	}
	k := s.kid(o.id)
	switch {
	case k == nil:
		return "not_found"
	case o.what == "spec":
		return k.spec()
	case o.what == "terminate":
		m.terminate(s, k)
		return "ok"
	case k.state == strategies.Waiting:
		return "restarting"
	case k.state == strategies.Up:
		return "running"
	case o.what == "delete":
		s.remove(k)
		return "ok"
	}
	return m.startCalled(s, k)
}

// which is which_children (rule I6).
func (s *modelSup) which() string {
	var list []string
	for _, k := range slices.Backward(s.kids) {
		kind := strategies.Worker
		if k.supervisor() {
			kind = strategies.Supervisor
		}
		list = append(list, fmt.Sprintf("%s %v %v#%d", k.id, kind, k.state, k.number))
	}
	return strings.Join(list, ", ")
}

// spec is get_childspec (rules A1, A9).
func (k *modelKid) spec() string {
	s := strategies.ChildSpec{
		ID: k.id, Restart: k.restart, Significant: k.significant, Needs: k.needs,
		Shutdown: Timeout(5 * time.Second), Incarnation: k.number,
	}
	if k.supervisor() {
		s.Kind, s.Shutdown = strategies.Supervisor, Infinity
	}
	if k.backoff {
		s.Backoff = modelBackoff
	}
	return specText(s)
}

func specText(s strategies.ChildSpec) string {
	return fmt.Sprintf("%s %v %v %v %v %v %v %v#%d", s.ID, s.Kind, s.Restart, s.Significant, s.Shutdown, s.StartLimit, s.Backoff, s.Needs, s.Incarnation)
}

// terminate is terminate_child (rules I4, E4).
func (m *model) terminate(s *modelSup, k *modelKid) {
	m.stopAll(s, []*modelKid{k})
	if s.dynamic() || k.restart == strategies.Temporary {
		s.remove(k)
	}
}

// startChild is start_child (rules I1, J2).
func (m *model) startChild(s *modelSup, o op, given string) string {
	c := o.child
	if s.dynamic() {
		plain, slow, id := c.plain, c.slow, cmp.Or(c.id, given)
		c = *s.spec.template
		c.plain, c.slow, c.id = plain, slow, id // how it runs is its own
	}
	if o.bad != "" {
		return "spec " + o.bad
	}
	if wrong := s.wrong(&c); wrong != "" {
		return "spec " + wrong
	}
	if k := s.kid(c.id); k != nil {
		if k.state == strategies.Up {
			return fmt.Sprintf("already_started %s/%s#%d", s.path, k.id, k.number)
		}
		return "already_present"
	}
	k := m.record(s.path, c)
	s.kids = append(s.kids, k)
	if path := s.path + "/" + k.id; k.supervisor() && !generated(k.id) {
		m.added[path], m.floors[path] = true, m.highest(path)
	}
	result := m.startCalled(s, k)
	if result == "start_error" || result == "cancelled" {
		s.remove(k)
	}
	return result
}

// wrong says why a child cannot be one of this supervisor's; "" if it can.
func (s *modelSup) wrong(c *modelChild) string {
	if s.dynamic() {
		return ""
	}
	if c.significant && (s.spec.auto == strategies.Never || c.restart == strategies.Permanent) {
		return "significant"
	}
	if len(c.needs) > 0 && s.spec.strategy != strategies.Dependents {
		return "needs"
	}
	for _, id := range c.needs {
		if s.kid(id) == nil {
			return "needs"
		}
	}
	if s.kid(c.id) == nil && s.reaches(c.needs, c.id, len(s.kids)) {
		return "needs"
	}
	return ""
}

// reaches reports whether one of these needs id, be it through others.
func (s *modelSup) reaches(ids []string, id string, depth int) bool {
	return slices.ContainsFunc(ids, func(n string) bool {
		k := s.kid(n)
		return n == id || k != nil && depth > 0 && s.reaches(k.needs, id, depth-1)
	})
}

// startCalled starts a child because a call says so (rules I1, I3).
func (m *model) startCalled(s *modelSup, k *modelKid) string {
	none := fmt.Sprintf("ok %s/%s#0", s.path, k.id)
	if s.needWaits(k, nil) {
		return none
	}
	switch p := m.start(s, k); {
	case p.fails():
		return "start_error"
	case p == planCut:
		if k.restart == strategies.Temporary || s.dynamic() {
			s.remove(k)
		}
		return "cancelled"
	case p == planIgnore:
		if k.restart == strategies.Temporary || s.dynamic() {
			s.remove(k)
		}
		return none
	}
	return fmt.Sprintf("ok %s/%s#%d", s.path, k.id, k.number)
}

// instance finds what a ref means to a supervisor (rules I2, J5): a record, or
// nothing, with "" for something dead.
func (m *model) instance(s *modelSup, ref strategies.ChildRef) (*modelKid, bool, string) {
	if !s.dynamic() {
		return nil, false, "not_found"
	}
	if id, ok := strings.CutPrefix(ref.Path, s.path+"/"); ok && !strings.Contains(id, "/") {
		if k := s.kid(id); k != nil {
			is := ref.Incarnation == 0 || ref.Incarnation == k.number ||
				k.state == strategies.Waiting && ref.Incarnation == k.number-k.fails
			return k, is, ""
		}
	}
	if _, k := m.findKid(ref.Path); ref.Incarnation == 0 ||
		k != nil && k.state == strategies.Up && k.number == ref.Incarnation ||
		ref == (strategies.ChildRef{Path: "t", Incarnation: m.root.number}) {
		return nil, false, "not_found"
	}
	return nil, false, ""
}

func (m *model) terminateInstance(s *modelSup, o op) string {
	k, is, err := m.instance(s, o.ref)
	if is {
		m.terminate(s, k)
	}
	return cmp.Or(err, "ok")
}

// step is something that may happen next, of its own accord.
type step func(m *model)

// steps returns what may happen next of its own accord: nothing if the tree is
// at rest. Time passes only if nothing else happens.
func (m *model) steps() []step {
	var next []step
	for i := range m.exits {
		next = append(next, func(m *model) {
			x := m.exits[i]
			m.exits = slices.Delete(m.exits, i, i+1)
			if s, k := m.findKid(x.path); k != nil && k.number == x.number && k.state == strategies.Up {
				m.exit(s, k, x.class, false)
			}
		})
	}
	soonest := modelDue(0)
	var all func(s *modelSup)
	all = func(s *modelSup) {
		for _, k := range s.kids {
			if k.run != nil {
				all(k.run)
			}
			if k.state != strategies.Waiting {
				continue
			}
			if k.due == 0 || k.due == m.firing {
				path := s.path + "/" + k.id
				next = append(next, func(m *model) {
					s, k := m.findKid(path)
					m.retry(s, k)
				})
			} else if soonest == 0 || k.due < soonest {
				soonest = k.due
			}
		}
	}
	if m.end == "" {
		all(m.root)
	}
	switch {
	case len(next) > 0:
	case soonest != 0 && int(soonest) <= m.until:
		next = append(next, func(m *model) { m.now, m.firing = int(soonest), soonest })
	case m.now < m.until:
		next = append(next, func(m *model) { m.now = m.until })
	}
	return next
}

// outcome is how ops may turn out: what each answers, and what there is then.
type outcome struct {
	results []string
	after   *model
}

// explore returns every way in which ops that are under way at the same time
// may turn out. Calls and exits take effect one after the other, in any order,
// with what follows of its own accord anywhere between them.
func explore(m *model, ops []op, given []string) []outcome {
	var outcomes []outcome
	seen := map[string]bool{}
	cutByEnd := map[int]bool{} // ops that are taken to be, on the way to where we are
	var from func(m *model, left []int, results []string)
	from = func(m *model, left []int, results []string) {
		key := fmt.Sprint(left, results, cutByEnd, m.key())
		if seen[key] {
			return
		}
		seen[key] = true
		steps := m.steps()
		if len(left) == 0 && len(steps) == 0 {
			for i := range cutByEnd {
				if m.end == "" && m.find(ops[i].sup, ops[i].number) != nil {
					return // it did not end
				}
			}
			if len(m.cut) == 0 { // or there was no such start
				outcomes = append(outcomes, outcome{results, m})
			}
			return
		}
		for _, i := range left {
			c := m.clone()
			r := slices.Clone(results)
			r[i] = c.do(ops[i], given[i])
			from(c, without(left, i), r)
			if path := cuts(m, ops[i]); path != "" {
				c := m.clone()
				c.cut = append(c.cut, path)
				r := slices.Clone(results)
				r[i] = "ok"
				from(c, without(left, i), r)
			}
			if path := begins(ops[i], given[i]); path != "" && len(left) > 1 { // the end of its supervisor may cut it off
				c := m.clone()
				c.cut = append(c.cut, path)
				if c.do(ops[i], given[i]) == "cancelled" {
					r := slices.Clone(results)
					r[i] = "noproc"
					cutByEnd[i] = true
					from(c, without(left, i), r)
					delete(cutByEnd, i)
				}
			}
		}
		for _, s := range steps {
			c := m.clone()
			s(c)
			from(c, left, results)
		}
	}
	left := make([]int, len(ops))
	for i := range left {
		left[i] = i
	}
	from(m, left, make([]string, len(ops)))
	return outcomes
}

func without(list []int, i int) []int {
	return slices.DeleteFunc(slices.Clone(list), func(j int) bool { return i == j })
}

// begins returns the path of the child that a call starts; "" if that is not known.
func begins(o op, given string) string {
	switch {
	case o.what == "restart":
		return o.sup + "/" + o.id
	case o.what == "start" && cmp.Or(o.child.id, given) != "":
		return o.sup + "/" + cmp.Or(o.child.id, given)
	}
	return ""
}

// cuts returns the path of the child whose start a call to terminate it may cut
// off, as it may where more than one start can be under way; "" if it may not.
func cuts(m *model, o op) string {
	s := m.find(o.sup, o.number)
	switch {
	case s == nil || s.spec.parallel < 2:
	case o.what == "terminate" && !s.dynamic():
		return o.sup + "/" + o.id
	case o.what == "terminate_instance" && s.dynamic():
		return o.ref.Path
	}
	return ""
}

// errWord is the word for the error of a call.
func errWord(err error) string {
	words := []struct {
		err  error
		word string
	}{
		{ErrNotRunning, "noproc"}, {ErrNotFound, "not_found"}, {ErrAlreadyPresent, "already_present"}, {ErrChildRunning, "running"},
		{ErrRestarting, "restarting"}, {ErrDynamic, "dynamic"}, {ErrCancelled, "cancelled"},
		{strategies.ErrNeeds, "spec needs"}, {strategies.ErrSignificant, "spec significant"}, {strategies.ErrID, "spec id"},
		{strategies.ErrDuplicate, "spec duplicate"}, {strategies.ErrTemplate, "spec template"}, {strategies.ErrKind, "spec kind"},
		{ErrNoStart, "spec start"}, {strategies.ErrShutdown, "spec shutdown"},
	}
	if _, failed := errors.AsType[*StartError](err); failed {
		return "start_error"
	}
	for _, w := range words {
		if errors.Is(err, w.err) {
			return w.word
		}
	}
	return err.Error()
}
