package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// The lanes follow a new description: those who leave need not run, nor do those who
// could not be started, and those who come after them.
func TestHistoryReconfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := true
		flaky := tree.Of(func() (*flakyService, error) { return &flakyService{&fails}, nil })
		sub := func(s tree.Spec, ids ...string) tree.Starter {
			for _, id := range ids {
				s.Children = append(s.Children, tree.Child{ID: id, Start: leaf})
			}
			return tree.Sub(s)
		}
		root, err := tree.New("t", tree.Spec{Children: []tree.Child{
			{ID: "a", Start: leaf}, {ID: "s", Start: sub(tree.Spec{}, "x")}, {ID: "k", Start: sub(tree.Spec{}, "y")},
		}})
		if err != nil {
			t.Fatal(err)
		}
		events := root.Subscribe(tree.Lossless)
		defer events.Close()
		begin, err := json.Marshal(events.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		h, err := beginHistory(begin)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- root.Serve(ctx) }()
		synctest.Wait()
		want := func(not []string, lanes ...string) {
			t.Helper()
			for h.begin.Rev+uint64(len(h.events)) < root.Rev() {
				e, err := events.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				h.events = append(h.events, e)
				h.see(&e)
			}
			if got := h.notReady(); !slices.Equal(got, not) {
				t.Errorf("%v are not ready, want %v", got, not)
			}
			var got []string
			for _, l := range h.lanes[1:] {
				got = append(got, fmt.Sprintf("%s %s %v, %v above", l.path, phases[l.now()], l.restart, l.above))
			}
			if !slices.Equal(got, lanes) {
				t.Errorf("the lanes are\n%q, want\n%q", got, lanes)
			}
		}
		want(nil, "t/a up permanent, one_for_one above", "t/s up permanent, one_for_one above", "t/s/x up permanent, one_for_one above",
			"t/k up permanent, one_for_one above", "t/k/y up permanent, one_for_one above")

		dependents := tree.Spec{Strategy: strategies.Dependents, Children: []tree.Child{
			{ID: "a", Start: leaf, Restart: strategies.Temporary}, {ID: "f", Start: flaky}, {ID: "b", Start: leaf, Needs: []string{"f"}},
			{ID: "k", Start: sub(tree.Spec{Strategy: strategies.OneForAll}, "y", "z")}, {ID: "c", Start: leaf, Needs: []string{"b"}},
		}}
		if _, err := root.Reconfigure(t.Context(), dependents); err == nil {
			t.Error("f could be started")
		}
		synctest.Wait()
		lanes := []string{"t/a up temporary, dependents above", "t/s done permanent, one_for_one above", "t/s/x done permanent, one_for_one above",
			"t/k up permanent, dependents above", "t/k/y up permanent, one_for_all above",
			"t/f done permanent, dependents above", "t/b done permanent, dependents above", "t/c done permanent, dependents above", "t/k/z up permanent, one_for_all above"}
		want(nil, lanes...)
		time.Sleep(time.Second)
		if got := h.available("t", h.begin.Time, time.Now()); got != 1 {
			t.Errorf("available for %v of the time", got)
		}

		fails = false
		if _, err := root.Reconfigure(t.Context(), dependents); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		for _, i := range []int{5, 6, 7} {
			lanes[i] = strings.Replace(lanes[i], "done", "up", 1)
		}
		want(nil, lanes...)
		cancel()
		<-done
	})
}

var phases = [...]string{"down", "starting", "up", "stopping", "done"}

type flakyService struct{ fails *bool }

func (f *flakyService) Init(context.Context) error {
	if *f.fails {
		return context.DeadlineExceeded
	}
	return nil
}

func (f *flakyService) Serve(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
