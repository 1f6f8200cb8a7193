package tree

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// The JSON form of Snapshot and Event, version v1, is described in JSON.md. It
// is frozen: fields and kinds of event may be added, nothing else may change.
const jsonVersion = "v1"

// eventJSON is the JSON form of an Event.
type eventJSON struct {
	V           string              `json:"v"`
	Seq         uint64              `json:"seq"`
	Time        time.Time           `json:"time"`
	Kind        EventKind           `json:"kind"`
	Path        string              `json:"path"`
	Incarnation uint64              `json:"incarnation,omitempty"`
	Supervisor  bool                `json:"supervisor,omitempty"`
	PID         int                 `json:"pid,omitempty"`
	Cascade     *strategies.Cascade `json:"cascade,omitempty"`
	Exit        *exitJSON           `json:"exit,omitempty"`
	AfterMS     *float64            `json:"after_ms,omitempty"`
	Group       []string            `json:"group,omitempty"`
	Spent       int                 `json:"spent,omitempty"`
	Max         *int                `json:"max,omitempty"`
	N           uint64              `json:"n,omitempty"`
	Child       *Status             `json:"child,omitempty"`
}

type exitJSON struct {
	Class  strategies.Class `json:"class"`
	Reason string           `json:"reason,omitempty"`
	Tail   []string         `json:"tail,omitempty"`
}

// lastJSON is the JSON form of a LastExit.
type lastJSON struct {
	Time        time.Time `json:"time"`
	Incarnation uint64    `json:"incarnation"`
	exitJSON
}

func toExitJSON(e strategies.Exit) *exitJSON {
	x := &exitJSON{Class: e.Class, Tail: tail(e.Err)}
	if e.Err != nil {
		x.Reason = e.Err.Error()
	}
	return x
}

func (x *exitJSON) exit() strategies.Exit {
	e := strategies.Exit{Class: x.Class}
	if x.Reason != "" || x.Tail != nil {
		e.Err = &recordedError{x.Reason, x.Tail}
	}
	return e
}

// recordedError is what is left of an error in a recording.
type recordedError struct {
	reason string
	tail   []string
}

func (e *recordedError) Error() string        { return e.reason }
func (e *recordedError) OutputTail() []string { return e.tail }

// tail returns the last output that an error carries, if it carries any.
func tail(err error) []string {
	t, ok := errors.AsType[interface {
		error
		OutputTail() []string
	}](err)
	if !ok {
		return nil
	}
	return t.OutputTail()
}

// MarshalJSON writes the event in its JSON form.
func (e Event) MarshalJSON() ([]byte, error) {
	j := eventJSON{
		V: jsonVersion, Seq: e.Seq, Time: e.Time, Kind: e.Kind, Path: e.Path, Incarnation: e.Incarnation,
		Supervisor: e.Supervisor, PID: e.PID, Group: e.Group, Spent: e.Spent, N: e.N, Child: e.Child,
	}
	if !e.Cascade.IsZero() {
		j.Cascade = &e.Cascade
	}
	if e.Kind.hasExit() {
		j.Exit = toExitJSON(e.Exit)
	}
	if e.After > 0 {
		ms := float64(e.After) / float64(time.Millisecond)
		j.AfterMS = &ms
	}
	if e.Kind == EventRestarting || e.Kind == EventGivingUp {
		j.Max = &e.Max
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads the JSON form. Of an error its text and output are left.
func (e *Event) UnmarshalJSON(b []byte) error {
	var j eventJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	if err := known(j.V); err != nil {
		return err
	}
	*e = Event{
		Seq: j.Seq, Time: j.Time, Kind: j.Kind, Path: j.Path, Incarnation: j.Incarnation,
		Supervisor: j.Supervisor, PID: j.PID, Group: j.Group, Spent: j.Spent, N: j.N, Child: j.Child,
	}
	if j.Cascade != nil {
		e.Cascade = *j.Cascade
	}
	if j.Exit != nil {
		e.Exit = j.Exit.exit()
	}
	if j.AfterMS != nil {
		e.After = time.Duration(math.Round(*j.AfterMS * float64(time.Millisecond)))
	}
	if j.Max != nil {
		e.Max = *j.Max
	}
	return nil
}

func known(version string) error {
	if version != jsonVersion {
		return fmt.Errorf("JSON form %q is not known, only %q", version, jsonVersion)
	}
	return nil
}

// MarshalText writes the name.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the name; one that it does not know, of a later version, is
// EventUnknown.
func (k *EventKind) UnmarshalText(text []byte) error {
	*k = EventUnknown
	if i := slices.Index(kindNames[:], string(text)); i >= 0 {
		*k = EventKind(i)
	}
	return nil
}

// MarshalJSON writes the exit in its JSON form.
func (l LastExit) MarshalJSON() ([]byte, error) {
	return json.Marshal(lastJSON{l.Time, l.Incarnation, *toExitJSON(l.Exit)})
}

// UnmarshalJSON reads the JSON form. Of the error its text and output are left.
func (l *LastExit) UnmarshalJSON(b []byte) error {
	var j lastJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*l = LastExit{j.Time, j.Incarnation, j.exit()}
	return nil
}

// plainSnapshot is a Snapshot without its methods.
type plainSnapshot Snapshot

type snapshotJSON struct {
	V string `json:"v"`
	plainSnapshot
}

// MarshalJSON writes the snapshot in its JSON form.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	return json.Marshal(snapshotJSON{jsonVersion, plainSnapshot(s)})
}

// UnmarshalJSON reads the JSON form.
func (s *Snapshot) UnmarshalJSON(b []byte) error {
	var j snapshotJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*s = Snapshot(j.plainSnapshot)
	return known(j.V)
}
