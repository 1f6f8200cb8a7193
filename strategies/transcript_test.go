package strategies

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

const transcripts = "../testdata/machine"

// TestTranscripts plays every script of testdata/machine to a Machine and
// compares what it decides with what the transcript says. The script language
// is described in testdata/machine/README.md; -rewrite updates the answers.
func TestTranscripts(t *testing.T) {
	for _, path := range transcriptFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			s := &script{now: epoch}
			datadriven.RunTest(t, path, s.run)
		})
	}
}

// untold are the rules of SEMANTICS.md that no transcript tells, and why.
var untold = map[string]string{
	"A3": "start functions, and with them the key start, are the runner's affair",
	"A8": "dynamic supervisors are not available yet",
	"B2": "a machine knows no other: depth first is the order in which the runner answers Started",
	"B4": "a machine knows no other: how reasons nest is the runner's affair",
	"B8": "a machine is made only once its supervisor has decided to run",
	"B9": "what a start returns besides success is the runner's affair",
	"E4": "terminate_child is not available yet (e8_stale_retry shows a group restart do the same)",
	"G4": "a matter of several machines: see the recorded traces",
	"G5": "a matter of the root's owner",
	"G6": "start_child and delete_child are not available yet",
	"H8": "a matter of the runner: it answers Exited whatever the child does",
	"I1": "start_child is not available yet",
	"I3": "restart_child is not available yet",
	"I4": "terminate_child is not available yet",
	"I5": "delete_child is not available yet",
	"J":  "dynamic supervisors are not available yet",
	"K":  "auto_shutdown is not available yet",
}

// TestEveryRuleHasATranscript holds the rules that the files' first comments
// cite against the list of all rules.
func TestEveryRuleHasATranscript(t *testing.T) {
	cited := map[string]bool{}
	for _, path := range transcriptFiles(t) {
		for _, rule := range regexp.MustCompile(`\b[A-L][0-9]+\b`).FindAllString(heading(t, path), -1) {
			cited[rule] = true
		}
	}
	semantics, err := os.ReadFile("../testdata/otp/SEMANTICS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`(?m)^- \*\*([A-L][0-9]+)\*\*`).FindAllStringSubmatch(string(semantics), -1) {
		rule := found[1]
		why := untold[rule] + untold[rule[:1]]
		switch {
		case !cited[rule] && why == "":
			t.Errorf("rule %s: no transcript cites it", rule)
		case cited[rule] && why != "":
			t.Errorf("rule %s: a transcript cites it, and it is listed as having none: %s", rule, why)
		}
		delete(cited, rule)
	}
	for rule := range cited {
		t.Errorf("rule %s: cited, but there is no such rule", rule)
	}
}

func transcriptFiles(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join(transcripts, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no transcripts there (%v)", transcripts, err)
	}
	return files
}

// heading returns the comment with which a transcript begins.
func heading(t *testing.T, path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(b), "\n\n")
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			t.Fatalf("%s: begins with %q, not with a comment that says what it is about", path, line)
		}
	}
	return text
}

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// script is the state of one transcript.
type script struct {
	m       *Machine
	now     time.Time
	current map[string]uint64 // the incarnations last started
	armed   []armed
	tickets uint64
}

// armed is a timer that the machine ordered.
type armed struct {
	Action
	due time.Time
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	c := &command{t: t, where: d.Pos, name: d.Cmd, args: slices.Clone(d.CmdArgs)}
	defer c.end()
	switch c.name {
	case "supervisor":
		return s.supervisor(c, d.Input)
	case "after":
		s.now = s.now.Add(c.duration(c.word()))
		return "at " + s.elapsed()
	case "restart_table":
		return restartTable()
	case "directive_table":
		return directiveTable()
	case "shutdown_error_table":
		return shutdownErrorTable(c)
	case "transition_table":
		return transitionTable()
	}
	if s.m == nil {
		c.fail("there is no supervisor yet")
	}
	switch c.name {
	case "status":
		return s.status()
	case "boot":
		return s.step(Boot(c.cascade()))
	case "started":
		return s.step(Started(s.child(c)))
	case "ignored":
		return s.step(Ignored(s.child(c)))
	case "failed":
		id, n := s.child(c)
		return s.step(StartFailed(id, n, c.exit(Crash), c.cascade()))
	case "exited":
		id, n := s.child(c)
		return s.step(Exited(id, n, c.exit(Normal), c.cascade()))
	case "deadline", "retry":
		return s.timer(c)
	case "cannot_kill":
		return s.step(CannotKill(s.child(c)))
	case "which":
		s.tickets++
		return s.step(WhichChildren(s.tickets))
	case "count":
		s.tickets++
		return s.step(CountChildren(s.tickets))
	case "spec":
		s.tickets++
		return s.step(GetChildSpec(s.tickets, c.word()))
	case "terminate":
		return s.step(Terminate(c.exit(Shutdown)))
	}
	c.fail("unknown command")
	return ""
}

