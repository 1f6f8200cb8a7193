package otptrace

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// invalid stands for a word that is none of those known.
const invalid = 255

func word[E ~uint8](w *string, known ...string) E {
	if w == nil {
		return 0
	}
	if i := slices.Index(known, *w); i >= 0 {
		return E(i)
	}
	return invalid
}

// Config translates a supervisor node, its children included.
func (n *Node) Config() strategies.Config {
	c := strategies.Config{
		Strategy:     word[strategies.Strategy](n.Strategy, "one_for_one", "one_for_all", "rest_for_one"),
		AutoShutdown: word[strategies.AutoShutdown](n.AutoShutdown, "never", "any_significant", "all_significant"),
	}
	if n.Intensity != nil {
		switch i := *n.Intensity; {
		case i == 0:
			c.Intensity.Max = strategies.NoRestarts
		case i < 0:
			c.Intensity.Max = strategies.NoRestarts - 1
		default:
			c.Intensity.Max = i
		}
	}
	if n.PeriodS != nil {
		c.Intensity.Within = time.Duration(*n.PeriodS) * time.Second
		if *n.PeriodS == 0 {
			c.Intensity.Within = -1 // OTP refuses 0; here it is the default
		}
	}
	if n.Simple() {
		c.Strategy = strategies.OneForOne
		if len(n.Children) > 0 {
			template := n.Children[0].ChildSpec()
			c.Dynamic = &template
		}
		if len(n.Children) <= 1 {
			return c
		}
	}
	for i := range n.Children {
		c.Children = append(c.Children, n.Children[i].ChildSpec())
	}
	return c
}

// Tree translates a supervisor node and all supervisors below it.
func (n *Node) Tree() *strategies.Tree {
	t := &strategies.Tree{Name: n.ID, Config: n.Config()}
	for i := range n.Children {
		c := &n.Children[i]
		switch {
		case !c.Supervisor():
		case n.Simple():
			t.Template = c.Tree()
		default:
			if t.Nested == nil {
				t.Nested = map[string]*strategies.Tree{}
			}
			t.Nested[c.ID] = c.Tree()
		}
	}
	return t
}

// ChildSpec translates a node as a child of its supervisor.
func (n *Node) ChildSpec() strategies.ChildSpec {
	s := strategies.ChildSpec{
		ID:          n.ID,
		Restart:     word[strategies.Restart](n.Restart, "permanent", "transient", "temporary"),
		Significant: n.Significant.True,
		Shutdown:    shutdown(n.Shutdown),
	}
	switch n.Type {
	case "", "worker":
	case "supervisor":
		s.Kind = strategies.Supervisor
	default:
		s.Kind = invalid
	}
	return s
}

func shutdown(raw json.RawMessage) strategies.ShutdownLimit {
	var ms int
	switch string(raw) {
	case "":
		return 0
	case `"infinity"`:
		return strategies.Infinity
	case `"brutal_kill"`:
		return strategies.BrutalKill
	}
	if json.Unmarshal(raw, &ms) != nil {
		ms = -1
	}
	return strategies.Timeout(time.Duration(ms) * time.Millisecond)
}

// Class translates the word for an exit class; kill is an unconditional end.
func Class(word string) (strategies.Class, error) {
	if word == "kill" {
		return strategies.Killed, nil
	}
	for c := strategies.Normal; c <= strategies.Crash; c++ {
		if c.String() == word {
			return c, nil
		}
	}
	return 0, fmt.Errorf("%q is no exit class", word)
}

// ShutdownValue is the way back: how a trace writes a shutdown.
func ShutdownValue(s strategies.ShutdownLimit) any {
	switch s {
	case strategies.Infinity, strategies.BrutalKill:
		return s.String()
	}
	d, err := time.ParseDuration(s.String())
	if err != nil {
		return s.String()
	}
	return d.Milliseconds()
}

// ErrorName is the word with which a trace names what is wrong with a
// description or a call.
func ErrorName(err error) string {
	for _, e := range []struct {
		err  error
		name string
	}{
		{strategies.ErrStrategy, "invalid_strategy"},
		{strategies.ErrIntensity, "invalid_intensity"},
		{strategies.ErrPeriod, "invalid_period"},
		{strategies.ErrAutoShutdown, "invalid_auto_shutdown"},
		{strategies.ErrRestart, "invalid_restart_type"},
		{strategies.ErrKind, "invalid_child_type"},
		{strategies.ErrShutdown, "invalid_shutdown"},
		{strategies.ErrSignificant, "bad_combination"},
		{strategies.ErrDuplicate, "duplicate_child_id"},
		{strategies.ErrTemplate, "bad_start_spec"},
		{strategies.ErrAlreadyStarted, "already_started"},
		{strategies.ErrAlreadyPresent, "already_present"},
		{strategies.ErrNotFound, "not_found"},
		{strategies.ErrRunning, "running"},
		{strategies.ErrRestarting, "restarting"},
		{strategies.ErrDynamic, "simple_one_for_one"},
	} {
		if errors.Is(err, e.err) {
			return e.name
		}
	}
	return err.Error()
}
