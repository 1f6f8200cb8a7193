package check_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// scenes are recordings of real trees in which something happens.
var scenes = map[string]func(*testing.T) check.Evidence{
	"one for one":   oneForOne,
	"one for all":   oneForAll,
	"rest for one":  restForOne,
	"dependents":    dependents,
	"escalation":    escalation,
	"finished":      finished,
	"stubborn":      stubborn,
	"backoff":       backoff,
	"failing start": failingStart,
	"significant":   significant,
	"parallel":      parallel,
	"dynamic":       dynamic,

	"reconfigure":            reconfigure,
	"reconfigure dependents": reconfigureDependents,
	"reconfigure fails":      reconfigureFails,
}

// byCall are the scenes that take calls which look like nobody's doing.
var byCall = []string{"dynamic", "reconfigure"}

// oneForOne: a crashes twice, in two windows.
func oneForOne(t *testing.T) check.Evidence {
	var c crasher
	s := tree.Spec{Intensity: intensity(1), Children: []tree.Child{c.leaf("a"), c.leaf("b")}}
	e := serve(t, s, func(*tree.Supervisor) {
		time.Sleep(time.Second)
		c.crash("a")
		time.Sleep(6 * time.Second)
		c.crash("a")
	})
	return decorate(e)
}

// oneForAll: the second of three crashes.
func oneForAll(t *testing.T) check.Evidence {
	var c crasher
	s := tree.Spec{Strategy: strategies.OneForAll, Intensity: intensity(5), Children: []tree.Child{c.leaf("a"), c.leaf("b"), c.leaf("c")}}
	return serve(t, s, func(*tree.Supervisor) { c.crash("b") })
}

// restForOne: the second of four crashes; the last is temporary.
func restForOne(t *testing.T) check.Evidence {
	var c crasher
	d := c.leaf("d")
	d.Restart = strategies.Temporary
	s := tree.Spec{Strategy: strategies.RestForOne, Intensity: intensity(5), Children: []tree.Child{c.leaf("a"), c.leaf("b"), c.leaf("c"), d}}
	return serve(t, s, func(*tree.Supervisor) { c.crash("b") })
}

// dependents: db crashes, and api and web need it.
func dependents(t *testing.T) check.Evidence {
	var c crasher
	db, api, web, log := c.leaf("db"), c.leaf("api"), c.leaf("web"), c.leaf("log")
	api.Needs, web.Needs = []string{"db"}, []string{"api"}
	s := tree.Spec{Strategy: strategies.Dependents, Intensity: intensity(5), Parallel: 4, Children: []tree.Child{db, log, api, web}}
	return serve(t, s, func(*tree.Supervisor) { c.crash("db") })
}

// escalation: a nested supervisor gives up, and is restarted by its own.
func escalation(t *testing.T) check.Evidence {
	var c crasher
	sub := tree.Spec{Intensity: intensity(1), Children: []tree.Child{c.leaf("x"), c.leaf("y")}}
	s := tree.Spec{Intensity: intensity(5), Children: []tree.Child{{ID: "s", Start: tree.Sub(sub)}, c.leaf("z")}}
	return serve(t, s, func(*tree.Supervisor) {
		c.crash("x")
		c.crash("x")
	})
}

// finished: a temporary child crashes, and a transient one ends well.
func finished(t *testing.T) check.Evidence {
	var c crasher
	tmp, tr := c.leaf("tmp"), c.leaf("tr")
	tmp.Restart, tr.Restart = strategies.Temporary, strategies.Transient
	s := tree.Spec{Intensity: intensity(5), Children: []tree.Child{c.leaf("a"), tmp, tr}}
	return serve(t, s, func(*tree.Supervisor) {
		c.crash("tmp")
		c.end("tr") <- nil
		synctest.Wait()
	})
}

// rock does not stop before it is killed.
type rock struct {
	killed chan struct{}
	once   sync.Once
}

