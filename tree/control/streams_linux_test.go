package control_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/record"
)

// TestEvents: a recording of what has happened, which adds up to the present.
func TestEvents(t *testing.T) {
	s, r, c := start(t)
	s.cache <- errors.New("boom")
	awaitUp(t, r, "shop/web/cache", 2)
	var all []tree.Event
	for e, err := range c.Events(t.Context(), control.EventsQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	for i, e := range all {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has seq %d", i+1, e.Seq)
		}
	}
	if rev := r.Root.Snapshot().Rev; uint64(len(all)) != rev {
		t.Errorf("%d events, want %d", len(all), rev)
	}
	var tail []uint64
	for e := range c.Events(t.Context(), control.EventsQuery{Since: control.After(all[len(all)-3].Seq)}) {
		tail = append(tail, e.Seq)
	}
	if d := cmp.Diff([]uint64{all[len(all)-2].Seq, all[len(all)-1].Seq}, tail); d != "" {
		t.Errorf("since the last but two (-want +got):\n%s", d)
	}
	for _, c2 := range []struct {
		ago  time.Duration
		want int
	}{{time.Hour, len(all)}, {0, 0}} {
		n := 0
		for range c.Events(t.Context(), control.EventsQuery{Since: control.Ago(c2.ago)}) {
			n++
		}
		if n != c2.want {
			t.Errorf("since %v ago: %d events, want %d", c2.ago, n, c2.want)
		}
	}
}

// TestFollowEvents: a stream goes on after a snapshot without a gap, and ends
// when the server does, with the last event of the tree.
func TestFollowEvents(t *testing.T) {
	s, r, c := start(t)
	snap, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pull, stop := iter.Pull2(c.Events(t.Context(), control.EventsQuery{Since: control.After(snap.Rev), Follow: true}))
	defer stop()
	s.db <- errors.New("boom")
	replay := tree.NewReplay(snap)
	for {
		e := next(t, pull)
		if err := replay.Apply(e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == tree.EventProgress && e.Path == "shop/db" && e.Incarnation == 2 {
			break
		}
	}
	r.StopTree()
	if err := r.Server.Close(); err != nil {
		t.Error(err)
	}
	until(t, pull, tree.EventExited, "shop")
	if e, err, ok := pull(); ok {
		t.Errorf("after the end: %v, %v", e, err)
	}
}

// TestEventsSinceSnapshot: what a snapshot says can be asked for, though the record
// may be behind the tree.
func TestEventsSinceSnapshot(t *testing.T) {
	s, r, c := start(t)
	for range 50 {
		s.db <- errors.New("boom")
		for _, err := range c.Events(t.Context(), control.EventsQuery{Since: control.After(r.Root.Snapshot().Rev)}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSlowReader: a client that does not read slows nobody, and is told what it
// lost, where it is missing.
func TestSlowReader(t *testing.T) {
	book := record.New(record.Limits{Events: 100})
	s, r, c := start(t, func(cfg *control.Config) { cfg.Book = book })
	conn := connect(t, r)
	fmt.Fprintf(conn, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	// More than the buffers of a socket hold, twice.
	reason := errors.New(strings.Repeat("x", 4000))
	const crashes = 900
	for range crashes {
		s.db <- reason
	}
	awaitUp(t, r, "shop/db", crashes+1)
	if i, err := c.Info(t.Context()); err != nil {
		t.Fatalf("others get no answer: %v, %v", i, err)
	}
	rev := r.Root.Snapshot().Rev
	var seq, lost uint64
	for lines := json.NewDecoder(resp.Body); seq < rev; {
		var e tree.Event
		if err := lines.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == tree.EventDropped {
			lost += e.N
			seq += e.N
			continue
		}
		if e.Seq != seq+1 {
			t.Fatalf("%d follows %d, and nothing was said", e.Seq, seq)
		}
		seq = e.Seq
	}
	if lost == 0 || lost >= rev {
		t.Errorf("%d of %d events were lost", lost, rev)
	}
	t.Logf("%d of %d events were lost", lost, rev)
}

// TestEventsNotKept: a stream from a place that is forgotten begins with how many
// are missing.
func TestEventsNotKept(t *testing.T) {
	book := record.New(record.Limits{Events: 3})
	_, r, c := start(t, func(cfg *control.Config) { cfg.Book = book })
	rev := r.Root.Snapshot().Rev
	var got []string
	for e, err := range c.Events(t.Context(), control.EventsQuery{Since: control.After(2)}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v %d %d", e.Kind == tree.EventDropped, e.Seq, e.N))
	}
	want := []string{fmt.Sprintf("true 0 %d", rev-3-2)}
	for seq := rev - 2; seq <= rev; seq++ {
		want = append(want, fmt.Sprintf("false %d 0", seq))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// say writes lines of a child.
func say(b *record.Book, path string, incarnation uint64, texts ...string) {
	for _, text := range texts {
		b.Line(record.Line{Time: time.Now(), Path: path, Incarnation: incarnation, PID: 7, Stream: "stderr", Text: text})
	}
}

func TestLogs(t *testing.T) {
	s, r, c := start(t)
	say(r.Book, "shop/db", 1, "one", "<two>")
	s.db <- errors.New("boom")
	awaitUp(t, r, "shop/db", 2)
	say(r.Book, "shop/web/api", 1, "three")
	say(r.Book, "shop/db", 2, "four", "five")
	for _, q := range []struct {
		query control.LogsQuery
		want  []string
	}{
		{control.LogsQuery{Path: "shop"}, []string{"three", "four", "five"}},
		{control.LogsQuery{Path: "shop", Tail: 2}, []string{"four", "five"}},
		{control.LogsQuery{Path: "shop", Tail: record.None}, nil},
		{control.LogsQuery{Path: "shop/db", Tail: 1}, []string{"five"}},
		{control.LogsQuery{Path: "shop/db", Previous: true}, []string{"one", "<two>"}},
		{control.LogsQuery{Path: "shop/web/cache"}, nil},
	} {
		var got []string
		for l, err := range c.Logs(t.Context(), q.query) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, l.Text)
		}
		if d := cmp.Diff(q.want, got); d != "" {
			t.Errorf("%+v (-want +got):\n%s", q.query, d)
		}
	}
	_, body := ask(t, r, "GET", "/v1/logs?path=shop/db&tail=2&previous=1", "")
	if !strings.Contains(body, `"path":"shop/db","incarnation":1,"pid":7,"stream":"stderr","text":"<two>"}`) {
		t.Errorf("the form of a line: %s", body)
	}
}

func TestFollowLogs(t *testing.T) {
	_, r, c := start(t)
	say(r.Book, "shop/web/api", 1, "before")
	pull, stop := iter.Pull2(c.Logs(t.Context(), control.LogsQuery{Path: "shop/web", Follow: true}))
	defer stop()
	want := func(text string) {
		t.Helper()
		if l := next(t, pull); l.Text != text {
			t.Errorf("got %q, want %q", l.Text, text)
		}
	}
	want("before")
	say(r.Book, "shop/db", 1, "not asked for")
	say(r.Book, "shop/web/cache", 1, "one")
	want("one")
	say(r.Book, "shop/web/api", 1, "two")
	want("two")
	say(r.Book, "shop/web/api", 1, "last words")
	if err := r.Server.Close(); err != nil {
		t.Error(err)
	}
	want("last words")
	if l, err, ok := pull(); ok {
		t.Errorf("after the end: %v, %v", l, err)
	}
}
