package load

import (
	"slices"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// Difference is one key that is not in the new file what it was in the old one.
type Difference struct {
	// Path is that of a child or supervisor which both files have, as the new one
	// names it ("shop/web/api").
	Path string

	// Key is named as in the file, with those that it is in: "command",
	// "ready.timeout", "env.PORT", "limits.nofile".
	Key string

	// Old and New are what it was and is, in one line and written as in the file;
	// empty for the default, be it written or not. Paths are absolute, variables
	// have their values, and what has no order is sorted. The values of env may be
	// secrets and are never told: "set" and "changed" stand for them. What was put
	// into another key by ${NAME} is told.
	Old, New string

	// Restart says that it takes effect in a new process only: the child has to be
	// restarted for it. What needs no restart is policy: how a child is restarted,
	// and how long its stop may take.
	Restart bool
}

// Compare tells in what the children and supervisors that both files have differ,
// nil if in nothing. It compares what was loaded, not what was written: comments,
// the order of keys, anchors and defaults that are written out make no difference;
// an env file or a variable with another value does. A key that is handed down, such
// as dir, is told of every program for which it changed.
//
// The differences come in the order of the new file: those of a supervisor before
// those of its children; of a child, policies before what belongs to its process,
// and its variables last, by name.
//
// Children which only one file has are not told, and those that an added supervisor
// would have below it are not either. With another number of copies some have come
// or gone; the others are the same. A program that became a supervisor is one
// difference, of the key "children", and a supervisor that became a program one of
// "command" or "shell". Children that are there in another order are a difference
// of their supervisor's key "children", with the ids that both files have. A command
// of /bin/sh -c is told as shell, however it was written.
//
// Name and Chaos are not compared, and children are the same whatever the name of
// the tree is. Nor are functions (worker.Command.OnLine).
//
// Compare only reads, and may be called concurrently while nobody changes the files.
func Compare(old, new *File) []Difference {
	c := comparison{old: old.Commands, new: new.Commands}
	c.supervisor(bothPaths{old.Name, new.Name}, &old.Spec, &new.Spec)
	return c.found
}

// comparison collects what differs between two files.
type comparison struct {
	old, new map[string]worker.Command // by path
	found    []Difference
}

// bothPaths is a path in both files, whose trees may have different names.
type bothPaths struct{ old, new string }

func (p bothPaths) child(id string) bothPaths { return bothPaths{p.old + "/" + id, p.new + "/" + id} }

func (c *comparison) supervisor(at bothPaths, old, new *tree.Spec) {
	differ(c, at, specAspects, old, new, false)
	c.order(at, old.Children, new.Children)
	before := make(map[string]*tree.Child, len(old.Children))
	for i := range old.Children {
		before[old.Children[i].ID] = &old.Children[i]
	}
	for i := range new.Children {
		child := &new.Children[i]
		if was := before[child.ID]; was != nil {
			c.child(at.child(child.ID), was, child)
		}
	}
}

// order looks at the children that both have.
func (c *comparison) order(at bothPaths, old, new []tree.Child) {
	was, is := idsAmong(old, new), idsAmong(new, old)
	if !slices.Equal(was, is) {
		c.tell(at, "children", flow(was), flow(is), false)
	}
}

// idsAmong are the ids of the children that are among others, too.
func idsAmong(children, others []tree.Child) []string {
	there := make(map[string]bool, len(others))
	for i := range others {
		there[others[i].ID] = true
	}
	return slices.DeleteFunc(idsOf(children), func(id string) bool { return !there[id] })
}

func idsOf(children []tree.Child) []string {
	list := make([]string, len(children))
	for i := range children {
		list[i] = children[i].ID
	}
	return list
}

func (c *comparison) child(at bothPaths, old, new *tree.Child) {
	was, wasSupervisor := tree.SpecOf(old.Start)
	is, isSupervisor := tree.SpecOf(new.Start)
	before, after := c.old[at.old], c.new[at.new]
	switch {
	case isSupervisor && !wasSupervisor:
		c.tell(at, "children", "", flow(idsOf(is.Children)), true)
	case wasSupervisor && !isSupervisor:
		if text := shell(&after); text != "" {
			c.tell(at, "shell", "", text, true)
		} else {
			c.tell(at, "command", "", command(&after), true)
		}
	case isSupervisor:
		differ(c, at, childAspects, old, new, false)
		differ(c, at, supervisorStop, old, new, false)
		c.supervisor(at, &was, &is)
	default:
		differ(c, at, childAspects, old, new, false)
		differ(c, at, programStop, old, new, false)
		differ(c, at, commandAspects, &before, &after, true)
		c.variables(at, before.Env, after.Env)
	}
}

// differ tells the aspects in which two values differ.
func differ[T any](c *comparison, at bothPaths, aspects []aspect[T], old, new *T, restart bool) {
	for i := range aspects {
		a := &aspects[i]
		if was, is := a.of(old), a.of(new); was != is {
			c.tell(at, a.key, was, is, restart)
		}
	}
}

// variables keeps the values to itself.
func (c *comparison) variables(at bothPaths, old, new []string) {
	was, is := variables(old), variables(new)
	for _, name := range sortedKeys(was, is) {
		before, had := was[name]
		after, has := is[name]
		key := "env." + quoted(name)
		switch {
		case !had:
			c.tell(at, key, "", "set", true)
		case !has:
			c.tell(at, key, "set", "", true)
		case before != after:
			c.tell(at, key, "set", "changed", true)
		}
	}
}

func (c *comparison) tell(at bothPaths, key, old, new string, restart bool) {
	c.found = append(c.found, Difference{Path: at.new, Key: key, Old: old, New: new, Restart: restart})
}
