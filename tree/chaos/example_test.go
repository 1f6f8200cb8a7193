package chaos_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

var ctx = context.Background()

func serve(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// A test of one's own tree, in virtual time.
func Example() {
	spec := tree.Spec{Intensity: strategies.Intensity{Max: 100, Within: time.Minute}, Children: []tree.Child{
		{ID: "db", Start: tree.Func(serve)},
		{ID: "api", Start: tree.Func(serve)},
	}}
	_ = func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var in chaos.Injector
			root, err := tree.New("shop", in.Spec(spec))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _ = root.Serve(ctx) }()
			plan := &chaos.Plan{Steady: []chaos.Steady{chaos.AllReady{}}, Method: []chaos.Step{
				chaos.Storm{Over: 10 * time.Second, Rate: 4, Target: chaos.Target{Path: "shop/**"}},
			}}
			j, err := chaos.Run(ctx, chaos.Local(root), plan, chaos.Options{Injector: &in, Stop: cancel})
			if err != nil {
				t.Fatal(err)
			}
			if j.Deviated {
				_ = j.Summary(os.Stderr)
				t.Error(j.Invariants.Err())
			}
		})
	}
	// Output:
}

// The seed says what is done when, to whom.
func ExamplePlan_Expand() {
	var plan *chaos.Plan
	plan, err := chaos.ParsePlan("plan.yaml", []byte(`
method:
  - {at: 1s, fault: kill, target: {path: "shop/*", pick: all}, rolling: 100ms}
  - {every: 1s..2s, until: 4s, fault: {kill: 2, hang(1s): 1}, target: "shop/*"}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	var concrete chaos.Concrete
	concrete, err = plan.Expand(7, []chaos.Child{
		{Path: "shop", Supervisor: true},
		{Path: "shop/db", Parent: "shop", Process: true},
		{Path: "shop/api", Parent: "shop", Process: true},
	})
	for _, f := range concrete.Faults {
		fmt.Println(f.At.Round(time.Millisecond), f.Fault, f.Path)
	}
	fmt.Println(err)
	// Output:
	// 1s kill shop/db
	// 1.1s kill shop/api
	// 1.626s hang(1s) shop/api
	// 2.673s kill shop/db
	// 3.736s kill shop/api
	// <nil>
}

// A mistake is told with its place, as are all others.
func ExampleParsePlan() {
	_, err := chaos.ParsePlan("plan.yaml", []byte("method:\n  - {at: 1s, fault: kil, target: shop/db}\n"))
	message, _, _ := strings.Cut(err.Error(), ";")
	fmt.Println(message)
	// Output: plan.yaml:2:21: there is no fault "kil"
}

func ExampleParseFault() {
	var fault chaos.Fault
	fault, err := chaos.ParseFault("signal(sigusr1)")
	fmt.Println(fault, fault.Class, fault.Arg, err)
	fault, err = chaos.ParseFault("hang")
	fmt.Println(fault, err)
	// Output:
	// signal(USR1) signal USR1 <nil>
	// hang(2s) <nil>
}

// What there is for leaves that are goroutines.
func ExampleClasses() {
	for _, c := range chaos.Classes() {
		if c.Group == "leaf" {
			fmt.Printf("%s(%s)\n", c.Name, c.Default)
		}
	}
	// Output:
	// exit(1)
	// error(injected)
	// panic(injected)
	// goexit()
	// slow_start(1s)
	// fail_start(1)
}

// All steps, as Go values.
func ExampleStep() {
	all := chaos.Target{Path: "shop/**", Exclude: []string{"shop/db"}, Pick: chaos.All}
	steps := []chaos.Step{
		chaos.At{Time: time.Second, Fault: chaos.One("kill"), Target: all, Rolling: 50 * time.Millisecond},
		chaos.Every{Least: time.Second, Most: 2 * time.Second, Until: time.Minute, Fault: chaos.One("signal(HUP)"), Target: all},
		chaos.Swizzle{Over: 4 * time.Second, Target: chaos.Target{Path: "shop/pool/*"}},
		chaos.Storm{Time: 5 * time.Second, Over: time.Second, Rate: 20, Target: all},
		chaos.Race{Kind: "two_crashes", Time: 9 * time.Second, Target: all},
	}
	for _, s := range steps {
		text, err := s.MarshalJSON()
		fmt.Println(string(text), err)
	}
	// Output:
	// {"at":"1s","fault":"kill","target":{"path":"shop/**","exclude":["shop/db"],"pick":"all"},"rolling":"50ms"} <nil>
	// {"every":"1s..2s","until":"1m0s","fault":"signal(HUP)","target":{"path":"shop/**","exclude":["shop/db"],"pick":"all"}} <nil>
	// {"at":"0s","swizzle":{"target":{"path":"shop/pool/*"},"over":"4s"}} <nil>
	// {"at":"5s","storm":{"target":{"path":"shop/**","exclude":["shop/db"],"pick":"all"},"over":"1s","rate":20}} <nil>
	// {"at":"9s","race":"two_crashes","target":{"path":"shop/**","exclude":["shop/db"],"pick":"all"}} <nil>
}

// Availability is wanted over the whole run, or before or after it.
func ExampleSteady() {
	wanted := []chaos.Steady{chaos.AllReady{}, chaos.Availability{Child: "shop/api", AtLeast: 0.99, Mode: chaos.Continuous}}
	for _, s := range wanted {
		fmt.Println(s.Name())
	}
	// Output:
	// all_ready
	// availability of shop/api
}

// What can be told of a run that is over, and how it is done again.
func ExampleJournal() {
	again := func(old *os.File, root *tree.Supervisor) error {
		var journal *chaos.Journal
		journal, err := chaos.ReadJournal(old)
		if err != nil {
			return err
		}
		plan, options := journal.Replay()
		if journal, err = chaos.Run(ctx, chaos.Local(root), plan, options); err != nil {
			return err
		}
		for _, write := range []func() error{
			func() error { return journal.Summary(os.Stdout) },
			func() error { return journal.Timeline(os.Stdout, 100) },
			func() error { return journal.JUnit(os.Stdout) },
			func() error { return journal.Write(os.Stdout) },
		} {
			if err := write(); err != nil {
				return err
			}
		}
		return journal.Invariants.Err()
	}
	_ = again
	// Output:
}

// Progress tells what happens while it happens.
func ExampleOptions() {
	options := chaos.Options{
		Settle: 20 * time.Second,
		Check:  check.Options{RSS: 16 << 20},
		Progress: func(p chaos.Progress) {
			switch {
			case p.Stage != "":
				fmt.Println(p.Stage)
			case p.Fault != nil && p.Fault.Missed == "":
				fmt.Println(p.Elapsed, p.Fault.Kind, p.Fault.Path)
			}
		},
	}
	options.Progress(chaos.Progress{Elapsed: time.Second, Fault: &check.Fault{Kind: "kill", Path: "shop/api"}})
	// Output: 1s kill shop/api
}
