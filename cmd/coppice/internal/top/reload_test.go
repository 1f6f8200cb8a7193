package top

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/treetest"
)

func quiet(id string) tree.Child {
	return tree.Child{ID: id, Start: tree.Func(func(ctx context.Context) error { <-ctx.Done(); return nil })}
}

func branch(id string, s tree.Spec) tree.Child { return tree.Child{ID: id, Start: tree.Sub(s)} }

// followed is a screen over a tree that runs.
type followed struct {
	*testing.T
	*treetest.Tree
	events *tree.Subscription
	seen   uint64
	model  *Model
}

func follow(t *testing.T, s tree.Spec) *followed {
	tt := treetest.Start(t, "shop", s)
	events := tt.Subscribe(1000)
	t.Cleanup(events.Close)
	m, _ := New(Config{Tree: events.Snapshot(), Now: events.Snapshot().Time.UTC(), ASCII: true})
	m.Update(Size{wideFrom, 24})
	return &followed{t, tt, events, events.Snapshot().Rev, m}
}

// cursorTo moves the cursor down to a child.
func (f *followed) cursorTo(path string) {
	for range f.model.rows {
		if f.model.current().Path != path {
			f.model.Update(Key{Name: "down"})
		}
	}
}

// reload gives the tree another description.
func (f *followed) reload(s tree.Spec, renew ...string) {
	f.Helper()
	if _, err := f.Reconfigure(f.Context(), s, renew...); err != nil {
		f.Fatal(err)
	}
	f.catchUp()
}

// catchUp tells the model what happened, and holds what it knows against the tree.
func (f *followed) catchUp() {
	f.Helper()
	synctest.Wait()
	b := Batch{Now: time.Now().UTC()}
	for f.seen < f.Rev() {
		e, err := f.events.Next(f.Context())
		if err != nil {
			f.Fatal(err)
		}
		f.seen = e.Seq
		b.Events = append(b.Events, e)
	}
	if lost := of[AskSnapshot](f.model.Update(b)); len(lost) > 0 {
		f.Error("the events do not add up")
	}
	if d := cmp.Diff(f.Snapshot().Root, f.model.snapshot.Root, cmp.Comparer(func(a, b strategies.Exit) bool { return a.Class == b.Class })); d != "" {
		f.Errorf("what is shown is not what is (-want +got):\n%s", d)
	}
}

// want compares a part of the screen, word for word.
func (f *followed) want(from, to, want string) {
	f.Helper()
	var got []string
	text := f.model.View()
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			got = append(got, strings.Join(words, " "))
		}
	}
	if d := cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), got[1:]); d != "" {
		f.Errorf("(-want +got):\n%s", d)
	}
}

// Another description is one line, with all that stops and starts for it, and what is
// not in it, which stops before; the table is as it says, and the cursor on its child.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		few, many := strategies.Intensity{Max: 3, Within: time.Minute}, strategies.Intensity{Max: 9, Within: time.Minute}
		f := follow(t, tree.Spec{Intensity: few, Children: []tree.Child{
			quiet("db"),
			branch("web", tree.Spec{Intensity: few, Children: []tree.Child{quiet("api"), quiet("cache")}}),
			branch("jobs", tree.Spec{Intensity: few, Children: []tree.Child{quiet("a"), quiet("b")}}),
			quiet("mail"),
		}})
		f.cursorTo("shop/jobs/b")
		time.Sleep(time.Second) // of the bubble
		next := tree.Spec{Intensity: many, Children: []tree.Child{
			quiet("log"), quiet("db"),
			branch("jobs", tree.Spec{Intensity: few, Children: []tree.Child{quiet("b"), quiet("c")}}),
			branch("web", tree.Spec{Strategy: strategies.OneForAll, Intensity: few, Children: []tree.Child{quiet("proxy"), quiet("api")}}),
		}}
		f.reload(next, "shop/jobs")
		f.want("CHILD", "\n--", `
shop up 1s 0/0 ...........2 ######### 9/9 one_for_one
|-log up 0s 0/0 ............ permanent
|-db up 1s 0/0 ............ permanent
|-jobs up 0s 1/1 ...........2 ### 3/3 one_for_one
> | |-b up 0s 1/1 ...........1 permanent
| `+"`"+`-c up 0s 0/0 ............ permanent
`+"`"+`-web up 1s 0/0 ............ ### 3/3 one_for_all
|-proxy up 0s 0/0 ............ permanent
`+"`"+`-api up 1s 0/0 ............ permanent
`)
		f.want("events", "\nenter", `
+ 00:00:01.000 shop gets another description: jobs, mail stop for it -4 +4
+ 00:00:01.000 shop/web gets another description: cache stops for it -1 +1
`)

		next.Children = append(next.Children[:2], next.Children[3], quiet("mail"))
		f.reload(next) // without jobs, where the cursor is
		if got := f.model.current().Path; got != "shop/web/proxy" {
			t.Errorf("the cursor is on %s", got)
		}
		if _, err := f.RenewChild(t.Context(), "mail"); err != nil {
			t.Fatal(err)
		}
		f.catchUp()
		f.want("CHILD", "\n--", `
shop up 1s 0/0 ...........3 ######### 9/9 one_for_one
|-log up 0s 0/0 ............ permanent
|-db up 1s 0/0 ............ permanent
|-web up 1s 0/0 ............ ### 3/3 one_for_all
> | |-proxy up 0s 0/0 ............ permanent
| `+"`"+`-api up 1s 0/0 ............ permanent
`+"`"+`-mail up 0s 1/1 ...........1 permanent
`)
		f.want("events", "\nenter", `
+ 00:00:01.000 shop gets another description: jobs, mail stop for it -4 +4
+ 00:00:01.000 shop/web gets another description: cache stops for it -1 +1
+ 00:00:01.000 shop gets another description: jobs stops for it -3 +1
+ 00:00:01.000 shop/mail restarting it alone: by request, not counted -1 +1
`)
	})
}

