// Package otptrace reads traces recorded from Erlang/OTP's supervisor: a
// scenario (a tree of supervisors and scripted workers, and steps to perform on
// it) and what the real supervisor did. A runner performs the scenario on some
// other supervisor and compares. The format is described in testdata/otp/SCENARIO.md.
package otptrace

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is one recording.
type File struct {
	Name     string   `json:"name"`
	Rules    []string `json:"rules"`
	Tags     []string `json:"tags"`
	Note     string   `json:"note"`
	Scenario struct {
		Tree  Node   `json:"tree"`
		Steps []Step `json:"steps"`
	} `json:"scenario"`
	Trace struct {
		Start Result          `json:"start"`
		Steps []Result        `json:"steps"`
		Final json.RawMessage `json:"final"`
	} `json:"trace"`
}

// Node is a supervisor or worker of a scenario.
type Node struct {
	ID           string          `json:"id"`
	Type         string          `json:"type"`
	Restart      *string         `json:"restart"`
	Shutdown     json.RawMessage `json:"shutdown"`
	Significant  bool            `json:"significant"`
	Starts       []string        `json:"starts"`
	Then         string          `json:"then"`
	OnStop       OnStop          `json:"on_stop"`
	Strategy     *string         `json:"strategy"`
	Intensity    *int            `json:"intensity"`
	PeriodS      *int            `json:"period_s"`
	AutoShutdown *string         `json:"auto_shutdown"`
	Children     []Node          `json:"children"`
}

// OnStop is how a worker reacts when it is told to stop.
type OnStop struct {
	Hang      bool   `json:"hang"`
	DelayMS   int    `json:"delay_ms"`
	Reason    string `json:"reason"`
	ExitOther *struct {
		Child  string `json:"child"`
		Reason string `json:"reason"`
	} `json:"exit_other"`
}

// Step is one operation on the tree.
type Step struct {
	Op     string `json:"op"`
	Child  any    `json:"child"` // a path for exit, a Node for start_child
	Sup    string `json:"sup"`
	ID     string `json:"id"`
	Reason string `json:"reason"`
	MS     int    `json:"ms"`
}

// Result is what a step did.
type Result struct {
	Result string          `json:"result"`
	Events []Event         `json:"events"`
	Value  json.RawMessage `json:"value,omitempty"`
}

// Event is one thing seen: a start attempt, an exit, or a supervisor report.
type Event struct {
	E string `json:"e"`
	P string `json:"p,omitempty"` // path, of start and exit
	N uint64 `json:"n,omitempty"` // attempt, of start and exit
	O string `json:"o,omitempty"` // outcome, of start
	R string `json:"r,omitempty"` // class of exit; reason of report
	T string `json:"t,omitempty"` // type of report
	S string `json:"s,omitempty"` // supervisor, of report
	C string `json:"c,omitempty"` // child, of report
}

// Load reads all recordings of a directory, by name.
func Load(dir string) ([]File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no traces (*.json) there", dir)
	}
	files := make([]File, len(names))
	for i, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, &files[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[i].Name = strings.TrimSuffix(filepath.Base(name), ".json")
	}
	return files, nil
}

// Supervisor reports whether the node is a supervisor.
func (n *Node) Supervisor() bool { return n.Type == "supervisor" }

// Outcome is what the script says of the given start attempt, counted from 1.
func (n *Node) Outcome(attempt uint64) string {
	switch {
	case attempt <= uint64(len(n.Starts)):
		return n.Starts[attempt-1]
	case n.Then != "":
		return n.Then
	}
	return "ok"
}

// Needs names the first thing the scenario uses that is not in have, in words;
// "" if there is none. The words are those of operations, strategies and flags:
// start_child, simple_one_for_one, auto_shutdown, gated …
func (f *File) Needs(have ...string) string {
	lacks := func(word string) bool { return !slices.Contains(have, word) }
	if w := f.Scenario.Tree.needs(lacks); w != "" {
		return w
	}
	for _, s := range f.Scenario.Steps {
		if lacks(s.Op) {
			return s.Op
		}
	}
	return ""
}

func (n *Node) needs(lacks func(string) bool) string {
	if n.Strategy != nil && *n.Strategy == "simple_one_for_one" && lacks(*n.Strategy) {
		return *n.Strategy
	}
	if n.AutoShutdown != nil && strings.HasSuffix(*n.AutoShutdown, "_significant") && lacks("auto_shutdown") {
		return "auto_shutdown"
	}
	for i := range n.Children {
		if w := n.Children[i].needs(lacks); w != "" {
			return w
		}
	}
	return ""
}
