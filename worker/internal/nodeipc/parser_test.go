package nodeipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parseAll feeds pieces of the given sizes, in turn, until the stream is used up.
func parseAll(t *testing.T, max int, stream []byte, sizes ...int) (messages []string, _ error) {
	t.Helper()
	p := parser{max: max}
	emit := func(m json.RawMessage) { messages = append(messages, string(m)) }
	for i := 0; len(stream) > 0; i++ {
		n := min(len(stream), sizes[i%len(sizes)])
		piece := bytes.Clone(stream[:n])
		err := p.feed(piece, emit)
		clear(piece) // a message must not be part of the buffer
		if len(p.line) > max {
			t.Fatalf("%d bytes are held, %d allowed", len(p.line), max)
		}
		if err != nil {
			if again := p.feed([]byte("1\n"), emit); again != err {
				t.Fatalf("after %v came %v", err, again)
			}
			return messages, err
		}
		stream = stream[n:]
	}
	return messages, nil
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, stream string
		want         []string
		err          error
	}{
		{name: "nothing"},
		{name: "one", stream: "\"ready\"\n", want: []string{`"ready"`}},
		{name: "many at once", stream: "1\ntrue\nnull\n{\"a\":\"\\n\"}\n[]\n", want: []string{"1", "true", "null", `{"a":"\n"}`, "[]"}},
		{name: "incomplete", stream: "1\n{\"a\"", want: []string{"1"}},
		{name: "non-ASCII is not escaped", stream: "\"grüße 🌳\"\n", want: []string{`"grüße 🌳"`}},
		{name: "as long as allowed", stream: "\"" + strings.Repeat("x", 62) + "\"\n", want: []string{`"` + strings.Repeat("x", 62) + `"`}},
		{name: "longer", stream: "1\n\"" + strings.Repeat("x", 63) + "\"\n2\n", want: []string{"1"}, err: ErrTooLong},
		{name: "longer, without an end", stream: "1\n" + strings.Repeat("x", 65), want: []string{"1"}, err: ErrTooLong},
		{name: "no JSON", stream: "1\nhello\n2\n", want: []string{"1"}, err: ErrNotJSON},
		{name: "empty line", stream: "1\n\n2\n", want: []string{"1"}, err: ErrNotJSON},
		{name: "advanced", stream: "\x00\x00\x00\x09\xff\x0f\"\x05ready", err: ErrAdvanced},
		{name: "advanced later", stream: "1\n\x00", want: []string{"1"}, err: ErrAdvanced},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, sizes := range [][]int{{1 << 10}, {1}, {2, 3}, {7}} {
				got, err := parseAll(t, 64, []byte(test.stream), sizes...)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("in pieces of %v: messages (-want +got):\n%s", sizes, diff)
				}
				if !errors.Is(err, test.err) {
					t.Errorf("in pieces of %v: error is %v, want %v", sizes, err, test.err)
				}
			}
		})
	}
}

func TestParserHoldsNothingBetweenMessages(t *testing.T) {
	p := parser{max: MaxMessage}
	for _, piece := range []string{`{"a":`, strings.Repeat(" ", 1<<20), "1}\n"} {
		if err := p.feed([]byte(piece), func(json.RawMessage) {}); err != nil {
			t.Fatal(err)
		}
	}
	if p.within() || cap(p.line) > 0 {
		t.Errorf("holds %d bytes, capacity %d", len(p.line), cap(p.line))
	}
}

// However the stream is cut, the messages are the same, and they are what a
// splitting of the whole at its newlines gives.
func FuzzParse(f *testing.F) {
	f.Add([]byte("\"ready\"\n{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\"}\n1"), uint8(3), uint8(5))
	f.Add([]byte("\x00\x00\x00\x09\xff\x0f\"\x05ready"), uint8(1), uint8(1))
	f.Add([]byte("[1,2\n"), uint8(2), uint8(4))
	f.Add([]byte(strings.Repeat("9", 70)+"\n\n"), uint8(64), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, a, b uint8) {
		const max = 64
		var want []string
		var wantErr error
		for line := range bytes.Lines(stream) {
			whole := line[len(line)-1] == '\n'
			line = bytes.TrimSuffix(line, []byte("\n"))
			switch {
			case len(line) > 0 && line[0] == 0:
				wantErr = ErrAdvanced
			case len(line) > max:
				wantErr = ErrTooLong
			case whole && !json.Valid(line):
				wantErr = ErrNotJSON
			case whole:
				want = append(want, string(line))
			}
			if wantErr != nil {
				break
			}
		}
		for _, sizes := range [][]int{{len(stream) + 1}, {1}, {int(a) + 1, int(b) + 1}} {
			got, err := parseAll(t, max, stream, sizes...)
			if !slices.Equal(got, want) || !errors.Is(err, wantErr) {
				t.Fatalf("in pieces of %v: %q, %v; want %q, %v", sizes, got, err, want, wantErr)
			}
		}
	})
}
