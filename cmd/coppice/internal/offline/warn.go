package offline

import (
	"fmt"
	"slices"

	"github.com/coppice-go/coppice/strategies"
)

// warning is about something that is allowed, and seldom meant.
type warning struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// warnings are in the order of the tree. There is always a list, for JSON.
func (t *Tree) warnings() []warning {
	list := []warning{}
	for n := range nodes(t.root) {
		add := func(format string, args ...any) {
			list = append(list, warning{n.path, fmt.Sprintf(format, args...)})
		}
		if n.tree == nil {
			continue
		}
		if n.spec.Restart == strategies.Transient && !n.spec.Significant {
			add("it is transient, and so is not restarted when it gives up, for giving up is no crash; make it permanent if its parent is to restart it")
		}
		cfg := &n.tree.Config
		if cfg.AutoShutdown != strategies.Never && !slices.ContainsFunc(cfg.Children, func(c strategies.ChildSpec) bool { return c.Significant }) {
			add("it has auto_shutdown, but no significant child, and so never ends by itself; give a child significant: true")
		}
		for kid := range n.children() {
			if message := t.warnChild(cfg, kid); message != "" {
				list = append(list, warning{kid.path, message})
			}
		}
	}
	return list
}

// warnChild is about a child under a supervisor.
func (t *Tree) warnChild(cfg *strategies.Config, n node) string {
	limit := cfg.Intensity.OrDefault()
	switch {
	case n.spec.Restart == strategies.Temporary && grouped(cfg, n):
		return fmt.Sprintf("it is temporary under %v: stopped when a sibling is restarted, and not started again with it", cfg.Strategy)
	case n.spec.Restart != strategies.Temporary && neverExhausts(n.spec.Backoff, limit):
		return fmt.Sprintf("it may crash for ever: with the pauses of its backoff there are never more than %s within %v, so %s does not give up because of it; "+
			"make max smaller or within longer if it should", counted(limit.Max, "restart"), limit.Within, parent(n.path))
	}
	if who := waits(cfg, n.id); who != "" && n.tree == nil && n.spec.Restart == strategies.Permanent && t.Commands[n.path].Ready == nil {
		return who + ", but it counts as started as soon as it runs; say with ready when it is of use"
	}
	return ""
}

// grouped reports whether the child is restarted because of others.
func grouped(cfg *strategies.Config, n node) bool {
	switch cfg.Strategy {
	case strategies.OneForAll:
		return len(cfg.Children) > 1
	case strategies.RestForOne:
		return n.id != cfg.Children[0].ID
	case strategies.Dependents:
		return len(n.spec.Needs) > 0
	}
	return false
}

// waits tells who relies on the child being up; "" if nobody does.
func waits(cfg *strategies.Config, id string) string {
	switch cfg.Strategy {
	case strategies.Dependents:
		for i := range cfg.Children {
			if slices.Contains(cfg.Children[i].Needs, id) {
				return fmt.Sprintf("%s needs it", printable(cfg.Children[i].ID))
			}
		}
	case strategies.RestForOne:
		if i := slices.IndexFunc(cfg.Children, func(c strategies.ChildSpec) bool { return c.ID == id }); i < len(cfg.Children)-1 {
			return fmt.Sprintf("%s is started after it", printable(cfg.Children[i+1].ID))
		}
	}
	return ""
}

// neverExhausts reports whether a child that crashes each time as soon as it was
// started has pauses so long that its restarts stay within the limit. Pauses
// only grow, so the first ones are the test.
func neverExhausts(b strategies.Backoff, limit strategies.Intensity) bool {
	if b == (strategies.Backoff{}) {
		return false
	}
	b = b.OrDefault()
	const looked = 10_000 // longer runs of crashes are nobody's worry
	took := 0.0           // nanoseconds: a sum of durations could overflow
	for i := range min(limit.Max, looked) {
		took += float64(b.Delay(i)) * (1 - b.Jitter)
		if took > float64(limit.Within) {
			return true
		}
	}
	return false
}
