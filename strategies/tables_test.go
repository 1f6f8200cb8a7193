package strategies

import (
	"fmt"
	"strings"
	"time"
)

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
