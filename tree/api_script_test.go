package tree

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thejerf/suture/v4"
	"pgregory.net/rapid"

	"github.com/coppice-go/coppice/strategies"
)

// TestAPI performs random scripts of calls on live trees, while children crash,
// finish, fail to start, and wait to be started again; several of these at a time
// now and then. After each step the tree must be as one of the ways says in
// which the model has it turn out: results, errors, lists, counts, snapshots.
//
// COPPICE_API_CHECKS says how many scripts are tried, COPPICE_API_TIME for how
// long it goes on, with new seeds, which are printed: -rapid.seed takes one.
func TestAPI(t *testing.T) {
	checks := 250
	if s := os.Getenv("COPPICE_API_CHECKS"); s != "" {
		var err error
		if checks, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	var limit time.Duration
	if s := os.Getenv("COPPICE_API_TIME"); s != "" {
		var err error
		if limit, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	setFlag(t, "rapid.checks", fmt.Sprint(checks))
	setFlag(t, "rapid.nofailfile", "true")
	var done scriptStats
	defer func() { t.Logf("%v", &done) }()
	begin, seed := time.Now(), flag.Lookup("rapid.seed").Value.String()
	for round := 0; round == 0 || time.Since(begin) < limit; round++ {
		if round > 0 || seed == "0" {
			setFlag(t, "rapid.seed", fmt.Sprint(rand.Uint64()>>1))
		}
		t.Logf("seed %v", flag.Lookup("rapid.seed").Value)
		rapid.Check(t, func(rt *rapid.T) {
			s := rapid.Custom(drawScript).Draw(rt, "script")
			if wrong := s.perform(t, &done); wrong != "" {
				rt.Fatal(wrong)
			}
		})
	}
}

// scriptStats counts what was done.
type scriptStats struct {
	scripts, steps, ops int
	results             map[string]int
}

func (d *scriptStats) String() string {
	s := fmt.Sprintf("%d scripts, %d steps, %d operations:", d.scripts, d.steps, d.ops)
	var words []string
	for w := range d.results {
		words = append(words, w)
	}
	slices.Sort(words)
	for _, w := range words {
		s += fmt.Sprintf(" %s %d,", w, d.results[w])
	}
	return strings.TrimSuffix(s, ",")
}

// setFlag sets a flag for the duration of a test.
func setFlag(t *testing.T, name, value string) {
	t.Helper()
	old := flag.Lookup(name).Value.String()
	t.Cleanup(func() { _ = flag.Set(name, old) })
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// script is a tree and what is to be done to it.
type script struct {
	spec  *modelSpec
	steps []scriptStep
}

// GoString is short: what a script comes to depends on the tree.
func (s *script) GoString() string { return fmt.Sprintf("of %d steps", len(s.steps)) }

// scriptStep is done at once, all of it. What exactly, depends on what is there
// when its time has come: the numbers choose among that.
type scriptStep struct {
	ops       []drawnOp
	staggered bool // each when the one before it has got as far as it can
}

type drawnOp struct {
	what    string
	a, b, c int
	child   modelChild
	bad     string
	plan    plan
}

var (
	specIDs  = []string{"a", "b", "c", "d"}
	otherIDs = []string{"a", "b", "e", "f"}
)

func drawScript(t *rapid.T) *script {
	s := &script{spec: drawModelSpec(t, 3, true)}
	n := rapid.IntRange(0, 11)
	a, b := n.Draw(t, "a"), n.Draw(t, "b")
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		step := scriptStep{staggered: rapid.Bool().Draw(t, "staggered")}
		n := 1
		if oneOf(t, 4) {
			n = rapid.IntRange(2, 3).Draw(t, "at once")
		}
		for range n {
			o := drawOp(t, n > 1)
			if rapid.Bool().Draw(t, "same") { // more happens to one child than chance has it
				o.a, o.b = a, b
			}
			step.ops = append(step.ops, o)
		}
		s.steps = append(s.steps, step)
	}
	return s
}

func oneOf(t *rapid.T, n int) bool { return rapid.IntRange(0, n-1).Draw(t, "one of") == n-1 }

func drawModelSpec(t *rapid.T, depth int, root bool) *modelSpec {
	s := &modelSpec{
		strategy: strategies.Strategy(rapid.IntRange(0, 3).Draw(t, "strategy")),
		max:      rapid.SampledFrom([]int{1, 0, 2, 5, 20}).Draw(t, "max"),
	}
	if root {
		s.max = rapid.SampledFrom([]int{20, 1, 3}).Draw(t, "max")
	}
	if oneOf(t, 3) {
		s.auto = strategies.AutoShutdown(rapid.IntRange(1, 2).Draw(t, "auto"))
	}
	if oneOf(t, 4) {
		s.strategy = strategies.OneForOne
		c := drawModelChild(t, s, depth)
		c.id, c.needs = "", nil
		s.template = &c
		s.parallel = rapid.IntRange(0, 2).Draw(t, "parallel")
		return s
	}
	if root && (s.strategy == strategies.OneForOne || s.strategy == strategies.Dependents) && oneOf(t, 3) {
		// Which starts have begun when a boot fails is another matter where
		// several are under way: here they are of workers, and do not fail.
		s.parallel, depth = rapid.IntRange(2, 4).Draw(t, "parallel"), 1
	}
	for i := range rapid.IntRange(0, len(specIDs)).Draw(t, "children") {
		c := drawModelChild(t, s, depth)
		c.id = specIDs[i]
		if s.strategy == strategies.Dependents {
			c.needs = drawNeeds(t, specIDs[:i])
		}
		s.children = append(s.children, c)
	}
	return s
}

func drawNeeds(t *rapid.T, ids []string) []string {
	var needs []string
	for _, id := range ids {
		if oneOf(t, 3) {
			needs = append(needs, id)
		}
	}
	return needs
}

func drawModelChild(t *rapid.T, s *modelSpec, depth int) modelChild {
	c := modelChild{
		restart: strategies.Restart(rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "restart")),
		backoff: oneOf(t, 4),
		plain:   oneOf(t, 6),
		slow:    oneOf(t, 4),
	}
	if s.auto != strategies.Never && c.restart != strategies.Permanent {
		c.significant = oneOf(t, 2)
	}
	if depth > 1 && oneOf(t, 4) {
		c.sub, c.plain, c.slow = drawModelSpec(t, depth-1, false), false, false
	}
	return c
}

var (
	drawnSteps = []string{
		"exit", "exit", "exit", "start", "start", "start", "terminate", "terminate", "restart", "restart", "delete", "delete",
		"terminate_instance", "terminate_instance", "instance_spec", "which", "count", "spec", "plan", "plan", "plan", "sleep", "stop", "cancel", "serve",
	}
	drawnAtOnce = []string{
		"exit", "exit", "exit", "start", "start", "terminate", "terminate", "restart", "delete", "terminate_instance", "which", "count", "spec", "stop",
	}
	badChildren = []string{"id", "start", "duplicate", "template", "kind", "needs", "significant", "shutdown"}
)

func drawOp(t *rapid.T, atOnce bool) drawnOp {
	list := drawnSteps
	if atOnce {
		list = drawnAtOnce
	}
	n := rapid.IntRange(0, 11)
	o := drawnOp{
		what: rapid.SampledFrom(list).Draw(t, "what"),
		a:    n.Draw(t, "a"), b: n.Draw(t, "b"), c: n.Draw(t, "c"),
		plan: rapid.SampledFrom([]plan{planFail, planFail, planPanic, planLate, planIgnore, planSlow, planSlow, planOK}).Draw(t, "plan"),
	}
	if atOnce && o.what == "exit" {
		o.c %= 6 // no DoNotRestart: it would be heeded when the child is found dead, too
	}
	if o.what == "start" {
		auto := strategies.AutoShutdown(rapid.IntRange(0, 1).Draw(t, "significant"))
		o.child = drawModelChild(t, &modelSpec{auto: auto}, 2)
		if oneOf(t, 8) {
			o.bad = rapid.SampledFrom(badChildren).Draw(t, "bad")
		}
		if oneOf(t, 2) {
			o.child.needs = drawNeeds(t, []string{"a", "b", "e"})
		}
	}
	return o
}

// scene is a live tree on which a script is performed.
type scene struct {
	spec    *modelSpec
	root    *Supervisor
	cancel  context.CancelFunc
	served  chan error
	begin   time.Time
	maybe   []*model // what there may be, as far as can be seen
	told    []string // what was done, and what the results were
	handles map[string]*Supervisor
	wrong   string

	mu     sync.Mutex // guards what follows
	plans  map[string][]plan
	live   map[string]*player
	latest map[string]uint64 // of the starts under each path
	named  map[string]bool   // by dynamic supervisors
	faults []string
}

// perform says what went wrong; "" if nothing did.
func (s *script) perform(t *testing.T, done *scriptStats) (wrong string) {
	sc := &scene{
		spec: s.spec, plans: map[string][]plan{}, live: map[string]*player{},
		latest: map[string]uint64{}, named: map[string]bool{},
	}
	defer func() {
		if v := recover(); v != nil {
			wrong = sc.report(cmp.Or(sc.wrong, fmt.Sprint("panic: ", v)))
		}
	}()
	synctest.Test(t, func(t *testing.T) { sc.run(s, done) })
	if sc.wrong != "" {
		return sc.report(sc.wrong)
	}
	return ""
}

func (sc *scene) report(wrong string) string {
	return fmt.Sprintf("%v\n%s\n%s", sc.spec, strings.Join(sc.told, "\n"), wrong)
}

func (sc *scene) fault(format string, args ...any) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.faults = append(sc.faults, fmt.Sprintf(format, args...))
}

