package offline

import (
	"strings"
	"testing"

	"github.com/coppice-go/coppice/tree/load"
)

// treeOf is the tree of a file with these contents; leading tabs are taken off.
func treeOf(t testing.TB, yaml string) *Tree {
	t.Helper()
	f, err := load.Parse("t.yaml", []byte(strings.ReplaceAll(yaml, "\n\t\t\t", "\n")), load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return New(f)
}

// nested is a tree of three levels.
const nested = `
name: shop
strategy: rest_for_one
intensity: {max: 2, within: 5s}
children:
  - {id: db, command: [db], ready: {tcp: "127.0.0.1:1"}}
  - id: web
    strategy: one_for_all
    children:
      - {id: api, command: [api]}
      - id: deep
        children: [{id: leaf, command: [leaf]}]
  - {id: report, command: [report]}
`
