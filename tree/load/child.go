package load

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// child is one as the file has it: with children it is a supervisor, otherwise a
// program.
type child struct {
	tree.Child // without Start
	scope      scope
	stop       stop
	node       *node

	supervisor *supervisor // nil: it is a program
	program    *program
}

var ids = value[string]{
	what: "text", expected: "an id",
	schema: orVariable(schema{"type": "string", "pattern": `^[^/\x00-\x1f\x7f]+$`}),
	read: func(d *decoder, n *node, expected string) (string, bool) {
		s, ok := texts("").read(d, n, expected)
		if ok {
			if err := checkID(s); err != nil {
				d.problem(n.pos, "", "%v", err)
				return "", false
			}
		}
		return s, ok
	},
}

func checkID(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("an id must not be empty")
	case strings.Contains(s, "/"):
		return fmt.Errorf("%q cannot be an id: the slash is what paths are made with", shorten(s))
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%q cannot be an id: there is a control character in it", shorten(s))
	}
	return nil
}

var backoffSection = section[strategies.Backoff]{
	name: "backoff", noun: "backoff",
	doc: "A pause before a restart, which grows with each failure in a row. Without it a child is restarted at once.",
	keys: []key[strategies.Backoff]{
		field("min", durations(1), func(b *strategies.Backoff) *time.Duration { return &b.Min }, "the first pause", required, alsoKnownAs("initial")),
		field("max", durations(1), func(b *strategies.Backoff) *time.Duration { return &b.Max }, "no pause is longer, jitter aside", defaultTo("min")),
		field("factor", numbers(1, math.MaxFloat64), func(b *strategies.Backoff) *float64 { return &b.Factor }, "each pause is this many times the one before", defaultTo("2"), alsoKnownAs("multiplier")),
		field("jitter", numbers(0, 1), func(b *strategies.Backoff) *float64 { return &b.Jitter }, "a random part of the pause, up to this much, is added or taken off", defaultTo("0")),
		field("reset", durations(1), func(b *strategies.Backoff) *time.Duration { return &b.Reset }, "a child that was up for this long starts again from `min`", defaultTo("max")),
	},
}

var restarts = enumOf(strategies.Temporary, map[string]string{
	"always": "permanent", "unless-stopped": "permanent", "yes": "permanent", "true": "permanent",
	"on-failure": "transient", "on_failure": "transient", "unexpected": "transient",
	"never": "temporary", "no": "temporary", "false": "temporary",
})

// childKeys are those of every child.
var childKeys = []key[child]{
	field("id", ids, func(c *child) *string { return &c.ID }, "its name, unique among its siblings; no slash", required, alsoKnownAs("name")),
	field("restart", restarts, func(c *child) *strategies.Restart { return &c.Restart },
		"permanent: whenever it ends; transient: when it crashed; temporary: never", defaultTo("permanent"), alsoKnownAs("autorestart", "restart_policy")),
	field("significant", booleans, func(c *child) *bool { return &c.Significant },
		"counts for the `auto_shutdown` of its supervisor", defaultTo("false")),
	field("needs", unique(lists(texts("the id of a sibling"), "a list of ids of siblings", 1)), func(c *child) *[]string { return &c.Needs },
		"ids of siblings that must be up before it, and take it with them when they die; under the strategy dependents", writtenAs("list of ids"), alsoKnownAs("depends_on", "requires", "after")),
	field("start_limit", durations(1), func(c *child) *time.Duration { return &c.StartLimit },
		"a start that takes longer has failed", defaultTo("no limit"), alsoKnownAs("start_timeout")),
	field("backoff", object(&backoffSection), func(c *child) *strategies.Backoff { return &c.Backoff },
		"pauses before its restarts", defaultTo("none"), alsoKnownAs("restart_delay", "delay")),
}

var nestedSection = section[child]{
	name: "supervisor", noun: "a supervisor",
	doc: "A child with the key `children` is a supervisor: it has the keys of every child and those of a supervisor.",
}

var programSection = section[child]{
	name: "program", noun: "a program", choice: []string{"command", "shell"},
	doc: "A child without `children` is a program: it has the keys of every child, and these. Exactly one of `command` and `shell`.",
}

// The tables of children refer to themselves.
func init() {
	ofScope := lift(scopeKeys, func(c *child) *scope { return &c.scope })
	ofStop := func(c *child) *stop { return &c.stop }
	const stopDoc = "how it is stopped"
	nestedSection.keys = append(nestedSection.keys, childKeys...)
	nestedSection.keys = append(nestedSection.keys, lift(supervisorKeys, func(c *child) *supervisor { return c.supervisor })...)
	nestedSection.keys = append(nestedSection.keys, ofScope...)
	nestedSection.keys = append(nestedSection.keys, field("stop", object(&supervisorStopSection), ofStop, stopDoc))

	programSection.keys = append(programSection.keys, childKeys...)
	programSection.keys = append(programSection.keys, lift(programKeys, func(c *child) *program { return c.program })...)
	programSection.keys = append(programSection.keys, ofScope...)
	programSection.keys = append(programSection.keys, field("stop", object(&stopSection), ofStop, stopDoc, alsoKnownAs("shutdown", "stop_signal", "stopsignal", "kill_timeout", "shutdown_timeout")))
}

// childLists keep a child with problems, so that those with its siblings are seen.
var childLists = value[[]*child]{
	what: "list of children", expected: "a list of children",
	schema: schema{"type": "array", "items": schema{"$ref": "#/$defs/child"}, "minItems": 1},
	read:   func(d *decoder, n *node, expected string) ([]*child, bool) { return d.children(n, expected) },
}

func (d *decoder) children(n *node, expected string) ([]*child, bool) {
	if n.kind != sequence {
		d.problem(n.pos, "each begins with a dash", "expected %s, found %s", expected, n.describe())
		return nil, false
	}
	if len(n.items) == 0 && !n.partial {
		d.problem(n.pos, "", "expected %s, found an empty one", expected)
		return nil, false
	}
	var list []*child
	for _, item := range n.items {
		c := &child{node: item}
		if item.find("children") != nil {
			c.supervisor = new(supervisor)
			nestedSection.decode(d, item, c)
			d.checkSupervisor(item, c.supervisor)
		} else {
			c.program = new(program)
			programSection.decode(d, item, c)
			d.checkProgram(c)
		}
		d.checkBackoff(c)
		list = append(list, c)
	}
	return list, true
}

func (d *decoder) checkBackoff(c *child) {
	b := c.Backoff.OrDefault()
	if b.Max < b.Min {
		d.problem(c.node.find("backoff").value.at("max"), "", "backoff has a max of %v, which is less than its min of %v", b.Max, b.Min)
	}
}
