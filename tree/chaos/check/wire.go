package check

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// The JSON of snapshots and events, as far as it is looked at. It is described
// in JSON.md of package tree.

const jsonVersion = "v1"

type snapshot struct {
	V    string    `json:"v"`
	Rev  uint64    `json:"rev"`
	Time time.Time `json:"time"`
	Root status    `json:"root"`
}

type status struct {
	ID          string     `json:"id"`
	Path        string     `json:"path"`
	Type        string     `json:"type"`
	State       string     `json:"state"`
	Restart     string     `json:"restart"`
	Significant bool       `json:"significant"`
	Needs       []string   `json:"needs"`
	Incarnation uint64     `json:"incarnation"`
	PID         int        `json:"pid"`
	RestartAt   time.Time  `json:"restart_at"`
	Last        *exit      `json:"last"`
	Supervisor  *supStatus `json:"supervisor"`
}

type supStatus struct {
	Strategy     string `json:"strategy"`
	Dynamic      bool   `json:"dynamic"`
	AutoShutdown string `json:"auto_shutdown"`
	Intensity    struct {
		Max    int     `json:"max"`
		Within float64 `json:"within_ms"`
	} `json:"intensity"`
	Spent    int       `json:"spent"`
	Refill   time.Time `json:"refill"`
	Children []status  `json:"children"`
}

type event struct {
	V           string    `json:"v"`
	Seq         uint64    `json:"seq"`
	Time        time.Time `json:"time"`
	Kind        string    `json:"kind"`
	Path        string    `json:"path"`
	Incarnation uint64    `json:"incarnation"`
	PID         int       `json:"pid"`
	Cascade     *cascade  `json:"cascade"`
	Exit        *exit     `json:"exit"`
	AfterMS     float64   `json:"after_ms"` // 0: there is none
	Group       []string  `json:"group"`
	Spent       int       `json:"spent"`
	Max         int       `json:"max"`
	N           uint64    `json:"n"`
	Child       *status   `json:"child"`
}

type cascade struct {
	Origin string `json:"origin"`
	N      uint64 `json:"n"`
}

type exit struct {
	Class  string `json:"class"`
	Reason string `json:"reason"`
}

// abnormal: the classes after which a transient child is started again (rule C2).
func (x *exit) abnormal() bool { return x.Class == "killed" || x.Class == "crash" }

func (e *event) after() time.Duration { return milliseconds(e.AfterMS) }

func milliseconds(ms float64) time.Duration {
	return time.Duration(math.Round(ms * float64(time.Millisecond)))
}

func readSnapshot(name string, raw json.RawMessage) (*snapshot, error) {
	var s snapshot
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("the snapshot %q cannot be read: %w", name, err)
	}
	if s.V != jsonVersion {
		return nil, fmt.Errorf("the snapshot %q is of version %q, only %q is known", name, s.V, jsonVersion)
	}
	if s.Root.Path == "" || s.Root.Supervisor == nil {
		return nil, fmt.Errorf("the snapshot %q is not that of a supervisor", name)
	}
	return &s, nil
}

// tellsExit are the kinds of event that tell of an exit.
var tellsExit = map[string]bool{"start_error": true, "not_started": true, "exited": true,
	"child_terminated": true, "shutdown_error": true, "giving_up": true}

// read reads the event that is the i-th of the evidence, from 0.
func (e *event) read(i int, raw json.RawMessage) error {
	*e = event{}
	if err := json.Unmarshal(raw, e); err != nil {
		return fmt.Errorf("event %d of the evidence cannot be read: %w", i+1, err)
	}
	switch {
	case e.V != jsonVersion:
		return fmt.Errorf("event %d of the evidence is of version %q, only %q is known", i+1, e.V, jsonVersion)
	case e.Kind == "":
		return fmt.Errorf("event %d of the evidence (seq %d) has no kind", i+1, e.Seq)
	case e.Path == "" && e.Kind != "dropped":
		return fmt.Errorf("event %d of the evidence (seq %d, %s) has no path", i+1, e.Seq, e.Kind)
	case e.Child == nil && e.Kind == "added":
		return fmt.Errorf("event %d of the evidence (seq %d, %s) does not say what was added", i+1, e.Seq, e.Kind)
	case (e.Child == nil || e.Child.Supervisor == nil) && e.Kind == "reconfigured":
		return fmt.Errorf("event %d of the evidence (seq %d, %s) does not say what the supervisor is now", i+1, e.Seq, e.Kind)
	case e.Exit == nil && tellsExit[e.Kind]:
		return fmt.Errorf("event %d of the evidence (seq %d, %s) has no exit", i+1, e.Seq, e.Kind)
	}
	return nil
}