func (sc *scene) run(s *script, done *scriptStats) {
	if done.results == nil {
		done.results = map[string]int{}
	}
	done.scripts++
	sc.begin = time.Now()
	spec := sc.liveSpec(s.spec)
	spec.Sink = sc.sink
	var err error
	if sc.root, err = New("t", spec); err != nil {
		sc.wrong = err.Error()
		return
	}
	sc.maybe = []*model{{
		numbers: map[string]uint64{}, floors: map[string]uint64{}, added: map[string]bool{}, plans: map[string][]plan{}, root: &modelSup{},
	}}
	sc.serve()
	defer func() {
		sc.cancel()
		if err := sc.ended(); err == errHangs {
			sc.wrong = cmp.Or(sc.wrong, "the tree does not end")
		}
	}()
	for i := 0; i < len(s.steps) && sc.wrong == ""; i++ {
		done.steps++
		sc.step(&s.steps[i], done)
	}
}

var errHangs = errors.New("hangs")

// ended waits for the end of the tree.
func (sc *scene) ended() error {
	select {
	case err := <-sc.served:
		sc.served <- err
		return err
	case <-time.After(time.Hour):
		return errHangs
	}
}

func (sc *scene) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	sc.cancel, sc.served = cancel, make(chan error, 1)
	served := sc.served
	go func() { served <- sc.root.Serve(ctx) }()
	m := sc.maybe[0]
	m.serve(sc.spec)
	sc.told = append(sc.told, "serve")
	sc.compare([]op{{what: "serve"}}, []string{""}, explore(m, nil, nil), false)
}

