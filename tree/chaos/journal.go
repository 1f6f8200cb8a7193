package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	_ "embed"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// JournalVersion is that of the form which is written.
const JournalVersion = "v1"

// Journal is all that is to be told of a run, and what it takes to do it again.
// Its JSON form has the keys of Chaos Toolkit's journals where there are such, and
// is described by [Schema]; fields may be added.
type Journal struct {
	Version      string         `json:"version"` // JournalVersion
	Title        string         `json:"title"`
	Status       Status         `json:"status"`
	Deviated     bool           `json:"deviated"` // the verdict: an invariant was violated, or a steady state not met
	Start        time.Time      `json:"start"`
	End          time.Time      `json:"end"`
	Duration     float64        `json:"duration"` // seconds
	SteadyStates SteadyStates   `json:"steady_states"`
	Run          []Activity     `json:"run"`
	Heal         []string       `json:"heal,omitempty"` // faults that could not be lifted
	Plan         *Plan          `json:"plan"`
	Seed         uint64         `json:"seed"`
	Concrete     Concrete       `json:"concrete"`
	Evidence     check.Evidence `json:"evidence"`
	Invariants   check.Report   `json:"invariants"`
	Stats        Stats          `json:"stats"`
}

// Status says how far a run came.
type Status string

// The values of Status.
const (
	Completed   Status = "completed"   // all that was planned was done, or missed
	Aborted     Status = "aborted"     // the budget ended it, or the tree did
	Interrupted Status = "interrupted" // its context did
	Failed      Status = "failed"      // the tree was not as wanted before: nothing was done
)

// SteadyStates are what was seen of that which the plan wants.
type SteadyStates struct {
	Before []Probe `json:"before"`
	During []Probe `json:"during"`
	After  []Probe `json:"after"`
}

// Activity is one fault, as Chaos Toolkit tells of what it does.
type Activity struct {
	Activity struct {
		Type string `json:"type"` // action
		Name string `json:"name"`
	} `json:"activity"`
	Status   string    `json:"status"` // succeeded, or failed if it was missed
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Duration float64   `json:"duration"` // seconds
	Output   string    `json:"output,omitempty"`
}

//go:embed journal.schema.json
var journalSchema []byte

// Schema is a JSON Schema of journals.
func Schema() []byte { return append([]byte(nil), journalSchema...) }

// ReadJournal reads a journal. The error says what about it is not as it should
// be.
func ReadJournal(r io.Reader) (*Journal, error) {
	j := new(Journal)
	if err := json.NewDecoder(r).Decode(j); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	switch {
	case j.Version != JournalVersion:
		return nil, fmt.Errorf("read the journal: its version is %q, and only %q is known", j.Version, JournalVersion)
	case j.Plan == nil:
		return nil, errors.New("read the journal: it has no plan")
	}
	return j, nil
}

// Write writes the journal as JSON.
func (j *Journal) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(j)
}

// Replay returns what it takes to do the run again: the plan, and in the options
// what it came to. The faults will be the same, at the same times, to the same
// children; what processes make of them is not for anybody to repeat.
func (j *Journal) Replay() (*Plan, Options) {
	concrete := j.Concrete
	return j.Plan, Options{Concrete: &concrete}
}

// Probes returns all that was seen of what the plan wants.
func (j *Journal) Probes() []Probe {
	s := j.SteadyStates
	return append(append(append([]Probe(nil), s.Before...), s.During...), s.After...)
}

func (j *Journal) steady() bool { return MetAll(j.Probes()) }

// record fills in what follows from the evidence.
func (j *Journal) record(e *check.Evidence, unhealed []error) {
	j.Duration = j.End.Sub(j.Start).Seconds()
	j.Run = []Activity{}
	for _, f := range e.Faults {
		var a Activity
		a.Activity.Type, a.Activity.Name = "action", f.Kind
		if f.Path != "" {
			a.Activity.Name += " " + f.Path
		}
		a.Status, a.Start, a.End = "succeeded", f.Time, f.Time
		if f.Until.After(f.Time) {
			a.End = f.Until
		}
		if f.Missed != "" {
			a.Status, a.Output = "failed", f.Missed
		} else if f.PID != 0 {
			a.Output = fmt.Sprintf("incarnation %d, pid %d", f.Incarnation, f.PID)
		} else if f.Incarnation != 0 {
			a.Output = fmt.Sprintf("incarnation %d", f.Incarnation)
		}
		a.Duration = a.End.Sub(a.Start).Seconds()
		j.Run = append(j.Run, a)
	}
	for _, err := range unhealed {
		j.Heal = append(j.Heal, err.Error())
	}
	s := &j.SteadyStates
	for _, list := range []*[]Probe{&s.Before, &s.During, &s.After} {
		if *list == nil {
			*list = []Probe{}
		}
	}
}