// supervisor makes the machine that the following commands talk to.
func (s *script) supervisor(c *command, children string) string {
	cfg := Config{
		Strategy:     enum[Strategy](c, "strategy", strategyNames[:]),
		AutoShutdown: enum[AutoShutdown](c, "auto_shutdown", autoShutdownNames[:]),
		Parallel:     c.number("parallel"),
	}
	if v, ok := c.option("intensity"); ok {
		limit, within, _ := strings.Cut(v, "/")
		cfg.Intensity = Intensity{Max: NoRestarts, Within: c.duration(within)}
		if limit != "none" {
			cfg.Intensity.Max = c.integer(limit)
		}
	}
	if c.flag("dynamic") {
		cfg.Dynamic = &ChildSpec{}
	}
	*s = script{now: epoch, current: map[string]uint64{}}
	for line := range strings.Lines(children) {
		name, args, err := datadriven.ParseLine(line)
		if err != nil {
			c.fail("%v", err)
		}
		child := &command{t: c.t, where: c.where, name: name, args: args}
		cfg.Children = append(cfg.Children, child.childSpec())
		child.end()
	}
	m, err := NewMachine(cfg)
	if err != nil {
		var lines []string
		for _, e := range cfg.Validate() {
			lines = append(lines, "refused: "+e.Error())
		}
		return strings.Join(lines, "\n")
	}
	s.m = m
	return "ok"
}

func (c *command) childSpec() ChildSpec {
	spec := ChildSpec{
		ID:          strings.Trim(c.name, `"`),
		Restart:     enum[Restart](c, "restart", restartNames[:]),
		Kind:        enum[Kind](c, "kind", kindNames[:]),
		Significant: c.flag("significant"),
		Incarnation: uint64(c.number("incarnation")),
	}
	switch v, _ := c.option("shutdown"); v {
	case "":
	case Infinity.String():
		spec.Shutdown = Infinity
	case BrutalKill.String():
		spec.Shutdown = BrutalKill
	default:
		spec.Shutdown = Timeout(c.duration(v))
	}
	if v, ok := c.option("start_limit"); ok {
		spec.StartLimit = c.duration(v)
	}
	if v, ok := c.option("backoff"); ok {
		spec.Backoff.Min = c.duration(v)
	}
	if v, ok := c.option("needs"); ok {
		spec.Needs = []string{v}
	}
	return spec
}

// child takes an id and, if it is written, an incarnation; otherwise it is the
// one last started.
func (s *script) child(c *command) (id string, incarnation uint64) {
	id = c.word()
	if len(c.args) > 0 && strings.HasPrefix(c.args[0].Key, "#") {
		return id, uint64(c.integer(c.word()[1:]))
	}
	n := s.current[id]
	if n == 0 {
		c.fail("%s was never started; write its incarnation", id)
	}
	return id, n
}

// timer lets a timer that the machine armed run down, moving the clock as far
// as that takes. With an incarnation written it need not have been armed.
func (s *script) timer(c *command) string {
	written := len(c.args) > 1 && strings.HasPrefix(c.args[1].Key, "#")
	id, n := s.child(c)
	kind := RetryTimer
	if c.name == "deadline" {
		kind = StopTimer
		if c.flag(StartTimer.String()) {
			kind = StartTimer
		}
	}
	i := slices.IndexFunc(s.armed, func(a armed) bool { return a.ID == id && a.Incarnation == n && a.Timer == kind })
	switch {
	case i >= 0:
		if s.armed[i].due.After(s.now) {
			s.now = s.armed[i].due
		}
		s.armed = slices.Delete(s.armed, i, i+1)
	case !written:
		c.fail("no %v timer is armed for %s#%d", kind, id, n)
	}
	return s.step(TimerFired(id, n, kind))
}

func (s *script) elapsed() string { return s.now.Sub(epoch).String() }

