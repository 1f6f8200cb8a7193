package control_test

import (
	"fmt"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
)

// What a program with a description of its own answers to `coppice reload`: it lets
// the tree have the new Spec, and says what that meant.
func ExampleReload() {
	r := control.Reload{
		Changes:     []tree.Change{{Path: "app/web", Change: strategies.ChildRenewed}},
		Differences: []control.Difference{{Path: "app/web", Key: "port", Old: "80", New: "8080", Restart: true}},
	}
	for _, c := range r.Changes {
		fmt.Println(c)
	}
	// Output: app/web renewed
}

func ExampleDifference() {
	d := control.Difference{Path: "app", Key: "intensity.max", Old: "3", New: "5"}
	fmt.Printf("%s: %s was %s, is %s\n", d.Path, d.Key, d.Old, d.New)
	// Output: app: intensity.max was 3, is 5
}
