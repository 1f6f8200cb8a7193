package tree

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestReplayOfRandomTrees: the events of a tree, written as JSON and read again,
// add up to what its snapshots said, at every moment at which one was taken.
func TestReplayOfRandomTrees(t *testing.T) {
	trees := 100
	if testing.Short() {
		trees = 20
	}
	for seed := range trees {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wilderness{T: t, random: rand.New(rand.NewPCG(uint64(seed), 3)), live: map[string]int{}}
				root, err := New("t", w.spec(3))
				if err != nil {
					t.Fatal(err)
				}
				if seed%2 == 1 {
					w.root = root
				}
				sub := root.Subscribe(Lossless)
				defer sub.Close()
				done := make(chan error, 1)
				go func() { done <- root.Serve(t.Context()) }()
				replay := NewReplay(reread(t, sub.Snapshot()))
				for range 10 {
					if w.root != nil {
						w.callOnce(t.Context())
					}
					time.Sleep(w.pause(3 * time.Second))
					synctest.Wait()
					follow(t, replay, sub, root.Snapshot())
				}
				_ = root.Stop(t.Context(), nil)
				<-done
				follow(t, replay, sub, root.Snapshot())
			})
		})
	}
}

// follow applies the events up to a snapshot and compares.
func follow(t *testing.T, replay *Replay, sub *Subscription, want Snapshot) {
	t.Helper()
	for replay.rev < want.Rev {
		e, err := sub.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := replay.Apply(reread(t, e)); err != nil {
			t.Fatal(err)
		}
	}
	replay.now = want.Time
	if d := cmp.Diff(toText(t, want), toText(t, replay.Snapshot())); d != "" {
		t.Fatalf("(-snapshot +replay):\n%s", d)
	}
}

// reread writes a value as JSON and reads it.
func reread[T any](t *testing.T, v T) (again T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	return again
}

func toText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReplayOfWhatDoesNotFit(t *testing.T) {
	root, err := New("t", Spec{Children: []Child{quiet("a")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Event{
		{Kind: EventExited, Path: "t/b"},
		{Kind: EventAdded, Path: "t/b"},
		{Kind: EventAdded, Path: "b", Child: &Status{}},
		{Kind: EventAdded, Path: "t/a/b", Child: &Status{}},
	} {
		if NewReplay(root.Snapshot()).Apply(e) == nil {
			t.Errorf("%v of %s is taken", e.Kind, e.Path)
		}
	}
	if err := NewReplay(root.Snapshot()).Apply(Event{Kind: EventDropped, N: 3}); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{`{"v":"v0"}`, `[]`} {
		if json.Unmarshal([]byte(bad), new(Event)) == nil {
			t.Errorf("an event is read from %s", bad)
		}
	}
	later := Event{Path: "t/a"}
	if err := json.Unmarshal([]byte(`{"v":"v1","seq":9,"kind":"of_a_later_version","path":"t/a"}`), &later); err != nil || later.Kind != EventUnknown {
		t.Errorf("%v, %v", later, err)
	}
	r := NewReplay(root.Snapshot())
	if err := r.Apply(later); err != nil || r.Snapshot().Rev != 9 {
		t.Errorf("a kind of event that is not known is no reason to stop: %v, at %d", err, r.Snapshot().Rev)
	}
	if json.Unmarshal([]byte(`{"v":"v2"}`), new(Snapshot)) == nil {
		t.Error("a snapshot of another version is read")
	}
}
