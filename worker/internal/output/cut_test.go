package output

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	for _, tt := range []struct {
		name string
		say  string
		max  int
		want []string
	}{
		{"lines", "one\ntwo\n\nfour\r\n", 100, []string{"one", "two", "", "four"}},
		{"partial last line", "one\ntwo", 100, []string{"one", "two"}},
		{"nothing", "", 100, nil},
		{"as long as allowed", "12345678\n12345678", 8, []string{"12345678", "12345678"}},
		{"the \\r does not count", "12345678\r\n12345678\r", 8, []string{"12345678", "12345678"}},
		{"too long", "12345678abcdefgh9\nx", 8, []string{"12345678…", "…abcdefgh…", "…9", "x"}},
		{"cut between characters", "1234567äöü\n", 8, []string{"1234567…", "…äöü"}},
		{"text", "grüße 日本 ✓\n", 100, []string{"grüße 日本 ✓"}},
		{"invalid UTF-8", "a\xff\xfeb\xc3\n", 100, []string{"a\uFFFDb\uFFFD"}},
		{"control characters", "\x1b[31mred\x1b[0m\tand \u009b \x00 \x7f\rover\n", 100,
			[]string{`\x1b[31mred\x1b[0m` + "\t" + `and \u009b \x00 \x7f\x0dover`}},
		{"C1 at the end of text", "long enough to be looked at in eights \u0085\n", 100,
			[]string{`long enough to be looked at in eights \u0085`}},
		{"cannot forge a line", "a\x0b[ERROR] b\n", 100, []string{`a\x0b[ERROR] b`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// However the bytes are cut in reads, the lines are the same.
			for step := 1; step <= len(tt.say)+1; step++ {
				if diff := cmp.Diff(tt.want, cutInSteps(t, []byte(tt.say), step, tt.max)); diff != "" {
					t.Errorf("in steps of %d: %s", step, diff)
				}
			}
		})
	}
}

// cutInSteps cuts b into lines as if each read had brought step bytes.
func cutInSteps(t *testing.T, b []byte, step, maxLine int) (lines []string) {
	c := cutter{maxLine: maxLine}
	take := func(block []byte) {
		for line := range bytes.Lines(block) {
			text, ended := strings.CutSuffix(string(line), "\n")
			if !ended {
				t.Fatalf("block %q does not end with a newline", block)
			}
			lines = append(lines, text)
		}
	}
	for len(b) > 0 {
		buf := borrow(false)
		n := copy(buf.space(), b[:min(step, len(b))])
		buf.filled(n)
		take(c.cut(buf))
		buf.giveBack()
		if len(c.partial) > maxLine+1 {
			t.Fatalf("%d bytes held, %d allowed", len(c.partial), maxLine+1)
		}
		b = b[n:]
	}
	take(c.flush())
	return lines
}

// linesOf is what cutter ought to do, done in the plainest way.
func linesOf(b []byte, maxLine int) (lines []string) {
	raw := strings.Split(string(b), "\n")
	if raw[len(raw)-1] == "" {
		raw = raw[:len(raw)-1]
	}
	for _, line := range raw {
		line = strings.TrimSuffix(line, "\r")
		begin := ""
		for len(line) > maxLine {
			n := maxLine
			for back := 0; back < 4 && n-back > 0; back++ {
				if utf8.RuneStart(line[n-back]) {
					n -= back
					break
				}
			}
			lines = append(lines, begin+plainText(line[:n])+"…")
			begin, line = "…", line[n:]
		}
		lines = append(lines, begin+plainText(line))
	}
	return lines
}

func plainText(s string) string {
	var sb strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r < ' ' && r != '\t', r == 0x7f:
			const hex = "0123456789abcdef"
			sb.WriteString(`\x` + hex[r>>4:r>>4+1] + hex[r&15:r&15+1])
		case 0x80 <= r && r <= 0x9f:
			const hex = "0123456789abcdef"
			sb.WriteString(`\u00` + hex[r>>4:r>>4+1] + hex[r&15:r&15+1])
		default:
			sb.WriteRune(r)
		}
	}
	return sb.String()
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("one\ntwo"), 1, 4)
	f.Add([]byte("äöü\r\n\r\n\x1b[1m\n"), 3, 5)
	f.Add(bytes.Repeat([]byte("0123456789abcdef"), 600), 5000, 5000)
	f.Add(append(bytes.Repeat([]byte("x"), headroom+5), "\nab\u009bcdefghijkl\n"...), headroom+1, 1<<16)
	f.Fuzz(func(t *testing.T, b []byte, step, maxLine int) {
		step, maxLine = 1+(step&(readSize-1)), 1+(maxLine&(1<<16-1))
		want, got := linesOf(b, maxLine), cutInSteps(t, b, step, maxLine)
		if !slices.Equal(want, got) {
			t.Errorf("steps of %d, lines of %d: %s", step, maxLine, cmp.Diff(want, got))
		}
		for _, line := range got {
			if strings.ContainsFunc(line, isControl) || !utf8.ValidString(line) {
				t.Errorf("%q is not harmless", line)
			}
		}
	})
}

func isControl(r rune) bool { return r != '\t' && r < ' ' || 0x7f <= r && r < 0xa0 }

func TestTail(t *testing.T) {
	long := strings.Repeat("ä", maxTailLine)
	for _, tt := range []struct {
		max  int
		want string
	}{
		{4, "10 11 " + long[:maxTailLine] + "… last"},
		{1, "last"},
		{0, ""},
		{100, "1 2 3 4 5 6 7 8 9 10 11 " + long[:maxTailLine] + "… last"},
	} {
		text := strings.ReplaceAll("1 2 3 4 5 6 7 8 9 10 11 "+long+" last ", " ", "\n")
		for _, blocks := range [][]string{{text}, strings.SplitAfter(text, "\n")} {
			tail := tail{max: tt.max}
			for _, block := range blocks {
				tail.see([]byte(block))
			}
			if got := strings.Join(tail.all(), " "); got != tt.want {
				t.Errorf("tail of %d, %d blocks: %q, want %q", tt.max, len(blocks), got, tt.want)
			}
		}
	}
}
