package treetest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/treetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDisk = errors.New("disk full")

// shop is a tree under test as its owner would write it: nothing in it knows of
// tests.
func shop() tree.Spec {
	serve := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	return tree.Spec{
		Strategy:  strategies.RestForOne,
		Intensity: strategies.Intensity{Max: 2, Within: time.Minute},
		Children: []tree.Child{
			{ID: "db", Start: tree.Func(serve)},
			{ID: "web", Start: tree.Sub(tree.Spec{Children: []tree.Child{{ID: "api", Start: tree.Func(serve)}}})},
		},
	}
}

func TestCrashByPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := treetest.Start(t, "shop", shop())
		tt.WantUp("shop/db", "shop/web", "shop/web/api")
		tt.Crash("shop/db", errDisk)
		tt.Settle()
		tt.Want("child_terminated shop/db", "restarting shop/db", "stopping shop/web", "starting shop/db", "starting shop/web/api", "progress shop/web")
		tt.WantUp("shop/db", "shop/web", "shop/web/api")
		if n := tt.Incarnation("shop/web/api"); n != 2 {
			t.Errorf("api was started %d times, want 2", n)
		}
		tt.Crash("shop/web/api", treetest.Panic("nil map"))
		tt.Settle()
		tt.WantUp("shop/web/api")
		if st, _ := tt.Find("shop/web/api"); st.Last == nil || st.Last.Exit.Err.Error() != "panic: nil map" {
			t.Errorf("last exit of api: %+v", st.Last)
		}
		if err := tt.Stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Stop: %v", err)
		}
	})
}

func TestExhaustion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := treetest.Start(t, "shop", shop())
		for range 3 {
			tt.Crash("shop/db", errDisk)
			tt.Settle()
		}
		if !tt.Ended() {
			t.Fatal("three crashes, two allowed, and the tree goes on")
		}
		if err := tt.Err(); !errors.Is(err, tree.ErrExhausted) || !errors.Is(err, errDisk) {
			t.Errorf("the tree ended with %v", err)
		}
	})
}

func TestScriptedChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &treetest.Script{Starts: []treetest.Attempt{
			{Takes: time.Minute, Lives: time.Hour, Ends: errDisk},
			{Err: errDisk},
			{Err: treetest.Panic("init")},
			{Err: tree.ErrIgnore},
		}}
		begin := time.Now()
		tt := treetest.Start(t, "t", tree.Spec{
			Intensity: strategies.Intensity{Max: 5},
			Children:  []tree.Child{treetest.Child("slow", slow), treetest.Killable("stubborn", &treetest.Script{Stop: treetest.Hang})},
		})
		if d := time.Since(begin); d != time.Minute {
			t.Errorf("the start took %v, want a minute", d)
		}
		tt.Await(t.Context(), tree.EventIgnored, "t/slow")
		if n := slow.Attempts(); n != 4 {
			t.Errorf("%d attempts, want 4", n)
		}
		begin = time.Now()
		_ = tt.Stop()
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("the stop took %v, want the 5 s after which stubborn is killed", d)
		}
	})
}

// A pause before a restart is not rest: Settle waits for what follows.
func TestSettleWaitsForBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := treetest.Child("a", nil)
		c.Backoff = strategies.Backoff{Min: time.Hour}
		tt := treetest.Start(t, "t", tree.Spec{Children: []tree.Child{c}})
		begin := time.Now()
		tt.Crash("t/a", errDisk)
		tt.Settle()
		tt.WantUp("t/a")
		if d := time.Since(begin); d != time.Hour {
			t.Errorf("up again after %v", d)
		}
	})
}

func TestDynamicChildrenCrashToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := treetest.Start(t, "t", tree.Spec{Dynamic: &tree.Child{Start: treetest.Child("", nil).Start}})
		ref, err := tt.StartChild(t.Context(), tree.Child{ID: "job"})
		if err != nil {
			t.Fatal(err)
		}
		tt.Crash(ref.Path, errDisk)
		tt.Settle()
		tt.WantUp("t/job")
		tt.Want("added t/job", "running t/job", "child_terminated t/job", "running t/job")
	})
}

// What a helper finds wrong must fail the test.
func TestItFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := treetest.Start(t, "shop", shop())
		for what, f := range map[string]func(*treetest.Tree){
			"Crash of what is not there": func(tt *treetest.Tree) { tt.Crash("shop/nobody", nil) },
			"Want of what was not":       func(tt *treetest.Tree) { tt.Want("killing shop/db") },
			"WantUp of what is not":      func(tt *treetest.Tree) { tt.WantUp("shop/nobody") },
			"Await for too long": func(tt *treetest.Tree) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				tt.Await(ctx, tree.EventStuck, "shop/db")
			},
		} {
			if !fails(tt, f) {
				t.Errorf("%s does not fail the test", what)
			}
		}
	})
}

// fails runs f with a testing.TB that takes failures down.
func fails(tt *treetest.Tree, f func(*treetest.Tree)) (failed bool) {
	recorder := &recorder{}
	copied := tt.With(recorder)
	done := make(chan struct{})
	go func() { defer close(done); f(copied) }()
	<-done
	return recorder.failed
}

// Without a bubble time is real, and events are waited for.
func TestWithoutBubble(t *testing.T) {
	tt := treetest.Start(t, "shop", shop())
	tt.Crash("shop/web/api", errDisk)
	e := tt.Await(t.Context(), tree.EventChildTerminated, "shop/web/api")
	if !errors.Is(e.Exit.Err, errDisk) {
		t.Errorf("it ended with %v", e.Exit)
	}
	tt.Await(t.Context(), tree.EventProgress, "shop/web/api")
	tt.Settle()
	tt.WantUp("shop/web/api")
}