// step performs one step and holds the outcome against the model.
func (sc *scene) step(st *scriptStep, done *scriptStats) {
	var ops []op
	for i := range st.ops {
		if o, ok := sc.resolve(&st.ops[i]); ok {
			ops = append(ops, o)
		}
	}
	switch {
	case len(ops) == 0:
		return
	case ops[0].what == "serve":
		sc.serve()
		return
	}
	if len(ops) > 1 {
		sc.told = append(sc.told, fmt.Sprintf("at once, staggered %v:", st.staggered))
	}
	for _, o := range ops {
		sc.told = append(sc.told, fmt.Sprint("  ", o))
	}
	results, given := sc.perform(ops, st.staggered)
	if sc.wrong != "" {
		return
	}
	sc.told = append(sc.told, fmt.Sprintf("  -> %q", results))
	done.ops += len(ops)
	for i, r := range results {
		word, _, _ := strings.Cut(r, " ")
		if what := ops[i].what; word != "" && what != "which" && what != "count" && what != "spec" {
			done.results[what+":"+word]++
		}
	}
	var outcomes []outcome
	for _, m := range sc.maybe {
		outcomes = append(outcomes, explore(m, ops, given)...)
	}
	sc.compare(ops, results, outcomes, len(ops) > 1)
}

// resolve makes of the numbers drawn something about what is there now.
func (sc *scene) resolve(d *drawnOp) (op, bool) {
	m := sc.maybe[0]
	o := op{what: d.what, bad: d.bad, plan: d.plan, child: d.child}
	if m.end != "" {
		o.sup, o.number, o.id = "t", m.root.number, "a"
		o.ref = strategies.ChildRef{Path: "t/a", Incarnation: 1}
		switch o.what {
		case "start":
			o.child.id, o.bad, o.child.needs = "e", "", nil
		case "exit", "cancel":
			return o, false
		case "sleep":
			o.sleep = 1
		case "plan":
			o.ref.Path = "t/" + specIDs[d.b%len(specIDs)]
			return o, m.root.spec.parallel < 2
		}
		return o, true
	}
	var sups []*modelSup
	var kids []*modelKid
	var paths []string
	var all func(s *modelSup)
	all = func(s *modelSup) {
		sups = append(sups, s)
		for _, k := range s.kids {
			kids, paths = append(kids, k), append(paths, s.path+"/"+k.id)
			if k.run != nil {
				all(k.run)
			}
		}
	}
	all(m.root)
	s := sups[d.a%len(sups)]
	o.sup, o.number, o.early = s.path, s.number, s.spec.parallel > 1
	if o.id = otherIDs[d.b%len(otherIDs)]; d.b < len(s.kids) {
		o.id = s.kids[d.b].id
	}
	if len(kids) > 0 {
		i := (d.a + 12*d.b) % len(kids)
		o.ref = strategies.ChildRef{Path: paths[i], Incarnation: kids[i].number}
	}
	switch o.what {
	case "restart", "delete": // of one that does not run, rather
		for i := range kids {
			if j := (i + d.b) % len(kids); kids[j].state != strategies.Up && d.c < 8 {
				up := paths[j][:strings.LastIndexByte(paths[j], '/')]
				o.sup, o.number, o.id = up, m.find(up, m.numbers[up]).number, kids[j].id
				break
			}
		}
	case "serve":
		return o, false
	case "cancel":
		o.sup, o.number = "t", m.root.number
		return o, d.b < 2
	case "sleep":
		o.sleep = []int{61, 61, 13, 431}[d.a%4] // no pause is over just when a sleep is
	case "exit":
		first := slices.Index(kids, s.kid(o.id)) // or the next that can
		if first < 0 {
			first = d.a + 12*d.b
		}
		for j := range kids {
			if i := (first + j) % len(kids); kids[i].state == strategies.Up && !kids[i].supervisor() {
				o.ref = strategies.ChildRef{Path: paths[i], Incarnation: kids[i].number}
				o.class = []strategies.Class{strategies.Crash, strategies.Crash, strategies.Normal, strategies.Shutdown, strategies.ShutdownTerm, strategies.Killed}[d.c%6]
				o.drop = d.c == 11
				return o, true
			}
		}
		return o, false
	case "stop":
		o.class = []strategies.Class{strategies.Crash, strategies.Normal, strategies.Shutdown, strategies.Crash}[d.c%4]
		return o, s != m.root || d.b < 2
	case "plan":
		o.ref.Path = s.path + "/" + o.id
		if s.spec.template != nil && s.kid(o.id) == nil {
			o.ref.Path = s.path + "/e"
		}
		if s.spec.parallel > 1 && slices.Contains(specIDs, o.id) && o.plan.fails() {
			o.plan = planSlow
		}
	case "terminate_instance", "instance_spec":
		if k := s.kid(o.id); k != nil && d.c < 10 {
			o.ref = strategies.ChildRef{Path: s.path + "/" + k.id, Incarnation: k.number}
		}
		switch d.c % 5 {
		case 0:
			o.ref.Incarnation = 0
		case 1:
			o.ref.Incarnation -= min(o.ref.Incarnation, 1)
		case 2:
			o.ref.Path += "x"
		}
		if d.c == 9 {
			o.ref = strategies.ChildRef{Path: "t", Incarnation: m.root.number}
		}
	case "start":
		sc.resolveStart(&o, s, d)
	}
	return o, true
}

