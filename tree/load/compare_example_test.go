package load_test

import (
	"fmt"

	"github.com/coppice-go/coppice/tree/load"
)

func ExampleCompare() {
	const before = `
strategy: rest_for_one
children:
  - {id: db, command: [postgres], stop: {timeout: 10s}}
  - {id: api, command: [node, api.js], env: {TOKEN: hunter2}}
  - {id: old, command: [old]}
`
	const after = `
strategy: one_for_one   # the default
children:
  - id: db
    command: [postgres]
    stop: {timeout: 30s, signal: int}
  - {id: api, command: [node, api.js], env: {TOKEN: swordfish}}
  - {id: new, command: [new]}
`
	running, err := load.Parse("shop.yaml", []byte(before), load.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// What is the same is kept: the Starters of programs, and what was done to
	// their commands.
	next, err := load.Parse("shop.yaml", []byte(after), load.Options{Previous: running})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range load.Compare(running, next) {
		fmt.Printf("%s %s: %q, was %q\n", d.Path, d.Key, d.New, d.Old)
	}
	// Output:
	// shop strategy: "", was "rest_for_one"
	// shop/db stop.timeout: "30s", was "10s"
	// shop/db stop.signal: "SIGINT", was ""
	// shop/api env.TOKEN: "changed", was "set"
}

// Some differences need a new process.
func ExampleDifference() {
	file := func(text string) *load.File {
		f, err := load.Parse("shop.yaml", []byte(text), load.Options{})
		if err != nil {
			panic(err)
		}
		return f
	}
	old := file("children: [{id: db, command: [postgres]}, {id: api, command: [./api], restart: transient}]")
	new := file("children: [{id: db, command: [postgres, -d, 1]}, {id: api, command: [./api]}]")
	for _, d := range load.Compare(old, new) {
		if d.Restart {
			fmt.Println("restart", d.Path, "for its", d.Key)
		} else {
			fmt.Println("nobody is restarted for", d.Key, "of", d.Path)
		}
	}
	// Output:
	// restart shop/db for its command
	// nobody is restarted for restart of shop/api
}
