package offline

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checked has every way of being ready, and what a supervisor can have.
const checked = `
			name: t
			strategy: dependents
			parallel: 3
			children:
			  - {id: tcp, command: [a, "b c"], ready: {tcp: "127.0.0.1:1", timeout: 5s}}
			  - {id: http, command: [a], ready: {http: "http://localhost/"}}
			  - {id: exec, command: [a], ready: {exec: [pg_isready, -h, "a b"]}}
			  - {id: log, command: [a], ready: {log: "^up \u202e"}}
			  - {id: notify, command: [a], ready: {notify: true}}
			  - {id: node, command: [a], node_ipc: true, ready: {node: true}}
			  - id: sub
			    needs: [tcp, http]
			    auto_shutdown: any_significant
			    intensity: {max: none}
			    children:
			      - {id: job, command: [job], restart: transient, significant: true}`

func TestCheck(t *testing.T) {
	tree := treeOf(t, checked)
	var b strings.Builder
	if err := tree.Check(&b, ASCII); err != nil {
		t.Fatal(err)
	}
	want := `
TREE       RESTART                 READY WHEN                  NEEDS      RUNS
t                                                                         dependents, at most 1 restart within 5s, parallel 3
|- tcp     permanent               tcp 127.0.0.1:1, within 5s             a 'b c'
|- http    permanent               http http://localhost/                 a
|- exec    permanent               exec pg_isready -h 'a b'               a
|- log     permanent               log ^up \u202e                         a
|- notify  permanent               notify                                 a
|- node    permanent               node                                   a
` + "`" + `- sub     permanent                                           tcp, http  one_for_one, no restarts, auto_shutdown any_significant
   ` + "`" + `- job  transient, significant                                         job
`
	if d := cmp.Diff(want[1:], b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	want = `
t          dependents, at most 1 restart within 5s, parallel 3
|- tcp
|- http
|- exec
|- log
|- notify
|- node
` + "`" + `- sub     one_for_one, no restarts, auto_shutdown any_significant, needs tcp, http
   ` + "`" + `- job
`
	if d := cmp.Diff(want[1:], tree.outline(ASCII)); d != "" {
		t.Errorf("outline (-want +got):\n%s", d)
	}
}

func TestCheckJSON(t *testing.T) {
	var b strings.Builder
	if err := treeOf(t, checked).CheckJSON(&b); err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	var got struct {
		V, File, Name string
		Tree          struct{ Supervisor struct{ Children []object } }
		Warnings      []object
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.V != "v1" || got.File != "t.yaml" || got.Name != "t" || got.Warnings == nil || len(got.Warnings) > 0 {
		t.Errorf("%+v", got)
	}
	kids := got.Tree.Supervisor.Children
	ready := map[string]any{}
	for _, kid := range kids[:6] {
		ready[kid["id"].(string)] = kid["ready"]
	}
	if d := cmp.Diff(map[string]any{
		"tcp":    object{"kind": "tcp", "of": "127.0.0.1:1", "timeout_ms": 5000.0},
		"http":   object{"kind": "http", "of": "http://localhost/"},
		"exec":   object{"kind": "exec", "of": "pg_isready -h 'a b'"},
		"log":    object{"kind": "log", "of": "^up \u202e"},
		"notify": object{"kind": "notify"},
		"node":   object{"kind": "node"},
	}, ready); d != "" {
		t.Errorf("ready (-want +got):\n%s", d)
	}
	dir := kids[0]["dir"]
	if d := cmp.Diff(object{
		"id": "sub", "path": "t/sub", "type": "supervisor", "restart": "permanent", "needs": []any{"tcp", "http"},
		"supervisor": object{
			"strategy": "one_for_one", "auto_shutdown": "any_significant", "intensity": object{"max": 0.0, "within_ms": 5000.0}, "parallel": 1.0,
			"children": []any{object{
				"id": "job", "path": "t/sub/job", "type": "worker", "restart": "transient", "significant": true, "command": []any{"job"}, "dir": dir,
			}},
		},
	}, kids[6]); d != "" {
		t.Errorf("supervisor (-want +got):\n%s", d)
	}
}
