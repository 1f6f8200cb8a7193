package check

import (
	"errors"
	"fmt"
	"time"
)

// Report is the judgement on all invariants, in their order. Its JSON form is
// described in the package comment.
type Report struct {
	Results []Result `json:"results"`
}

// Result is the judgement on one invariant.
type Result struct {
	Number    int        `json:"number"`
	Name      string     `json:"name"`
	Verdict   Verdict    `json:"verdict"`
	Why       string     `json:"why,omitempty"` // of NotChecked
	Facts     int        `json:"facts"`         // how many single facts were compared; none is NotChecked
	Violation *Violation `json:"violation,omitempty"`
	More      int        `json:"more,omitempty"` // violations after the first
}

// Violation is one fact that is not as it should be.
type Violation struct {
	Seq     uint64    `json:"seq,omitempty"` // of the event; 0: it is about no single event
	Time    time.Time `json:"time"`
	Path    string    `json:"path,omitempty"` // of the child concerned
	Message string    `json:"message"`        // what was expected and what was seen
}

// Verdict is what is known of an invariant.
type Verdict uint8

const (
	NotChecked Verdict = iota // the evidence does not tell
	Holds
	Violated
)

var verdictNames = [...]string{"not_checked", "holds", "violated"}

func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("Verdict(%d)", v)
}

// MarshalText writes the name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the name.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdictNames {
		if name == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no verdict; there are holds, violated and not_checked", text)
}

// Error makes a violation an error: its message, with the event's number.
func (v *Violation) Error() string {
	s := v.Message
	if v.Seq != 0 {
		s = fmt.Sprintf("event %d: %s", v.Seq, s)
	}
	return s
}

// Err joins the first violation of each invariant that is violated; nil if none
// is. What was not checked is no error.
func (r Report) Err() error {
	var errs []error
	for _, res := range r.Results {
		if res.Violation != nil {
			errs = append(errs, fmt.Errorf("invariant %d, %s: %w", res.Number, res.Name, res.Violation))
		}
	}
	return errors.Join(errs...)
}

// invariant is the number of an invariant.
type invariant int

const (
	radius invariant = iota + 1
	order
	intensity
	restartType
	oneIncarnation
	nothingLeft
	shutdown
	reports
	liveness
	memory
)

var names = [...]string{"radius", "order", "intensity", "restart_type", "one_incarnation",
	"nothing_left", "shutdown", "reports", "liveness", "memory"}

// findings are what becomes a Report.
type findings [memory + 1]Result

// fact counts one comparison.
func (f *findings) fact(i invariant) { f[i].Facts++ }

// fail notes a violation; e says when and of whom.
func (f *findings) fail(i invariant, e *event, format string, args ...any) {
	r := &f[i]
	r.Facts++
	if r.Violation != nil {
		r.More++
		return
	}
	r.Violation = &Violation{Seq: e.Seq, Time: e.Time, Path: e.Path, Message: fmt.Sprintf(format, args...)}
}

// skip says why an invariant is not judged.
func (f *findings) skip(i invariant, format string, args ...any) {
	if f[i].Why == "" {
		f[i].Why = fmt.Sprintf(format, args...)
	}
}

func (f *findings) report() Report {
	var rep Report
	for i := range names {
		r := f[i+1]
		r.Number, r.Name = i+1, names[i]
		switch {
		case r.Violation != nil:
			r.Verdict, r.Why = Violated, ""
		case r.Why != "":
		case r.Facts == 0:
			r.Why = "there is nothing in the evidence that it could be judged by"
		default:
			r.Verdict = Holds
		}
		rep.Results = append(rep.Results, r)
	}
	return rep
}
