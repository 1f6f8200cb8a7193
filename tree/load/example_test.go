package load_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/load"
	"github.com/coppice-go/coppice/worker"
)

func Example() {
	const file = `
strategy: rest_for_one              # who is restarted with a child that died
intensity: {max: 3, within: 5s}     # one restart more, and the tree ends
env: {TZ: UTC}

children:
  - id: db
    command: [postgres, -D, data]   # the program and its arguments, without a shell
    env: {PGPORT: "${PORT:-5433}"}
    ready: {tcp: "127.0.0.1:${PORT:-5433}", timeout: 30s}
    stop: {signal: SIGINT, timeout: 10s}
    backoff: {min: 100ms, max: 10s}

  - id: web                         # a child with children is a supervisor
    strategy: one_for_all
    children:
      - {id: api, command: [node, api.js], node_ipc: true}
      - {id: cache, shell: "exec ./cache --dir=$HOME", copies: 2}
`
	f, err := load.Parse("shop.yaml", []byte(file), load.Options{
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		fmt.Println(err) // all problems, each with its line
		return
	}
	root, err := tree.New(f.Name, f.Spec) // root.Serve(ctx) would start it
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tree", root)
	for _, path := range slices.Sorted(maps.Keys(f.Commands)) {
		c := f.Commands[path]
		fmt.Println(path, c.Path, c.Args, c.Env)
	}
	// Output:
	// tree shop
	// shop/db postgres [-D data] [TZ=UTC PGPORT=5433]
	// shop/web/api node [api.js] [TZ=UTC]
	// shop/web/cache-1 /bin/sh [-c exec ./cache --dir=$HOME] [TZ=UTC COPPICE_COPY=1]
	// shop/web/cache-2 /bin/sh [-c exec ./cache --dir=$HOME] [TZ=UTC COPPICE_COPY=2]
}

func ExampleError() {
	const file = `children:
  - id: api
    comand: [node, api.js]
    stop: {timeout: 10}
`
	_, err := load.Parse("shop.yaml", []byte(file), load.Options{})
	fmt.Println(err)
	var wrong *load.Error
	if errors.As(err, &wrong) {
		p := wrong.Problems[0]
		fmt.Println(p.Line, p.Column, p.Message)
	}
	// Output:
	// shop.yaml:3:5: unknown key "comand"; did you mean "command"?
	//     3 |     comand: [node, api.js]
	//       |     ^^^^^^
	// shop.yaml:4:21: expected a duration, as in 500ms, 5s or 1m30s, or infinity or kill, found 10, which has no unit; write 10s if seconds are meant
	//     4 |     stop: {timeout: 10}
	//       |                     ^^
	// 2 problems; nothing was started
	// 3 5 unknown key "comand"
}

// The caller can add to every program before it is run.
func ExampleOptions() {
	const file = `children: [{id: app, command: [./app]}]`
	f, err := load.Parse("/srv/shop.yaml", []byte(file), load.Options{
		Command: func(path string, c *worker.Command) {
			c.Env = append(c.Env, "ORIGIN="+path)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := f.Commands["shop/app"]
	fmt.Println(app.Path, app.Dir, app.Env)
	// Output: /srv/app /srv [ORIGIN=shop/app]
}

func ExampleSchema() {
	var schema struct {
		Schema     string         `json:"$schema"`
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(load.Schema(), &schema); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(schema.Schema)
	fmt.Println(slices.Sorted(maps.Keys(schema.Properties)))
	// Output:
	// https://json-schema.org/draft/2020-12/schema
	// [auto_shutdown chaos children dir env env_file intensity name parallel strategy]
}
