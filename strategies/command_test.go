package strategies

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// command is a line of a script. Its methods take arguments off it; end fails
// if any are left.
type command struct {
	t     *testing.T
	where string
	name  string
	args  []datadriven.CmdArg
}

func (c *command) fail(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("%s: %s: %s", c.where, c.name, fmt.Sprintf(format, args...))
}

func (c *command) end() {
	if len(c.args) > 0 && !c.t.Failed() {
		c.fail("what is %v?", c.args[0])
	}
}

// word takes the first argument.
func (c *command) word() string {
	if len(c.args) == 0 {
		c.fail("an argument is missing")
	}
	w := c.args[0].Key
	c.args = c.args[1:]
	return w
}

// option takes key=value.
func (c *command) option(key string) (string, bool) {
	i := slices.IndexFunc(c.args, func(a datadriven.CmdArg) bool { return a.Key == key && len(a.Vals) > 0 })
	if i < 0 {
		return "", false
	}
	v := strings.Join(c.args[i].Vals, ", ")
	c.args = slices.Delete(c.args, i, i+1)
	return v, true
}

// flag takes a word that is there or not.
func (c *command) flag(word string) bool {
	i := slices.IndexFunc(c.args, func(a datadriven.CmdArg) bool { return a.Key == word && len(a.Vals) == 0 })
	if i >= 0 {
		c.args = slices.Delete(c.args, i, i+1)
	}
	return i >= 0
}

func (c *command) number(key string) int {
	v, ok := c.option(key)
	if !ok {
		return 0
	}
	return c.integer(v)
}

func (c *command) integer(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		c.fail("%v", err)
	}
	return n
}

func (c *command) duration(s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		c.fail("%v", err)
	}
	return d
}

// enum takes key=name; a name that is none becomes a value that is none.
func enum[E ~uint8](c *command, key string, names []string) E {
	v, ok := c.option(key)
	if !ok {
		return 0
	}
	if i := slices.Index(names, v); i >= 0 {
		return E(i)
	}
	return 200
}

// exit takes [class] [err=(text)] [directive=name].
func (c *command) exit(class Class) Exit {
	e := Exit{Class: class, Directive: enum[Directive](c, "directive", directiveNames[:])}
	for i, name := range classNames {
		if c.flag(name) {
			e.Class = Class(i)
		}
	}
	if v, ok := c.option("err"); ok {
		e.Err = errors.New(v)
	}
	return e
}

// cascade takes cascade=path#n.
func (c *command) cascade() Cascade {
	v, ok := c.option("cascade")
	if !ok {
		return Cascade{}
	}
	origin, n, _ := strings.Cut(v, "#")
	return Cascade{Origin: origin, N: uint64(c.integer(n))}
}

// inner takes key=(words), the words being options themselves.
func (c *command) inner(key string) (*command, bool) {
	v, ok := c.option(key)
	if !ok {
		return nil, false
	}
	_, args, err := datadriven.ParseLine(key + " " + strings.ReplaceAll(v, ",", " "))
	if err != nil {
		c.fail("%v", err)
	}
	return &command{t: c.t, where: c.where, name: key, args: args}, true
}

// list takes key=(a, b).
func (c *command) list(key string) []string {
	v, ok := c.option(key)
	if !ok {
		return nil
	}
	return strings.Fields(strings.ReplaceAll(v, ",", " "))
}

// instance takes an id and, if it is written, an incarnation.
func (c *command) instance() (id string, incarnation uint64) {
	id = c.word()
	if len(c.args) > 0 && strings.HasPrefix(c.args[0].Key, "#") {
		return id, uint64(c.integer(c.word()[1:]))
	}
	return id, 0
}

// childSpec takes the options of a child.
func (c *command) childSpec(id string) ChildSpec {
	spec := ChildSpec{
		ID:          strings.Trim(id, `"`),
		Restart:     enum[Restart](c, "restart", restartNames[:]),
		Kind:        enum[Kind](c, "kind", kindNames[:]),
		Significant: c.flag("significant"),
		Incarnation: uint64(c.number("incarnation")),
		Needs:       c.list("needs"),
	}
	switch v, _ := c.option("shutdown"); v {
	case "":
	case Infinity.String():
		spec.Shutdown = Infinity
	case BrutalKill.String():
		spec.Shutdown = BrutalKill
	default:
		spec.Shutdown = Timeout(c.duration(v))
	}
	if v, ok := c.option("start_limit"); ok {
		spec.StartLimit = c.duration(v)
	}
	if b, ok := c.inner("backoff"); ok {
		spec.Backoff = Backoff{Min: b.time("min"), Max: b.time("max"), Factor: b.fraction("factor"), Jitter: b.fraction("jitter"), Reset: b.time("reset")}
		b.end()
	}
	return spec
}

func (c *command) time(key string) time.Duration {
	v, _ := c.option(key)
	return c.duration(v)
}

func (c *command) fraction(key string) float64 {
	v, ok := c.option(key)
	if !ok {
		return 0
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil {
		c.fail("%v", err)
	}
	return f
}
