package strategies_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

func tell(actions []strategies.Action) {
	for _, a := range actions {
		switch a.Do {
		case strategies.DoReport:
			fmt.Println("report", a.Report, a.ID)
		case strategies.DoFinish:
			fmt.Println("finish", a.Why)
		case strategies.DoBooted:
			fmt.Println("booted")
		default:
			fmt.Println(a.Do, a.ID)
		}
	}
}

func ExampleMachine() {
	m, _ := strategies.NewMachine(strategies.Config{
		Strategy: strategies.RestForOne,
		Children: []strategies.ChildSpec{{ID: "db"}, {ID: "api", Shutdown: strategies.Infinity}},
	})
	now := time.Now()
	tell(m.Step(now, strategies.Boot(strategies.Cascade{})))
	tell(m.Step(now, strategies.Started("db", 1)))
	tell(m.Step(now, strategies.Started("api", 1)))
	fmt.Println("- db crashes")
	crash := strategies.Exit{Class: strategies.Crash, Err: errors.New("no disk")}
	tell(m.Step(now, strategies.Exited("db", 1, crash, strategies.Cascade{Origin: "db", N: 1})))
	// Output:
	// start db
	// report progress db
	// start api
	// report progress api
	// booted
	// - db crashes
	// report child_terminated db
	// report restarting db
	// stop api
}

func ExampleConfig() {
	cfg := strategies.Config{
		Intensity: strategies.Intensity{Max: -7},
		Children:  []strategies.ChildSpec{{ID: "api"}, {ID: "api", Shutdown: strategies.Timeout(-time.Second)}},
	}
	for _, wrong := range cfg.Validate() {
		var e *strategies.SpecError = wrong
		fmt.Println(e)
	}
	// Output:
	// invalid intensity: Max must be NoRestarts (-1) or more
	// api: invalid shutdown: the time must not be negative
	// api: duplicate id
}

func ExampleInput() {
	var in strategies.Input = strategies.Started("api", 3)
	var op strategies.Op = in.Op
	fmt.Println(op, in.ID, in.Incarnation)
	// Output: started api 3
}

func ExampleAction() {
	m, _ := strategies.NewMachine(strategies.Config{Children: []strategies.ChildSpec{{ID: "api"}}})
	var a strategies.Action = m.Step(time.Now(), strategies.Boot(strategies.Cascade{}))[0]
	var do strategies.Do = a.Do
	var ref strategies.Ref = a.Child // answers with it need no look-up
	in := strategies.Started(a.ID, a.Incarnation)
	in.Child = ref
	answer := m.Step(time.Now(), in)
	var report strategies.Report = answer[0].Report
	fmt.Println(do, report)
	// Output: start progress
}

func ExampleReply() {
	m, _ := strategies.NewMachine(strategies.Config{Children: []strategies.ChildSpec{{ID: "api"}, {ID: "web", Kind: strategies.Supervisor}}})
	now := time.Now()
	m.Step(now, strategies.Boot(strategies.Cascade{}))
	m.Step(now, strategies.Started("api", 1))
	m.Step(now, strategies.Started("web", 1))
	var r *strategies.Reply = m.Step(now, strategies.CountChildren(1))[0].Reply
	var counts strategies.Counts = r.Counts
	fmt.Printf("%+v\n", counts)
	r = m.Step(now, strategies.WhichChildren(2))[0].Reply
	var newest strategies.ChildInfo = r.Children[0]
	var state strategies.State = newest.State
	fmt.Println(newest.ID, state)
	// Output:
	// {Specs:2 Active:2 Supervisors:1 Workers:1}
	// web up
}

func ExampleChildSpec() {
	spec := strategies.ChildSpec{ID: "web", Kind: strategies.Supervisor}
	var kind strategies.Kind = spec.Kind
	fmt.Println(spec.Restart, kind, spec.Shutdown.Or(kind))
	// Output: permanent supervisor infinity
}

