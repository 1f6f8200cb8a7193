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
	"github.com/coppice-go/coppice/tree/chaos"
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
	children := []chaos.Child{{Path: "shop", Supervisor: true}, {Path: "shop/a", Parent: "shop", Process: true}, {Path: "shop/b", Parent: "shop", Process: true}}
	list := func(seed uint64) chaos.Concrete {
		c, err := storm.Storm.plan("shop", seed).Expand(seed, children)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b, c := list(7), list(7), list(8)
	if a.String() != b.String() || a.String() == c.String() || len(a.Faults) < 10 {
		t.Errorf("%d, %d, %d crashes", len(a.Faults), len(b.Faults), len(c.Faults))
	}
	kinds := map[Fault]bool{}
	for _, f := range a.Faults {
		kinds[faultInPlans(f.Fault.String())] = true
		if f.At > storm.Storm.Lasts {
			t.Errorf("%v is too late", f)
		}
	}
	if len(kinds) != 3 {
		t.Errorf("kinds %v", kinds)
	}
}