func (sc *scene) resolveStart(o *op, s *modelSup, d *drawnOp) {
	c := &o.child
	c.id, o.id = o.id, ""
	if s.dynamic() {
		c.needs, c.sub, c.plain = nil, s.spec.template.sub, c.plain && s.spec.template.sub == nil
		if c.id == "a" || c.id == "b" || generated(c.id) && d.c > 2 {
			c.id = "" // it will be given one
		}
		switch {
		case generated(c.id):
			o.bad = "id"
		case slices.Contains([]string{"start", "needs", "significant", "shutdown"}, o.bad), o.bad == "duplicate" && c.sub == nil:
			o.bad = ""
		}
	} else {
		if s.spec.strategy != strategies.Dependents && d.c > 0 {
			c.needs = nil
		}
		c.needs = slices.DeleteFunc(c.needs, func(id string) bool { return id == c.id || s.kid(id) == nil && d.c > 0 })
		if o.bad == "template" || o.bad == "kind" {
			o.bad = ""
		}
	}
	if o.bad != "" { // let it be the only thing wrong
		c.significant, c.needs = false, nil
	}
	if o.bad == "id" && !generated(c.id) {
		c.id = "x/y"
	}
}

// perform does everything at once and waits for all results.
func (sc *scene) perform(ops []op, staggered bool) (results, given []string) {
	sc.handles = map[string]*Supervisor{}
	for _, o := range ops {
		if o.sup != "" {
			sc.handles[o.sup] = sc.root.Supervisor(o.sup)
		}
	}
	sc.handles["t"] = sc.root
	results, given = make([]string, len(ops)), make([]string, len(ops))
	var all sync.WaitGroup
	for i, o := range ops {
		all.Go(func() { results[i], given[i] = sc.do(o) })
		if staggered {
			synctest.Wait()
		}
	}
	answered := make(chan struct{})
	go func() { all.Wait(); close(answered) }()
	select {
	case <-answered:
	case <-time.After(24 * time.Hour):
		sc.wrong = "a call hangs"
	}
	return results, given
}

