package top

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/record"
)

// TestScripts plays the transcripts in testdata: messages go in, the effects
// come out, and the screen is shown where that is asked for. -rewrite writes what
// comes out.
//
//	live [read-only] [ascii]   begins a view of the recorded tree as if it ran
//	replay                     begins a view of the recording
//	size W H · key NAME… · type TEXT
//	events N [drop=M] [skip=M] the next N events, after M that are lost, told of or not
//	snapshot                   the answer to AskSnapshot: the state by now
//	plan DO PATH               the answer to AskPlan; the body has stops: and starts:
//	done DO PATH [err=…] · why PATH · usage PID CPU RSS · settled · tick D · ended [err=…]
//	log [err=…]                lines of output: PATH INCARNATION STREAM TEXT
//	view                       draws the screen
func TestScripts(t *testing.T) {
	recording, err := ReadRecording("testdata/shop.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			s := &script{recording: recording}
			datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
		})
	}
}

// script is a transcript being played.
type script struct {
	recording *Recording
	model     *Model
	server    *tree.Replay // what the tree is by now
	at        int          // events so far
	now       time.Time
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "live", "replay":
		return s.begin(d)
	case "view":
		return s.view(t)
	}
	var effects []Effect
	for _, msg := range s.messages(t, d) {
		effects = append(effects, s.model.Update(msg)...)
	}
	return told(effects)
}

func (s *script) begin(d *datadriven.TestData) string {
	snapshot := s.recording.Snapshot
	s.server, s.at, s.now = tree.NewReplay(snapshot), 0, snapshot.Time.UTC()
	cfg := Config{Tree: snapshot, Now: s.now, ReadOnly: d.HasArg("read-only"), ASCII: d.HasArg("ascii")}
	if d.Cmd == "replay" {
		cfg.Recording = s.recording
	}
	var effects []Effect
	s.model, effects = New(cfg)
	return told(append(effects, s.model.Update(Size{80, 24})...))
}

// view draws the screen, and checks that it fits.
func (s *script) view(t *testing.T) string {
	text := s.model.View()
	lines := strings.Split(text, "\n")
	if s.model.width >= leastWidth && len(lines) != s.model.height {
		t.Errorf("%d lines on a screen of %d", len(lines), s.model.height)
	}
	for i, line := range lines {
		if n := len([]rune(line)); n > s.model.width {
			t.Errorf("%d columns on a screen of %d: %s", n, s.model.width, line)
		}
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// messages are those that a command stands for.
func (s *script) messages(t *testing.T, d *datadriven.TestData) (msgs []Msg) {
	arg := func(i int) string { return d.CmdArgs[i].Key }
	var err error
	if text := ""; d.MaybeScanArgs(t, "err", &text) {
		err = errors.New(strings.ReplaceAll(text, "_", " "))
	}
	switch d.Cmd {
	case "size":
		var m Size
		_, _ = fmt.Sscan(arg(0)+" "+arg(1), &m.Width, &m.Height)
		return []Msg{m}
	case "key":
		for _, a := range d.CmdArgs {
			k := Key{Name: a.Key}
			if len([]rune(a.Key)) == 1 {
				k.Text = a.Key
			}
			msgs = append(msgs, k)
		}
		return msgs
	case "type":
		for _, r := range arg(0) {
			msgs = append(msgs, Key{Name: string(r), Text: string(r)})
		}
		return msgs
	case "events":
		return []Msg{s.events(t, d)}
	case "snapshot":
		return []Msg{Snapshot{s.server.Snapshot(), err}}
	case "plan":
		return []Msg{Plan{action(t, arg(0)), arg(1), planned(d.Input), err}}
	case "done":
		o := show.Order{Do: action(t, arg(0)), Path: arg(1)}
		return []Msg{Done{o, control.Done{Path: o.Path, Incarnation: 7}, err}}
	case "why":
		w := record.Why{Path: arg(0), Status: show.Find(&s.model.snapshot.Root, arg(0))}
		return []Msg{Why{show.Report{Why: w}, err}}
	case "usage":
		var pid int
		var rss int64
		_, _ = fmt.Sscan(arg(0)+" "+arg(2), &pid, &rss)
		cpu, err := time.ParseDuration(arg(1))
		if err != nil {
			t.Fatal(err)
		}
		return []Msg{Usage{s.now, map[int]Used{pid: {cpu, rss}}}}
	case "settled":
		return []Msg{settled{s.model.place.path}}
	case "tick":
		by, err := time.ParseDuration(arg(0))
		if err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(by)
		return []Msg{Tick{s.now}}
	case "ended":
		return []Msg{Ended{err}}
	case "log":
		if err != nil {
			return []Msg{LogEnded{s.model.log.number, err}}
		}
		return []Msg{Batch{Now: s.now, Lines: s.output(t, d.Input)}}
	}
	t.Fatalf("%s: what is %s?", d.Pos, d.Cmd)
	return nil
}

func (s *script) events(t *testing.T, d *datadriven.TestData) Msg {
	take := func(n int) []tree.Event {
		all := s.recording.Events[s.at:min(s.at+n, len(s.recording.Events))]
		for _, e := range all {
			if err := s.server.Apply(e); err != nil {
				t.Fatal(err)
			}
			s.now = e.Time.UTC()
		}
		s.at += len(all)
		return all
	}
	var n, drop, skip int
	_, _ = fmt.Sscan(d.CmdArgs[0].Key, &n)
	var b Batch
	if d.MaybeScanArgs(t, "drop", &drop) {
		b.Events = append(b.Events, tree.Event{Kind: tree.EventDropped, N: uint64(len(take(drop)))})
	}
	if d.MaybeScanArgs(t, "skip", &skip) {
		take(skip)
	}
	b.Events = append(b.Events, take(n)...)
	b.Now = s.now
	return b
}

func (s *script) output(t *testing.T, text string) (all []Output) {
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
		if len(f) < 4 {
			t.Fatalf("%q is no line of output", line)
		}
		l := record.Line{Time: s.now, Path: f[0], Stream: f[2], Text: strings.ReplaceAll(f[3], "ESC", "\x1b")}
		_, _ = fmt.Sscan(f[1], &l.Incarnation)
		l.PID = 100 + int(l.Incarnation)
		all = append(all, Output{s.model.log.number, l})
	}
	return all
}

func action(t *testing.T, name string) control.Action {
	for do := control.Start; do <= control.Signal; do++ {
		if do.String() == name {
			return do
		}
	}
	t.Fatalf("%s is no action", name)
	return 0
}

// planned reads a radius.
func planned(text string) (r control.Radius) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch f[0] {
		case "stops:":
			r.Stops = f[1:]
		case "starts:":
			r.Starts = f[1:]
		}
	}
	return r
}

// told are effects in words.
func told(effects []Effect) string {
	var lines []string
	for _, e := range effects {
		name := strings.TrimPrefix(fmt.Sprintf("%T", e), "top.")
		switch e := e.(type) {
		case Act:
			name += fmt.Sprintf(" %v %s %s", e.Order.Do, e.Order.Path, e.Order.Signal)
		case Later:
			name += fmt.Sprintf(" %v", e.After)
			if m, ok := e.Msg.(settled); ok {
				name += " settled " + m.path
			}
		default:
			name += " " + strings.Trim(fmt.Sprintf("%+v", e), "{}")
		}
		lines = append(lines, strings.TrimRight(name, " "))
	}
	if lines == nil {
		return ""
	}
	return strings.Join(slices.Clip(lines), "\n") + "\n"
}
