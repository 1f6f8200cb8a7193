package control

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-go/coppice/tree"
)

// Version is that of the protocol. Every answer has it in the header
// VersionHeader, in decimal.
const (
	Version       = 1
	VersionHeader = "Coppice-Protocol"
)

// Info says which tree this is.
type Info struct {
	V       int       `json:"v"` // Version
	Name    string    `json:"name"`
	PID     int       `json:"pid"`     // of the process that runs the tree
	Version string    `json:"version"` // of that program
	Started time.Time `json:"started"`
	File    string    `json:"file,omitempty"`  // that the tree was loaded from
	Chaos   bool      `json:"chaos,omitempty"` // faults may be injected
	Rev     uint64    `json:"rev"`             // seq of the latest event that is remembered
}

// Action is something that can be done to a child. Actions may be added.
type Action uint8

// The actions of version 1.
const (
	Start   Action = iota // start it, if it does not run
	Stop                  // stop it until it is started again
	Restart               // stop it and start it, with whatever shares its fate
	Signal                // send its process a signal
)

var actionNames = [...]string{"start", "stop", "restart", "signal"}

// String is the name: start, stop, restart, signal.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("Action(%d)", a)
}

// Radius is what an action touches.
type Radius struct {
	Stops  []string `json:"stops"`  // paths of what is stopped, in order
	Starts []string `json:"starts"` // paths of what is started afterwards, in order
}

// Done says what was done, or of a plan what would be.
type Done struct {
	Path        string `json:"path"`
	Radius      Radius `json:"radius"`
	Incarnation uint64 `json:"incarnation,omitempty"` // that runs now, if one does; absent in a plan
}

// Request is the body of a request for an action, for who speaks the protocol
// without package client.
type Request struct {
	Path   string `json:"path"`             // of the child
	Signal string `json:"signal,omitempty"` // of signal: a name with or without SIG, or a number
}

// waitAnswer is that of /v1/wait.
type waitAnswer struct {
	Status *tree.Status `json:"status"` // absent if the child is gone, which is one way to be stopped
}

// clean makes lists that JSON writes as such when they are empty.
func (r Radius) clean() Radius {
	r.Stops = append([]string{}, r.Stops...)
	r.Starts = append([]string{}, r.Starts...)
	return r
}

// oneOf names what there is to choose from.
func oneOf(names ...string) string { return strings.Join(slices.Sorted(slices.Values(names)), ", ") }