// What is asked for is over when its last child has had its turn, when a start fails,
// when more is asked for, when events are lost, and with its supervisor; what comes
// then is on its own.
func TestRequests(t *testing.T) {
	group := func(kind tree.EventKind, path string, ids ...string) tree.Event {
		return tree.Event{Kind: kind, Path: path, Group: ids}
	}
	one := func(kind tree.EventKind, path string) tree.Event { return tree.Event{Kind: kind, Path: path} }
	stop := func(path string) []tree.Event {
		return []tree.Event{one(tree.EventStopping, path), one(tree.EventExited, path)}
	}
	start := func(path string) []tree.Event {
		return []tree.Event{one(tree.EventStarting, path), one(tree.EventProgress, path)}
	}
	reload := func(stop, start []string) []tree.Event {
		return []tree.Event{group(tree.EventReconfiguring, "t", stop...), group(tree.EventReconfigured, "t", start...)}
	}
	for name, c := range map[string]struct {
		events [][]tree.Event
		want   string // how many are in each item
	}{
		"done":                {[][]tree.Event{reload(nil, []string{"a", "b"}), start("t/a"), start("t/b"), stop("t/a")}, "6 1 1"},
		"nothing to do":       {[][]tree.Event{reload(nil, nil), start("t/a")}, "2 1 1"},
		"others":              {[][]tree.Event{reload(nil, []string{"a"}), stop("t/ab"), start("t/a/x"), start("t/a")}, "6 1 1"},
		"a start fails":       {[][]tree.Event{reload(nil, []string{"a", "b", "c"}), {one(tree.EventStarting, "t/a"), one(tree.EventStarting, "t/b"), one(tree.EventNotStarted, "t/a")}, {one(tree.EventProgress, "t/b")}, start("t/c")}, "6 1 1"},
		"more is asked for":   {[][]tree.Event{reload(nil, []string{"a"}), {group(tree.EventRenewing, "t/b", "b")}, start("t/a"), start("t/b")}, "2 3 1 1"},
		"the supervisor ends": {[][]tree.Event{reload(nil, []string{"a"}), {one(tree.EventExited, "t")}, start("t/a")}, "2 1 1 1"},
		"events are lost":     {[][]tree.Event{reload(nil, []string{"a"}), {one(tree.EventDropped, "")}, start("t/a")}, "2 1 1 1"},
		"who leaves":          {[][]tree.Event{{group(tree.EventReconfiguring, "t", "a")}, stop("t/a"), {one(tree.EventRemoved, "t/a"), group(tree.EventReconfigured, "t")}, stop("t/b")}, "5 1 1"},
	} {
		s := story{root: "t"}
		for _, events := range c.events {
			for i := range events {
				s.see(&events[i])
			}
		}
		var got []string
		for _, it := range s.items {
			got = append(got, fmt.Sprint(it.n))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
