package chaos

import (
	"encoding/json"
	"time"
)

// Step is a part of a plan's method: [At], [Every], [Swizzle], [Storm] or [Race].
// All steps run at the same time.
type Step interface {
	json.Marshaler

	expand(*expansion) error
}

// At does something once: one fault, to all that the target picks in the same
// instant, or rolling from one to the next.
type At struct {
	Time    time.Duration // since the beginning
	Fault   Choice
	Target  Target
	Rolling time.Duration // between one child and the next; zero: all at once
}

// MarshalJSON writes the form of the plan.
func (s At) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At      string  `json:"at"`
		Fault   Choice  `json:"fault"`
		Target  *Target `json:"target,omitempty"`
		Rolling string  `json:"rolling,omitempty"`
	}{s.Time.String(), s.Fault, orNil(s.Target), orEmpty(s.Rolling)})
}

// Every does something again and again, each time with a fault and a target of
// its own.
type Every struct {
	Least, Most time.Duration // the pauses, at random between these
	From, Until time.Duration // since the beginning
	Fault       Choice
	Target      Target
	Rolling     time.Duration
}

// MarshalJSON writes the form of the plan.
func (s Every) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Every   string  `json:"every"`
		From    string  `json:"from,omitempty"`
		Until   string  `json:"until"`
		Fault   Choice  `json:"fault"`
		Target  *Target `json:"target,omitempty"`
		Rolling string  `json:"rolling,omitempty"`
	}{s.Least.String() + ".." + s.Most.String(), orEmpty(s.From), s.Until.String(), s.Fault, orNil(s.Target), orEmpty(s.Rolling)})
}

// Swizzle stops a random subset one by one, by request, and starts it again in
// another order (FoundationDB's word).
type Swizzle struct {
	Time   time.Duration // since the beginning
	Over   time.Duration // from the first stop to the last start
	Target Target        // what the subset is taken from; Pick: how many of it, zero: at random
}

// MarshalJSON writes the form of the plan.
func (s Swizzle) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At      string `json:"at"`
		Swizzle any    `json:"swizzle"`
	}{s.Time.String(), struct {
		Target Target `json:"target"`
		Over   string `json:"over"`
	}{s.Target, s.Over.String()}})
}

// Storm does faults at random moments, to children at random.
type Storm struct {
	Time   time.Duration // since the beginning
	Over   time.Duration
	Rate   float64 // faults a second; zero: 10
	Fault  Choice  // nil: kill of a process, error of a wrapped goroutine
	Target Target
}

// MarshalJSON writes the form of the plan.
func (s Storm) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At    string `json:"at"`
		Storm any    `json:"storm"`
	}{s.Time.String(), struct {
		Target Target  `json:"target"`
		Over   string  `json:"over"`
		Rate   float64 `json:"rate,omitempty"`
		Fault  Choice  `json:"fault,omitempty"`
	}{s.Target, s.Over.String(), s.Rate, s.Fault}})
}

// Race does two things that must not be confused, at the same moment.
type Race struct {
	Kind   string // one of the names that the class race lists
	Time   time.Duration
	Target Target // the child that is hit first; Pick has no meaning
}

// MarshalJSON writes the form of the plan.
func (s Race) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At     string `json:"at"`
		Race   string `json:"race"`
		Target Target `json:"target"`
	}{s.Time.String(), s.Kind, s.Target})
}

func orEmpty(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func orNil(t Target) *Target {
	if t.Path == "" {
		return nil
	}
	return &t
}
