package strategies

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// script is the state of one transcript.
type script struct {
	m       *Machine
	now     time.Time
	current map[string]uint64 // the incarnations last started
	armed   []armed
	asked   []Input // the calls: the ticket of the first is 1
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
	if in, ok := s.question(c, d.Input); ok {
		in.Ticket = uint64(len(s.asked) + 1)
		s.asked = append(s.asked, in)
		return s.step(in)
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
	case "drain_deadline":
		return s.fire(c, "", 0, DrainTimer, false)
	case "cannot_kill":
		return s.step(CannotKill(s.child(c)))
	case "terminate":
		return s.step(Terminate(c.exit(Shutdown)))
	}
	c.fail("unknown command")
	return ""
}

// question makes a call of a command that is one.
func (s *script) question(c *command, children string) (Input, bool) {
	switch c.name {
	case "which":
		return WhichChildren(0), true
	case "count":
		return CountChildren(0), true
	case "spec":
		return GetChildSpec(0, c.word()), true
	case "spec_instance":
		id, n := c.instance()
		return GetInstanceSpec(0, id, n), true
	case "start_child":
		return StartChild(0, c.childSpec(c.word())), true
	case "terminate_child":
		return TerminateChild(0, c.word()), true
	case "terminate_instance":
		id, n := c.instance()
		return TerminateInstance(0, id, n), true
	case "restart_child":
		return RestartChild(0, c.word()), true
	case "renew_child":
		return RenewChild(0, c.word()), true
	case "delete_child":
		return DeleteChild(0, c.word()), true
	case "reconfigure":
		n := &NewConfig{Added: c.list("added"), Renew: c.list("renew"), Config: s.config(c, children)}
		return Reconfigure(0, n), true
	}
	return Input{}, false
}

// config takes the options of a supervisor, and its children, a line each.
func (s *script) config(c *command, children string) Config {
	cfg := Config{
		Strategy:     enum[Strategy](c, "strategy", strategyNames[:]),
		AutoShutdown: enum[AutoShutdown](c, "auto_shutdown", autoShutdownNames[:]),
		Parallel:     c.number("parallel"),
		Seed:         uint64(c.number("seed")),
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
	} else if template, ok := c.inner("dynamic"); ok {
		spec := template.childSpec("")
		cfg.Dynamic = &spec
		template.end()
	}
	for line := range strings.Lines(children) {
		name, args, err := datadriven.ParseLine(line)
		if err != nil {
			c.fail("%v", err)
		}
		child := &command{t: c.t, where: c.where, name: name, args: args}
		cfg.Children = append(cfg.Children, child.childSpec(name))
		child.end()
	}
	return cfg
}

// supervisor makes the machine that the following commands talk to.
func (s *script) supervisor(c *command, children string) string {
	cfg := s.config(c, children)
	*s = script{now: epoch, current: map[string]uint64{}}
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

// child takes an id and, if it is written, an incarnation; otherwise it is the
// one last started.
func (s *script) child(c *command) (id string, incarnation uint64) {
	id, n := c.instance()
	if n == 0 {
		n = s.current[id]
	}
	if n == 0 {
		c.fail("%s was never started; write its incarnation", id)
	}
	return id, n
}

// timer lets a timer that the machine armed run down. With an incarnation
// written it need not have been armed.
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
	return s.fire(c, id, n, kind, written)
}

// fire moves the clock as far as the timer takes.
func (s *script) fire(c *command, id string, n uint64, kind Timer, evenIfNotArmed bool) string {
	i := slices.IndexFunc(s.armed, func(a armed) bool { return a.ID == id && a.Incarnation == n && a.Timer == kind })
	switch {
	case i >= 0:
		if s.armed[i].due.After(s.now) {
			s.now = s.armed[i].due
		}
		s.armed = slices.Delete(s.armed, i, i+1)
	case !evenIfNotArmed:
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
		case DoReply:
			lines = append(lines, replyText(s.asked[a.Reply.Ticket-1], a.Reply)...)
			continue
		}
		lines = append(lines, describe(a, s.m.window.Intensity().Max))
	}
	if lines == nil {
		return "nothing"
	}
	return strings.Join(lines, "\n")
}

