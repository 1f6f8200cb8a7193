package top

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/coppice-go/coppice/tree"
)

// Recording is a snapshot and the events that followed it.
type Recording struct {
	Snapshot tree.Snapshot
	Events   []tree.Event
}

// ReadRecording reads a file as tree/JSON.md describes it: the snapshot on the
// first line, then an event a line. That the events fit is checked. The error
// names the line.
func ReadRecording(name string) (*Recording, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var r Recording
	var replay *tree.Replay
	number := 0
	for line := range bytes.Lines(text) {
		number++
		wrong := func(err error) error { return fmt.Errorf("%s:%d: %w", name, number, err) }
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case replay == nil:
			if err := json.Unmarshal(line, &r.Snapshot); err != nil {
				return nil, wrong(fmt.Errorf("the first line is no snapshot: %w; it is what `coppice ps --output json` prints", err))
			}
			if r.Snapshot.Root.Path == "" {
				return nil, wrong(fmt.Errorf("the first line is no snapshot: it has no root; it is what `coppice ps --output json` prints"))
			}
			replay = tree.NewReplay(r.Snapshot)
		default:
			var e tree.Event
			if err := json.Unmarshal(line, &e); err != nil {
				return nil, wrong(fmt.Errorf("this is no event: %w", err))
			}
			if e.Seq != 0 && e.Seq <= r.Snapshot.Rev {
				continue // the snapshot has it
			}
			if err := replay.Apply(e); err != nil {
				return nil, wrong(err)
			}
			r.Events = append(r.Events, e)
		}
	}
	if replay == nil {
		return nil, fmt.Errorf("%s: it is empty; a recording is a snapshot and then events, one a line", name)
	}
	return &r, nil
}