// do carries out an op on the tree.
func (sc *scene) do(o op) (result, given string) {
	ctx := context.Background()
	s := sc.handles[o.sup]
	text := func(ref strategies.ChildRef) string { return fmt.Sprintf("%s#%d", ref.Path, ref.Incarnation) }
	started := func(ref strategies.ChildRef, err error) (string, string) {
		if there, ok := errors.AsType[*AlreadyStartedError](err); ok {
			return "already_started " + text(there.Ref), ""
		}
		id := strings.TrimPrefix(ref.Path, o.sup+"/")
		if err != nil {
			return errWord(err), id
		}
		return "ok " + text(ref), id
	}
	word := func(value string, err error) (string, string) {
		if err != nil {
			return errWord(err), ""
		}
		return value, ""
	}
	switch o.what {
	case "plan":
		sc.mu.Lock()
		sc.plans[o.ref.Path] = append(sc.plans[o.ref.Path], o.plan)
		sc.mu.Unlock()
	case "sleep":
		time.Sleep(time.Duration(o.sleep) * time.Minute)
	case "exit":
		sc.mu.Lock()
		p := sc.live[o.ref.Path]
		sc.mu.Unlock()
		if p == nil || p.ref.Incarnation != o.ref.Incarnation {
			break // it has ended in the meantime
		}
		err := strategies.WithClass(o.class, nil)
		switch {
		case o.drop:
			err = suture.ErrDoNotRestart
		case o.class == strategies.Normal:
			err = nil
		case o.class == strategies.Crash:
			err = errPanic
		}
		select {
		case p.exit <- err:
		default:
		}
	case "cancel":
		sc.cancel()
	case "stop":
		return word("ok", s.Stop(ctx, strategies.WithClass(o.class, nil)))
	case "which":
		list, err := s.WhichChildren(ctx)
		return word(whichText(list), err)
	case "count":
		n, err := s.CountChildren(ctx)
		return word(fmt.Sprintf("%+v", n), err)
	case "spec":
		spec, err := s.ChildSpec(ctx, o.id)
		return word(specText(spec), err)
	case "instance_spec":
		_, err := s.InstanceSpec(ctx, o.ref)
		return word("ok", err)
	case "terminate":
		return word("ok", s.TerminateChild(ctx, o.id))
	case "delete":
		return word("ok", s.DeleteChild(ctx, o.id))
	case "terminate_instance":
		return word("ok", s.TerminateInstance(ctx, o.ref))
	case "restart":
		result, _ := started(s.RestartChild(ctx, o.id))
		return result, ""
	case "start":
		return started(s.StartChild(ctx, sc.newChild(o)))
	default:
		sc.fault("nobody knows %q", o.what)
	}
	return "", ""
}

