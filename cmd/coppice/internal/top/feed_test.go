package top

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/tree"
)

// However much comes, the model is told at most ten times a second; all of it,
// in order, and the first at once.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := &feed{ctx: ctx, in: make(chan fed)}
		var batches []Batch
		var took []time.Duration
		var end Msg
		start := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.run(func(m Msg) {
				b, ok := m.(Batch)
				if !ok {
					end = m
					return
				}
				batches, took = append(batches, b), append(took, time.Since(start))
			})
		}()
		f.put(fed{event: &tree.Event{Seq: 1}})
		synctest.Wait()
		if len(batches) != 1 || took[0] != 0 {
			t.Errorf("the first came after %v", took)
		}
		seq := uint64(1)
		for range 1000 { // one each millisecond
			time.Sleep(time.Millisecond)
			seq++
			f.put(fed{event: &tree.Event{Seq: seq}})
			f.put(fed{line: &Output{Log: int(seq)}})
		}
		f.put(fed{msg: Ended{}})
		synctest.Wait()
		if len(batches) > 12 { // with the first, and that which the end brought
			t.Errorf("%d batches in a second", len(batches))
		}
		var events, lines uint64 = 0, 1
		for _, b := range batches {
			for _, e := range b.Events {
				if events++; e.Seq != events {
					t.Fatalf("event %d follows %d", e.Seq, events-1)
				}
			}
			for _, o := range b.Lines {
				if lines++; uint64(o.Log) != lines {
					t.Fatalf("line %d follows %d", o.Log, lines-1)
				}
			}
		}
		if events != seq || lines != seq || end == nil {
			t.Errorf("%d events and %d lines of %d, end %v", events, lines, seq, end)
		}
		cancel()
		<-done
		if f.put(fed{msg: Ended{}}) {
			t.Error("it is taken after the end")
		}
	})
}

// While the model does not take what there is, the streams wait.
func TestFeedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := &feed{ctx: ctx, in: make(chan fed)}
		busy := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.run(func(Msg) { <-busy })
		}()
		put := 0
		go func() {
			for f.put(fed{event: new(tree.Event)}) {
				put++
			}
		}()
		synctest.Wait()
		if put != 1 {
			t.Errorf("%d are taken by a model that is busy with the first", put)
		}
		busy <- struct{}{}
		synctest.Wait()
		if put != feedMost+1 {
			t.Errorf("%d are taken before it is time, want %d", put, feedMost+1)
		}
		cancel()
		close(busy)
		<-done
	})
}
