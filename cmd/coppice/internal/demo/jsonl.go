package demo

import (
	"encoding/json"
	"io"

	"github.com/coppice-go/coppice/tree"
)

// jsonl is the view for programs: a JSON object a line. Its type is "scene",
// "say", "event" or "result".
type jsonl struct {
	enc   *json.Encoder
	scene string
}

// JSON makes a view that writes JSON lines.
func JSON(w io.Writer) View { return &jsonl{enc: json.NewEncoder(w)} }

type line struct {
	Type   string      `json:"type"`
	Scene  string      `json:"scene"`
	Title  string      `json:"title,omitempty"`
	Text   string      `json:"text,omitempty"`
	Event  *tree.Event `json:"event,omitempty"`
	Result *Result     `json:"result,omitempty"`
}

func (v *jsonl) Begin(s Scene, _ *Board) {
	v.scene = s.Name
	_ = v.enc.Encode(line{Type: "scene", Scene: s.Name, Title: s.Title, Text: s.Text})
}

func (v *jsonl) Say(text string) { _ = v.enc.Encode(line{Type: "say", Scene: v.scene, Text: text}) }

func (v *jsonl) Event(e tree.Event, _ *Board) {
	_ = v.enc.Encode(line{Type: "event", Scene: v.scene, Event: &e})
}

func (v *jsonl) Result(r Result) {
	_ = v.enc.Encode(line{Type: "result", Scene: v.scene, Result: &r})
}

func (v *jsonl) Close() {}