func whichText(list []strategies.ChildInfo) string {
	var words []string
	for _, c := range list {
		words = append(words, fmt.Sprintf("%s %v %v#%d", c.ID, c.Kind, c.State, c.Incarnation))
	}
	return strings.Join(words, ", ")
}

// newChild is what StartChild is given, with what is to be wrong with it.
func (sc *scene) newChild(o op) Child {
	c := sc.liveChild(&o.child)
	if sc.handles[o.sup].description().Dynamic != nil {
		c = Child{ID: c.ID, Start: c.Start}
	}
	switch o.bad {
	case "start":
		c.Start = nil
	case "duplicate":
		c.Start = Sub(Spec{Children: []Child{quiet("a"), quiet("a")}})
	case "template":
		c.Restart, c.StartLimit = strategies.Temporary, 1
	case "kind":
		if c.Start.kind() == strategies.Worker {
			c.Start = Sub(Spec{})
		} else {
			c.Start = quiet("").Start
		}
	case "needs":
		c.Needs = []string{"nobody"}
	case "significant":
		c.Significant, c.Restart = true, strategies.Permanent
	case "shutdown":
		c.Shutdown = Timeout(-1)
	}
	return c
}

var numbers = regexp.MustCompile(`#\d+`)

// compare waits until the tree is at rest and keeps those outcomes that it may
// have come to. Where several things were done at once, a start may have been
// cut off that the model has as whole, by the end of its supervisor: numbers are
// not compared then.
func (sc *scene) compare(ops []op, results []string, outcomes []outcome, loose bool) {
	sc.settle()
	view := sc.view()
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if sc.faults != nil && sc.wrong == "" {
		sc.wrong = strings.Join(sc.faults, "\n")
	}
	if sc.wrong != "" {
		return
	}
	sc.maybe = nil
	seen := map[string]bool{}
	var others []string
	for _, o := range outcomes {
		if want := o.after.view(); !loosely(want, view, loose) || !sameResults(ops, o.results, results, loose) {
			others = append(others, fmt.Sprintf("%q\n%s", o.results, want))
			continue
		}
		if loose {
			sc.agree(o.after)
		}
		if key := o.after.key(); !seen[key] {
			seen[key] = true
			sc.maybe = append(sc.maybe, o.after)
		}
	}
	if len(sc.maybe) == 0 {
		sc.wrong = fmt.Sprintf("the tree answered\n%q\nand came to be\n%s\nIt should have been\n%s", results, view, strings.Join(others, "or\n"))
		return
	}
	m := sc.maybe[0]
	if late := time.Since(sc.begin) - time.Duration(m.now)*time.Minute; late < 0 || late > 25*time.Second {
		sc.wrong = fmt.Sprintf("the clock of the model is wrong by %v", late)
	}
}

func loosely(want, got string, loose bool) bool {
	if loose {
		want, got = numbers.ReplaceAllString(want, ""), numbers.ReplaceAllString(got, "")
	}
	return want == got
}

