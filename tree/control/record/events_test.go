package record

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/treetest"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// happen adds events with these numbers, one a second.
func happen(b *Book, seqs ...uint64) {
	for _, n := range seqs {
		b.event(tree.Event{Seq: n, Kind: tree.EventProgress, Path: "t", Time: epoch.Add(time.Duration(n) * time.Second)})
	}
}

// seqs is what was read: numbers, and losses as "lost n".
func seqs(events []tree.Event) []string {
	var all []string
	for _, e := range events {
		if e.Kind == tree.EventDropped {
			all = append(all, fmt.Sprint("lost ", e.N))
		} else {
			all = append(all, fmt.Sprint(e.Seq))
		}
	}
	return all
}

// TestEvents: from which place what is read, of events 3 to 6 in a book for four
// that began after 1.
func TestEvents(t *testing.T) {
	b := New(Limits{Events: 4})
	defer b.Close()
	b.events.begin(1)
	happen(b, 2, 3, 4, 5, 6)
	for since, want := range [][]string{
		0: {"lost 2", "3", "4", "5", "6"},
		1: {"lost 1", "3", "4", "5", "6"},
		2: {"3", "4", "5", "6"},
		3: {"4", "5", "6"},
		4: {"5", "6"},
		5: {"6"},
		6: nil,
		7: nil,
	} {
		r := b.Events(uint64(since))
		if d := cmp.Diff(want, seqs(ready(t, r.Next))); d != "" {
			t.Errorf("since %d (-want +got):\n%s", since, d)
		}
	}
	r := b.Events(5)
	ready(t, r.Next)
	happen(b, 7)
	if d := cmp.Diff([]string{"7"}, seqs(ready(t, r.Next))); d != "" {
		t.Errorf("going on (-want +got):\n%s", d)
	}
}

// TestEventsBeforeTheBook: what happened before the Book began is lost, also if
// nothing has happened since.
func TestEventsBeforeTheBook(t *testing.T) {
	b := New(Limits{})
	defer b.Close()
	b.events.begin(41)
	r := b.Events(1)
	if d := cmp.Diff([]string{"lost 40"}, seqs(ready(t, r.Next))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	happen(b, 42)
	if d := cmp.Diff([]string{"42"}, seqs(ready(t, r.Next))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestEventsLostByTheBook are seen where they are missing, at once.
func TestEventsLostByTheBook(t *testing.T) {
	b := New(Limits{})
	defer b.Close()
	happen(b, 1, 2)
	b.event(tree.Event{Kind: tree.EventDropped, N: 5})
	r := b.Events(0)
	if d := cmp.Diff([]string{"1", "2", "lost 5"}, seqs(ready(t, r.Next))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	happen(b, 8)
	if d := cmp.Diff([]string{"8"}, seqs(ready(t, r.Next))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"1", "2", "lost 5", "8"}, seqs(ready(t, b.Events(0).Next))); d != "" {
		t.Errorf("another reader (-want +got):\n%s", d)
	}
}

// TestSlowReader: one that reads nothing for a while loses what is forgotten
// meanwhile, and is told how much that is, where it is missing.
func TestSlowReader(t *testing.T) {
	b := New(Limits{Events: 4})
	defer b.Close()
	happen(b, 1, 2)
	r := b.Events(0)
	if e, err := r.Next(t.Context()); err != nil || e.Seq != 1 {
		t.Fatal(e, err)
	}
	for n := range uint64(1000) {
		happen(b, n+3)
	}
	if d := cmp.Diff([]string{"lost 997", "999", "1000", "1001", "1002"}, seqs(ready(t, r.Next))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if r.Seq() != 1002 {
		t.Errorf("the reader is at %d", r.Seq())
	}
}

// TestSince finds the place by the time.
func TestSince(t *testing.T) {
	b := New(Limits{Events: 3})
	defer b.Close()
	happen(b, 1, 2, 3, 4) // 1 is forgotten
	for _, c := range []struct {
		at   time.Duration
		want uint64
	}{{0, 0}, {2 * time.Second, 0}, {2*time.Second + 1, 2}, {3 * time.Second, 2}, {4 * time.Second, 3}, {time.Hour, 4}} {
		if got := b.Since(epoch.Add(c.at)); got != c.want {
			t.Errorf("since %v: after %d, want %d", c.at, got, c.want)
		}
	}
}

// TestBookEnds: readers get what there was, and then ErrClosed.
func TestBookEnds(t *testing.T) {
	tt := treetest.Start(t, "t", tree.Spec{})
	b := New(Limits{})
	b.Watch(tt.Supervisor)
	r := b.Events(b.Rev())
	_ = tt.Stop()
	b.Close()
	b.Close()
	all, err := taken(r.Next)
	if n := len(all); n == 0 || all[n-1].Kind != tree.EventExited || all[n-1].Path != "t" {
		t.Errorf("the end of the tree is missing in %v", seqs(all))
	}
	if !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if err := b.Sync(context.Background()); err != nil {
		t.Errorf("Sync after the end: %v", err)
	}
}
