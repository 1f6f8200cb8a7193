package load

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("coppice.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("coppice.json") // checks it against the metaschema of its draft
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// generic reads a file as an editor does: by a YAML parser that knows nothing of
// this package.
func generic(t *testing.T, path string) any {
	t.Helper()
	v, err := tryGeneric(path)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func tryGeneric(path string) (any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var v any
	if err := yaml.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &v); err != nil {
		return nil, err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}