func sameResults(ops []op, want, got []string, loose bool) bool {
	for i := range want {
		w, g := want[i], got[i]
		if loose {
			switch ops[i].what {
			case "stop", "count", "instance_spec":
				continue // it ended for another reason; one that is dead is not active
			case "terminate_instance":
				if !strings.HasPrefix(ops[i].ref.Path, ops[i].sup+"/") {
					continue // that of another supervisor may have died meanwhile
				}
			case "which", "spec":
				if ops[i].early {
					continue // what is under way is seen
				}
				g = strings.ReplaceAll(g, " dead#", " up#")
			}
		}
		if !loosely(w, g, loose) {
			return false
		}
	}
	return true
}

// agree takes over the numbers, and what is left of the plans; sc.mu is held.
func (sc *scene) agree(m *model) {
	m.numbers = make(map[string]uint64, len(sc.latest))
	for path, n := range sc.latest {
		m.numbers[path] = n
	}
	m.plans = map[string][]plan{}
	for path, p := range sc.plans {
		if len(p) > 0 {
			m.plans[path] = slices.Clone(p)
		}
	}
	if m.end != "" {
		return
	}
	var all func(s *modelSup)
	all = func(s *modelSup) {
		s.number = sc.latest[s.path]
		for _, k := range s.kids {
			k.number = max(k.number, sc.latest[s.path+"/"+k.id])
			if k.run != nil {
				all(k.run)
			}
		}
	}
	all(m.root)
}

// settle waits until nothing is under way but pauses.
func (sc *scene) settle() {
	for range 20_000 {
		synctest.Wait()
		busy, waits := false, false
		for st := range sc.root.Walk() {
			switch st.State {
			case strategies.Starting, strategies.Stopping:
				busy = true
			case strategies.Waiting:
				waits = true
				busy = busy || !st.RestartAt.After(time.Now())
			}
		}
		select {
		case err := <-sc.served: // it has ended, and says so
			sc.served <- err
			return
		default:
		}
		if !busy && sc.root.Snapshot().Root.State == strategies.Up {
			if sc.root.Idle() == waits {
				sc.wrong = fmt.Sprintf("Idle says %v", !waits)
			}
			return
		}
		time.Sleep(time.Millisecond)
	}
	sc.wrong = fmt.Sprintf("the tree does not come to rest: %+v", sc.root.Snapshot())
}

