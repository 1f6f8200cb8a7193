package top

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// forest is a supervisor with n children that are processes.
func forest(n int) tree.Snapshot {
	s := &tree.SupervisorStatus{Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 3, Within: time.Minute}, Left: 3}
	for i := range n {
		id := fmt.Sprintf("c%d", i)
		s.Children = append(s.Children, tree.Status{
			ID: id, Path: "f/" + id, State: strategies.Up, Restart: strategies.Permanent, Incarnation: 1, PID: 1000 + i, Since: noon,
		})
	}
	return tree.Snapshot{Rev: 10, Time: noon, Root: tree.Status{
		ID: "f", Path: "f", Kind: strategies.Supervisor, State: strategies.Up, Incarnation: 1, Since: noon, Supervisor: s,
	}}
}

// of returns the effects of one kind.
func of[E Effect](effects []Effect) (some []E) {
	for _, e := range effects {
		if e, ok := e.(E); ok {
			some = append(some, e)
		}
	}
	return some
}

// Of many children only those that are seen are drawn, sampled and held in the
// radius; the cursor gets to all of them.
func TestThousandChildren(t *testing.T) {
	m, _ := New(Config{Tree: forest(1000), Now: noon})
	m.Update(Size{80, 24})
	for _, name := range []string{"end", "pgup", "pgdown"} {
		m.Update(Key{Name: name})
	}
	if got := m.current().Path; got != "f/c999" {
		t.Errorf("the cursor is on %s", got)
	}
	samples := of[Sample](m.Update(Tick{noon.Add(time.Second)}))
	if want := m.heights().tree; len(samples) != 1 || len(samples[0].PIDs) != want || samples[0].PIDs[want-1] != 1999 {
		t.Errorf("%v, want %d processes", samples, want)
	}
	var all control.Radius
	for i := range 1000 {
		all.Starts = append(all.Starts, fmt.Sprintf("f/c%d", i))
		all.Stops = append(all.Stops, fmt.Sprintf("f/c%d", 999-i))
	}
	m.Update(settled{"f/c999"})
	m.Update(Plan{Do: control.Restart, Path: "f/c999", Radius: all})
	text := m.View()
	if n := strings.Count(text, "\n"); n != 23 || !strings.Contains(text, "■1…    up") || !strings.Contains(text, "stops c999, c998 and 998 more") {
		t.Errorf("%d lines:\n%s", n+1, text)
	}
}

// While the view pauses, or a snapshot is awaited, no more is kept than fits;
// what does not makes the next snapshot necessary.
func TestHeldIsBounded(t *testing.T) {
	events := make([]tree.Event, heldMost+1)
	for i := range events {
		events[i] = tree.Event{Seq: 11 + uint64(i), Time: noon, Kind: tree.EventChildTerminated, Path: "f/c0"}
	}
	next := tree.Event{Seq: events[heldMost].Seq + 1, Time: noon, Kind: tree.EventChildTerminated, Path: "f/c0"}

	m, _ := New(Config{Tree: forest(1), Now: noon})
	m.Update(Key{Name: "space"})
	m.Update(Batch{Now: noon, Events: events})
	if len(m.held) != heldMost {
		t.Errorf("%d are held", len(m.held))
	}
	if got := of[AskSnapshot](m.Update(Key{Name: "space"})); len(got) != 0 {
		t.Error("what was held adds up")
	}
	if got := of[AskSnapshot](m.Update(Batch{Now: noon, Events: []tree.Event{next}})); len(got) != 1 {
		t.Error("the one that was not held is not missed")
	}
	m.Update(Batch{Now: noon, Events: events})
	if len(m.mirror.held) != heldMost {
		t.Errorf("%d are held", len(m.mirror.held))
	}
	if got := m.Update(Snapshot{Err: errors.New("gone")}); got != nil || m.lost == nil {
		t.Errorf("%v, %v", got, m.lost)
	}
}

// A snapshot that comes when more was lost leads to another.
func TestLostAgain(t *testing.T) {
	m, _ := New(Config{Tree: forest(1), Now: noon})
	happened := func(seq uint64) tree.Event {
		return tree.Event{Seq: seq, Time: noon, Kind: tree.EventChildTerminated, Path: "f/c0"}
	}
	m.Update(Batch{Now: noon, Events: []tree.Event{happened(20), happened(21), happened(30)}})
	s := forest(1)
	s.Rev = 20
	if got := of[AskSnapshot](m.Update(Snapshot{Snapshot: s})); len(got) != 1 {
		t.Error("what came after the second gap does not add up")
	}
	s.Rev = 31
	if got := m.Update(Snapshot{Snapshot: s}); len(got) != 0 || m.mirror.asking {
		t.Errorf("%v", got)
	}
	// An event of a child that is not there does not fit either.
	e := happened(32)
	e.Path = "f/nobody"
	if got := of[AskSnapshot](m.Update(Batch{Now: noon, Events: []tree.Event{e}})); len(got) != 1 {
		t.Error("an event that does not fit is taken")
	}
}

