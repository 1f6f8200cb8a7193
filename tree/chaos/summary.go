package chaos

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// Summary writes what came of a run for a reader: the verdict, the invariants, what
// the plan wanted, and the figures.
func (j *Journal) Summary(w io.Writer) error {
	var b bytes.Buffer
	verdict := "the tree kept its rules"
	if j.Deviated {
		verdict = "DEVIATED: the tree did not behave as it should"
	}
	if j.Status == Failed {
		verdict = "the tree was not as wanted before: nothing was done"
	}
	title := j.Title
	if title == "" {
		title = "chaos"
	}
	fmt.Fprintf(&b, "%s: %s\nseed %d, %s after %.1fs: %d faults, %d missed, %d events\n\n", title, verdict, j.Seed, j.Status, j.Duration, j.Stats.Faults, j.Stats.Missed, j.Stats.Events)
	j.invariants(&b)
	j.wanted(&b)
	j.Stats.write(&b)
	for _, what := range j.Heal {
		fmt.Fprintf(&b, "\nNOT HEALED: %s\n", what)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (j *Journal) invariants(b *bytes.Buffer) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "INVARIANT\tVERDICT\tFACTS\t")
	for _, r := range j.Invariants.Results {
		what := r.Why
		if r.Verdict == check.Violated {
			what = r.Violation.Error()
			if r.More > 0 {
				what += fmt.Sprintf(" (and %d more)", r.More)
			}
		}
		fmt.Fprintf(t, "%d %s\t%v\t%d\t%s\n", r.Number, r.Name, r.Verdict, r.Facts, what)
	}
	_ = t.Flush() // to a bytes.Buffer, as all that follow
	b.WriteByte('\n')
}

func (j *Journal) wanted(b *bytes.Buffer) {
	probes := j.Probes()
	if len(probes) == 0 {
		return
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STEADY STATE\tMODE\tMET\t")
	for _, p := range probes {
		met := "yes"
		if !p.Met {
			met = "NO"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.Name, p.Mode, met, p.Message)
	}
	_ = t.Flush()
	b.WriteByte('\n')
}

func (s *Stats) write(b *bytes.Buffer) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "RECOVERY ms\tn\tp50\tp90\tp99\tmax\tnever\t")
	row := func(name string, r Recovery) {
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t\n", name, r.N, r.P50, r.P90, r.P99, r.Max, r.Never)
	}
	row("all", s.Recovery)
	for _, name := range sortedKeys(s.ByCause) {
		row("after "+name, s.ByCause[name])
	}
	for _, name := range sortedKeys(s.ByStrategy) {
		row("under "+name, s.ByStrategy[name])
	}
	if s.Hangs > 0 {
		row("hang seen", s.HangsSeen)
	}
	_ = t.Flush()
	fmt.Fprintf(b, "\n%d exits, %d restarts, %d supervisors gave up\n", s.Exits, s.Restarts, s.Escalations)
	if len(s.Cascades) > 0 {
		b.WriteString("cascades by size:")
		for _, n := range sortedKeys(s.Cascades) {
			fmt.Fprintf(b, " %d×%d", s.Cascades[n], n)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "\nAVAILABLE\nthe whole tree  %s\n", percent(s.Available))
	t = tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, path := range sortedKeys(s.Children) {
		fmt.Fprintf(t, "%s\t%s\n", path, percent(s.Children[path]))
	}
	_ = t.Flush()
}
