package chaos

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Plan says what is to be done to a tree, and what is wanted of it meanwhile. It
// is written as YAML (see [ParsePlan]) or as a Go value; its JSON form is the YAML
// one. A plan says nothing of which child is hit when: that is what [Plan.Expand]
// makes of it and a seed.
type Plan struct {
	Title  string
	Seed   uint64
	Tree   string // the file of the tree, for those who start it; may be empty
	Steady []Steady
	Method []Step
	Budget Budget
}

// Budget ends a run. The zero Budget lets the method come to its end.
type Budget struct {
	Duration time.Duration // no fault is begun later than this, and those that last are lifted then; zero: no limit
	Faults   int           // no more faults than this; zero: no limit
	AbortOn  []Abort       // what ends the method early
}

// Abort is something after which a run does no more harm.
type Abort string

// The values of Abort. A run ends as well when its tree does.
const (
	RootExhausted Abort = "root_exhausted" // the root gave up
	GivingUp      Abort = "giving_up"      // any supervisor gave up
)

// Steady is one thing that is wanted of the tree: [AllReady] or [Availability].
type Steady interface {
	// Name is how reports call it.
	Name() string
	json.Marshaler

	modes() []Mode
	check(h *history, from, to time.Time) Probe
	about() string // a path that must be there; "" for none
}

// Mode says when a Steady is looked at.
type Mode string

// The values of Mode.
const (
	Before     Mode = "before"     // before the first fault; if it does not hold, nothing is done
	After      Mode = "after"      // when everything was healed and is quiet
	Continuous Mode = "continuous" // over the time from the first fault to the heal
)

// AllReady wants every child that should run to be up, before and after.
type AllReady struct{}

// Name returns "all_ready".
func (AllReady) Name() string { return "all_ready" }

// MarshalJSON writes the form of the plan.
func (AllReady) MarshalJSON() ([]byte, error) { return json.Marshal("all_ready") }

func (AllReady) modes() []Mode { return []Mode{Before, After} }
func (AllReady) about() string { return "" }

// Availability wants one child to be up for a part of the time.
type Availability struct {
	Child   string  // its path; of a supervisor: all that should run below it
	AtLeast float64 // from 0 to 1
	Mode    Mode    // zero: Continuous
}

// Name returns "availability of" and the path.
func (a Availability) Name() string { return "availability of " + a.Child }

// MarshalJSON writes the form of the plan.
func (a Availability) MarshalJSON() ([]byte, error) {
	type form struct {
		Child   string  `json:"child"`
		AtLeast float64 `json:"at_least"`
		Mode    Mode    `json:"mode"`
	}
	return json.Marshal(map[string]form{"availability": {a.Child, a.AtLeast, a.modes()[0]}})
}

func (a Availability) modes() []Mode {
	if a.Mode == "" {
		return []Mode{Continuous}
	}
	return []Mode{a.Mode}
}

func (a Availability) about() string { return a.Child }

// Target says which children are meant.
type Target struct {
	// Path is a pattern: * and ? stand for parts of a name, ** for any number of
	// names, none too.
	Path    string
	Exclude []string // patterns of those that are not meant
	Pick    int      // how many of them, at random; zero: 1; All: every one
}

// All as Target.Pick means every child that matches.
const All = -1

// MarshalJSON writes the form of the plan.
func (t Target) MarshalJSON() ([]byte, error) {
	form := struct {
		Path    string   `json:"path"`
		Exclude []string `json:"exclude,omitempty"`
		Pick    any      `json:"pick,omitempty"`
	}{Path: t.Path, Exclude: t.Exclude}
	switch {
	case t.Pick == All:
		form.Pick = "all"
	case t.Pick > 0:
		form.Pick = t.Pick
	}
	return json.Marshal(form)
}

// matches reports whether the path is meant.
func (t *Target) matches(p string) bool {
	return glob(t.Path, p) && !slices.ContainsFunc(t.Exclude, func(x string) bool { return glob(x, p) })
}

// glob matches a path against a pattern, name by name.
func glob(pattern, p string) bool {
	return globNames(strings.Split(pattern, "/"), strings.Split(p, "/"))
}

func globNames(pattern, names []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(names) + 1 {
				if globNames(pattern[1:], names[i:]) {
					return true
				}
			}
			return false
		}
		if len(names) == 0 {
			return false
		}
		if ok, _ := path.Match(pattern[0], names[0]); !ok {
			return false
		}
		pattern, names = pattern[1:], names[1:]
	}
	return len(names) == 0
}

// checkGlob says what is wrong with a pattern.
func checkGlob(pattern string) error {
	if pattern == "" {
		return fmt.Errorf("a pattern must not be empty")
	}
	for _, name := range strings.Split(pattern, "/") {
		if _, err := path.Match(name, ""); err != nil {
			return fmt.Errorf("%q is no pattern: %w", pattern, err)
		}
	}
	return nil
}

// Weighted is a choice among faults: each is taken as often as its weight says.
type Weighted struct {
	Fault  Fault
	Weight int
}

// Choice are the faults that a step chooses from. In the form of a plan it is a
// fault, or a mapping of faults to weights.
type Choice []Weighted

// One is a choice of one fault. It panics if that is none: it is for plans that
// are written in Go.
func One(fault string) Choice {
	f, err := ParseFault(fault)
	if err != nil {
		panic("chaos: " + err.Error())
	}
	return Choice{{f, 1}}
}

// MarshalJSON writes the form of the plan, in the order of the choice.
func (c Choice) MarshalJSON() ([]byte, error) {
	if len(c) == 1 {
		return json.Marshal(c[0].Fault.String())
	}
	b := []byte{'{'}
	for i, w := range c {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(w.Fault.String())
		if err != nil {
			return nil, err
		}
		b = fmt.Appendf(b, "%s:%d", name, w.Weight)
	}
	return append(b, '}'), nil
}

// MarshalJSON writes the form of the plan.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type budget struct {
		Duration string  `json:"duration,omitempty"`
		Faults   int     `json:"faults,omitempty"`
		AbortOn  []Abort `json:"abort_on,omitempty"`
	}
	form := struct {
		Title  string   `json:"title,omitempty"`
		Seed   uint64   `json:"seed"`
		Tree   string   `json:"tree,omitempty"`
		Steady []Steady `json:"steady,omitempty"`
		Method []Step   `json:"method"`
		Budget *budget  `json:"budget,omitempty"`
	}{Title: p.Title, Seed: p.Seed, Tree: p.Tree, Steady: p.Steady, Method: p.Method}
	if form.Method == nil {
		form.Method = []Step{}
	}
	if b := p.Budget; b.Duration > 0 || b.Faults > 0 || b.AbortOn != nil {
		form.Budget = &budget{Faults: b.Faults, AbortOn: b.AbortOn}
		if b.Duration > 0 {
			form.Budget.Duration = b.Duration.String()
		}
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads what MarshalJSON writes. The error is that of [ParsePlan].
func (p *Plan) UnmarshalJSON(b []byte) error {
	parsed, err := ParsePlan("plan", b)
	if err == nil {
		*p = *parsed
	}
	return err
}
