package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/chaos/check"
	"github.com/coppice-go/coppice/tree/treetest"
)

// idle is a goroutine that does nothing until it is told to stop.
func idle(id string) tree.Child {
	return tree.Child{ID: id, Start: tree.Func(func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})}
}

// bubble carries out a plan on goroutines in virtual time.
func bubble(t *testing.T, s tree.Spec, plan string) *chaos.Journal {
	t.Helper()
	var in chaos.Injector
	root, err := tree.New("t", in.Spec(s))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = root.Serve(ctx) // how it ends is for the events to tell
	}()
	synctest.Wait() // it is up
	j, err := chaos.Run(ctx, chaos.Local(root), parse(t, plan), chaos.Options{Injector: &in, Sample: -1, Stop: cancel})
	if err != nil {
		t.Fatal(err)
	}
	<-done
	return j
}

func seq(t *testing.T, raw []byte) uint64 {
	t.Helper()
	var e tree.Event
	if err := e.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return e.Seq
}

// told lists the events of a child, its exits with their class.
func told(t *testing.T, j *chaos.Journal, path string) (all []string) {
	t.Helper()
	for _, raw := range j.Evidence.Events {
		var e tree.Event
		if err := e.UnmarshalJSON(raw); err != nil {
			t.Fatal(err)
		}
		if e.Path == path {
			s := e.Kind.String()
			if e.Kind == tree.EventExited {
				s += " " + e.Exit.Class.String()
			}
			all = append(all, s)
		}
	}
	return all
}

// Each fault of leaves does what the table says.
func TestLeafFaults(t *testing.T) {
	stop := []string{"stopping", "exited shutdown"}
	dies := func(class string) []string { return []string{"exited " + class, "child_terminated", "restarting"} }
	again := func(class string) []string { return slices.Concat(dies(class), []string{"starting", "progress"}, stop) }
	for fault, want := range map[string][]string{
		"error(disk full)": again("crash"),
		"exit(3)":          again("crash"),
		"exit(0)":          again("normal"),
		"panic":            again("crash"),
		"goexit":           again("crash"),
		"slow_start(3s)":   again("crash"),
		"fail_start(2)": slices.Concat(dies("crash"), []string{
			"starting", "start_error", "waiting", "restarting", "starting", "start_error", "waiting", "restarting", "starting", "progress",
		}, stop),
		"hang(2s)": stop, // nobody has asked anything of it meanwhile
	} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := bubble(t, tree.Spec{Intensity: strategies.Intensity{Max: 9}, Children: []tree.Child{idle("a"), idle("b")}},
					fmt.Sprintf("method: [{at: 1s, fault: %q, target: t/a}]", fault))
				if diff := cmp.Diff(want, told(t, j, "t/a")); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if diff := cmp.Diff(stop, told(t, j, "t/b")); diff != "" {
					t.Errorf("its sibling, -want +got:\n%s", diff)
				}
				holds(t, j, 2, 8, 9)
				f := j.Evidence.Faults
				if len(f) != 1 || f[0].Missed != "" || f[0].Incarnation != 1 {
					t.Errorf("%+v", f)
				}
				switch {
				case strings.HasPrefix(fault, "slow_start") && j.Stats.Recovery.Max != 3000:
					t.Errorf("the slow start took %v ms", j.Stats.Recovery.Max)
				case strings.HasPrefix(fault, "hang") && f[0].Until.Sub(f[0].Time) != 2*time.Second:
					t.Errorf("the hang went on for %v", f[0].Until.Sub(f[0].Time))
				}
			})
		})
	}
}

// A run ends with its tree; a root that gives up by the rules has kept them.
func TestRootGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := bubble(t, tree.Spec{Intensity: strategies.Intensity{Max: tree.NoRestarts}, Children: []tree.Child{idle("a"), idle("b")}},
			"method: [{at: 1s, fault: error, target: t/a}, {at: 1h, fault: error, target: t/b}]\nbudget: {abort_on: root_exhausted}")
		holds(t, j, 3, 7, 8)
		if j.Status != chaos.Aborted || len(j.Run) != 1 || j.Stats.Escalations != 1 || j.Stats.Recovery.Never != 2 || j.Evidence.End != nil {
			t.Errorf("%s, %v, %+v", j.Status, j.Run, j.Stats)
		}
	})
}

// A goroutine that hangs when it is told to stop ends the whole tree: nothing can
// kill it.
func TestHangEndsTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := bubble(t, tree.Spec{Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 9}, Children: []tree.Child{idle("a"), idle("b")}},
			`method: [{at: 1s, fault: hang(1h), target: t/a}, {at: 2s, fault: error, target: t/b}]`)
		if got := told(t, j, "t/a"); !slices.Contains(got, "stuck") {
			t.Errorf("%v", got)
		}
		if j.Status != chaos.Aborted {
			t.Errorf("%s", j.Status)
		}
	})
}

