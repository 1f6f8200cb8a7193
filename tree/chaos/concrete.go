package chaos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Concrete is a plan of which nothing is left to chance: what is done, when and
// to whom. The same plan, seed and children make the same Concrete, bit for bit,
// on every machine. Its JSON form is part of a journal.
type Concrete struct {
	Seed    uint64    `json:"seed"`
	Faults  []Planned `json:"faults"` // by time
	Skipped []Skipped `json:"skipped,omitempty"`
}

// Planned is one fault to be.
type Planned struct {
	At    time.Duration // since the beginning
	Fault Fault
	Path  string // of the child; empty for the faults of the machine and the supervisor
	Step  int    // of the plan's method, from 1
}

// Skipped is a fault of the plan that fits none of the children it is for.
type Skipped struct {
	Step  int    `json:"step"`
	Fault Fault  `json:"fault"`
	Why   string `json:"why"`
}

type plannedJSON struct {
	At    float64 `json:"at_ms"`
	Fault Fault   `json:"fault"`
	Path  string  `json:"path,omitempty"`
	Step  int     `json:"step"`
}

// MarshalJSON writes the time in milliseconds.
func (p Planned) MarshalJSON() ([]byte, error) {
	return json.Marshal(plannedJSON{milliseconds(p.At), p.Fault, p.Path, p.Step})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Planned) UnmarshalJSON(b []byte) error {
	var j plannedJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*p = Planned{time.Duration(math.Round(j.At * float64(time.Millisecond))), j.Fault, j.Path, j.Step}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// String lists the faults, one a line.
func (c Concrete) String() string {
	var b strings.Builder
	for _, p := range c.Faults {
		fmt.Fprintf(&b, "%s\n", p)
	}
	for _, s := range c.Skipped {
		fmt.Fprintf(&b, "step %d: no %v: %s\n", s.Step, s.Fault, s.Why)
	}
	return b.String()
}

func (p Planned) String() string {
	return strings.TrimRight(fmt.Sprintf("%8.3fs  %-16v %s", p.At.Seconds(), p.Fault, p.Path), " ")
}

// sort puts the faults in order of time; those of one instant stay as they are.
func (c *Concrete) sort() {
	slices.SortStableFunc(c.Faults, func(a, b Planned) int { return cmp.Compare(a.At, b.At) })
}
