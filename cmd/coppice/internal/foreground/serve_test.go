package foreground

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/interrupt"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// fragile is a tree whose child crashes when it is told to, and which then gives up.
func fragile(t *testing.T, crash chan error, more ...tree.Child) (*runner, *bytes.Buffer, context.CancelFunc) {
	t.Helper()
	var out bytes.Buffer
	order, cancel := context.WithCancel(t.Context())
	r := &runner{
		cfg: Config{Backoff: true}, log: newLogger(LogOptions{Out: &out}),
		stops: &interrupt.Stops{Order: order}, ended: make(chan struct{}),
	}
	var err error
	r.root, err = tree.New("t", tree.Spec{
		Intensity:    strategies.Intensity{Max: strategies.NoRestarts},
		AutoShutdown: strategies.AnySignificant,
		Children: append(more, tree.Child{ID: "a", Significant: true, Restart: strategies.Transient, Start: tree.Func(func(ctx context.Context) error {
			select {
			case err := <-crash:
				return err
			case <-ctx.Done():
				return nil
			}
		})}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, &out, cancel
}

// With backoff a root that gives up is started again: at once for the first time,
// after a pause if it happens often, until it is stopped.
func TestServeBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crash := make(chan error)
		r, out, cancel := fragile(t, crash)
		served := make(chan error, 1)
		go func() { served <- r.serve() }()
		up := func() bool { s, _ := r.root.Find("t/a"); return s.State == strategies.Up }
		crash <- errors.New("boom")
		synctest.Wait()
		if !up() {
			t.Error("it is not started again at once")
		}
		crash <- errors.New("boom")
		time.Sleep(time.Second)
		if up() {
			t.Error("it is started again without a pause")
		}
		time.Sleep(backoffPause + time.Second)
		if !up() {
			t.Error("it is not started again after the pause")
		}
		cancel()
		if err := <-served; !errors.Is(err, context.Canceled) {
			t.Errorf("the end is %v", err)
		}
		for _, want := range []string{"t ended, and will be started again:", "t gave up: t/a needed restart 1, none is allowed", "boom", "started again in 15s"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, out)
			}
		}
	})
}

// A deliberate end is an end, with backoff too.
func TestServeBackoffEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crash := make(chan error)
		r, _, cancel := fragile(t, crash)
		defer cancel()
		served := make(chan error, 1)
		go func() { served <- r.serve() }()
		crash <- nil // it has finished
		var finished *tree.AutoShutdownError
		if err := <-served; !errors.As(err, &finished) {
			t.Errorf("the end is %v", err)
		}
	})
}

// A stop that takes its time says what it waits for.
func TestStoppingTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := tree.Child{ID: "slow", Shutdown: tree.Timeout(10 * time.Second), Start: tree.Func(func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(7 * time.Second)
			return nil
		})}
		r, out, cancel := fragile(t, make(chan error), slow)
		r.systemd.send = func(string) {}
		sub := r.root.Subscribe(tree.Lossless)
		go func() {
			for e := range sub.All(context.Background()) {
				r.waits.event(e)
			}
		}()
		now, kill := context.WithCancel(context.Background())
		defer kill()
		r.stops.Now = now
		told := make(chan struct{})
		go func() { r.stopping(); close(told) }()
		served := make(chan error, 1)
		go func() { served <- r.root.Serve(r.stops.Order) }()
		synctest.Wait()
		cancel()
		<-served
		close(r.ended)
		<-told
		sub.Close()
		for _, want := range []string{
			"t: stopping in order; once more to kill everything at once",
			"waiting for t/slow (told to stop 2s ago, killed in 8s)",
			"waiting for t/slow (told to stop 6s ago, killed in 4s)",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, out)
			}
		}
		if strings.Contains(out.String(), "8s ago") {
			t.Errorf("it goes on after the end:\n%s", out)
		}
	})
}
