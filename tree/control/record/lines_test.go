package record

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/treetest"
)

// say adds lines of one incarnation.
func say(b *Book, path string, incarnation uint64, texts ...string) {
	for _, text := range texts {
		b.Line(Line{Path: path, Incarnation: incarnation, Stream: "stdout", Text: text})
	}
}

// texts is what was said, as "path#incarnation: text".
func texts(lines []Line) []string {
	var all []string
	for _, l := range lines {
		all = append(all, fmt.Sprintf("%s#%d: %s", l.Path, l.Incarnation, l.Text))
	}
	return all
}

func wantLines(t *testing.T, what string, got []Line, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, texts(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// TestLinesOfIncarnations: the latest incarnation's and those of the one before
// are kept, and late ones find their place.
func TestLinesOfIncarnations(t *testing.T) {
	b := New(Limits{})
	defer b.Close()
	say(b, "t/a", 1, "one")
	wantLines(t, "before a restart", b.PreviousLines("t/a", All))
	say(b, "t/a", 2, "two")
	say(b, "t/a", 1, "late")
	wantLines(t, "latest", b.Lines("t/a", All), "t/a#2: two")
	wantLines(t, "previous", b.PreviousLines("t/a", All), "t/a#1: one", "t/a#1: late")
	say(b, "t/a", 3, "three")
	say(b, "t/a", 1, "far too late")
	wantLines(t, "latest", b.Lines("t/a", All), "t/a#3: three")
	wantLines(t, "previous", b.PreviousLines("t/a", All), "t/a#2: two")
	wantLines(t, "one that is kept", b.lines.ofIncarnation("t/a", 2, 1), "t/a#2: two")
	wantLines(t, "one that is forgotten", b.lines.ofIncarnation("t/a", 1, All))
}

// TestLinesOfSilentIncarnation: one that says nothing is the latest all the same.
func TestLinesOfSilentIncarnation(t *testing.T) {
	b := New(Limits{})
	defer b.Close()
	say(b, "t/a", 1, "one")
	b.event(tree.Event{Kind: tree.EventStarting, Path: "t/a", Incarnation: 2})
	wantLines(t, "latest", b.Lines("t/a", All))
	wantLines(t, "previous", b.PreviousLines("t/a", All), "t/a#1: one")
}

// TestLinesBelow: a supervisor's are those of all below it, in the order in which
// they came, the last n of all.
func TestLinesBelow(t *testing.T) {
	b := New(Limits{})
	defer b.Close()
	say(b, "t/web/api", 1, "1")
	say(b, "t/webs", 1, "another's")
	say(b, "t/web/x/cache", 4, "2")
	say(b, "t/web/api", 1, "3")
	say(b, "t/web/x/cache", 4, "4")
	all := []string{"t/web/api#1: 1", "t/web/x/cache#4: 2", "t/web/api#1: 3", "t/web/x/cache#4: 4"}
	wantLines(t, "all", b.Lines("t/web", All), all...)
	wantLines(t, "more than there are", b.Lines("t/web", 100), all...)
	wantLines(t, "three", b.Lines("t/web", 3), all[1:]...)
	wantLines(t, "none", b.Lines("t/web", None))
	wantLines(t, "of nobody", b.Lines("t/w", All))
}

// TestLinesAreBounded, by their number, by their bytes, and in their length.
func TestLinesAreBounded(t *testing.T) {
	b := New(Limits{Lines: 3, Bytes: 10})
	defer b.Close()
	say(b, "t/a", 1, "1", "2", "3", "4")
	wantLines(t, "by number", b.Lines("t/a", All), "t/a#1: 2", "t/a#1: 3", "t/a#1: 4")
	say(b, "t/a", 1, "12345678")
	wantLines(t, "by bytes", b.Lines("t/a", All), "t/a#1: 3", "t/a#1: 4", "t/a#1: 12345678")
	say(b, "t/a", 1, "12345678")
	wantLines(t, "by bytes", b.Lines("t/a", All), "t/a#1: 12345678")
	say(b, "t/a", 1, "123456789é") // its tenth byte is half of a character
	wantLines(t, "in length", b.Lines("t/a", All), "t/a#1: 123456789…")
}

// TestFollow: a follower has every line once, in the order of its child, from
// what was kept on, while children write and others come.
func TestFollow(t *testing.T) {
	const children, each = 8, 500
	b := New(Limits{Lines: children * each, Behind: children * each})
	defer b.Close()
	var writers sync.WaitGroup
	for c := range children {
		writers.Go(func() {
			for i := range each {
				say(b, fmt.Sprintf("t/%d", c), 1, fmt.Sprint(i))
			}
		})
	}
	kept, f := b.Follow("t", All)
	defer f.Close()
	writers.Wait()
	got := append(kept, ready(t, f.Next)...)
	next := map[string]int{}
	for _, l := range got {
		if l.Text != fmt.Sprint(next[l.Path]) {
			t.Fatalf("%s: line %s where %d is due", l.Path, l.Text, next[l.Path])
		}
		next[l.Path]++
	}
	if len(got) != children*each {
		t.Errorf("%d lines, want %d", len(got), children*each)
	}
}

// TestFollowTooSlow: a follower that does not read holds up nobody and is told
// exactly how many lines it lost.
func TestFollowTooSlow(t *testing.T) {
	b := New(Limits{Behind: 2})
	defer b.Close()
	_, f := b.Follow("t", All)
	say(b, "t/a", 1, "1", "2", "3", "4")
	say(b, "u/a", 1, "another's")
	lines := ready(t, f.Next)
	if len(lines) != 3 || lines[2].Dropped != 2 || lines[2].Path != "t" {
		t.Fatalf("got %+v, want two lines and a loss of 2", lines)
	}
	say(b, "t/a", 1, "5")
	wantLines(t, "afterwards", ready(t, f.Next), "t/a#1: 5")

	say(b, "t/a", 1, strings.Repeat("x", behindBytes/8*7))
	f.Close()
	say(b, "t/a", 1, "6")
	rest, err := taken(f.Next)
	if !errors.Is(err, ErrClosed) || len(rest) != 1 {
		t.Errorf("after Close %d lines and %v, want the one that waited and ErrClosed", len(rest), err)
	}
	if n := len(b.lines.find("t/a").followers); n != 0 {
		t.Errorf("%d followers are left", n)
	}
}

// TestFollowBytes: what waits for a follower is bounded in bytes, too.
func TestFollowBytes(t *testing.T) {
	b := New(Limits{})
	defer b.Close()
	_, f := b.Follow("t", All)
	defer f.Close()
	large := strings.Repeat("x", 200<<10)
	for range 20 {
		say(b, "t/a", 1, large)
	}
	lines := ready(t, f.Next)
	last := lines[len(lines)-1]
	if len(lines)-1 != behindBytes/len(large) || last.Dropped != uint64(20-len(lines)+1) {
		t.Errorf("%d lines, then %d dropped", len(lines)-1, last.Dropped)
	}
}

// TestCloseEndsFollowers, wherever they wait.
func TestCloseEndsFollowers(t *testing.T) {
	b := New(Limits{})
	_, f := b.Follow("t", All)
	ended := make(chan error)
	go func() {
		_, err := f.Next(context.Background())
		ended <- err
	}()
	b.Close()
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// TestGoneChildrenAreForgotten: of those that are no more, only some are kept.
func TestGoneChildrenAreForgotten(t *testing.T) {
	wait := func(ctx context.Context) error { <-ctx.Done(); return nil }
	tt := treetest.Start(t, "t", tree.Spec{Dynamic: &tree.Child{Restart: strategies.Temporary, Start: tree.Func(wait)}})
	b := New(Limits{Gone: 2})
	b.Watch(tt.Supervisor)
	defer b.Close()
	ctx := t.Context()
	lives, err := tt.StartChild(ctx, tree.Child{ID: "lives"})
	if err != nil {
		t.Fatal(err)
	}
	say(b, lives.Path, 1, "still here")
	for range 5 {
		ref, err := tt.StartChild(ctx, tree.Child{})
		if err != nil {
			t.Fatal(err)
		}
		say(b, ref.Path, 1, "hello")
		if err := tt.TerminateInstance(ctx, ref); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	wantLines(t, "kept", b.Lines("t", All), "t/lives#1: still here", "t/4#1: hello", "t/5#1: hello")
	for i := range 5 { // what is heard after the end
		say(b, fmt.Sprintf("t/%d", i+1), 1, "late")
	}
	if n := len(b.lines.outputs); n > 3 {
		t.Errorf("the output of %d children is kept, want 3 at most", n)
	}
	wantLines(t, "of one that lives", b.Lines(lives.Path, All), "t/lives#1: still here")
}

// TestSilentChildren: children that say nothing and do not end take nothing.
func TestSilentChildren(t *testing.T) {
	wait := func(ctx context.Context) error { <-ctx.Done(); return nil }
	spec := tree.Spec{}
	for i := range 1000 {
		spec.Children = append(spec.Children, tree.Child{ID: fmt.Sprint(i), Start: tree.Func(wait)})
	}
	root, err := tree.New("t", spec)
	if err != nil {
		t.Fatal(err)
	}
	b := New(Limits{})
	b.Watch(root)
	defer b.Close()
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	if err := root.Init(ctx); err != nil {
		t.Fatal(err)
	}
	if n := runtime.NumGoroutine() - before; n > 1000 {
		t.Errorf("%d goroutines for 1000 children", n)
	}
	if err := b.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(b.lines.outputs) + len(b.deaths.children); n != 0 {
		t.Errorf("something is kept of %d children that did nothing", n)
	}
	cancel()
	_ = root.Serve(ctx)
}

// TestLineAllocations: a line costs no allocation once its ring is full.
func TestLineAllocations(t *testing.T) {
	b := New(Limits{Lines: 16})
	defer b.Close()
	l := Line{Path: "t/a", Incarnation: 1, Text: "hello"}
	for range 100 {
		b.Line(l)
	}
	if n := testing.AllocsPerRun(100, func() { b.Line(l) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
