package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"text/tabwriter"
)

// topic is a table.
type topic struct {
	name, title string
	label       string // the head of the column of labels
	figures     []figure
	cases       []comparison
}

// figure is a column: a figure of the results, and whether it is compared.
type figure struct {
	key, head, format string
	compared          bool
}

// comparison is a row for each label and peer. A measurement yields the rows of
// all labels.
type comparison struct {
	n      int
	rounds int
	peers  []string
	labels []string
}

// measurement is what the process of one is told.
type measurement struct {
	Topic, Peer string
	N           int
	Labels      []string
	Crashes     int
}

// results are figures by label and key.
type results map[string]map[string]float64

// here are the measurements of the peers in Go, by topic.
var here = map[string]func(measurement) results{
	"restart": restarts,
	"start":   startAndStop,
	"memory":  memory,
	"all":     oneForAll,
	"million": many,
}

func (t topic) run(ctx context.Context, otp *otp) error {
	fmt.Printf("\n%s\n\n", t.title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "N\t%s\tpeer\t", t.label)
	for _, f := range t.figures {
		fmt.Fprintf(w, "%s\t", f.head)
	}
	others := t.others(otp)
	for _, other := range others {
		for _, f := range t.figures {
			if f.compared {
				fmt.Fprintf(w, "%s/%s\t", f.key, other)
			}
		}
	}
	fmt.Fprintln(w, "rounds\t")
	for _, c := range t.cases {
		if err := t.compare(ctx, w, c, otp, others); err != nil {
			return err
		}
	}
	return w.Flush()
}

// others are the peers that coppice is compared with.
func (t topic) others(otp *otp) []string {
	var names []string
	for _, c := range t.cases {
		for _, p := range c.peers {
			if p != "coppice" && !slices.Contains(names, p) && (p != "OTP" || otp.there()) {
				names = append(names, p)
			}
		}
	}
	return names
}

func (t topic) compare(ctx context.Context, w *tabwriter.Writer, c comparison, otp *otp, others []string) error {
	peers := slices.DeleteFunc(slices.Clone(c.peers), func(p string) bool { return p == "OTP" && !otp.there() })
	all := map[string][]results{}
	for range c.rounds {
		for _, p := range peers {
			m := measurement{t.name, p, c.n, c.labels, *crashes}
			var cmd *exec.Cmd
			var err error
			if p == "OTP" {
				cmd = otp.command(ctx, m)
			} else if cmd, err = self(ctx, m); err != nil {
				return err
			}
			r, err := measured(cmd)
			if err != nil {
				return fmt.Errorf("%+v: %w", m, err)
			}
			all[p] = append(all[p], r)
		}
	}
	for _, label := range c.labels {
		for _, p := range peers {
			fmt.Fprintf(w, "%d\t%s\t%s\t", c.n, label, p)
			for _, f := range t.figures {
				cell(w, f.format, typical(all[p], label, f.key))
			}
			for _, other := range others {
				for _, f := range t.figures {
					if f.compared {
						ratio := typical(all[p], label, f.key) / typical(all[other], label, f.key)
						cell(w, ratioFormat(ratio), ratio)
					}
				}
			}
			fmt.Fprintf(w, "%d\t\n", c.rounds)
		}
	}
	return nil
}

// cell writes a figure; what is not known, 0 or NaN or infinite, is a dash.
func cell(w *tabwriter.Writer, format string, v float64) {
	if v == 0 || v-v != 0 {
		fmt.Fprint(w, "-\t")
		return
	}
	fmt.Fprintf(w, format+"\t", v)
}

func ratioFormat(r float64) string {
	if r < 0.1 {
		return "%.2g"
	}
	return "%.2f"
}

// typical is the median of a figure over the rounds; 0 if it was not measured.
func typical(rs []results, label, key string) float64 {
	if len(rs) == 0 {
		return 0
	}
	var v []float64
	for _, r := range rs {
		v = append(v, r[label][key])
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// self is this program in the part of one measurement.
func self(ctx context.Context, m measurement) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	told, err := json.Marshal(m)
	return exec.CommandContext(ctx, exe, "-measure", string(told)), err
}

// measured runs the process of one measurement.
func measured(cmd *exec.Cmd) (results, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	var r results
	err := json.Unmarshal(out.Bytes(), &r)
	return r, err
}