// step tells the machine and writes down what it orders, one action a line.
func (s *script) step(in Input) string {
	var lines []string
	for _, a := range s.m.Step(s.now, in) {
		switch a.Do {
		case DoStart:
			s.current[a.ID] = a.Incarnation
		case DoArm:
			s.armed = append(s.armed, armed{a, s.now.Add(a.After)})
		}
		lines = append(lines, describe(a, s.m.window.Intensity().Max)...)
	}
	if lines == nil {
		return "nothing"
	}
	return strings.Join(lines, "\n")
}

func describe(a Action, limit int) []string {
	who := fmt.Sprintf("%s#%d", a.ID, a.Incarnation)
	text := a.Do.String() + " " + who
	switch a.Do {
	case DoStop:
		if a.After > 0 {
			text += fmt.Sprintf(" (%v)", a.After)
		}
	case DoArm:
		text = fmt.Sprintf("arm %s %v timer: %v", who, a.Timer, a.After)
	case DoReport:
		text = fmt.Sprintf("report %v %s", a.Report, who)
		switch a.Report {
		case ChildTerminated, StartError, ShutdownError, Stuck:
			text += ": " + exitText(a.Exit)
		case Restarting:
			text += fmt.Sprintf(": group of %d, restart %d of %d", a.Group, a.Spent, limit)
		case GivingUp:
			text += fmt.Sprintf(": restart %d of %d", a.Spent, limit)
		}
	case DoBooted:
		text = "booted"
	case DoFinish:
		text = fmt.Sprintf("finish %v by %s: %s", a.Why, who, exitText(a.Exit))
		if a.Why == Told {
			text = fmt.Sprintf("finish told: %s", exitText(a.Exit))
		}
	case DoReply:
		return replyText(a.Reply)
	}
	if !a.Cascade.IsZero() {
		text += fmt.Sprintf("   {%v}", a.Cascade)
	}
	return []string{text}
}

func exitText(e Exit) string {
	if e.Directive == ByRestart {
		return e.String()
	}
	return fmt.Sprintf("%v, directive %v", e, e.Directive)
}

func replyText(r *Reply) []string {
	head := fmt.Sprintf("reply %d", r.Ticket)
	switch {
	case r.Err != nil:
		return []string{head + ": error: " + r.Err.Error()}
	case r.Children != nil:
		lines := []string{head + ":"}
		for _, c := range r.Children {
			lines = append(lines, fmt.Sprintf("  %s#%d %v %v", c.ID, c.Incarnation, c.Kind, c.State))
		}
		return lines
	case r.Spec.ID != "":
		s := r.Spec
		return []string{fmt.Sprintf("%s: %s %v, restart %v, shutdown %v, start limit %v, significant %v, incarnation %d",
			head, s.ID, s.Kind, s.Restart, s.Shutdown, s.StartLimit, s.Significant, s.Incarnation)}
	}
	n := r.Counts
	return []string{fmt.Sprintf("%s: %d specs, %d active, %d supervisors, %d workers", head, n.Specs, n.Active, n.Supervisors, n.Workers)}
}

// status writes down what the machine has in mind.
func (s *script) status() string {
	m := s.m
	phases := [...]string{"not booted", "booting", "serving", "finishing", "finished"}
	head := fmt.Sprintf("at %s: %s", s.elapsed(), phases[m.phase])
	if m.Idle() {
		head += ", idle"
	}
	if m.outstanding > 0 {
		head += fmt.Sprintf(", %d under way", m.outstanding)
	}
	if n := m.queue.len(); n > 0 {
		head += fmt.Sprintf(", %d in line", n)
	}
	lines := []string{fmt.Sprintf("%s; %d of %d restarts spent", head, m.window.Spent(s.now), m.window.Intensity().Max)}
	for c := m.first; c != nil; c = c.next {
		lines = append(lines, fmt.Sprintf("  %s#%d %v", c.spec.ID, c.incarnation, c.state))
	}
	return strings.Join(lines, "\n")
}

// Tables, for clauses that are one.

var classes = []Class{Normal, Shutdown, ShutdownTerm, Killed, Crash}

// restartTable tells what follows from every class of exit for every type of
// child under every strategy.
func restartTable() string {
	var b table
	b.row("", Normal, Shutdown, ShutdownTerm, Killed, Crash)
	for _, strategy := range []Strategy{OneForOne, OneForAll, RestForOne} {
		b.row(strategy.String() + ":")
		for r := Permanent; r <= Temporary; r++ {
			row := []any{r}
			for _, class := range classes {
				row = append(row, outcome(strategy, r, Exit{Class: class}))
			}
			b.row(row...)
		}
	}
	return b.String()
}

