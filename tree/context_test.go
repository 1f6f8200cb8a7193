package tree

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/strategies"
)

type testKey struct{}

func TestChildContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := hclog.New(&hclog.LoggerOptions{Output: &log, DisableTime: true})
		contexts := make(chan context.Context, 1)
		root, err := New("t", Spec{Logger: logger, Sink: func(Event) {}, Children: []Child{{ID: "a", Start: Func(func(ctx context.Context) error {
			contexts <- ctx
			<-ctx.Done()
			return nil
		})}}})
		if err != nil {
			t.Fatal(err)
		}
		tree, cancel := context.WithTimeout(context.WithValue(t.Context(), testKey{}, 1), time.Hour)
		done := make(chan struct{})
		go func() { _ = root.Serve(tree); close(done) }()
		ctx := <-contexts

		if ref, ok := strategies.ChildFrom(ctx); !ok || ref.Path != "t/a" || ref.Incarnation != 1 {
			t.Errorf("ChildFrom: %+v, %v", ref, ok)
		}
		if ctx.Value(testKey{}) != 1 {
			t.Error("the values of the tree's context are lost")
		}
		if _, ok := ctx.Deadline(); ok {
			t.Error("the deadline of the tree's context is the child's")
		}
		hclog.FromContext(ctx).Info("hello")
		if got := log.String(); got != "[INFO]  t/a: hello\n" {
			t.Errorf("logged %q", got)
		}

		derived, cancelDerived := context.WithCancel(ctx)
		defer cancelDerived()
		after, undone := make(chan struct{}), false
		context.AfterFunc(ctx, func() { close(after) })
		stop := context.AfterFunc(ctx, func() { undone = true })
		if !stop() || stop() {
			t.Error("the function returned by AfterFunc does not say whether it was in time")
		}
		if ctx.Err() != nil || derived.Err() != nil {
			t.Error("cancelled too early")
		}
		cancel()
		<-done
		<-after
		<-derived.Done()
		synctest.Wait()
		if ctx.Err() != context.Canceled || derived.Err() != context.Canceled || context.Cause(derived) != context.Canceled || undone {
			t.Errorf("%v, %v, undone ran: %v", ctx.Err(), derived.Err(), undone)
		}
		late := make(chan struct{})
		context.AfterFunc(ctx, func() { close(late) })
		<-late
		<-(&childContext{err: context.Canceled}).Done()
	})
}

// What was made from the context of an incarnation ends with it.
func TestContextEndsWithItsIncarnation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		x := make(puppet)
		contexts := make(chan context.Context, 2)
		s := on(t, Spec{Children: []Child{{ID: "a", Start: Func(func(ctx context.Context) error {
			derived, cancel := context.WithCancel(ctx)
			_ = cancel // the helper below is what a careless child leaves behind
			go func() { <-derived.Done() }()
			contexts <- derived
			return x.Serve(ctx)
		})}}})
		x <- errBoom
		<-(<-contexts).Done()
		synctest.Wait()
		if second := <-contexts; second.Err() != nil {
			t.Error("the context of the next incarnation is cancelled")
		}
		_ = s.stop()
	})
}

func TestLogSink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		x := make(puppet)
		s := &stage{T: t, result: make(chan error, 1)}
		root, err := New("t", Spec{
			Strategy: strategies.OneForAll,
			Logger:   hclog.New(&hclog.LoggerOptions{Output: &log, DisableTime: true, Level: hclog.Info}),
			Children: []Child{x.child("a"), quiet("b")},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.root = root
		s.serve()
		x <- errBoom
		synctest.Wait()
		x <- errBoom
		_ = s.ended()
		const want = `
[INFO]  t/a: started: incarnation=1
[INFO]  t/b: started: incarnation=1
[INFO]  t: started: incarnation=1
[ERROR] t/a: terminated: crash: boom: incarnation=1 cascade="t/a#1"
[WARN]  t/a: restarting, and with it 1 of its siblings (1 of 1 allowed): incarnation=1 cascade="t/a#1"
[INFO]  t/b: stopping, within 5s: incarnation=1 cascade="t/a#1"
[INFO]  t/a: started: incarnation=2 cascade="t/a#1"
[INFO]  t/b: started: incarnation=2 cascade="t/a#1"
[ERROR] t/a: terminated: crash: boom: incarnation=2 cascade="t/a#2"
[ERROR] t/a: not restarted: that would be restart 2 of 1 allowed, its supervisor gives up: incarnation=2 cascade="t/a#2"
[INFO]  t/b: stopping, within 5s: incarnation=2 cascade="t/a#2"
[INFO]  t: exited: shutdown: t gave up: t/a needed restart 2 within 5s, 1 allowed: boom: incarnation=1 cascade="t/a#2"
`
		if got := log.String(); got != strings.TrimPrefix(want, "\n") {
			t.Errorf("log reads\n%s\nwant%s", got, want)
		}
	})
}

// Everything a child does with its logger happens to one named with its path.
func TestChildLogger(t *testing.T) {
	var log bytes.Buffer
	base := hclog.New(&hclog.LoggerOptions{Name: "app", Output: &log, DisableTime: true, Level: hclog.Trace})
	var l hclog.Logger = &childLogger{base: base.With("k", 1), path: "t/a"}
	l.Log(hclog.Info, "log")
	l.Trace("trace")
	l.Debug("debug")
	l.Warn("warn")
	l.Error("error")
	l.With("x", 2).Info("with")
	l.Named("n").Info("named")
	l.ResetNamed("r").Info("reset")
	l.StandardLogger(nil).Print("standard")
	_, _ = l.StandardWriter(&hclog.StandardLoggerOptions{ForceLevel: hclog.Warn}).Write([]byte("writer\n"))
	const want = `
[INFO]  app.t/a: log: k=1
[TRACE] app.t/a: trace: k=1
[DEBUG] app.t/a: debug: k=1
[WARN]  app.t/a: warn: k=1
[ERROR] app.t/a: error: k=1
[INFO]  app.t/a: with: k=1 x=2
[INFO]  app.t/a.n: named: k=1
[INFO]  r: reset: k=1
[INFO]  app.t/a: standard: k=1
[WARN]  app.t/a: writer: k=1
`
	if got := log.String(); got != strings.TrimPrefix(want, "\n") {
		t.Errorf("log reads\n%s\nwant%s", got, want)
	}
	if l.Name() != "app.t/a" || !l.IsTrace() || !l.IsDebug() || !l.IsInfo() || !l.IsWarn() || !l.IsError() || len(l.ImpliedArgs()) != 2 {
		t.Errorf("%s %v", l.Name(), l.ImpliedArgs())
	}
	if l.SetLevel(hclog.Error); l.GetLevel() != hclog.Error || l.IsWarn() {
		t.Errorf("level %v", l.GetLevel())
	}
}
