package top

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that is no recording is refused, with the line.
func TestReadRecording(t *testing.T) {
	const (
		snapshot = `{"v":"v1","rev":3,"time":"2026-01-02T12:00:00Z","root":{"id":"f","path":"f","type":"supervisor","state":"up","restart":"permanent","incarnation":1,"supervisor":{"strategy":"one_for_one","auto_shutdown":"never","intensity":{"max":1,"within_ms":5000},"spent":0,"left":1,"children":[]}}}`
		event    = `{"v":"v1","seq":%d,"time":"2026-01-02T12:00:00Z","kind":"stopping","path":"%s","incarnation":1}`
	)
	file := filepath.Join(t.TempDir(), "run.jsonl")
	for _, c := range []struct {
		text string
		want string // the error; empty: none
		n    int    // events
	}{
		{"", "it is empty; a recording is a snapshot and then events", 0},
		{"\n\n", "it is empty", 0},
		{snapshot + "\n", "", 0},
		{snapshot, "", 0},
		{snapshot + "\n" + fmt.Sprintf(event, 3, "f") + "\n\n" + fmt.Sprintf(event, 4, "f"), "", 1}, // the first is part of the snapshot
		{"nonsense", ":1: the first line is no snapshot: ", 0},
		{fmt.Sprintf(event, 1, "f"), ":1: the first line is no snapshot: it has no root; it is what `coppice ps --output json` prints", 0},
		{strings.Replace(snapshot, "v1", "v9", 1), `JSON form "v9" is not known`, 0},
		{snapshot + "\n{", ":2: this is no event: ", 0},
		{snapshot + "\n" + fmt.Sprintf(event, 4, "f/x"), ":2: event 4: stopping of f/x, which is not there", 0},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := ReadRecording(file)
		switch {
		case c.want == "" && (err != nil || len(r.Events) != c.n):
			t.Errorf("%q: %v, %+v", c.text, err, r)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := ReadRecording(file + "x"); err == nil {
		t.Error("a file that is not there is read")
	}
}
