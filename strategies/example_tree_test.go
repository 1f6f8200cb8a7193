package strategies_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// store is a tree of two levels.
func store() *strategies.Tree {
	return &strategies.Tree{
		Name: "store",
		Config: strategies.Config{
			Strategy: strategies.RestForOne,
			Children: []strategies.ChildSpec{{ID: "db"}, {ID: "web", Kind: strategies.Supervisor}},
		},
		Nested: map[string]*strategies.Tree{
			"web": {Config: strategies.Config{Children: []strategies.ChildSpec{{ID: "api"}, {ID: "admin"}}}},
		},
	}
}

func ExampleTree() {
	t := store()
	for path := range t.Workers() {
		fmt.Println(path)
	}
	t.Nested["web"].Config.Children[0].Shutdown = strategies.Timeout(-1)
	fmt.Println(t.Validate())
	// Output:
	// store/db
	// store/web/api
	// store/web/admin
	// store/web/api: invalid shutdown: the time must not be negative
}

// What would happen if the database crashed?
func ExampleExplain() {
	var x *strategies.Explanation
	x, err := strategies.Explain(store(), "store/db")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("stops", x.Stops)
	fmt.Println("starts", x.Starts)
	x, _ = strategies.Explain(store(), "store/web/api")
	for _, e := range x.Escalation {
		var end strategies.Escalation = e
		fmt.Printf("%s ends at crash %d: more than %d in %v\n", end.Path, end.Crashes, end.Within.Max, end.Within.Within)
	}
	// Output:
	// stops [store/web store/web/admin store/web/api]
	// starts [store/db store/web store/web/api store/web/admin]
	// store/web ends at crash 2: more than 1 in 5s
	// store ends at crash 4: more than 1 in 5s
}

func ExampleSimulate() {
	events, err := strategies.Simulate(store(), strategies.Failure{
		Path: "store/web/admin", At: time.Minute, Exit: strategies.Exit{Class: strategies.Crash},
	})
	for _, e := range events {
		if e.At == time.Minute {
			showEvent(e)
		}
	}
	fmt.Println(err)
	// Output:
	// 1m0s store/web/admin#1 ended: crash
	// 1m0s report store/web/admin#1
	// 1m0s report store/web/admin#1
	// 1m0s start store/web/admin#2
	// 1m0s report store/web/admin#2
	// <nil>
}

func showEvent(e strategies.SimEvent) {
	if e.Exited {
		fmt.Printf("%v %s#%d ended: %v\n", e.At, e.Path, e.Incarnation, e.Exit)
	} else {
		fmt.Printf("%v %v %s#%d\n", e.At, e.Action.Do, e.Path, e.Incarnation)
	}
}

func ExampleSimulation() {
	s := strategies.NewSimulation(store(), strategies.Script{})
	if err := s.Boot(); err != nil {
		fmt.Println(err)
	}
	s.Pass(time.Hour)
	s.Exit("store/db", strategies.Exit{Class: strategies.Killed})
	fmt.Println(s.Settle(), s.Elapsed(), s.Live("store/db"), s.Live("store/web/api"))
	s.Call("store/web", strategies.CountChildren(0), func(r *strategies.Reply) { fmt.Println(r.Counts.Active) })
	// Output:
	// <nil> 1h0m0s 2 2
	// 2
}

// A database that needs a minute to start, and an API that does not stop.
func ExampleScript() {
	s := strategies.NewSimulation(store(), strategies.Script{
		Start: func(ref strategies.ChildRef, _ strategies.Kind) (how strategies.SimStart) {
			if ref.Path == "store/db" {
				how.Takes = time.Minute
			}
			return how
		},
		Stop: func(ref strategies.ChildRef) strategies.SimStop {
			return strategies.SimStop{Hangs: ref.Path == "store/web/api", Exit: strategies.Exit{Class: strategies.Shutdown}}
		},
		Event: func(e strategies.SimEvent) {
			if e.Exited {
				showEvent(e)
			}
		},
	})
	_ = s.Boot()
	_ = s.Settle()
	fmt.Println("up after", s.Elapsed())
	s.Terminate("store", strategies.Exit{Class: strategies.Shutdown})
	_ = s.Settle()
	// Output:
	// up after 1m0s
	// 1m0s store/web/admin#1 ended: shutdown
	// 1m5s store/web/api#1 ended: killed
	// 1m5s store/web#1 ended: shutdown
	// 1m5s store/db#1 ended: shutdown
	// 1m5s store#1 ended: shutdown
}

func ExampleSimStartError() {
	s := strategies.NewSimulation(store(), strategies.Script{
		Start: func(ref strategies.ChildRef, _ strategies.Kind) (how strategies.SimStart) {
			if ref.Path == "store/web/admin" {
				how.Err = errors.New("port in use")
			}
			return how
		},
	})
	_ = s.Boot()
	_ = s.Settle()
	var failed *strategies.SimStartError
	fmt.Println(errors.As(s.Failure(), &failed), failed.ID)
	fmt.Println(failed)
	// Output:
	// true web
	// failed_to_start_child(web: failed_to_start_child(admin: port in use))
}
