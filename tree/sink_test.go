package tree

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
)

func TestEventsAreInOrderAndWithoutGaps(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		s := on(t, Spec{Intensity: strategies.Intensity{Max: 1000}, Children: []Child{x.child("a"), {ID: "s", Start: Sub(Spec{Children: []Child{quiet("b")}})}}})
		for range 100 {
			x <- errBoom
			synctest.Wait()
		}
		_ = s.stop()
		for i, e := range s.events {
			if e.Seq != uint64(i+1) {
				t.Fatalf("event %d has number %d", i+1, e.Seq)
			}
		}
		if rev := s.root.Snapshot().Rev; rev != uint64(len(s.events)) {
			t.Errorf("the snapshot has Rev %d after %d events", rev, len(s.events))
		}
	})
}

// A sink that does not keep up delays nothing, loses the newest events, and is
// told how many.
func TestSlowSink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		let := make(chan struct{})
		var got []Event
		s := on(t, Spec{
			Intensity: strategies.Intensity{Max: 10_000},
			Sink:      func(e Event) { <-let; got = append(got, e) },
			Children:  []Child{x.child("a")},
		})
		for range 5000 { // five events each
			x <- errBoom
		}
		synctest.Wait()
		close(let)
		_ = s.stop()
		var lost uint64
		for _, e := range got {
			lost += e.N
		}
		if total := s.root.Snapshot().Rev; lost == 0 || uint64(len(got)-1)+lost != total {
			t.Errorf("%d events seen and %d lost of %d", len(got), lost, total)
		}
	})
}

// A sink that never returns holds up the end for a bounded time.
func TestStuckSink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		let := make(chan struct{})
		s := on(t, Spec{Sink: func(Event) { <-let }, Children: []Child{quiet("a")}})
		begin := time.Now()
		_ = s.stop()
		if d := time.Since(begin); d != sinkDrain {
			t.Errorf("the end took %v", d)
		}
		close(let)
	})
}

// A sink is called by one goroutine at a time, also where the last one is still
// at it: after a restart of its supervisor, and when the root is served again.
func TestSinkIsCalledOnceAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slow := func() func(Event) {
			var busy atomic.Int32
			return func(Event) {
				if n := busy.Add(1); n > 1 {
					t.Errorf("called %d times at once", n)
				}
				time.Sleep(2 * sinkDrain)
				busy.Add(-1)
			}
		}
		x := make(puppet)
		s := on(t, Spec{Sink: slow(), Children: []Child{{ID: "s", Start: Sub(Spec{
			Intensity: strategies.Intensity{Max: NoRestarts}, Sink: slow(), Children: []Child{x.child("a")},
		})}}})
		x <- errBoom
		synctest.Wait()
		_ = s.stop()
		s.serve()
		_ = s.stop()
		time.Sleep(time.Hour)
	})
}

// A slow sink of a supervisor does not use up the time that its parent gives it
// to stop.
func TestSlowSinkDelaysNoStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{{ID: "s", Shutdown: Timeout(500 * time.Millisecond), Start: Sub(Spec{
			Sink: func(Event) { time.Sleep(10 * time.Minute) }, Children: []Child{quiet("a")},
		})}}})
		begin := time.Now()
		if err := s.stop(); err != context.Canceled || time.Since(begin) != sinkDrain {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestPanickingSink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := 0
		s := on(t, Spec{Sink: func(Event) { n++; panic("sink") }, Children: []Child{quiet("a")}})
		_ = s.stop()
		if rev := s.root.Snapshot().Rev; uint64(n) != rev {
			t.Errorf("the sink was called %d times for %d events", n, rev)
		}
	})
}

func TestSinkOfASubtree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var below []string
		s := on(t, Spec{Children: []Child{quiet("a"), {ID: "s", Start: Sub(Spec{
			Sink:     func(e Event) { below = append(below, e.Kind.String()+" "+e.Path) },
			Children: []Child{quiet("b")},
		})}}})
		_ = s.stop()
		s.want(below, "starting t/s/b", "progress t/s/b", "stopping t/s/b", "exited t/s/b")
		for _, e := range s.events {
			if e.Path == "t/s/b" {
				t.Errorf("the parent's sink was told of %v too", e)
			}
		}
	})
}

