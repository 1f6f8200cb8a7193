package check_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// storm is a tree in which the children of a supervisor crash in turn, four
// events each time, and one of the events that follow from it.
func storm(events, children int, strategy string) check.Evidence {
	var kids []doc
	for i := range children {
		kids = append(kids, doc{"id": fmt.Sprint(i), "path": fmt.Sprintf("t/%d", i), "type": "worker", "state": "up", "restart": "permanent", "incarnation": 1})
	}
	begin, _ := json.Marshal(doc{"v": "v1", "rev": 7, "time": time.Unix(0, 0).UTC(), "root": doc{
		"id": "t", "path": "t", "type": "supervisor", "state": "up", "incarnation": 1,
		"supervisor": doc{"strategy": strategy, "intensity": doc{"max": 3, "within_ms": 1}, "children": kids}}})
	e := check.Evidence{Begin: begin}
	now := time.Unix(0, 0).UTC()
	tell := func(kind string, child int, n int, more doc) {
		d := doc{"v": "v1", "seq": 8 + len(e.Events), "time": now, "kind": kind, "path": fmt.Sprintf("t/%d", child), "incarnation": n}
		for k, v := range more {
			d[k] = v
		}
		raw, _ := json.Marshal(d)
		e.Events = append(e.Events, raw)
	}
	numbers := make([]int, children)
	for i := range numbers {
		numbers[i] = 1
	}
	for i := 0; len(e.Events) < events; i++ {
		now = now.Add(time.Second)
		k := i % children
		c := doc{"origin": fmt.Sprintf("t/%d", k), "n": numbers[k]}
		crash := doc{"exit": doc{"class": "crash", "reason": "boom"}, "cascade": c}
		tell("exited", k, numbers[k], crash)
		tell("child_terminated", k, numbers[k], crash)
		first, last := k, k
		if strategy == "one_for_all" {
			first, last = 0, children-1
		}
		var group []string
		for m := first; m <= last; m++ {
			group = append(group, fmt.Sprint(m))
		}
		tell("restarting", k, numbers[k], doc{"cascade": c, "group": group, "spent": 1, "max": 3})
		for m := last; m >= first; m-- {
			if m != k {
				tell("stopping", m, numbers[m], doc{"cascade": c, "after_ms": 5000})
				tell("exited", m, numbers[m], doc{"cascade": c, "exit": doc{"class": "shutdown"}})
			}
		}
		for m := first; m <= last; m++ {
			numbers[m]++
			tell("starting", m, numbers[m], doc{"cascade": c})
			tell("progress", m, numbers[m], doc{"cascade": c})
		}
	}
	return e
}

// BenchmarkCheck: 100,000 events.
func BenchmarkCheck(b *testing.B) {
	for _, c := range []struct {
		children int
		strategy string
	}{{10, "one_for_one"}, {10_000, "one_for_one"}, {10, "one_for_all"}, {5_000, "one_for_all"}} {
		b.Run(fmt.Sprintf("%s/%d", c.strategy, c.children), func(b *testing.B) {
			e := storm(100_000, c.children, c.strategy)
			b.ReportAllocs()
			for b.Loop() {
				r, err := check.Check(e, check.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := r.Err(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(e.Events)), "ns/event")
		})
	}
}
