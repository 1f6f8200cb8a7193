package load

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// builder makes the Spec of what was read.
type builder struct {
	*decoder
	hook  func(path string, c *worker.Command)
	file  *File
	nodes map[string]*node // of the children, by path
	logs  map[string]*log  // of the programs, by the path of the file
	clean bool             // nothing was wrong so far: it is worth asking the other packages

	previous *File                   // nil: there is none
	starters map[string]tree.Starter // of its programs, by path
}

func (b *builder) supervisor(path string, s *supervisor, in inherited) tree.Spec {
	spec := tree.Spec{Strategy: s.strategy, Intensity: s.intensity, Parallel: s.parallel, AutoShutdown: s.autoShutdown}
	byID := make(map[string]*child, len(s.children))
	for _, c := range s.children {
		byID[c.ID] = c
	}
	for _, c := range s.children {
		t := c.Child
		t.Needs = neededIDs(c, byID)
		t.Shutdown = c.stop.timeout
		below := c.scope.within(in)
		if c.supervisor != nil {
			b.nodes[path+"/"+c.ID] = c.node
			t.Start = tree.Sub(b.supervisor(path+"/"+c.ID, c.supervisor, below))
			spec.Children = append(spec.Children, t)
			continue
		}
		b.verifyCommand(c, c.finish(below))
		b.shareLog(path+"/"+c.ID, c)
		for i, id := range c.ids() {
			cmd := c.finish(below)
			if c.program.copies > 0 {
				cmd.Env = overlay(append(cmd.Env, "COPPICE_COPY="+strconv.Itoa(i+1)))
			}
			t.ID = id
			b.program(path+"/"+id, &t, cmd)
			b.nodes[path+"/"+id] = c.node
			spec.Children = append(spec.Children, t)
		}
	}
	return spec
}

func (b *builder) program(path string, t *tree.Child, cmd worker.Command) {
	read := fingerprintOf(&cmd)
	b.file.read[path] = read
	if kept := b.starters[path]; kept != nil && b.previous.read[path] == read {
		b.file.Commands[path], t.Start = b.previous.Commands[path], kept
		return
	}
	if b.hook != nil && b.clean {
		b.hook(path, &cmd)
	}
	b.file.Commands[path] = cmd
	t.Start = tree.Of(incarnations(cmd))
}

// starters are those of the programs, by path.
func (f *File) starters() map[string]tree.Starter {
	all := make(map[string]tree.Starter, len(f.Commands))
	var walk func(path string, s tree.Spec)
	walk = func(path string, s tree.Spec) {
		for _, c := range s.Children {
			if sub, ok := tree.SpecOf(c.Start); ok {
				walk(path+"/"+c.ID, sub)
			} else {
				all[path+"/"+c.ID] = c.Start
			}
		}
	}
	walk(f.Name, f.Spec)
	return all
}

// incarnations makes those of a command, which it prepares for the first. What is
// missing for that, a user for instance, may be there when it is tried again.
func incarnations(cmd worker.Command) func() (*worker.Process, error) {
	var mu sync.Mutex // guards what follows
	prepare := cmd.Prepare
	var make func() (*worker.Process, error)
	return func() (*worker.Process, error) {
		mu.Lock()
		defer mu.Unlock()
		if make == nil {
			prepared, err := prepare()
			if err != nil {
				return nil, err
			}
			make, prepare = prepared, nil
		}
		return make()
	}
}

// verifyCommand asks package worker itself, for what was not seen before. Limits
// were asked for at their keys.
func (b *builder) verifyCommand(c *child, cmd worker.Command) {
	if !b.clean {
		return // much of it would be said twice
	}
	cmd.Limits = worker.Limits{}
	if _, err := cmd.Process(); err != nil {
		b.problem(c.node.pos, "", "%v", errors.Unwrap(err))
	}
}

// verify asks package tree itself, for what was not seen before.
func (b *builder) verify(root *node) {
	_, err := tree.New(b.file.Name, b.file.Spec)
	if err == nil {
		return
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, err := range all {
		at := root.pos
		var wrong *strategies.SpecError
		if errors.As(err, &wrong) {
			err = wrong.Err
			if n := b.nodes[wrong.Path]; n != nil {
				at = n.pos
			}
		}
		b.problem(at, "", "%s", strings.TrimSpace(err.Error()))
	}
}
