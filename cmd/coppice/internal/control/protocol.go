package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coppice-go/coppice/tree"
)

// Version is that of the protocol. Every answer has it in the header
// VersionHeader.
const (
	Version       = 1
	VersionHeader = "Coppice-Protocol"
)

// Info says which tree this is.
type Info struct {
	V       int       `json:"v"` // Version
	Name    string    `json:"name"`
	PID     int       `json:"pid"`     // of the process that runs the tree
	Version string    `json:"version"` // of coppice
	Started time.Time `json:"started"`
	File    string    `json:"file,omitempty"`  // that the tree was loaded from
	Chaos   bool      `json:"chaos,omitempty"` // faults may be injected
	Rev     uint64    `json:"rev"`             // seq of the latest event that is remembered
}

// Action is something that can be done to a child.
type Action uint8

const (
	Start   Action = iota // start it, if it does not run
	Stop                  // stop it until it is started again
	Restart               // stop it and start it, with whatever shares its fate
	Signal                // send its process a signal
)

var actionNames = [...]string{"start", "stop", "restart", "signal"}

func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("Action(%d)", a)
}

// Radius is what an action touches: paths, in order.
type Radius struct {
	Stops  []string `json:"stops"`
	Starts []string `json:"starts"`
}

// Done says what was done, or of a plan what would be.
type Done struct {
	Path        string `json:"path"`
	Radius      Radius `json:"radius"`
	Incarnation uint64 `json:"incarnation,omitempty"` // that runs now, if one does; absent in a plan
}

// Actions carries out what clients ask for. The methods are called from many
// goroutines. An action goes on when the client that asked for it is gone; ctx
// ends with the server. Path is that of a child which was there a moment ago.
//
// Of the errors, those of package tree, a context's and errors.ErrUnsupported are
// told to the client in the protocol's terms; an *[Error] as it is.
type Actions interface {
	Start(ctx context.Context, path string) (Done, error)
	Stop(ctx context.Context, path string) (Done, error)
	Restart(ctx context.Context, path string) (Done, error)
	Signal(ctx context.Context, path string, sig syscall.Signal) (Done, error)
	// Plan says what the action would touch, and does nothing.
	Plan(ctx context.Context, do Action, path string) (Radius, error)
}

// Request is the body of those that ask for an action.
type Request struct {
	Path   string `json:"path"`
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