// A hang that is over before the time to stop is is none that anybody minds.
func TestHangInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := bubble(t, tree.Spec{Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 9}, Children: []tree.Child{idle("a"), idle("b")}},
			`method: [{at: 1s, fault: hang(3s), target: t/a}, {at: 2s, fault: error, target: t/b}]`)
		holds(t, j, 1, 2, 7, 8, 9)
		if got := j.Stats.ByCause["hang"]; got.N != 1 || got.Max != 0 {
			t.Errorf("%+v", j.Stats.ByCause)
		}
		if got := j.Stats.ByCause["error"]; got.N != 1 || got.Max != 2000 {
			t.Errorf("%+v", j.Stats.ByCause)
		}
	})
}

// A start by request that fails is made again; and a restart by request whose start
// fails was carried out all the same.
func TestStubbornStarts(t *testing.T) {
	for fault, starts := range map[string][]string{
		"stop(1s)": {"not_started", "not_started", "progress"},
		"restart":  {"start_error", "start_error", "progress"},
	} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				script := &treetest.Script{Starts: []treetest.Attempt{{}, {Err: errors.New("not yet")}, {Err: errors.New("not yet")}}}
				j := bubble(t, tree.Spec{Intensity: strategies.Intensity{Max: 9}, Children: []tree.Child{treetest.Child("a", script), idle("b")}},
					fmt.Sprintf("steady: [all_ready]\nmethod: [{at: 1s, fault: %s, target: t/a}]", fault))
				holds(t, j, 8, 9)
				var got []string
				for _, kind := range told(t, j, "t/a") {
					if kind == "progress" || strings.HasSuffix(kind, "start_error") || kind == "not_started" {
						got = append(got, kind)
					}
				}
				if diff := cmp.Diff(starts, got); diff != "" || j.Stats.Missed > 0 {
					t.Errorf("%+v, -want +got:\n%s", j.Evidence.Faults, diff)
				}
			})
		})
	}
}

// When the time of the budget is over, what lasts is lifted.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		j := bubble(t, tree.Spec{Children: []tree.Child{idle("a"), idle("b")}},
			"method: [{at: 1s, fault: stop(1h), target: t/a}, {at: 11s, fault: error, target: t/b}]\nbudget: {duration: 10s}")
		holds(t, j, 9)
		if f := j.Evidence.Faults; len(f) != 1 || f[0].Until.Sub(f[0].Time) != 9*time.Second || j.Status != chaos.Completed || time.Since(begin) > 30*time.Second {
			t.Errorf("%s after %v: %+v", j.Status, time.Since(begin), f)
		}
	})
}

// Faults that find nobody are missed, and it is said why.
func TestMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		once := idle("once")
		once.Restart = strategies.Temporary
		j := bubble(t, tree.Spec{Intensity: strategies.Intensity{Max: 9}, Children: []tree.Child{idle("a"), once}}, `method:
  - {at: 1s, fault: error, target: t/once}
  - {at: 2s, fault: error, target: t/once}
  - {at: 3s, fault: restart, target: t/once}
  - {at: 4s, fault: stop, target: t/once}
`)
		want := []string{"", "no wrapped leaf runs there now", "t/once: there is no such child", "t/once: there is no such child"}
		for i, f := range j.Evidence.Faults {
			if (f.Missed == "") != (want[i] == "") {
				t.Errorf("%+v, want %q", f, want[i])
			}
		}
		if j.Stats.Missed != 3 || j.Run[1].Status != "failed" || j.Run[1].Output != want[1] {
			t.Errorf("%+v %+v", j.Stats, j.Run)
		}
		holds(t, j)
	})
}

