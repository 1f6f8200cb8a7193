package load

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// Programs that are the same are kept, as they were changed for the file before;
// the others are new, and may be changed.
func TestPrevious(t *testing.T) {
	var called []string
	hook := func(mark string) Options {
		called = nil
		return Options{Command: func(path string, c *worker.Command) {
			called = append(called, path)
			c.Env = append(c.Env, "HOOK="+mark)
			c.OnLine = func(worker.OutputLine) {}
		}}
	}
	old := parsedWith(t, shopFile, hook("first"))
	old.Spec = marked(old.Spec)

	o := hook("second")
	o.Previous = old
	changed := strings.NewReplacer("[cache]", "[cache, -v]", "rest_for_one", "one_for_all", "timeout: 10s", "timeout: 11s").Replace(shopFile)
	changed += "      - {id: new, command: [new]}\n"
	next := parsedWith(t, changed, o)
	if want := []string{"shop/web/cache-1", "shop/web/cache-2", "shop/web/new"}; !slices.Equal(called, want) {
		t.Errorf("called for %v, want %v", called, want)
	}
	for path, c := range next.Commands {
		mark := "HOOK=first"
		if slices.Contains(called, path) {
			mark = "HOOK=second"
		}
		if !slices.Contains(c.Env, mark) || c.OnLine == nil {
			t.Errorf("%s has the environment %v, want %s", path, c.Env, mark)
		}
	}
	before := old.starters()
	for path, s := range next.starters() {
		if kept := s == before[path]; kept == slices.Contains(called, path) {
			t.Errorf("%s has the starter of the file before: %v", path, kept)
		}
	}

	// And once more: what was kept is kept again, and what the hook did is no difference.
	o = hook("third")
	o.Previous = next
	if last := parsedWith(t, changed, o); called != nil || Compare(next, last) != nil {
		t.Errorf("called for %v, and %v differ", called, Compare(next, last))
	}
}

// What the hook changes in place is not mistaken for what the file says.
func TestPreviousBeforeTheHook(t *testing.T) {
	const file = "children: [{id: a, command: [a, b], umask: 022, success_codes: [3]}]"
	calls := 0
	o := Options{Command: func(path string, c *worker.Command) {
		calls++
		c.Args[0], *c.Identity.Umask, c.SuccessCodes[0] = "changed", 0o77, 4
	}}
	o.Previous = parsedWith(t, file, o)
	if f := parsedWith(t, file, o); calls != 1 || f.Commands["t/a"].Args[0] != "changed" {
		t.Errorf("%d calls, %v", calls, f.Commands)
	}
	if parsedWith(t, strings.Replace(file, "b]", "c]", 1), o); calls != 2 {
		t.Errorf("%d calls after a change, want 2", calls)
	}
}

// A File may be the Previous of many at a time, and compared meanwhile.
func TestPreviousIsOnlyRead(t *testing.T) {
	old := parsed(t, shopFile)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if got := Compare(old, parsedWith(t, shopFile, Options{Previous: old})); got != nil {
				t.Errorf("%v", got)
			}
		})
	}
	all.Wait()
}

// marked wraps the starters of programs, which cannot be told from each other
// otherwise.
func marked(s tree.Spec) tree.Spec {
	s.Children = slices.Clone(s.Children)
	for i := range s.Children {
		c := &s.Children[i]
		if sub, ok := tree.SpecOf(c.Start); ok {
			c.Start = tree.Sub(marked(sub))
		} else {
			c.Start = tree.Wrap(c.Start, func(s tree.Service) tree.Service { return s })
		}
	}
	return s
}
