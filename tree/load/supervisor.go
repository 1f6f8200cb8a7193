package load

import (
	"math"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// supervisor is one as the file has it.
type supervisor struct {
	strategy     strategies.Strategy
	intensity    strategies.Intensity
	parallel     int
	autoShutdown strategies.AutoShutdown
	children     []*child
}

var intensitySection = section[strategies.Intensity]{
	name: "intensity", noun: "intensity",
	doc: "How often a supervisor restarts its children, all counted together: `max` restarts within any time of length `within` are carried out; " +
		"one more, and it gives up, so that its own parent restarts it, or the tree ends.",
	keys: []key[strategies.Intensity]{
		field("max", or(as(integers(0, math.MaxInt32), orNone), []string{"none"}, strategies.NoRestarts), func(i *strategies.Intensity) *int { return &i.Max },
			"restarts that are carried out; 0 is none", defaultTo("1"), alsoKnownAs("restarts", "max_restarts")),
		field("within", durations(1), func(i *strategies.Intensity) *time.Duration { return &i.Within },
			"the time within which they are counted", defaultTo("5s"), alsoKnownAs("period", "window")),
	},
}

// orNone says "no restarts" in Go, where 0 is the default.
func orNone(n int) int {
	if n == 0 {
		return strategies.NoRestarts
	}
	return n
}

// texted is an enum of package strategies, whose names are those of the file.
type texted interface {
	~uint8
	String() string
}

// enumOf are the names of an enum up to its last value.
func enumOf[E texted](last E, aka map[string]string) value[E] {
	var values []E
	var names []string
	for e := range last + 1 {
		values, names = append(values, e), append(names, e.String())
	}
	return enums(names, values, aka)
}

var supervisorKeys = []key[supervisor]{
	field("strategy", enumOf(strategies.Dependents, nil), func(s *supervisor) *strategies.Strategy { return &s.strategy },
		"who is restarted with a child that died: nobody, all its siblings, those started after it, or those that need it", defaultTo("one_for_one")),
	field("intensity", object(&intensitySection), func(s *supervisor) *strategies.Intensity { return &s.intensity },
		"how many restarts are too many", defaultTo("1 within 5s"), alsoKnownAs("max_restarts", "restart_intensity")),
	field("parallel", integers(1, math.MaxInt32), func(s *supervisor) *int { return &s.parallel },
		"children that are started and stopped at the same time; more than 1 under one_for_one and dependents only", defaultTo("1")),
	field("auto_shutdown", enumOf(strategies.AllSignificant, nil), func(s *supervisor) *strategies.AutoShutdown { return &s.autoShutdown },
		"end when a significant child has finished, or all of them", defaultTo("never")),
	field("children", childLists, func(s *supervisor) *[]*child { return &s.children },
		"what it supervises, in the order in which they are started; they are stopped in reverse", required, writtenAs("list of children"), alsoKnownAs("processes", "services", "programs", "apps")),
}

// checkSupervisor is about the keys of a supervisor that do not go together.
func (d *decoder) checkSupervisor(n *node, s *supervisor) {
	if s.parallel > 1 && s.strategy != strategies.OneForOne && s.strategy != strategies.Dependents {
		d.problem(n.at("parallel"), "leave it out, or use the strategy dependents", "under %v children start and stop in order, one at a time", s.strategy)
	}
	d.checkIDs(s)
	d.checkNeeds(s)
	for _, c := range s.children {
		if !c.Significant {
			continue
		}
		at := c.node.at("significant")
		switch {
		case s.autoShutdown == strategies.Never:
			d.problem(at, "give the supervisor auto_shutdown: any_significant or all_significant", "a significant child has a meaning only to a supervisor with auto_shutdown")
		case c.Restart == strategies.Permanent:
			d.problem(at, "give it restart: transient or temporary", "a permanent child is restarted whenever it ends, and cannot be significant")
		}
	}
}