// Restarts are counted within the window and since the child was added; a
// sparkline has those of all below.
func TestRestarts(t *testing.T) {
	r := restarts{}
	starting := func(path string, n uint64, at time.Duration) {
		r.see(&tree.Event{Kind: tree.EventStarting, Path: path, Incarnation: n, Time: noon.Add(at)})
	}
	starting("f/a", 1, 0)
	starting("f/a", 2, time.Second)
	starting("f/a", 3, 20*time.Second)
	starting("f/b", 2, 21*time.Second)
	r.see(&tree.Event{Kind: tree.EventAdded, Path: "f/c", Child: &tree.Status{Path: "f/c", Incarnation: 8, Supervisor: &tree.SupervisorStatus{
		Children: []tree.Status{{Path: "f/c/d", Incarnation: 4}},
	}}})
	starting("f/c", 9, 21*time.Second)
	starting("f/c/d", 5, 21*time.Second)
	starting("f/c/d", 6, 22*time.Second)

	now := noon.Add(22 * time.Second)
	for _, c := range []struct {
		path          string
		incarnation   uint64
		window, total int
	}{
		{"f/a", 3, 1, 2}, {"f/b", 2, 1, 1}, {"f/c", 9, 0, 0}, {"f/c/d", 6, 1, 1}, {"f/new", 0, 0, 0},
	} {
		window, total := r.counts(&tree.Status{Path: c.path, Incarnation: c.incarnation}, 10*time.Second, now)
		if window != c.window || total != c.total {
			t.Errorf("%s: %d/%d, want %d/%d", c.path, window, total, c.window, c.total)
		}
	}
	for path, want := range map[string][]int{
		"f": {1, 0, 0, 0, 3}, "f/a": {1, 0, 0, 0, 1}, "f/c": {0, 0, 0, 0, 1}, "f/none": {0, 0, 0, 0, 0},
	} {
		if got := r.spark(path, now, 5); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if got := r.spark("f/a", now.Add(10*time.Minute), 5); !slices.Equal(got, make([]int, 5)) {
		t.Errorf("long after: %v", got)
	}
	starting("f/a", 4, 10*time.Minute)
	if got := r.spark("f/a", noon.Add(10*time.Minute), sparkCells); got[sparkCells-1] != 1 || got[0] != 0 {
		t.Errorf("after a long time: %v", got)
	}
	r.see(&tree.Event{Kind: tree.EventRemoved, Path: "f/c", Supervisor: true})
	if r["f/c"] != nil || r["f/c/d"] != nil || r["f/a"] == nil {
		t.Errorf("after the removal: %v", r)
	}
	for i := range uint64(2 * timesMost) {
		starting("f/a", 5+i, 11*time.Minute)
	}
	if n := len(r["f/a"].times); n != timesMost {
		t.Errorf("%d times are kept", n)
	}
}

// The radius of a recorded state: for each strategy who shares the fate, stopped
// in reverse and started in order, and what is below a supervisor with it.
func TestRecordedRadius(t *testing.T) {
	kids := []tree.Status{
		{ID: "a", Path: "r/a", State: strategies.Up},
		{ID: "b", Path: "r/b", State: strategies.Up, Supervisor: &tree.SupervisorStatus{Children: []tree.Status{
			{ID: "x", Path: "r/b/x", State: strategies.Up}, {ID: "y", Path: "r/b/y", State: strategies.Waiting},
		}}},
		{ID: "c", Path: "r/c", State: strategies.Down},
		{ID: "d", Path: "r/d", State: strategies.Up},
	}
	for strategy, want := range map[strategies.Strategy]control.Radius{
		strategies.OneForOne:  {Stops: []string{"r/b", "r/b/x"}, Starts: []string{"r/b", "r/b/x", "r/b/y"}},
		strategies.RestForOne: {Stops: []string{"r/d", "r/b", "r/b/x"}, Starts: []string{"r/b", "r/b/x", "r/b/y", "r/c", "r/d"}},
		strategies.OneForAll:  {Stops: []string{"r/d", "r/b", "r/b/x", "r/a"}, Starts: []string{"r/a", "r/b", "r/b/x", "r/b/y", "r/c", "r/d"}},
	} {
		up := &tree.Status{Path: "r", Supervisor: &tree.SupervisorStatus{Strategy: strategy, Children: kids}}
		if d := cmp.Diff(want, recorded(up, &kids[1])); d != "" {
			t.Errorf("%v (-want +got):\n%s", strategy, d)
		}
	}
	kids[1].Needs = []string{"a"}
	up := &tree.Status{Path: "r", Supervisor: &tree.SupervisorStatus{Strategy: strategies.Dependents, Children: kids}}
	want := control.Radius{Stops: []string{"r/b", "r/b/x", "r/a"}, Starts: []string{"r/a", "r/b", "r/b/x", "r/b/y"}}
	if d := cmp.Diff(want, recorded(up, &kids[0])); d != "" {
		t.Errorf("dependents (-want +got):\n%s", d)
	}
	kids[1].Needs = []string{"gone"}
	if got := recorded(up, &kids[1]); len(got.Stops)+len(got.Starts) > 0 {
		t.Errorf("of one that needs what is gone: %+v", got)
	}
	if got := recorded(nil, up); len(got.Stops)+len(got.Starts) > 0 {
		t.Errorf("of the root: %+v", got)
	}
}

// The use of a processor is that between two samples of the same process.
func TestUsage(t *testing.T) {
	m, _ := New(Config{Tree: forest(2), Now: noon})
	m.Update(Size{100, 24})
	sample := func(at time.Duration, of map[int]Used) { m.Update(Usage{noon.Add(at), of}) }
	row := func(path string) string {
		for line := range strings.Lines(m.View()) {
			if strings.Contains(line, path) {
				return strings.TrimRight(line[strings.Index(line, "100"):], " \n")
			}
		}
		return ""
	}
	sample(0, map[int]Used{1000: {time.Second, 3 << 20}, 1001: {time.Second, 1 << 30}})
	if got := row("c0"); got != "1000        3.0M" {
		t.Errorf("at first %q", got)
	}
	sample(2*time.Second, map[int]Used{1000: {2 * time.Second, 3 << 20}, 1001: {time.Millisecond, 900}})
	if got := row("c0"); got != "1000   50%  3.0M" {
		t.Errorf("half a processor: %q", got)
	}
	if got := row("c1"); got != "1001        900B" {
		t.Errorf("the number is another's: %q", got)
	}
	sample(3*time.Second, nil)
	if got := row("c0"); got != "1000" {
		t.Errorf("it is gone: %q", got)
	}
}

// What stands in a column fits into it, whatever it is.
func TestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", -time.Second: "0s", 59 * time.Second: "59s", 125 * time.Second: "2m05s", 59 * time.Minute: "59m", 90 * time.Minute: "1h30m",
		23 * time.Hour: "23h", 999 * 24 * time.Hour: "999d", 2000 * 24 * time.Hour: "5y",
	} {
		if got := age(d); got != want || len(got) > uptimeColumn {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	if got := until(1); got != "1s" {
		t.Errorf("until in a nanosecond: %s", got)
	}
	for n, want := range map[int64]string{0: "0B", 999: "999B", 1000: "1.0K", 1 << 20: "1.0M", 999 << 20: "999M", 1000 << 20: "1.0G", 17 << 40: "17T"} {
		if got := size(n); got != want || len(got) > rssColumn {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// The colours: the child under the cursor is inverse, its radius tinted, budgets
// green, yellow and red. Text is the same without.
func TestColours(t *testing.T) {
	s := forest(3)
	draw := func(color bool, left int) string {
		s.Root.Supervisor.Spent, s.Root.Supervisor.Left, s.Root.Supervisor.Refill = 3-left, left, noon.Add(time.Minute+1)
		m, _ := New(Config{Tree: s, Now: noon, Color: color})
		m.Update(Size{80, 24})
		m.Update(Key{Name: "down"})
		m.Update(Plan{Do: control.Restart, Path: "f/c0", Radius: control.Radius{Stops: []string{"f/c1", "f/c0"}, Starts: []string{"f/c0", "f/c1"}}})
		return m.View()
	}
	for left, colour := range map[int]string{3: "\x1b[32m3/3", 2: "\x1b[32m2/3", 1: "\x1b[33m1/3", 0: "\x1b[31m0/3"} {
		if text := draw(true, left); !strings.Contains(text, colour) {
			t.Errorf("%d left: no %q in\n%q", left, colour, text)
		}
	}
	text := draw(true, 3)
	for _, want := range []string{"\x1b[7mc0\x1b[m", "\x1b[35m┃\x1b[m", "\x1b[35mc1\x1b[m", "\x1b[33m■1\x1b[m\x1b[32m▶2\x1b[m", "\x1b[32mup      \x1b[m"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%q", want, text)
		}
	}
	if d := cmp.Diff(draw(false, 3), ansi.Strip(text)); d != "" {
		t.Errorf("with colours another text (-without +with):\n%s", d)
	}
}

// Lists keep their place while they are read, and are bounded.
func TestLists(t *testing.T) {
	m, _ := New(Config{Tree: forest(2), Now: noon})
	m.Update(Size{80, 24})
	m.Update(Key{Name: "shift+tab"})
	seq := uint64(10)
	happen := func(n int) {
		var events []tree.Event
		for range n {
			seq++
			events = append(events, tree.Event{Seq: seq, Time: noon, Kind: tree.EventStarting, Path: "f/c0", Incarnation: seq})
		}
		m.Update(Batch{Now: noon, Events: events})
	}
	happen(30)
	m.Update(Key{Name: "up"})
	at := func() uint64 {
		e, _ := m.event()
		return e.item.events[e.event].Seq
	}
	was := at()
	happen(5)
	if at() != was {
		t.Errorf("the cursor was on event %d, is on %d", was, at())
	}
	happen(2 * itemsMost)
	if n := len(m.story.items); n != itemsMost {
		t.Errorf("%d items are kept", n)
	}
	m.Update(Key{Name: "end"})
	if at() != seq {
		t.Errorf("the last is %d, want %d", at(), seq)
	}
	cascade := strategies.Cascade{Origin: "f/c1", N: 1}
	var events []tree.Event
	for range eventsMost + 100 {
		seq++
		events = append(events, tree.Event{Seq: seq, Time: noon, Kind: tree.EventStopping, Path: "f/c0", Cascade: cascade})
	}
	m.Update(Batch{Now: noon, Events: events})
	if it := m.story.latest[cascade]; len(it.events) != eventsMost || it.stops != eventsMost+100 {
		t.Errorf("%d of %d events are kept", len(it.events), it.stops)
	}

	m.log.number, m.log.path, m.focus = 3, "f/c0", logPane
	write := func(log, n int) {
		var b Batch
		for range n {
			b.Lines = append(b.Lines, Output{Log: log})
		}
		m.Update(b)
	}
	write(3, logLines+10)
	write(2, 5) // of a log that was left
	if n := len(m.log.lines); n != logLines {
		t.Errorf("%d lines are kept", n)
	}
	m.Update(Key{Name: "up"})
	write(3, 4)
	if m.log.up != 5 {
		t.Errorf("the log is read %d lines from its end, want 5", m.log.up)
	}
}

// Whatever is shown fits into any terminal.
func TestEverySize(t *testing.T) {
	r, err := ReadRecording("testdata/shop.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	show := map[string]func(*Model){
		"tree":  func(*Model) {},
		"log":   func(m *Model) { m.Update(Key{Name: "tab"}) },
		"help":  func(m *Model) { m.Update(Key{Name: "?"}) },
		"ended": func(m *Model) { m.Update(Batch{Now: noon, Events: r.Events}) },
		"order": func(m *Model) {
			m.Update(Key{Name: "s"})
			m.Update(Plan{Do: control.Stop, Path: "shop", Radius: control.Radius{Stops: make([]string, 100)}})
		},
		"filter": func(m *Model) { m.filterBy("nobody") },
		"folded": func(m *Model) { m.Update(Key{Name: "h"}) },
	}
	for name, do := range show {
		m, _ := New(Config{Tree: r.Snapshot, Now: r.Snapshot.Time, Color: true})
		do(m)
		for _, size := range []Size{
			{0, 0}, {1, 1}, {39, 10}, {40, 9}, {40, 10}, {47, 12}, {56, 13}, {72, 17}, {80, 24}, {131, 35}, {132, 36}, {250, 90},
		} {
			m.Update(size)
			lines := strings.Split(m.View(), "\n")
			for _, line := range lines {
				if ansi.StringWidth(line) > size.Width {
					t.Errorf("%s: %+v: %d columns: %q", name, size, ansi.StringWidth(line), line)
				}
			}
			if size.Width >= leastWidth && size.Height >= leastHeight && len(lines) != size.Height {
				t.Errorf("%s: %+v: %d lines", name, size, len(lines))
			}
		}
	}
}
