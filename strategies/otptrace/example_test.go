package otptrace_test

import (
	"fmt"

	"github.com/coppice-go/coppice/strategies/otptrace"
)

func Example() {
	files, err := otptrace.Load("../../testdata/otp")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range files {
		if f.Name != "rest_for_one_base" {
			continue
		}
		var root otptrace.Node = f.Scenario.Tree
		var first otptrace.Step = f.Scenario.Steps[0]
		var what otptrace.Result = f.Trace.Steps[0]
		var e otptrace.Event = what.Events[0]
		fmt.Println(root.Config().Strategy, len(root.Children), root.Children[0].OnStop == otptrace.OnStop{})
		fmt.Println(first.Op, first.Path(), "->", e.E, e.P, e.R)
	}
	// Output:
	// rest_for_one 3 true
	// exit r/b -> exit r/b crash
}
