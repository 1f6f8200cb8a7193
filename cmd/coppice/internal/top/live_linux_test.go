package top

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
	"github.com/coppice-go/coppice/tree/control/controltest"
	"github.com/coppice-go/coppice/tree/control/record"
)

// reporter is a client that tells why.
type reporter struct{ *client.Client }

func (r reporter) Report(ctx context.Context, path string) (show.Report, error) {
	w, err := r.Why(ctx, path)
	return show.Report{Why: w}, err
}

// screen is a Model over a running tree, without a terminal.
type screen struct {
	t        *testing.T
	run      *controltest.Run
	crash    controltest.Crash
	client   *client.Client
	model    *Model
	live     *live
	messages chan Msg
}

func startScreen(t *testing.T) *screen {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	s := &screen{t: t, crash: make(controltest.Crash), messages: make(chan Msg)}
	s.run = controltest.Start(t, tree.Spec{
		Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 2, Within: time.Hour},
		Children: []tree.Child{
			{ID: "api", Start: tree.Func(controltest.Wait)},
			{ID: "cache", Start: tree.Func(s.crash.Run)},
		},
	})
	var err error
	if s.client, err = client.Dial(t.Context(), s.run.Dir, ""); err != nil {
		t.Fatal(err)
	}
	snapshot, err := s.client.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.live = newLive(context.Background(), reporter{s.client})
	t.Cleanup(func() { s.live.close(); s.client.Close() })
	s.live.follow(func(m Msg) {
		select {
		case s.messages <- m:
		case <-s.live.ctx.Done():
		}
	})
	model, first := New(Config{Tree: snapshot, Now: time.Now()})
	s.model = model
	s.do(first)
	s.update(Size{100, 30})
	return s
}

func (s *screen) update(m Msg) { s.do(s.model.Update(m)) }

func (s *screen) key(name string) { s.update(Key{Name: name, Text: name}) }

// do carries out effects, at once: time is of no matter here.
func (s *screen) do(effects []Effect) {
	for _, e := range effects {
		if l, ok := e.(Later); ok {
			if l.Msg != nil {
				s.update(l.Msg)
			}
			continue
		}
		if m := s.live.do(e); m != nil {
			s.update(m)
		}
	}
}

// until lets things happen until the screen shows all of this.
func (s *screen) until(want ...string) {
	s.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		text := s.model.View()
		if !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(text, w) }) {
			return
		}
		select {
		case m := <-s.messages:
			s.update(m)
		case <-limit:
			s.t.Fatalf("not all of %q are shown:\n%s", want, text)
		}
	}
}

// What happens in a tree is seen; what is asked for is done; its end is seen.
func TestLive(t *testing.T) {
	s := startScreen(t)
	s.until("2 up", "shop                      up") // history, too
	s.run.Book.Line(record.Line{Time: time.Now(), Path: "shop/cache", Incarnation: 1, Stream: "stdout", Text: "out of cheese"})
	s.key("down")
	s.key("down")
	s.until("if it dies  ■ stops cache, api  ▶ starts api, cache")
	s.key("tab")
	s.until("log shop/cache", "| out of cheese")
	s.crash <- errors.New("disk full")
	s.until("ended: disk full", "1/1", "▰▱ 1/2 +1h00m", "incarnation 2")
	s.key("p")
	s.until("incarnation before", "| out of cheese")

	s.key("shift+tab")
	s.key("r")
	s.until("restart shop/cache? stops shop/cache, shop/api, starts shop/api, shop/cache [y/N]")
	s.key("y")
	s.until("restarted shop/cache, incarnation 3", "2/2", "▰▱ 1/2")
	s.key("s")
	s.key("y")
	s.until("stopped shop/cache", "1 up, 1 down")
	s.key("S")
	s.key("y")
	s.until("started shop/cache, incarnation 4")
	s.key("K")
	s.key("1")
	s.update(Key{Name: "enter"})
	s.key("y")
	s.until("signal shop/cache: ") // the tree's refusal: goroutines take none
	s.update(Key{Name: "enter"})
	s.until("why shop/cache", "disk full")
	s.key("esc")

	s.crash <- errors.New("disk full")
	s.until("▱▱ 0/2")
	s.crash <- errors.New("still full")
	s.until("shop gave up: shop/cache needed restart 3, 2 allowed", "ended: still full")
	if err := s.run.Server.Close(); err != nil {
		t.Fatal(err)
	}
	s.until("· ended", "ended: still full")
}

// A log that cannot be had says so.
func TestNoLog(t *testing.T) {
	s := startScreen(t)
	s.until("2 up")
	s.do([]Effect{s.model.log.open("shop/nobody", false)})
	s.key("tab")
	s.until(`there is no child "shop/nobody"`)
}

// A stream that was recorded adds up, when it is played, to what there was.
func TestRecordAndReplay(t *testing.T) {
	s := startScreen(t)
	file, err := os.Create(filepath.Join(t.TempDir(), "run.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	enc := json.NewEncoder(file)
	before, err := s.client.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := enc.Encode(before); err != nil {
		t.Fatal(err)
	}
	s.crash <- errors.New("disk full")
	s.until("▰▱ 1/2") // its end is under way, or over
	if err := s.run.Root.AwaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for e, err := range s.client.Events(t.Context(), control.EventsQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if err := enc.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	after := s.run.Root.Snapshot()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := ReadRecording(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	m, _ := New(Config{Recording: r, Now: time.Now()})
	m.Update(Size{100, 30})
	if len(r.Events) == 0 || m.mirror.rev != before.Rev {
		t.Fatalf("%d events after %d, want some after %d", len(r.Events), m.mirror.rev, before.Rev)
	}
	for range r.Events {
		m.Update(Key{Name: "right"})
	}
	if d := same(after, m.snapshot); d != "" {
		t.Error(d)
	}
	for range r.Events {
		m.Update(Key{Name: "left"})
	}
	if d := same(before, m.snapshot); d != "" {
		t.Error(d)
	}
}

// same compares snapshots, but for the time at which they were taken.
func same(want, got tree.Snapshot) string {
	want.Time = got.Time
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(got)
	if string(a) == string(b) {
		return ""
	}
	return "got  " + string(b) + "\nwant " + string(a)
}