func TestEventJSON(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		event Event
		want  string
	}{
		{Event{Seq: 1, Time: at, Kind: EventProgress, Path: "t/a", Incarnation: 2, PID: 3},
			`{"v":"v1","seq":1,"time":"2026-01-02T03:04:05Z","kind":"progress","path":"t/a","incarnation":2,"pid":3}`},
		{Event{Seq: 2, Time: at, Kind: EventExited, Path: "t/a", Exit: strategies.Exit{Class: strategies.Crash, Err: withTail{errBoom}}, Cascade: strategies.Cascade{Origin: "t/a", N: 2}},
			`{"v":"v1","seq":2,"time":"2026-01-02T03:04:05Z","kind":"exited","path":"t/a","cascade":{"origin":"t/a","n":2},"exit":{"class":"crash","reason":"boom","tail":["last words"]}}`},
		{Event{Seq: 3, Time: at, Kind: EventGivingUp, Path: "t/s", Supervisor: true, Spent: 1},
			`{"v":"v1","seq":3,"time":"2026-01-02T03:04:05Z","kind":"giving_up","path":"t/s","supervisor":true,"exit":{"class":"normal"},"spent":1,"max":0}`},
		{Event{Seq: 4, Time: at, Kind: EventStopping, Path: "t/s", After: 1500 * time.Microsecond},
			`{"v":"v1","seq":4,"time":"2026-01-02T03:04:05Z","kind":"stopping","path":"t/s","after_ms":1.5}`},
	} {
		b, err := json.Marshal(c.event)
		if d := cmp.Diff(c.want, string(b)); d != "" || err != nil {
			t.Errorf("%v: %v\n%s", c.event, err, d)
		}
	}
}

func TestSnapshotJSON(t *testing.T) {
	root, err := New("t", Spec{Children: []Child{{ID: "s", Start: Sub(Spec{Strategy: strategies.OneForAll, Children: []Child{quiet("a")}}), Restart: strategies.Transient}}})
	if err != nil {
		t.Fatal(err)
	}
	snap := root.Snapshot()
	snap.Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	snap.Root.Supervisor.Children[0].Last = &LastExit{Time: snap.Time, Incarnation: 7, Exit: strategies.Exit{Class: strategies.Crash, Err: withTail{errBoom}}}
	const want = `{"v":"v1","rev":0,"time":"2026-01-02T03:04:05Z","root":{"id":"t","path":"t","type":"supervisor","state":"down","restart":"permanent","incarnation":0,` +
		`"supervisor":{"strategy":"one_for_one","auto_shutdown":"never","intensity":{"max":1,"within_ms":5000},"spent":0,"left":1,"children":[` +
		`{"id":"s","path":"t/s","type":"supervisor","state":"down","restart":"transient","incarnation":0,` +
		`"last":{"time":"2026-01-02T03:04:05Z","incarnation":7,"class":"crash","reason":"boom","tail":["last words"]},` +
		`"supervisor":{"strategy":"one_for_all","auto_shutdown":"never","intensity":{"max":1,"within_ms":5000},"spent":0,"left":1,"children":[` +
		`{"id":"a","path":"t/s/a","type":"worker","state":"down","restart":"permanent","incarnation":0}]}}]}}}`
	b, err := json.Marshal(snap)
	if d := cmp.Diff(want, string(b)); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

type withTail struct{ error }

func (withTail) OutputTail() []string { return []string{"last words"} }

func TestNewRefusesEverythingAtOnce(t *testing.T) {
	_, err := New("a/b", Spec{
		Intensity: strategies.Intensity{Max: -2},
		Children: []Child{
			quiet("x"), quiet("x"), {ID: "y"}, {ID: "f", Start: Func(nil)}, {ID: "u", Start: Suture(nil)},
			{ID: "o", Start: Of[Service](nil)},
			{ID: "s", Start: Sub(Spec{Strategy: 9, Children: []Child{{Start: Func(untilCancelled), Shutdown: Timeout(-1)}}})},
		},
	})
	const want = `a/b: invalid id: it must not be empty nor contain a slash
a/b: invalid intensity: Max must be NoRestarts (-1) or more
a/b/x: duplicate id
a/b/y: nothing to start: Start is missing
a/b/f: nothing to start: Start is missing
a/b/u: nothing to start: Start is missing
a/b/o: nothing to start: Start is missing
a/b/s: unknown strategy
a/b/s/(child 1): invalid id: it must not be empty nor contain a slash
a/b/s/(child 1): invalid shutdown: the time must not be negative`
	if err == nil || err.Error() != want {
		t.Errorf("New says\n%v\nwant\n%s", err, want)
	}
	for _, reason := range []error{strategies.ErrDuplicate, strategies.ErrShutdown, ErrNoStart} {
		if !errors.Is(err, reason) {
			t.Errorf("errors.Is does not find %q", reason)
		}
	}
}
