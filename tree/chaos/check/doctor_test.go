package check_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// doctoring is a change to a recording, by which it violates an invariant.
type doctoring struct {
	name     string
	scene    string
	violates int
	also     []int // what else that violates of necessity
	says     string
	o        check.Options
	doctor   func(j *journal) uint64
}

// journal is evidence that can be doctored.
type journal struct {
	t      *testing.T
	e      check.Evidence
	events []doc
}

// doc is an event.
type doc map[string]any

func edit(t *testing.T, e check.Evidence) *journal {
	t.Helper()
	j := &journal{t: t, e: e}
	for _, raw := range e.Events {
		var d doc
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		j.events = append(j.events, d)
	}
	return j
}

// evidence is the journal as it is now.
func (j *journal) evidence() check.Evidence {
	j.e.Events = nil
	for _, d := range j.events {
		j.e.Events = append(j.e.Events, marshal(j.t, d))
	}
	return j.e
}

// at returns the place of the n-th event, from 0, of this kind about this path.
func (j *journal) at(kind, path string, n int) int {
	j.t.Helper()
	for i, d := range j.events {
		if d["kind"] == kind && d["path"] == path {
			if n--; n < 0 {
				return i
			}
		}
	}
	j.t.Fatalf("no event %s %s is left in the journal", kind, path)
	return 0
}

// seq returns the number of an event.
func (j *journal) seq(i int) uint64 { return uint64(j.events[i]["seq"].(float64)) }

// renumber makes the numbers of events a row without gaps again.
func (j *journal) renumber() {
	first := j.seq(0)
	for i := range j.events {
		first = min(first, j.seq(i))
	}
	for i, d := range j.events {
		d["seq"] = float64(first) + float64(i)
	}
	j.e.End = nil // its rev is another
}

// drop takes out events, as if they had never been.
func (j *journal) drop(places ...int) {
	var kept []doc
	for i, d := range j.events {
		if !slices.Contains(places, i) {
			kept = append(kept, d)
		}
	}
	j.events = kept
	j.renumber()
}

// dropAll takes out all events about a path from a place on.
func (j *journal) dropAll(path string, from int) {
	var places []int
	for i := from; i < len(j.events); i++ {
		if j.events[i]["path"] == path {
			places = append(places, i)
		}
	}
	j.drop(places...)
}

// insert puts events in before a place, at the time of the one before them, and
// returns the number of the first.
func (j *journal) insert(i int, events ...doc) uint64 {
	for _, d := range events {
		d["v"], d["seq"] = "v1", float64(1<<40)
		if d["time"] == nil {
			d["time"] = j.events[max(i-1, 0)]["time"]
		}
	}
	j.events = slices.Insert(j.events, i, events...)
	j.renumber()
	return j.seq(i)
}

// move takes an event to another place: before the one that is there now.
func (j *journal) move(from, to int) {
	d := j.events[from]
	j.events = slices.Delete(j.events, from, from+1)
	if from < to {
		to--
	}
	j.events = slices.Insert(j.events, to, d)
	j.renumber()
}

// swap exchanges two runs of as many events each.
func (j *journal) swap(a, b, n int) {
	for i := range n {
		j.events[a+i], j.events[b+i] = j.events[b+i], j.events[a+i]
		j.events[a+i]["time"], j.events[b+i]["time"] = j.events[b+i]["time"], j.events[a+i]["time"]
	}
	j.renumber()
}

// cut ends the evidence before a place, some time after the last event that is
// left.
func (j *journal) cut(i int, later time.Duration) {
	j.events = j.events[:i]
	j.e.End = nil
	j.e.Closed = j.when(i - 1).Add(later)
}

func (j *journal) when(i int) time.Time {
	at, err := time.Parse(time.RFC3339Nano, j.events[i]["time"].(string))
	if err != nil {
		j.t.Fatal(err)
	}
	return at
}

// shift moves an event in time.
func (j *journal) shift(i int, by time.Duration) {
	j.events[i]["time"] = j.when(i).Add(by).Format(time.RFC3339Nano)
}

// about is an event to be inserted.
func about(kind, path string, incarnation int) doc {
	return doc{"kind": kind, "path": path, "incarnation": float64(incarnation)}
}

// with adds a field.
func (d doc) with(key string, value any) doc {
	d[key] = value
	return d
}

// because adds a cascade.
func (d doc) because(origin string, n int) doc {
	return d.with("cascade", map[string]any{"origin": origin, "n": n})
}

// as adds an exit.
func (d doc) as(class string) doc { return d.with("exit", map[string]any{"class": class}) }
