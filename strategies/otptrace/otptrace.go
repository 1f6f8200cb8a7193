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
	Significant  Flag            `json:"significant"`
	Starts       []string        `json:"starts"`
	Then         string          `json:"then"`
	OnStop       OnStop          `json:"on_stop"`
	Strategy     *string         `json:"strategy"`
	Intensity    *int            `json:"intensity"`
	PeriodS      *int            `json:"period_s"`
	AutoShutdown *string         `json:"auto_shutdown"`
	Children     []Node          `json:"children"`
}

// Flag is a boolean, or something else where the scenario says what is wrong.
type Flag struct{ True, Wrong bool }

// UnmarshalJSON takes anything.
func (f *Flag) UnmarshalJSON(b []byte) error {
	*f = Flag{True: string(b) == "true", Wrong: string(b) != "true" && string(b) != "false"}
	return nil
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
	Op       string          `json:"op"`
	Child    json.RawMessage `json:"child"` // see Path and Node
	Sup      string          `json:"sup"`
	ID       string          `json:"id"`
	Reason   string          `json:"reason"`
	MS       int             `json:"ms"`
	Name     string          `json:"name"`     // of start_child under a dynamic supervisor
	Instance string          `json:"instance"` // of terminate_child and get_childspec there
	Starts   []string        `json:"starts"`   // of start_child there, instead of the template's
	Then     string          `json:"then"`
	OnStop   *OnStop         `json:"on_stop"`
	Trigger  *Step           `json:"trigger"` // of gated
	Queued   []Step          `json:"queued"`  // of gated
}

// Path is the child of an exit.
func (s *Step) Path() string {
	var path string
	_ = json.Unmarshal(s.Child, &path) // anything else is not a path
	return path
}

// Node is the child of a start_child.
func (s *Step) Node() (*Node, error) {
	n := new(Node)
	return n, json.Unmarshal(s.Child, n)
}

// Result is what a step did.
type Result struct {
	Result string          `json:"result"`
	Events []Event         `json:"events"`
	Value  json.RawMessage `json:"value,omitempty"`
	Queued []Result        `json:"queued,omitempty"` // of gated
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

	Nb int `json:"nb,omitempty"` // number of children, of a shutdown_error of many
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

// Simple reports whether the node is a dynamic supervisor.
func (n *Node) Simple() bool {
	return n.Supervisor() && n.Strategy != nil && *n.Strategy == "simple_one_for_one"
}

const notBoolean = "significant is a boolean: anything else cannot be said"

// Unsayable tells, in words, why the step cannot be performed; "" if it can.
func (s *Step) Unsayable() string {
	if n, err := s.Node(); err == nil && s.Op == "start_child" && s.Child != nil {
		return n.unsayable()
	}
	return ""
}

// Unsayable tells, in words, what of the scenario cannot be said to coppice;
// "" if all can.
func (f *File) Unsayable() string {
	if f.Scenario.Tree.Outcome(1) == "ignore" {
		return "a root that says ignore never becomes a supervisor: there is nothing to replay"
	}
	return f.Scenario.Tree.unsayable()
}

func (n *Node) unsayable() string {
	if n.Significant.Wrong {
		return notBoolean
	}
	if n.Simple() && len(n.Children) == 0 {
		return "a dynamic supervisor is one that has a template: without one there is nothing to say it with"
	}
	for i := range n.Children {
		if w := n.Children[i].unsayable(); w != "" {
			return w
		}
	}
	return ""
}