// The races, and the other faults by request, on goroutines.
func TestOperatorFaults(t *testing.T) {
	for _, step := range []string{
		"{at: 1s, fault: restart, target: t/sup/a}", "{at: 1s, fault: restart, target: t/sup}", "{at: 1s, fault: stop(3s), target: t/sup/a}",
		"{at: 1s, fault: start, target: t/sup/a}", "{at: 1s, fault: stop(2s), target: t/sup}",
		"{at: 1s, race: stop_in_crash, target: t/sup/a}", "{at: 1s, race: crash_in_stop, target: t/sup/a}",
		"{at: 1s, race: two_crashes, target: t/sup/a}", "{at: 1s, race: start_in_escalation, target: t/sup/a}",
		"{swizzle: {target: \"t/sup/*\", over: 4s}}", "{storm: {target: \"t/**\", over: 4s, rate: 3}}",
	} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sub := tree.Spec{Strategy: strategies.RestForOne, Intensity: strategies.Intensity{Max: 3}, Children: []tree.Child{idle("a"), idle("b"), idle("c")}}
				j := bubble(t, tree.Spec{Intensity: strategies.Intensity{Max: 9}, Children: []tree.Child{{ID: "sup", Start: tree.Sub(sub)}, idle("a")}},
					"steady: [all_ready]\nmethod: ["+step+"]")
				holds(t, j, 2, 8, 9)
				if j.Status != chaos.Completed || j.Stats.Faults == 0 {
					t.Errorf("%s, %+v", j.Status, j.Stats)
				}
				if escalates := strings.Contains(step, "escalation"); escalates != (j.Stats.Escalations > 0) && !strings.Contains(step, "storm") {
					t.Errorf("%d escalations", j.Stats.Escalations)
				}
			})
		})
	}
}

// An Injector reaches leaves at any depth, and those of dynamic supervisors.
func TestInjectorSpec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in chaos.Injector
		leaf := idle("")
		root, err := tree.New("t", in.Spec(tree.Spec{Intensity: strategies.Intensity{Max: 9}, Children: []tree.Child{
			{ID: "sup", Start: tree.Sub(tree.Spec{Children: []tree.Child{{ID: "pool", Start: tree.Sub(tree.Spec{Dynamic: &leaf, Intensity: strategies.Intensity{Max: 9}})}}})},
		}}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = root.Serve(ctx) }()
		synctest.Wait()
		for range 3 {
			if _, err := root.Supervisor("t/sup/pool").StartChild(ctx, tree.Child{}); err != nil {
				t.Fatal(err)
			}
		}
		_, err = parse(t, "method: [{at: 1s, fault: restart, target: \"t/sup/pool/*\"}]").Expand(1, chaos.Children(root.Snapshot(), &in))
		if err == nil || !strings.Contains(err.Error(), "a supervisor that is not dynamic") {
			t.Errorf("%v", err)
		}
		j, err := chaos.Run(ctx, chaos.Local(root), parse(t, "method: [{at: 1s, fault: panic, target: {path: \"t/**\", pick: all}}, {at: 2s, fault: stop, target: t/sup/pool}]"),
			chaos.Options{Injector: &in, Sample: -1, Check: check.Options{Operator: true}})
		if err != nil {
			t.Fatal(err)
		}
		holds(t, j, 4, 8, 9)
		if j.Evidence.End == nil || j.Evidence.Left != nil || root.Path() != "t" || !root.Idle() {
			t.Error("the tree does not go on")
		}
		if j.Stats.Exits != 6 || j.Stats.ByCause["panic"].N != 3 {
			t.Errorf("%+v", j.Stats)
		}
	})
}

// What a wrapped service does by itself is as if it was not wrapped.
func TestWrapped(t *testing.T) {
	errOwn := errors.New("its own")
	for name, serve := range map[string]func(context.Context) error{
		"normal": func(context.Context) error { return nil },
		"error":  func(context.Context) error { return errOwn },
		"panic":  func(context.Context) error { panic(errOwn) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := func(wrap func(tree.Spec) tree.Spec) string {
					var exit atomic.Pointer[string]
					s := tree.Spec{Children: []tree.Child{{ID: "a", Restart: strategies.Temporary, Start: tree.Func(serve)}, idle("b")}}
					s.Sink = func(e tree.Event) {
						if e.Kind == tree.EventExited && e.Path == "t/a" {
							text := e.Exit.String()
							exit.Store(&text)
						}
					}
					root, err := tree.New("t", wrap(s))
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					go func() { _ = root.Serve(ctx) }()
					synctest.Wait()
					return *exit.Load()
				}
				var in chaos.Injector
				if plain, wrapped := end(func(s tree.Spec) tree.Spec { return s }), end(in.Spec); plain != wrapped {
					t.Errorf("%s; wrapped %s", plain, wrapped)
				}
			})
		})
	}
}

// The table is complete: each entry says how to come by it.
func TestClasses(t *testing.T) {
	list := chaos.List()
	for _, c := range chaos.Classes() {
		f, err := chaos.ParseFault(c.Name)
		if (err == nil) == (c.Use != "") {
			t.Errorf("%s: %v, %q", c.Name, err, c.Use)
		}
		if err == nil && (f.Class != c.Name || (f.Arg == "") != (c.Takes == "")) {
			t.Errorf("%s became %v", c.Name, f)
		}
		if c.What == "" || c.On == "" || c.Group == "" || !strings.Contains(list, "  "+c.Name) {
			t.Errorf("%+v", c)
		}
	}
}
