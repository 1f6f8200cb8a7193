package offline

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/worker"
)

// Check writes the tree as a table.
func (t *Tree) Check(w io.Writer, l Lines) error {
	rows := table{head: []string{"TREE", "RESTART", "READY WHEN", "NEEDS", "RUNS"}}
	for n := range nodes(t.root) {
		row := []string{l.lead(n.last) + printable(n.id), "", "", joined(n.spec.Needs), ""}
		if n.path != t.Name {
			row[1] = n.spec.Restart.String()
			if n.spec.Significant {
				row[1] += ", significant"
			}
		}
		if n.tree != nil {
			row[4] = strategy(&n.tree.Config)
		} else {
			c := t.Commands[n.path]
			row[2], row[4] = ready(c), shell(append([]string{c.Path}, c.Args...))
		}
		rows.row(row...)
	}
	_, err := io.WriteString(w, rows.String())
	return err
}

// Verdict says that the file is valid, after what may not be meant.
func (t *Tree) Verdict(w io.Writer) error {
	var b strings.Builder
	for _, warning := range t.warnings() {
		fmt.Fprintf(&b, "warning: %s: %s\n", printable(warning.Path), warning.Message)
	}
	supervisors := 0
	for n := range nodes(t.root) {
		if n.tree != nil {
			supervisors++
		}
	}
	fmt.Fprintf(&b, "%s is valid: %s, %s\n", printable(t.Path), counted(supervisors, "supervisor"), counted(len(t.Commands), "program"))
	_, err := io.WriteString(w, b.String())
	return err
}

// CheckJSON writes the tree and the warnings.
func (t *Tree) CheckJSON(w io.Writer) error {
	return writeJSON(w, struct {
		V        string    `json:"v"`
		File     string    `json:"file"`
		Name     string    `json:"name"`
		Tree     jsonNode  `json:"tree"`
		Warnings []warning `json:"warnings"`
	}{version, t.Path, t.Name, t.describe(node{path: t.Name, id: t.Name, tree: t.root}), t.warnings()})
}

type jsonNode struct {
	ID          string          `json:"id"`
	Path        string          `json:"path"`
	Type        strategies.Kind `json:"type"`
	Restart     string          `json:"restart,omitempty"`
	Significant bool            `json:"significant,omitempty"`
	Needs       []string        `json:"needs,omitempty"`

	Command []string   `json:"command,omitempty"`
	Dir     string     `json:"dir,omitempty"`
	Ready   *jsonReady `json:"ready,omitempty"`

	Supervisor *jsonSupervisor `json:"supervisor,omitempty"`
}

type jsonReady struct {
	Kind    string  `json:"kind"`
	Of      string  `json:"of,omitempty"`
	Timeout float64 `json:"timeout_ms,omitempty"`
}

type jsonSupervisor struct {
	Strategy     strategies.Strategy     `json:"strategy"`
	AutoShutdown strategies.AutoShutdown `json:"auto_shutdown"`
	Intensity    strategies.Intensity    `json:"intensity"`
	Parallel     int                     `json:"parallel"`
	Children     []jsonNode              `json:"children"`
}

func (t *Tree) describe(n node) jsonNode {
	doc := jsonNode{ID: n.id, Path: n.path}
	if n.spec != nil {
		doc.Restart, doc.Significant, doc.Needs = n.spec.Restart.String(), n.spec.Significant, n.spec.Needs
	}
	if n.tree == nil {
		c := t.Commands[n.path]
		doc.Command, doc.Dir = append([]string{c.Path}, c.Args...), c.Dir
		if c.Ready != nil {
			kind, of := checkWords(c.Ready)
			doc.Ready = &jsonReady{kind, of, milliseconds(c.ReadyLimit)}
		}
		return doc
	}
	doc.Type = strategies.Supervisor
	cfg := &n.tree.Config
	doc.Supervisor = &jsonSupervisor{cfg.Strategy, cfg.AutoShutdown, cfg.Intensity.OrDefault(), max(1, cfg.Parallel), nil}
	for kid := range n.children() {
		doc.Supervisor.Children = append(doc.Supervisor.Children, t.describe(kid))
	}
	return doc
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// ready tells when a program counts as started; "" if as soon as it runs.
func ready(c worker.Command) string {
	if c.Ready == nil {
		return ""
	}
	kind, of := checkWords(c.Ready)
	words := strings.TrimSpace(kind + " " + printable(of))
	if c.ReadyLimit != 0 {
		words += fmt.Sprintf(", within %v", c.ReadyLimit)
	}
	return words
}

// checkWords names a check as the file does, and what it asks.
func checkWords(c worker.Check) (kind, of string) {
	switch c := c.(type) {
	case worker.TCP:
		return "tcp", string(c)
	case worker.HTTP:
		return "http", c.URL
	case worker.Run:
		return "exec", shell(c)
	case worker.Line:
		return "log", string(c)
	case worker.Notify:
		return "notify", ""
	case worker.NodeReady:
		return "node", ""
	}
	return fmt.Sprintf("%T", c), ""
}
