package trial

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// Tell returns what tells, a line each, what a run does and what follows.
func Tell(w io.Writer) func(chaos.Progress) {
	return func(p chaos.Progress) {
		at := fmt.Sprintf("%8.3fs  ", p.Elapsed.Seconds())
		switch {
		case p.Fault != nil && p.Fault.Missed != "":
			fmt.Fprintf(w, "%smissed  %-12s %s: %s\n", at, p.Fault.Kind, p.Fault.Path, p.Fault.Missed)
		case p.Fault != nil && !p.Fault.Until.IsZero():
			fmt.Fprintf(w, "%slifted  %-12s %s, after %v\n", at, p.Fault.Kind, p.Fault.Path, p.Fault.Until.Sub(p.Fault.Time).Round(time.Millisecond))
		case p.Fault != nil:
			fmt.Fprintf(w, "%sFAULT   %-12s %s\n", at, p.Fault.Kind, p.Fault.Path)
		case p.Event != nil && (p.Event.Kind == tree.EventRestarting || p.Event.Kind == tree.EventGivingUp || p.Event.Kind == tree.EventStuck):
			fmt.Fprintf(w, "%sthen    %s\n", at, p.Event)
		case p.Report != nil:
			fmt.Fprintf(w, "%scheck   %s\n", at, soFar(*p.Report))
		case p.Stage != "":
			fmt.Fprintf(w, "%s%s\n", at, stages[p.Stage])
		}
	}
}

var stages = map[chaos.Stage]string{
	chaos.StageReady:  "waiting for the tree to be ready",
	chaos.StageMethod: "the faults begin",
	chaos.StageHeal:   "healing: every fault is lifted",
	chaos.StageQuiet:  "waiting for the tree to recover",
	chaos.StageStop:   "stopping the tree",
	chaos.StageCheck:  "checking",
}

// soFar is the state of a check in few words.
func soFar(r check.Report) string {
	holds, facts := 0, 0
	var violated []string
	for _, x := range r.Results {
		facts += x.Facts
		switch x.Verdict {
		case check.Holds:
			holds++
		case check.Violated:
			violated = append(violated, x.Name)
		}
	}
	s := fmt.Sprintf("%d invariants hold so far, %d facts", holds, facts)
	if violated != nil {
		s += "; VIOLATED: " + strings.Join(violated, ", ")
	}
	return s
}

// WriteReport writes the verdicts as a table.
func WriteReport(w io.Writer, r check.Report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, x := range r.Results {
		fmt.Fprintf(tw, "%d\t%s\t%v\t%d facts\t%s\n", x.Number, x.Name, x.Verdict, x.Facts, x.Why)
		if v := x.Violation; v != nil {
			fmt.Fprintf(tw, "\t\tevent %d\t%s\t%s\n", v.Seq, v.Path, v.Message)
		}
	}
	return tw.Flush()
}
