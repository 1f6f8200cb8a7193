package strategies_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// answer carries out the call in, as a runner whose children start and stop at
// once, and returns the reply.
func answer(m *strategies.Machine, in strategies.Input) *strategies.Reply {
	var reply *strategies.Reply
	for actions := m.Step(time.Unix(0, 0), in); len(actions) > 0; {
		var next []strategies.Input
		for _, a := range actions {
			switch a.Do {
			case strategies.DoStart:
				next = append(next, strategies.Started(a.ID, a.Incarnation))
			case strategies.DoStop:
				next = append(next, strategies.Exited(a.ID, a.Incarnation, strategies.Exit{Class: strategies.Shutdown}, strategies.Cascade{}))
			case strategies.DoReply:
				reply = a.Reply
			}
		}
		actions = nil
		for _, in := range next {
			actions = m.Step(time.Unix(0, 0), in)
		}
	}
	return reply
}

func ExampleStartChild() {
	m, _ := strategies.NewMachine(strategies.Config{})
	answer(m, strategies.Boot(strategies.Cascade{}))
	r := answer(m, strategies.StartChild(1, strategies.ChildSpec{ID: "api"}))
	fmt.Println(r.Incarnation, r.Err)
	r = answer(m, strategies.StartChild(2, strategies.ChildSpec{ID: "api"}))
	fmt.Println(r.Incarnation, r.Err)
	r = answer(m, strategies.StartChild(3, strategies.ChildSpec{ID: "web", Significant: true}))
	var wrong *strategies.SpecError
	fmt.Println(errors.As(r.Err, &wrong), wrong.Path)
	// Output:
	// 1 <nil>
	// 1 a child of this id runs already
	// true web
}

func ExampleTerminateChild() {
	m, _ := strategies.NewMachine(strategies.Config{Children: []strategies.ChildSpec{{ID: "api"}}})
	answer(m, strategies.Boot(strategies.Cascade{}))
	fmt.Println(answer(m, strategies.DeleteChild(1, "api")).Err)
	fmt.Println(answer(m, strategies.TerminateChild(2, "api")).Err)
	fmt.Println(answer(m, strategies.RestartChild(3, "api")).Incarnation)
	fmt.Println(answer(m, strategies.TerminateChild(4, "api")).Err)
	fmt.Println(answer(m, strategies.DeleteChild(5, "api")).Err)
	fmt.Println(answer(m, strategies.TerminateChild(6, "api")).Err)
	// Output:
	// the child is running
	// <nil>
	// 2
	// <nil>
	// <nil>
	// no such child
}

// A dynamic supervisor: one description for all its children.
func ExampleStartInstance() {
	m, _ := strategies.NewMachine(strategies.Config{Dynamic: &strategies.ChildSpec{Restart: strategies.Transient}})
	answer(m, strategies.Boot(strategies.Cascade{}))
	for i, session := range []string{"ann", "bob"} {
		answer(m, strategies.StartInstance(uint64(i), session, 0, nil))
	}
	fmt.Println(answer(m, strategies.TerminateInstance(3, "ann", 1)).Err)
	fmt.Println(answer(m, strategies.RestartChild(4, "ann")).Err)
	fmt.Println(answer(m, strategies.GetInstanceSpec(5, "bob", 1)).Spec.Restart)
	fmt.Println(answer(m, strategies.CountChildren(6)).Counts.Active)
	// Output:
	// <nil>
	// not under a dynamic supervisor
	// transient
	// 1
}

func ExampleAutoShutdown() {
	m, _ := strategies.NewMachine(strategies.Config{
		AutoShutdown: strategies.AnySignificant,
		Children:     []strategies.ChildSpec{{ID: "log"}, {ID: "job", Restart: strategies.Transient, Significant: true}},
	})
	answer(m, strategies.Boot(strategies.Cascade{}))
	now := time.Unix(0, 0)
	tell(m.Step(now, strategies.Exited("job", 1, strategies.Exit{Class: strategies.Normal}, strategies.Cascade{})))
	tell(m.Step(now, strategies.Exited("log", 1, strategies.Exit{Class: strategies.Shutdown}, strategies.Cascade{})))
	// Output:
	// stop log
	// arm log
	// finish auto_stopped
}

func ExampleBackoff() {
	b := strategies.Backoff{Min: time.Second, Max: time.Minute}.OrDefault()
	for failures := range 8 {
		fmt.Print(b.Delay(failures), " ")
	}
	// Output: 1s 2s 4s 8s 16s 32s 1m0s 1m0s
}

// A machine that runs is given another description: what is in both goes on.
func ExampleNewConfig() {
	m, _ := strategies.NewMachine(strategies.Config{Children: []strategies.ChildSpec{{ID: "db"}, {ID: "mail"}}})
	now := time.Unix(0, 0)
	m.Step(now, strategies.Boot(strategies.Cascade{}))
	m.Step(now, strategies.Started("db", 1))
	m.Step(now, strategies.Started("mail", 1))
	next := &strategies.NewConfig{
		Config: strategies.Config{Children: []strategies.ChildSpec{{ID: "db"}, {ID: "web"}}},
		Added:  []string{"web"},
	}
	plan, _ := m.Plan(next)
	for _, c := range plan {
		fmt.Println(c.ID, c.Change)
	}
	for _, a := range m.Step(now, strategies.Reconfigure(1, next)) {
		fmt.Println(a.Do, a.ID, a.Report)
	}
	// Output:
	// mail removed
	// web added
	// report  reconfiguring
	// stop mail progress
	// arm mail progress
}

// Changed tells with whom a child is renewed.
func ExampleChanged() {
	c := strategies.Changed{ID: "web", Change: strategies.ChildRenewed, With: "db"}
	fmt.Println(c.ID, c.Change, "with", c.With)
	// Output: web renewed with db
}
