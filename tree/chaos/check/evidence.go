package check

import (
	"encoding/json"
	"time"
)

// Evidence is all that a check looks at. It is JSON as it is: a part of the
// journal of a run.
type Evidence struct {
	// Begin is the state in which Events begin, and Events are all that
	// followed, without a gap, both in the JSON that package tree describes in
	// JSON.md. End is the state after the last of them; absent if the tree has
	// ended.
	Begin  json.RawMessage   `json:"begin"`
	Events []json.RawMessage `json:"events"`
	End    json.RawMessage   `json:"end,omitempty"`

	// Faults are what was done to the tree, in order of time.
	Faults []Fault `json:"faults"`

	// Quiet is when the last fault was over and everything was healed; Closed
	// is when the evidence ends.
	Quiet  time.Time `json:"quiet"`
	Closed time.Time `json:"closed"`

	// Settled is when, after Quiet, the tree was first seen to be quiet. It must
	// be from then on. Zero: it was not seen; see Options.Quiet.
	Settled time.Time `json:"settled,omitzero"`

	// Operator says that somebody made calls during the run: children may then be
	// started and stopped, added and removed without a cause that is told.
	Operator bool `json:"operator,omitempty"`

	// Samples are looks at /proc, in order of time. Nil where there were none:
	// a tree without processes.
	Samples []Sample `json:"samples,omitzero"`

	// Before and After are what the supervising process held before the first
	// fault and after everything was quiet; nil if that was not looked at.
	Before *Resources `json:"before,omitempty"`
	After  *Resources `json:"after,omitempty"`

	// Left are processes of the tree that were there after it had ended; nil
	// if it was not seen to its end, empty if there were none.
	Left []Process `json:"left,omitzero"`
}

// Fault is one thing that was done.
type Fault struct {
	Time        time.Time `json:"time"`
	Kind        string    `json:"kind"`                  // as in plans: kill, hang, exit(3) …
	Path        string    `json:"path,omitempty"`        // of the child; empty if it was done to none
	Incarnation uint64    `json:"incarnation,omitempty"` // that it hit
	PID         int       `json:"pid,omitempty"`
	Until       time.Time `json:"until,omitzero"`   // of a fault that lasts, as a hang: when it was lifted
	Missed      string    `json:"missed,omitempty"` // why it was not done after all; empty: it was
}

// Sample is one look at all processes that bear the mark of a child: the
// variables COPPICE_CHILD and COPPICE_INCARNATION in their environment.
type Sample struct {
	Time      time.Time `json:"time"`
	Processes []Process `json:"processes"`
}

// Process is one of them.
type Process struct {
	PID         int    `json:"pid"`
	Start       uint64 `json:"start"`       // clock ticks since boot: with PID its identity (proc_pid_stat(5))
	Path        string `json:"path"`        // its mark
	Incarnation uint64 `json:"incarnation"` // its mark
	Leader      bool   `json:"leader"`      // of its session: the program itself, not what it started
	State       string `json:"state"`       // a letter, as in ps: R, S, D, T, Z …
}

// Resources are what a process holds.
type Resources struct {
	FDs        int   `json:"fds"`
	Threads    int   `json:"threads"`
	Goroutines int   `json:"goroutines,omitempty"` // 0: not known
	Zombies    int   `json:"zombies"`              // children that it has not reaped
	Cgroups    int   `json:"cgroups"`              // that it has made
	TempFiles  int   `json:"temp_files"`           // of its own, in the directory for such
	RSS        int64 `json:"rss"`                  // bytes
}