func ExampleStrategy() {
	children := []strategies.ChildSpec{{ID: "db"}, {ID: "api"}, {ID: "web"}}
	for _, s := range []strategies.Strategy{strategies.OneForOne, strategies.OneForAll, strategies.RestForOne} {
		m, _ := strategies.NewMachine(strategies.Config{Strategy: s, Children: children})
		fmt.Println(s, m.Radius("api"))
	}
	children = append(children, strategies.ChildSpec{ID: "admin", Needs: []string{"api"}})
	m, _ := strategies.NewMachine(strategies.Config{Strategy: strategies.Dependents, Children: children})
	fmt.Println(strategies.Dependents, m.Radius("api"))
	// Output:
	// one_for_one [api]
	// one_for_all [db api web]
	// rest_for_one [api web]
	// dependents [api admin]
}

func ExampleIntensity() {
	fmt.Println(strategies.Intensity{}.OrDefault())
	fmt.Println(strategies.Intensity{Max: strategies.NoRestarts, Within: time.Minute}.OrDefault())
	// Output:
	// {1 5s}
	// {0 1m0s}
}

func ExampleWindow() {
	w := strategies.NewWindow(strategies.Intensity{Max: 2, Within: time.Minute})
	t := time.Unix(0, 0)
	fmt.Println(w.Add(t), w.Add(t.Add(10*time.Second)), w.Left(t.Add(10*time.Second)))
	fmt.Println(w.Add(t.Add(60 * time.Second))) // the first is exactly a minute old, and counts
	fmt.Println(w.Spent(t.Add(61 * time.Second)))
	// Output:
	// true true 0
	// false
	// 2
}

func ExampleShutdownLimit() {
	limits := []strategies.ShutdownLimit{strategies.Timeout(30 * time.Second), strategies.Infinity, strategies.BrutalKill}
	for _, l := range limits {
		fmt.Println(l)
	}
	// Output:
	// 30s
	// infinity
	// brutal_kill
}

func ExampleClassify() {
	fmt.Println(strategies.Classify(context.Canceled, strategies.Unasked)) // nobody cancelled anything
	var asked strategies.Asked = strategies.ToldStop
	fmt.Println(strategies.Classify(context.Canceled, asked))
	// Output:
	// crash: context canceled
	// shutdown: context canceled
}

func ExampleWithClass() {
	err := strategies.WithClass(strategies.ShutdownTerm, errors.New("drained"))
	var c strategies.Classifier
	if errors.As(err, &c) {
		var class strategies.Class = c.ExitClass()
		fmt.Println(class, class.Clean(), err)
	}
	// Output: shutdown_term true drained
}

func ExampleExit() {
	e := strategies.Exit{Class: strategies.Crash, Err: errors.New("no disk")}
	var d strategies.Directive = e.Directive
	fmt.Println(e, d)
	// Output: crash: no disk by_restart
}

func ExampleRestart() {
	for _, r := range []strategies.Restart{strategies.Permanent, strategies.Transient, strategies.Temporary} {
		fmt.Println(r)
	}
	// Output:
	// permanent
	// transient
	// temporary
}

func ExampleChildRef() {
	ctx := strategies.WithChild(context.Background(), strategies.ChildRef{Path: "shop/api", Incarnation: 2})
	ref, ok := strategies.ChildFrom(ctx)
	fmt.Println(ref.Path, ref.Incarnation, ok, ctx.Value(strategies.ChildRefKey{}) != nil)
	// Output: shop/api 2 true true
}

func ExampleCascade() {
	c := strategies.Cascade{Origin: "shop/web/api", N: 3}
	fmt.Println(c) // the failure of the third incarnation of shop/web/api
	// Output: shop/web/api#3
}

func ExampleTimer() {
	var t strategies.Timer = strategies.RetryTimer
	var why strategies.Why = strategies.Exhausted
	fmt.Println(t, why)
	// Output: retry exhausted
}
