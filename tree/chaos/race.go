package chaos

import (
	"fmt"
	"slices"
	"time"
)

// races are things that happen at the same moment. Which of them the supervisor
// sees first is for the machine to say; that is the point.
var races = []struct {
	name string
	what func(first, second Child) []Planned // times from the beginning of the race
}{
	{"stop_in_crash", func(a, _ Child) []Planned {
		return []Planned{{Fault: ender(a), Path: a.Path}, {Fault: Fault{"stop", "1s"}, Path: a.Path}}
	}},
	{"crash_in_stop", func(a, b Child) []Planned {
		return []Planned{{Fault: Fault{Class: "restart"}, Path: a.Path}, {At: time.Millisecond, Fault: ender(b), Path: b.Path}}
	}},
	{"two_crashes", func(a, b Child) []Planned {
		return []Planned{{Fault: ender(a), Path: a.Path}, {At: time.Millisecond, Fault: ender(b), Path: b.Path}}
	}},
	{"start_in_escalation", func(a, b Child) []Planned {
		var all []Planned
		for i := range a.Max + 1 { // the last is one too many
			all = append(all, Planned{At: time.Duration(i) * 50 * time.Millisecond, Fault: ender(a), Path: a.Path})
		}
		last := all[len(all)-1].At
		return append(all, Planned{At: last, Fault: Fault{Class: "start"}, Path: b.Path},
			Planned{At: last + 2*time.Millisecond, Fault: Fault{Class: "start"}, Path: b.Path})
	}},
}

func raceNames() []string {
	var names []string
	for _, r := range races {
		names = append(names, r.name)
	}
	return names
}

// ender is the fault that ends a child at once.
func ender(c Child) Fault {
	if c.Process {
		return Fault{Class: "kill"}
	}
	return Fault{"error", "injected"}
}

func (s Race) expand(e *expansion) error {
	i := slices.Index(raceNames(), s.Kind)
	if i < 0 {
		return fmt.Errorf("there is no race %q", s.Kind)
	}
	matched, err := e.matching(One("hang"), &s.Target)
	if err != nil {
		return err
	}
	able := slices.DeleteFunc(matched, func(c Child) bool { return !isProcessOrWrapped(c) || !isStatic(c) })
	if len(able) == 0 {
		return fmt.Errorf("a race is among processes, or wrapped leaves, of a supervisor that is not dynamic, and %s matches none", s.Target.Path)
	}
	a := e.pick(able, 1)[0]
	b := a // it may have no sibling
	var siblings []Child
	for _, c := range e.children {
		if c.Parent == a.Parent && c.Path != a.Path && isProcessOrWrapped(c) {
			siblings = append(siblings, c)
		}
	}
	if siblings != nil {
		b = e.pick(siblings, 1)[0]
	}
	for _, p := range races[i].what(a, b) {
		if err := e.add(s.Time+p.At, p.Fault, p.Path); err != nil {
			return err
		}
	}
	return nil
}
