package check_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// A supervisor of two children starts the second before the first is up, which
// rest_for_one does not allow.
func ExampleCheck() {
	e := check.Evidence{
		Begin: json.RawMessage(`{"v":"v1","rev":0,"time":"2026-01-02T03:04:05Z","root":{"id":"shop","path":"shop","type":"supervisor","state":"down",
			"supervisor":{"strategy":"rest_for_one","intensity":{"max":1,"within_ms":5000},"children":[
				{"id":"db","path":"shop/db","type":"worker","state":"down","restart":"permanent"},
				{"id":"api","path":"shop/api","type":"worker","state":"down","restart":"permanent"}]}}}`),
	}
	for line := range strings.Lines(`
		{"v":"v1","seq":1,"time":"2026-01-02T03:04:05Z","kind":"starting","path":"shop","incarnation":1}
		{"v":"v1","seq":2,"time":"2026-01-02T03:04:05Z","kind":"starting","path":"shop/db","incarnation":1}
		{"v":"v1","seq":3,"time":"2026-01-02T03:04:05Z","kind":"starting","path":"shop/api","incarnation":1}`) {
		if line = strings.TrimSpace(line); line != "" {
			e.Events = append(e.Events, json.RawMessage(line))
		}
	}
	r, err := check.Check(e, check.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Err())
	for _, res := range r.Results[:4] {
		fmt.Println(res.Name, res.Verdict)
	}
	// Output:
	// invariant 2, order: event 3: shop/api is started while shop/db is starting
	// radius holds
	// order violated
	// intensity not_checked
	// restart_type holds
}
