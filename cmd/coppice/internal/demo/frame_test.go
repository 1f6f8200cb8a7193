package demo

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// In the middle of a restart: what died, its blast radius, who was stopped and
// started in which order, and what is left of the budget.
func TestFrame(t *testing.T) {
	root, err := tree.New(restForOne.Root, restForOne.Tree(leaves{"/bin/true"}))
	if err != nil {
		t.Fatal(err)
	}
	b := newBoard(root)
	see := func(kind tree.EventKind, path string, change func(*tree.Event)) {
		e := tree.Event{Kind: kind, Path: path, Incarnation: 1, Time: time.Unix(0, 0)}
		if change != nil {
			change(&e)
		}
		b.see(e)
	}
	for i, c := range b.Cells {
		see(tree.EventStarting, c.Path, nil)
		see(tree.EventProgress, c.Path, func(e *tree.Event) { e.PID = 100*i + 1 })
	}
	cascade := func(e *tree.Event) { e.Cascade = strategies.Cascade{Origin: "pipeline/parser", N: 1} }
	see(tree.EventExited, "pipeline/parser", func(e *tree.Event) { cascade(e); e.Exit.Err = errors.New("killed by SIGKILL") })
	see(tree.EventRestarting, "pipeline/parser", func(e *tree.Event) {
		cascade(e)
		e.Group, e.Spent, e.Max = []string{"parser", "index", "report"}, 1, 3
	})
	see(tree.EventStopping, "pipeline/report", cascade)
	see(tree.EventExited, "pipeline/report", cascade)
	see(tree.EventStopping, "pipeline/index", cascade)
	see(tree.EventExited, "pipeline/index", cascade)
	see(tree.EventStarting, "pipeline/parser", func(e *tree.Event) { cascade(e); e.Incarnation = 2 })
	see(tree.EventProgress, "pipeline/parser", func(e *tree.Event) { cascade(e); e.PID = 777 })
	see(tree.EventStarting, "pipeline/index", func(e *tree.Event) { cascade(e); e.Incarnation = 2 })

	const want = `
Rest for one: what was started later depends on it
A pipeline in the order of its dependencies: parser reads from source, index
from parser, report from index. When one dies, those after it are stopped,
last first, and started again after it. Those before it are left alone.

  pipeline              up        rest_for_one ●●○ 2 of 3 restarts left
  ├─ source             up        pid 101      #1
✗ ├─ parser             up        pid 777      #2    killed by SIGKILL ▶1
┃ ├─ index              starting                     ■2 ▶2
┃ └─ report             down                         ■1

  caption
`
	var got strings.Builder
	for line := range strings.SplitSeq(ansi.Strip(frame(restForOne, b, "caption", 80)), "\n") {
		got.WriteString(strings.TrimRight(line, " ") + "\n")
		if ansi.StringWidth(line) > 80 {
			t.Errorf("wider than the terminal: %q", line)
		}
	}
	if d := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got.String())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The same seed makes the same storm, another seed another one.
func TestStormPlan(t *testing.T) {
	a, b, c := storm.Storm.plan(7, 12), storm.Storm.plan(7, 12), storm.Storm.plan(8, 12)
	equal := func(x, y []blow) bool { return cmp.Equal(x, y, cmp.AllowUnexported(blow{})) }
	if !equal(a, b) || equal(a, c) || len(a) < 10 {
		t.Errorf("%d, %d, %d blows", len(a), len(b), len(c))
	}
	for _, b := range a {
		if b.at > storm.Storm.Lasts || b.victim < 0 || b.victim >= 12 || b.fault == NoFault {
			t.Errorf("%+v", b)
		}
	}
}
