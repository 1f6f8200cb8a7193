package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// json reads a file in JSON; nil if it is none.
func (im *importer) json(data []byte) *node {
	r := jsonReader{dec: json.NewDecoder(bytes.NewReader(data)), data: data}
	r.dec.UseNumber()
	n, err := r.value()
	if err == nil {
		if _, more := r.dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something after its end")
		}
	}
	if err == nil {
		im.noNUL(n)
		return n
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	at := r.dec.InputOffset()
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = wrong.Offset
	}
	im.problem(im.path, r.line(at), "this is not JSON: %v; comments, single quotes and commas before a bracket are JavaScript, of which node -p makes JSON", err)
	return nil
}

type jsonReader struct {
	dec   *json.Decoder
	data  []byte
	depth int
}

// maxDepth is how deeply values may be in one another.
const maxDepth = 100

func (r *jsonReader) line(offset int64) int {
	return 1 + bytes.Count(r.data[:min(int(offset), len(r.data))], []byte("\n"))
}

func (r *jsonReader) value() (*node, error) {
	t, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	if r.depth++; r.depth > maxDepth {
		return nil, errors.New("this is nested too deeply")
	}
	defer func() { r.depth-- }()
	n := &node{line: r.line(r.dec.InputOffset())}
	switch t := t.(type) {
	case bool:
		n.kind, n.text = boolean, "false"
		if t {
			n.text = "true"
		}
	case json.Number:
		n.kind, n.text = number, t.String()
	case string:
		n.kind, n.text = text, t
	case json.Delim:
		if t == '[' {
			n.kind = list
			err = r.items(n)
		} else {
			n.kind = mapping
			err = r.pairs(n)
		}
	}
	return n, err
}

func (r *jsonReader) items(n *node) error {
	for r.dec.More() {
		item, err := r.value()
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := r.dec.Token()
	return err
}

// pairs are those of an object. Of a key that is there twice the last counts, as
// in JavaScript.
func (r *jsonReader) pairs(n *node) error {
	at := make(map[string]int)
	for r.dec.More() {
		key, err := r.dec.Token()
		if err != nil {
			return err
		}
		p := pair{key: key.(string), line: r.line(r.dec.InputOffset())}
		if p.value, err = r.value(); err != nil {
			return err
		}
		if i, twice := at[p.key]; twice {
			n.pairs[i] = p
			continue
		}
		at[p.key] = len(n.pairs)
		n.pairs = append(n.pairs, p)
	}
	_, err := r.dec.Token()
	return err
}
