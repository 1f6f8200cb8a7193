package load

import (
	"slices"
	"strconv"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// specAspects are the policies of a supervisor, in the order of FORMAT.md; what its
// children are is seen by the comparison itself. Dynamic, Logger and Sink are never
// of a file.
var specAspects = []aspect[tree.Spec]{
	{"strategy", "one_for_one", func(s *tree.Spec) string { return s.Strategy.String() }},
	{"intensity.max", "1", func(s *tree.Spec) string { return strconv.Itoa(s.Intensity.OrDefault().Max) }},
	{"intensity.within", "5s", func(s *tree.Spec) string { return duration(s.Intensity.Within) }},
	{"parallel", "1", func(s *tree.Spec) string { return count(s.Parallel) }},
	{"auto_shutdown", "never", func(s *tree.Spec) string { return s.AutoShutdown.String() }},
}

// childAspects are the policies of every child, in the order of FORMAT.md, but for
// that of its stop.
var childAspects = []aspect[tree.Child]{
	{"restart", "permanent", func(c *tree.Child) string { return c.Restart.String() }},
	{"significant", "", func(c *tree.Child) string { return truth(c.Significant) }},
	{"needs", "", func(c *tree.Child) string {
		if len(c.Needs) == 0 {
			return ""
		}
		return flow(slices.Sorted(slices.Values(c.Needs)))
	}},
	{"start_limit", "", func(c *tree.Child) string { return duration(c.StartLimit) }},
	{"backoff.min", "", ofBackoff(func(b strategies.Backoff) string { return duration(b.Min) })},
	{"backoff.max", "", ofBackoff(func(b strategies.Backoff) string {
		if b.Max == b.Min {
			return ""
		}
		return duration(b.Max)
	})},
	{"backoff.factor", "2", ofBackoff(func(b strategies.Backoff) string { return decimal(b.Factor) })},
	{"backoff.jitter", "", ofBackoff(func(b strategies.Backoff) string { return decimal(b.Jitter) })},
	{"backoff.reset", "", ofBackoff(func(b strategies.Backoff) string {
		if b.Reset == b.Max {
			return ""
		}
		return duration(b.Reset)
	})},
}

// The time to stop has another default for either kind of child.
var (
	programStop    = []aspect[tree.Child]{{"stop.timeout", "5s", shutdownText}}
	supervisorStop = []aspect[tree.Child]{{"stop.timeout", "infinity", shutdownText}}
)

func shutdownText(c *tree.Child) string {
	switch c.Shutdown {
	case 0:
		return ""
	case tree.BrutalKill:
		return "kill"
	}
	return c.Shutdown.String()
}

func ofBackoff(text func(strategies.Backoff) string) func(*tree.Child) string {
	return func(c *tree.Child) string { return text(c.Backoff.OrDefault()) }
}