// directiveTable tells what follows from every directive, whatever the class.
func directiveTable() string {
	var b table
	b.row("", "by_restart, normal", "by_restart, crash", "do_not_restart, crash", "end_tree, crash", "end_stuck_tree, crash")
	for r := Permanent; r <= Temporary; r++ {
		row := []any{r, outcome(OneForAll, r, Exit{Class: Normal})}
		for d := ByRestart; d <= EndStuckTree; d++ {
			row = append(row, outcome(OneForAll, r, Exit{Class: Crash, Directive: d}))
		}
		b.row(row...)
	}
	return b.String()
}

// outcome lets the child of a running supervisor that has no sibling end, and
// tells what follows.
func outcome(strategy Strategy, r Restart, e Exit) string {
	m, err := NewMachine(Config{Strategy: strategy, Children: []ChildSpec{{ID: "a", Restart: r}}})
	if err != nil {
		return err.Error()
	}
	m.Step(epoch, Boot(Cascade{}))
	m.Step(epoch, Started("a", 1))
	var words []string
	fate := "stays"
	for _, a := range m.Step(epoch, Exited("a", 1, e, Cascade{})) {
		switch {
		case a.Do == DoReport && a.Report == ChildTerminated:
			words = append(words, "report")
		case a.Do == DoReport && a.Report == Removed:
			fate = "removed"
		case a.Do == DoStart:
			fate = "restart"
		case a.Do == DoFinish:
			fate = "finish"
		}
	}
	return strings.Join(append(words, fate), ", ")
}

// shutdownErrorTable tells with which exits a child told to stop is reported.
func shutdownErrorTable(c *command) string {
	limit := map[string]ShutdownLimit{"timeout": Timeout(time.Second), "infinity": Infinity, "brutal_kill": BrutalKill}[c.word()]
	var b table
	b.row("", Normal, Shutdown, ShutdownTerm, Killed, Crash)
	for r := Permanent; r <= Temporary; r++ {
		row := []any{r}
		for _, class := range classes {
			m, err := NewMachine(Config{Children: []ChildSpec{{ID: "a", Restart: r, Shutdown: limit}}})
			if err != nil {
				c.fail("%v", err)
			}
			m.Step(epoch, Boot(Cascade{}))
			m.Step(epoch, Started("a", 1))
			m.Step(epoch, Terminate(Exit{Class: Shutdown}))
			cell := "-"
			for _, a := range m.Step(epoch, Exited("a", 1, Exit{Class: class}, Cascade{})) {
				if a.Do == DoReport && a.Report == ShutdownError {
					cell = "report"
				}
			}
			row = append(row, cell)
		}
		b.row(row...)
	}
	return b.String()
}

// transitionTable tells what every input about a child's current incarnation
// does to the child in every state: the state after it, and the incarnation if
// that is a new one, or what is ordered if the state stays; "-" where the input
// is ignored.
func transitionTable() string {
	boot, up := Boot(Cascade{}), Started("a", 1)
	crash := Exit{Class: Crash}
	fail := StartFailed("a", 1, crash, Cascade{})
	late := TimerFired("a", 1, StartTimer)
	states := []struct {
		name string
		with []Input
	}{
		{"down (not booted)", nil},
		{"down (ignored)", []Input{boot, Ignored("a", 1)}},
		{"starting", []Input{boot}},
		{"starting, limit over", []Input{boot, late}},
		{"up", []Input{boot, up, Started("b", 1)}},
		{"dead, in line", []Input{boot, up, Exited("a", 1, crash, Cascade{})}},
		{"stopping", []Input{boot, up, Started("b", 1), Exited("b", 1, crash, Cascade{})}},
		{"stopping, killed", []Input{boot, up, Started("b", 1), Exited("b", 1, crash, Cascade{}), TimerFired("a", 1, StopTimer)}},
		{"waiting", []Input{boot, up, Started("b", 1), Exited("a", 1, crash, Cascade{}), Exited("b", 1, Exit{Class: Shutdown}, Cascade{}), StartFailed("a", 2, crash, Cascade{})}},
	}
	var b table
	b.row("", "started", "ignored", "failed", "exited", "start timer", "stop timer", "retry", "cannot_kill")
	for _, state := range states {
		prepare := func() *Machine {
			m, err := NewMachine(Config{Strategy: OneForAll, Intensity: Intensity{Max: 5}, Children: []ChildSpec{{ID: "a", StartLimit: time.Second}, {ID: "b"}}})
			if err != nil {
				panic(err)
			}
			for _, in := range state.with {
				m.Step(epoch, in)
			}
			return m
		}
		n := prepare().children["a"].incarnation
		row := []any{state.name}
		for _, in := range []Input{
			Started("a", n), Ignored("a", n), {Op: fail.Op, ID: "a", Incarnation: n, Exit: crash}, Exited("a", n, crash, Cascade{}),
			TimerFired("a", n, StartTimer), TimerFired("a", n, StopTimer), TimerFired("a", n, RetryTimer), CannotKill("a", n),
		} {
			m := prepare()
			was := *m.children["a"]
			actions := m.Step(epoch, in)
			is := m.children["a"]
			cell := is.state.String()
			switch {
			case is.incarnation != was.incarnation:
				cell += fmt.Sprintf("#%d", is.incarnation)
			case m.phase == finishing || m.phase == finished:
				cell += ", end"
			case is.state == was.state && len(actions) == 0:
				cell = "-"
			case is.state == was.state:
				cell += ", " + actions[0].Do.String()
			}
			row = append(row, cell)
		}
		b.row(row...)
	}
	return b.String()
}