// view describes the tree as the model does.
func (sc *scene) view() string {
	select {
	case err := <-sc.served:
		sc.served <- err
		for st := range sc.root.Walk() {
			if st.State != strategies.Down {
				sc.fault("after the end %s is %v", st.Path, st.State)
			}
		}
		return "ended: " + endWord(err)
	default:
	}
	var b strings.Builder
	for st := range sc.root.Walk() {
		if st.Supervisor == nil {
			continue
		}
		s := sc.root.Supervisor(st.Path)
		if running := st.State == strategies.Up; running != (s != nil) {
			sc.fault("%s is %v, but Supervisor returns %v", st.Path, st.State, s)
			continue
		} else if !running {
			for _, c := range st.Supervisor.Children {
				if c.State != strategies.Down {
					sc.fault("%s does not run, but %s is %v", st.Path, c.Path, c.State)
				}
			}
			continue
		}
		count, err1 := s.CountChildren(context.Background())
		which, err2 := s.WhichChildren(context.Background())
		if err := errors.Join(err1, err2); err != nil {
			sc.fault("%s: %v", st.Path, err)
		}
		fmt.Fprintf(&b, "%s#%d spent %d %+v:", st.Path, st.Incarnation, st.Supervisor.Spent, count)
		var infos []strategies.ChildInfo
		for _, c := range st.Supervisor.Children {
			fmt.Fprintf(&b, " %s %v#%d", c.ID, c.State, c.Incarnation)
			infos = append(infos, strategies.ChildInfo{ID: c.ID, Kind: c.Kind, State: c.State, Incarnation: c.Incarnation})
		}
		slices.Reverse(infos)
		if !slices.Equal(infos, which) {
			sc.fault("%s: WhichChildren has\n%s, the snapshot\n%s", st.Path, whichText(which), whichText(infos))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func endWord(err error) string {
	var start *StartError
	var stopped *StoppedError
	switch {
	case errors.Is(err, ErrExhausted):
		return "exhausted"
	case errors.Is(err, ErrAutoShutdown):
		return "auto_shutdown"
	case errors.As(err, &stopped):
		return "stopped"
	case errors.As(err, &start):
		return "start_error"
	case err == context.Canceled:
		return "cancelled"
	}
	return fmt.Sprint(err)
}

// sink sees to it that no incarnation comes twice.
func (sc *scene) sink(e Event) {
	if e.Kind != EventStarting {
		return
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if last := sc.latest[e.Path]; e.Incarnation <= last {
		sc.faults = append(sc.faults, fmt.Sprintf("%s: incarnation %d comes after %d", e.Path, e.Incarnation, last))
	}
	sc.latest[e.Path] = e.Incarnation
}

func (sc *scene) liveSpec(m *modelSpec) Spec {
	s := Spec{
		Strategy: m.strategy, AutoShutdown: m.auto, Parallel: m.parallel,
		Intensity: strategies.Intensity{Max: m.max, Within: modelWithin*time.Minute + 30*time.Second},
	}
	if m.max == 0 {
		s.Intensity.Max = NoRestarts
	}
	for i := range m.children {
		s.Children = append(s.Children, sc.liveChild(&m.children[i]))
	}
	if m.template != nil {
		c := sc.liveChild(m.template)
		s.Dynamic = &c
	}
	return s
}

func (sc *scene) liveChild(m *modelChild) Child {
	c := Child{ID: m.id, Restart: m.restart, Significant: m.significant, Needs: m.needs}
	if m.backoff {
		c.Backoff = modelBackoff
		c.Backoff.Factor = 0 // 2 is the default
	}
	switch {
	case m.sub != nil:
		c.Start = &plannedSub{&subStarter{sc.liveSpec(m.sub)}, sc}
	case m.plain:
		c.Start = Func(func(ctx context.Context) error { return (&player{scene: sc, slow: m.slow}).Serve(ctx) })
	default:
		c.Start = Of(func() (*player, error) { return &player{scene: sc, slow: m.slow}, nil })
	}
	return c
}

// scriptPause is how long what is slow takes.
const scriptPause = 10 * time.Millisecond

// start carries out what was planned for the next start under a path.
func (sc *scene) start(ctx context.Context) error {
	ref, _ := strategies.ChildFrom(ctx)
	sc.mu.Lock()
	p := planOK
	if next := sc.plans[ref.Path]; len(next) > 0 {
		p, sc.plans[ref.Path] = next[0], next[1:]
	}
	sc.mu.Unlock()
	if p == planSlow || p == planLate {
		select {
		case <-time.After(scriptPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	switch p {
	case planFail, planLate:
		return errBoom
	case planPanic:
		panic(errBoom)
	case planIgnore:
		return ErrIgnore
	}
	return nil
}

// plannedSub is a Sub whose start goes as planned.
type plannedSub struct {
	*subStarter
	scene *scene
}

func (s *plannedSub) instance(p *proc) (Service, error) {
	if err := s.scene.start(p); err != nil {
		return nil, err
	}
	return s.subStarter.instance(p)
}

// player is a worker whose start goes as planned, and which ends when told.
type player struct {
	scene *scene
	slow  bool
	ref   strategies.ChildRef
	exit  chan error
}

func (p *player) Init(ctx context.Context) error { return p.scene.start(ctx) }

func (p *player) Serve(ctx context.Context) error {
	p.ref, _ = strategies.ChildFrom(ctx)
	p.exit = make(chan error, 1)
	sc := p.scene
	sc.mu.Lock()
	if sc.live[p.ref.Path] != nil {
		sc.faults = append(sc.faults, p.ref.Path+": two live incarnations")
	}
	sc.live[p.ref.Path] = p
	sc.mu.Unlock()
	defer func() {
		sc.mu.Lock()
		delete(sc.live, p.ref.Path)
		sc.mu.Unlock()
	}()
	select {
	case err := <-p.exit:
		if err == errPanic {
			panic(err)
		}
		return err
	case <-ctx.Done():
	}
	if p.slow {
		time.Sleep(scriptPause)
	}
	return nil
}