func describe(a Action, limit int) string {
	who := fmt.Sprintf("%s#%d", a.ID, a.Incarnation)
	text := a.Do.String() + " " + who
	switch a.Do {
	case DoStop:
		if a.After > 0 {
			text += fmt.Sprintf(" (%v)", a.After)
		}
	case DoArm:
		text = fmt.Sprintf("arm %s %v timer: %v", who, a.Timer, a.After)
		if a.Timer == DrainTimer {
			text = fmt.Sprintf("arm %v timer: %v", a.Timer, a.After)
		}
	case DoReport:
		if a.ID == "" {
			who = fmt.Sprintf("of %d", a.Group)
		}
		text = fmt.Sprintf("report %v %s", a.Report, who)
		switch a.Report {
		case Reconfiguring, Reconfigured:
			text = fmt.Sprintf("report %v: group of %d", a.Report, a.Group)
			if a.Group > 0 {
				text += ", " + strings.Join(a.Members(), " ")
			}
		case ChildTerminated, StartError, ShutdownError, Stuck:
			text += ": " + exitText(a.Exit)
		case Restarting:
			text += fmt.Sprintf(": group of %d, restart %d of %d", a.Group, a.Spent, limit)
			if a.After > 0 {
				text += fmt.Sprintf(", after %v", a.After)
			}
		case Renewing:
			text += fmt.Sprintf(": group of %d", a.Group)
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
	}
	if !a.Cascade.IsZero() {
		text += fmt.Sprintf("   {%v}", a.Cascade)
	}
	return text
}

func exitText(e Exit) string {
	if e.Directive == ByRestart {
		return e.String()
	}
	return fmt.Sprintf("%v, directive %v", e, e.Directive)
}

func replyText(in Input, r *Reply) []string {
	head := fmt.Sprintf("reply %d: ", r.Ticket)
	switch {
	case r.Err != nil:
		text := head + "error: " + r.Err.Error()
		if r.Incarnation > 0 {
			text += fmt.Sprintf(" (%s#%d)", in.ID, r.Incarnation)
		}
		if r.Err == ErrStart && in.Op != OpReconfigure {
			text += ": " + r.Exit.String()
		}
		return append([]string{text}, changedText(r.Changed)...)
	case in.Op == OpReconfigure:
		return append([]string{head + "ok"}, changedText(r.Changed)...)
	case in.Op == OpWhich:
		lines := []string{fmt.Sprintf("reply %d:", r.Ticket)}
		for _, c := range r.Children {
			lines = append(lines, fmt.Sprintf("  %s#%d %v %v", c.ID, c.Incarnation, c.Kind, c.State))
		}
		return lines
	case in.Op == OpCount:
		n := r.Counts
		return []string{fmt.Sprintf("%s%d specs, %d active, %d supervisors, %d workers", head, n.Specs, n.Active, n.Supervisors, n.Workers)}
	case in.Op == OpSpec:
		return []string{head + specText(r.Spec)}
	case in.Op == OpStartChild || in.Op == OpRestartChild || in.Op == OpRenewChild:
		if r.Incarnation == 0 {
			return []string{head + "ok, nothing was started"}
		}
		return []string{fmt.Sprintf("%sok, %s#%d", head, in.ID, r.Incarnation)}
	}
	return []string{head + "ok"}
}

func changedText(changed []Changed) (lines []string) {
	for _, c := range changed {
		line := fmt.Sprintf("  %s %v", c.ID, c.Change)
		if c.With != "" {
			line += " with " + c.With
		}
		if c.Failed {
			line += ", did not start: " + c.Exit.String()
		}
		lines = append(lines, line)
	}
	return lines
}

func specText(s *ChildSpec) string {
	id := s.ID
	if id == "" {
		id = "(template)"
	}
	text := fmt.Sprintf("%s %v, restart %v, shutdown %v, start limit %v, significant %v, incarnation %d",
		id, s.Kind, s.Restart, s.Shutdown, s.StartLimit, s.Significant, s.Incarnation)
	if b := s.Backoff; b != (Backoff{}) {
		text += fmt.Sprintf(", backoff %v to %v times %v, jitter %v, reset %v", b.Min, b.Max, b.Factor, b.Jitter, b.Reset)
	}
	if s.Needs != nil {
		text += fmt.Sprintf(", needs %v", s.Needs)
	}
	return text
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
		lines = append(lines, fmt.Sprintf("  %s#%d %v", c.id, c.incarnation, c.state))
	}
	return strings.Join(lines, "\n")
}
