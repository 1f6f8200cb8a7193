//go:build linux

package worker

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOutput(t *testing.T) {
	for _, tt := range []struct {
		name string
		say  string
		max  int
		want []string
	}{
		{"lines", "one\ntwo\n\nfour\r\n", 0, []string{"one", "two", "", "four"}},
		{"partial last line", "one\ntwo", 0, []string{"one", "two"}},
		{"nothing", "", 0, nil},
		{"as long as allowed", "12345678\n12345678", 8, []string{"12345678", "12345678"}},
		{"too long", "12345678abcdefgh9\nx", 8, []string{"12345678…", "…abcdefgh…", "…9", "x"}},
		{"cut between characters", "1234567äöü\n", 8, []string{"1234567…", "…äöü"}},
		{"invalid UTF-8", "a\xff\xfeb\xc3\n", 0, []string{"a\uFFFDb\uFFFD"}},
		{"control characters", "\x1b[31mred\x1b[0m\tand \u009b \x00 \x7f\rover\n", 0,
			[]string{`\x1b[31mred\x1b[0m` + "\t" + `and \u009b \x00 \x7f\x0dover`}},
		{"cannot forge a line", "a\x0b[ERROR] b\n", 0, []string{`a\x0b[ERROR] b`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := self("say", fmt.Sprintf("%q", tt.say), 0)
			cmd.MaxLine = tt.max
			r := start(t, cmd)
			if err := r.end(); err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, line := range tt.want {
				want = append(want, "info: "+line+" stream=stdout")
			}
			if diff := cmp.Diff(want, r.log.all()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// However the bytes are cut in reads, the lines are the same.
func TestStreamInPieces(t *testing.T) {
	const text = "one\r\n\ntwo äöü €\nthree 0123456789 0123456789\nfo"
	lines := func(step int) []string {
		s := stream{out: &output{log: newJournal().logger(), tail: tail{max: 100}}, maxLine: 16}
		for b := []byte(text); len(b) > 0; {
			n := min(step, len(b))
			s.write(b[:n])
			b = b[n:]
		}
		s.flush()
		return s.out.tail.all()
	}
	want := []string{"one", "", "two äöü €", "three 0123456789…", "… 0123456789", "fo"}
	for step := 1; step <= len(text); step++ {
		if diff := cmp.Diff(want, lines(step)); diff != "" {
			t.Errorf("in steps of %d: %s", step, diff)
		}
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte("one\ntwo"), 1, 4)
	f.Fuzz(func(t *testing.T, b []byte, step, maxLine int) {
		step, maxLine = 1+max(step, -step)%64, 1+max(maxLine, -maxLine)%64
		if step < 1 || maxLine < 1 {
			t.Skip()
		}
		s := stream{out: &output{log: newJournal().logger(), tail: tail{max: 1 << 20}}, maxLine: maxLine}
		for len(b) > 0 {
			n := min(step, len(b))
			s.write(b[:n])
			if len(s.partial) > maxLine {
				t.Fatalf("%d bytes held, %d allowed", len(s.partial), maxLine)
			}
			b = b[n:]
		}
		s.flush()
		for _, line := range s.out.tail.all() {
			if strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && r < ' ' || 0x7f <= r && r < 0xa0 }) {
				t.Errorf("%q has a control character", line)
			}
		}
	})
}

func TestTail(t *testing.T) {
	say := fmt.Sprintf("%q", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n"+strings.Repeat("x", 3000)+"\nlast")
	for _, tt := range []struct {
		lines int
		want  string
	}{
		{0, "4 5 6 7 8 9 10 11 " + strings.Repeat("x", maxTailLine) + "… last"},
		{1, "last"},
		{-1, ""},
	} {
		cmd := self("say", say, 1)
		cmd.TailLines = tt.lines
		exit := exitOf(t, start(t, cmd).end())
		if got := strings.Join(exit.Tail, " "); got != tt.want {
			t.Errorf("TailLines %d: %q, want %q", tt.lines, got, tt.want)
		}
	}
}

// 50 MB without a newline, and 50 MB of lines: all of it arrives, and the
// memory that it takes is bounded.
func TestFlood(t *testing.T) {
	const size = 50 << 20
	for _, length := range []int{200, size} {
		t.Run(fmt.Sprint("lines of ", length), func(t *testing.T) {
			j := newJournal()
			n, most := 0, uint64(0)
			j.each = func() {
				if n++; n%5000 == 0 || length == size {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapAlloc)
				}
				j.mu.Lock()
				j.lines = nil // do not keep them
				j.mu.Unlock()
			}
			p, _ := self("flood", size, length).Process()
			if err := p.Serve(withLogger(j)); err != nil {
				t.Fatal(err)
			}
			want := size/min(length, defaultMaxLine) + 1
			if n != want {
				t.Errorf("%d lines, want %d", n, want)
			}
			if most > 64<<20 {
				t.Errorf("heap grew to %d MB", most>>20)
			}
		})
	}
}

// A slow logger holds up the writer, not the supervisor: Serve returns soon
// after a Kill, with the last lines kept and what was not logged said.
func TestSlowLogger(t *testing.T) {
	j := newJournal()
	j.each = func() { time.Sleep(20 * time.Millisecond) } // the logger's slowness
	cmd := self("flood", 50<<20, 20)
	p, _ := cmd.Process()
	done := make(chan error, 1)
	if err := p.Init(withLogger(j)); err != nil {
		t.Fatal(err)
	}
	go func() { done <- p.Serve(withLogger(j)) }()
	j.await(t, 5, "xxx")
	p.Kill()
	killed := time.Now()
	exit := exitOf(t, <-done)
	if took := time.Since(killed); took > drainFor+2*time.Second {
		t.Errorf("Serve returned %v after the kill", took)
	}
	if len(exit.Tail) != defaultTailLines {
		t.Errorf("tail %q", exit.Tail)
	}
	if j.count("warn: the log was too slow") != 1 {
		t.Errorf("nothing is said about the lines which were not logged:\n%s", j)
	}
}

// All that was written before the exit is in the tail, however slow the logger.
func TestTailIsComplete(t *testing.T) {
	for range 20 {
		cmd := self("flood", 60<<10, 60) // fits in the pipe: the child is dead before most of it is read
		cmd.TailLines = 1 << 20
		j := newJournal()
		slow := true
		j.each = func() {
			if slow {
				time.Sleep(50 * time.Millisecond) // the child exits meanwhile
				slow = false
			}
		}
		p, _ := cmd.Process()
		if err := p.Init(withLogger(j)); err != nil {
			t.Fatal(err)
		}
		err := p.Serve(withLogger(j))
		if err != nil {
			t.Fatal(err)
		}
		lines := p.child.(*process).out.tail.all()
		if len(lines) != 1025 || lines[1024] != "the end" {
			t.Fatalf("%d lines, the last %q", len(lines), lines[len(lines)-1])
		}
	}
}