func (r *rock) Serve(context.Context) error {
	<-r.killed
	return nil
}

func (r *rock) Kill() { r.once.Do(func() { close(r.killed) }) }

// stubborn: a child must be killed when the tree ends.
func stubborn(t *testing.T) check.Evidence {
	var c crasher
	s := tree.Spec{Children: []tree.Child{c.leaf("a"), {
		ID: "rock", Shutdown: tree.Timeout(time.Second),
		Start: tree.Of(func() (*rock, error) { return &rock{killed: make(chan struct{})}, nil }),
	}}}
	return serve(t, s, func(*tree.Supervisor) {})
}

// backoff: a crashes, and the group waits with it.
func backoff(t *testing.T) check.Evidence {
	var c crasher
	a := c.leaf("a")
	a.Backoff = strategies.Backoff{Min: 2 * time.Second}
	s := tree.Spec{Strategy: strategies.OneForAll, Intensity: intensity(5), Children: []tree.Child{a, c.leaf("b")}}
	return serve(t, s, func(*tree.Supervisor) { c.crash("a") })
}

// failing is a child whose second and third start fail.
type failing struct {
	*crasher
	starts *int
}

func (f *failing) Init(context.Context) error {
	if *f.starts++; *f.starts == 2 || *f.starts == 3 {
		return errBoom
	}
	return nil
}

func (f *failing) Serve(ctx context.Context) error { return f.serve(ctx, "b") }

// failingStart: b crashes and is started three times before it is up.
func failingStart(t *testing.T) check.Evidence {
	var c crasher
	starts := 0
	b := tree.Child{ID: "b", Start: tree.Of(func() (*failing, error) { return &failing{&c, &starts}, nil })}
	s := tree.Spec{Strategy: strategies.RestForOne, Intensity: intensity(5), Children: []tree.Child{c.leaf("a"), b, c.leaf("c")}}
	return serve(t, s, func(*tree.Supervisor) { c.crash("b") })
}

// significant: a nested supervisor ends because its significant child has
// finished, and is not restarted.
func significant(t *testing.T) check.Evidence {
	var c crasher
	x := c.leaf("x")
	x.Restart, x.Significant = strategies.Transient, true
	sub := tree.Spec{AutoShutdown: strategies.AnySignificant, Children: []tree.Child{c.leaf("w"), x, c.leaf("y")}}
	s := tree.Spec{Children: []tree.Child{{ID: "s", Start: tree.Sub(sub), Restart: strategies.Transient}, c.leaf("z")}}
	return serve(t, s, func(*tree.Supervisor) {
		c.end("x") <- nil
		synctest.Wait()
	})
}

// parallel: two of many crash at once.
func parallel(t *testing.T) check.Evidence {
	var c crasher
	s := tree.Spec{Intensity: intensity(5), Parallel: 8, Children: []tree.Child{c.leaf("a"), c.leaf("b"), c.leaf("c")}}
	return serve(t, s, func(*tree.Supervisor) {
		c.end("a") <- errBoom
		c.crash("b")
	})
}

// dynamic: two children are added, and end badly when they are told to stop; a third
// cannot be started. That takes calls.
func dynamic(t *testing.T) check.Evidence {
	starts := 0
	s := tree.Spec{Dynamic: &tree.Child{Start: tree.Func(func(ctx context.Context) error {
		<-ctx.Done()
		return errBoom
	})}}
	return serve(t, s, func(root *tree.Supervisor) {
		for _, id := range []string{"x", "y"} {
			if _, err := root.StartChild(context.Background(), tree.Child{ID: id}); err != nil {
				t.Error(err)
			}
		}
		z := tree.Of(func() (*failing, error) { starts++; return nil, errBoom })
		if _, err := root.StartChild(context.Background(), tree.Child{ID: "z", Start: z}); err == nil || starts != 1 {
			t.Errorf("error %v, %d starts", err, starts)
		}
	})
}

