package importer_test

import (
	"fmt"
	"log"

	"github.com/coppice-go/coppice/cmd/coppice/internal/importer"
)

func ExampleImport() {
	r, err := importer.Import("ecosystem.json", []byte(`[{"name": "api", "script": "api.js", "autorestart": false, "watch": true}]`), importer.Options{Name: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s%d loss, from %v", r.YAML, r.Losses, r.From)
	// Output:
	// # Made from ecosystem.json, of pm2, by coppice import. It belongs into the same directory.
	// # As with pm2 each program is stopped by SIGINT and killed after kill_timeout, 1.6s if that is not given. Log files have both streams, and are rotated at 10MiB; 5 are kept.
	// # A program without max_restarts is restarted for ever, with pauses that grow from 100ms to 15s; pm2 leaves it down after 16 failures of less than 1s.
	// name: shop
	// children:
	//   - id: api
	//     # watch: true: not carried over; coppice restarts when a program ends, not when a file changes
	//     restart: temporary
	//     command: [node, api.js]
	//     stop: {signal: SIGINT, timeout: 1.6s}
	// 1 loss, from pm2
}

// All that is wrong is told, each with its line.
func ExampleError() {
	_, err := importer.Import("supervisord.conf", []byte("[program:a]\nnumprocs=many\ncommand=a 'b"), importer.Options{})
	for _, p := range err.(importer.Error) {
		fmt.Println(p)
	}
	// Output:
	// supervisord.conf:2: numprocs: expected a whole number, found many
	// supervisord.conf:3: command: a quotation is not closed
}

func ExampleParseFormat() {
	f, err := importer.ParseFormat("process-compose")
	fmt.Println(f, err)
	// Output: process-compose <nil>
}