// table lines up columns.
type table [][]string

func (b *table) row(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	*b = append(*b, row)
}

func (b *table) String() string {
	var widths []int
	for _, row := range *b {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(row) > 1 {
				widths[i] = max(widths[i], len(cell))
			}
		}
	}
	var lines []string
	for _, row := range *b {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return strings.Join(lines, "\n")
}

// command is a line of a script. Its methods take arguments off it; end fails
// if any are left.
type command struct {
	t     *testing.T
	where string
	name  string
	args  []datadriven.CmdArg
}

func (c *command) fail(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("%s: %s: %s", c.where, c.name, fmt.Sprintf(format, args...))
}

func (c *command) end() {
	if len(c.args) > 0 && !c.t.Failed() {
		c.fail("what is %v?", c.args[0])
	}
}

// word takes the first argument.
func (c *command) word() string {
	if len(c.args) == 0 {
		c.fail("an argument is missing")
	}
	w := c.args[0].Key
	c.args = c.args[1:]
	return w
}

// option takes key=value.
func (c *command) option(key string) (string, bool) {
	i := slices.IndexFunc(c.args, func(a datadriven.CmdArg) bool { return a.Key == key && len(a.Vals) > 0 })
	if i < 0 {
		return "", false
	}
	v := strings.Join(c.args[i].Vals, ", ")
	c.args = slices.Delete(c.args, i, i+1)
	return v, true
}

// flag takes a word that is there or not.
func (c *command) flag(word string) bool {
	i := slices.IndexFunc(c.args, func(a datadriven.CmdArg) bool { return a.Key == word && len(a.Vals) == 0 })
	if i >= 0 {
		c.args = slices.Delete(c.args, i, i+1)
	}
	return i >= 0
}

func (c *command) number(key string) int {
	v, ok := c.option(key)
	if !ok {
		return 0
	}
	return c.integer(v)
}

func (c *command) integer(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		c.fail("%v", err)
	}
	return n
}

func (c *command) duration(s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		c.fail("%v", err)
	}
	return d
}

// enum takes key=name; a name that is none becomes a value that is none.
func enum[E ~uint8](c *command, key string, names []string) E {
	v, ok := c.option(key)
	if !ok {
		return 0
	}
	if i := slices.Index(names, v); i >= 0 {
		return E(i)
	}
	return 200
}

// exit takes [class] [err=(text)] [directive=name].
func (c *command) exit(class Class) Exit {
	e := Exit{Class: class, Directive: enum[Directive](c, "directive", directiveNames[:])}
	for i, name := range classNames {
		if c.flag(name) {
			e.Class = Class(i)
		}
	}
	if v, ok := c.option("err"); ok {
		e.Err = errors.New(v)
	}
	return e
}

// cascade takes cascade=path#n.
func (c *command) cascade() Cascade {
	v, ok := c.option("cascade")
	if !ok {
		return Cascade{}
	}
	origin, n, _ := strings.Cut(v, "#")
	return Cascade{Origin: origin, N: uint64(c.integer(n))}
}