// reconfigure: c runs something else, and d shares its fate; b leaves, and n comes in
// its place. With the limit that is new there may be two restarts.
func reconfigure(t *testing.T) check.Evidence {
	var c crasher
	s := tree.Spec{Strategy: strategies.RestForOne, Intensity: intensity(1), Children: []tree.Child{c.leaf("a"), c.leaf("b"), c.leaf("c"), c.leaf("d")}}
	return serve(t, s, func(root *tree.Supervisor) {
		c.crash("d")
		s.Intensity, s.Children = intensity(2), []tree.Child{c.leaf("a"), c.leaf("n"), c.leaf("c"), c.leaf("d")}
		anew(t, root, s, "t/c")
		c.crash("d")
	})
}

// reconfigureDependents: db is renewed, and comes to need log; api shares its fate, web
// does so no more.
func reconfigureDependents(t *testing.T) check.Evidence {
	var c crasher
	db, api, web, log := c.leaf("db"), c.leaf("api"), c.leaf("web"), c.leaf("log")
	api.Needs, web.Needs = []string{"db"}, []string{"api"}
	s := tree.Spec{Strategy: strategies.Dependents, Parallel: 4, Children: []tree.Child{db, api, web, log}}
	return serve(t, s, func(root *tree.Supervisor) {
		db.Needs, web.Needs = []string{"log"}, nil
		s.Children = []tree.Child{log, db, api, web}
		anew(t, root, s, "t/db")
		c.crash("log")
	})
}

// reconfigureFails: b is new and cannot be started the first time, and c stays down with
// it. The next description tries again.
func reconfigureFails(t *testing.T) check.Evidence {
	var c crasher
	starts := 1
	b := tree.Child{ID: "b", Start: tree.Of(func() (*failing, error) { return &failing{&c, &starts}, nil })}
	s := tree.Spec{Strategy: strategies.OneForAll, Children: []tree.Child{c.leaf("a")}}
	return serve(t, s, func(root *tree.Supervisor) {
		s.Children = append(s.Children, b, c.leaf("c"))
		if _, err := root.Reconfigure(context.Background(), s); err == nil {
			t.Error("b could be started")
		}
		starts++
		anew(t, root, s)
		c.crash("a")
	})
}

// anew gives the tree another description, and waits until that is carried out.
func anew(t *testing.T, root *tree.Supervisor, s tree.Spec, renew ...string) {
	t.Helper()
	if _, err := root.Reconfigure(context.Background(), s, renew...); err != nil {
		t.Error(err)
	}
	synctest.Wait()
}

// decorate adds what would have been seen if the children of oneForOne were
// processes, and the faults that crashed them.
func decorate(e check.Evidence) check.Evidence {
	begin := e.Quiet.Add(-7 * time.Second) // the script took that long
	e.Faults = []check.Fault{
		{Time: begin.Add(time.Second), Kind: "exit(1)", Path: "t/a", Incarnation: 1},
		{Time: begin.Add(7 * time.Second), Kind: "panic", Path: "t/a", Incarnation: 2},
	}
	leader := func(path string, incarnation uint64) check.Process {
		return check.Process{PID: 100 + int(incarnation), Start: 1, Path: path, Incarnation: incarnation, Leader: true, State: "S"}
	}
	e.Samples = []check.Sample{
		{Time: begin.Add(500 * time.Millisecond), Processes: []check.Process{leader("t/a", 1), leader("t/b", 1)}},
		{Time: begin.Add(3 * time.Second), Processes: []check.Process{leader("t/a", 2), leader("t/b", 1)}},
		{Time: e.Quiet.Add(20 * time.Second), Processes: []check.Process{leader("t/a", 3), leader("t/b", 1)}},
	}
	e.Before = &check.Resources{FDs: 20, Threads: 10, Goroutines: 12, RSS: 20 << 20}
	e.After = &check.Resources{FDs: 22, Threads: 14, Goroutines: 12, RSS: 30 << 20}
	e.Left = []check.Process{}
	return e
}
