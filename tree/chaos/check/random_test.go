package check_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// TestRandomTrees: whatever happens in a random tree, the real supervisor keeps
// all invariants. Two thirds of the trees have calls put to them, and half of those get
// other descriptions, too. CHECK_TREES is how
// many trees instead of 300, CHECK_DUMP a directory for the journals that fail.
func TestRandomTrees(t *testing.T) {
	trees := 300
	if testing.Short() {
		trees = 60
	}
	if s := os.Getenv("CHECK_TREES"); s != "" {
		trees, _ = strconv.Atoi(s)
	}
	var mu sync.Mutex
	facts, anew := map[string]int{}, 0
	t.Run("trees", func(t *testing.T) {
		for seed := range trees {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				w := &wilderness{t: t, random: rand.New(rand.NewPCG(uint64(seed), 7))}
				w.calls = seed%3 != 0
				w.anew = seed%2 != 0
				e := w.run()
				r := check1(t, e, check.Options{Operator: w.calls})
				if err := r.Err(); err != nil {
					t.Error(err)
					if file := os.Getenv("CHECK_DUMP"); file != "" {
						dump(t, fmt.Sprintf("%s/%d", file, seed), e)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				for _, raw := range e.Events {
					if bytes.Contains(raw, []byte(`"kind":"reconfigured"`)) {
						anew++
					}
				}
				for _, res := range r.Results {
					facts[res.Name] += res.Facts
				}
			})
		}
	})
	t.Log(facts, anew, "new descriptions")
	if anew < trees {
		t.Errorf("only %d new descriptions in %d trees", anew, trees)
	}
	for _, name := range []string{"radius", "order", "intensity", "restart_type", "one_incarnation", "shutdown", "reports", "liveness"} {
		if facts[name] < trees/10 {
			t.Errorf("%s: only %d facts in %d trees", name, facts[name], trees)
		}
	}
}

func dump(t *testing.T, file string, e check.Evidence) {
	var b []byte
	b = append(append(b, e.Begin...), '\n')
	for _, ev := range e.Events {
		b = append(append(b, ev...), '\n')
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// wilderness is a random tree of children that fail to start, crash, panic, are
// slow to stop, at random moments; for 20 s, and not at all later.
type wilderness struct {
	t     *testing.T
	calls bool
	anew  bool // other descriptions are among the calls

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	calm   bool
}

func (w *wilderness) n(max int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(max)
}

func (w *wilderness) pause(max time.Duration) time.Duration { return time.Duration(w.n(int(max))) }

func (w *wilderness) isCalm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calm
}

func (w *wilderness) run() (e check.Evidence) {
	synctest.Test(w.t, func(t *testing.T) {
		root, err := tree.New("t", w.spec(3))
		if err != nil {
			t.Fatal(err)
		}
		var r *recorder
		early := w.anew || w.n(3) > 0
		if early {
			r = record(t, root)
		}
		stop := make(chan struct{})
		var callers sync.WaitGroup
		if w.calls {
			for range 1 + w.n(4) {
				callers.Go(func() { w.call(root, stop) })
			}
		}
		for range 1 + w.n(2) { // a root may be served again
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- root.Serve(ctx) }()
			time.Sleep(w.pause(20 * time.Second))
			if r == nil {
				synctest.Wait()
				r = record(t, root)
				time.Sleep(w.pause(10 * time.Second))
			}
			if w.n(2) == 0 {
				w.mu.Lock()
				w.calm = true
				w.mu.Unlock()
				if stop != nil {
					close(stop)
					stop = nil
					callers.Wait()
				}
				r.e.Quiet = time.Now()
				time.Sleep(30 * time.Second)
			}
			cancel()
			<-done
			synctest.Wait()
			if stop == nil {
				break
			}
		}
		if stop != nil {
			close(stop)
		}
		callers.Wait()
		e = r.end()
	})
	return e
}

func (w *wilderness) spec(depth int) tree.Spec {
	s := tree.Spec{
		Strategy:  strategies.Strategy(w.n(4)),
		Intensity: strategies.Intensity{Max: w.n(8) - 1, Within: time.Duration(1 + w.n(int(5*time.Second)))},
	}
	if w.n(3) == 0 {
		s.AutoShutdown = strategies.AutoShutdown(1 + w.n(2))
	}
	if w.n(5) == 0 {
		s.Strategy = strategies.OneForOne
		c := w.child(s, depth)
		s.Dynamic = &c
	}
	if s.Strategy == strategies.OneForOne || s.Strategy == strategies.Dependents {
		s.Parallel = w.n(4)
	}
	if s.Dynamic != nil {
		return s
	}
	for i := range w.n(5) {
		c := w.child(s, depth)
		c.ID = fmt.Sprint(i)
		if s.Strategy == strategies.Dependents {
			for n := range i {
				if w.n(3) == 0 {
					c.Needs = append(c.Needs, fmt.Sprint(n))
				}
			}
		}
		s.Children = append(s.Children, c)
	}
	return s
}

func (w *wilderness) child(s tree.Spec, depth int) tree.Child {
	c := tree.Child{Restart: strategies.Restart(w.n(3))}
	if s.AutoShutdown != strategies.Never && c.Restart != strategies.Permanent {
		c.Significant = w.n(2) == 0
	}
	if w.n(4) == 0 {
		c.StartLimit = 1 + w.pause(time.Second)
	}
	if w.n(4) == 0 {
		c.Backoff = strategies.Backoff{Min: 1 + w.pause(2*time.Second), Max: 3 * time.Second, Jitter: 0.5}
	}
	switch {
	case depth > 1 && w.n(3) == 0:
		c.Start = tree.Sub(w.spec(depth - 1))
	case w.n(2) == 0:
		c.Start = tree.Func(w.serve)
	default:
		c.Start = w.wild()
		c.Shutdown = []tree.Shutdown{0, tree.BrutalKill, tree.Timeout(0), tree.Timeout(time.Millisecond), tree.Timeout(time.Second)}[w.n(5)]
	}
	return c
}

func (w *wilderness) wild() tree.Starter {
	return tree.Of(func() (*wild, error) { return &wild{w, make(chan struct{}), sync.Once{}}, nil })
}

// call puts random calls to random supervisors.
func (w *wilderness) call(root *tree.Supervisor, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(w.pause(2 * time.Second)):
			var sups []*tree.Supervisor
			for st := range root.Walk() {
				if s := root.Supervisor(st.Path); s != nil {
					sups = append(sups, s)
				}
			}
			if sups != nil {
				w.callOnce(root, sups[w.n(len(sups))])
			}
		}
	}
}

func (w *wilderness) callOnce(root, s *tree.Supervisor) {
	ctx := context.Background()
	id := fmt.Sprint(w.n(6))
	st, _ := root.Find(s.Path())
	if w.anew && w.n(3) == 0 {
		spec, renew := w.respec(st)
		_, _ = s.Reconfigure(ctx, spec, renew...) // may be refused
		return
	}
	switch w.n(9) {
	case 0, 1, 2:
		c := tree.Child{ID: id}
		if !st.Supervisor.Dynamic {
			c = w.child(tree.Spec{Strategy: st.Supervisor.Strategy, AutoShutdown: st.Supervisor.AutoShutdown}, 2)
			if c.ID = id; st.Supervisor.Strategy == strategies.Dependents && w.n(2) == 0 {
				c.Needs = []string{fmt.Sprint(w.n(6))}
			}
		}
		_, _ = s.StartChild(ctx, c) // may be refused
	case 3:
		_ = s.TerminateChild(ctx, id)
	case 4:
		_, _ = s.RestartChild(ctx, id)
	case 5:
		_ = s.DeleteChild(ctx, id)
	case 6:
		_ = s.TerminateInstance(ctx, strategies.ChildRef{Path: s.Path() + "/" + id})
	case 7:
		_, _ = s.RenewChild(ctx, id)
	case 8:
		if s != root && w.n(4) == 0 {
			_ = s.Stop(ctx, w.reason())
		}
	}
}

// respec is another description of a supervisor and of those below it: children
// leave, come, change, and have another order.
func (w *wilderness) respec(st tree.Status) (spec tree.Spec, renew []string) {
	old := st.Supervisor
	spec = w.spec(1)
	for (spec.Dynamic != nil) != old.Dynamic {
		spec = w.spec(1)
	}
	if w.n(2) == 0 {
		spec.Strategy, spec.AutoShutdown = old.Strategy, old.AutoShutdown
		spec.Parallel = 0
	}
	if old.Dynamic {
		return spec, nil
	}
	spec.Children = nil
	for _, was := range old.Children {
		if w.n(6) == 0 {
			continue
		}
		c := w.child(spec, 1)
		c.ID = was.ID
		if was.Supervisor != nil && w.n(8) > 0 {
			sub, more := w.respec(was)
			c.Start, c.Shutdown = tree.Sub(sub), 0
			renew = append(renew, more...)
		}
		if w.n(2) == 0 {
			c.Restart, c.Significant = was.Restart, was.Significant && spec.AutoShutdown != strategies.Never
		}
		spec.Children = append(spec.Children, c)
	}
	for id := range 6 {
		if w.n(6) == 0 && !slices.ContainsFunc(spec.Children, func(c tree.Child) bool { return c.ID == fmt.Sprint(id) }) {
			c := w.child(spec, 2)
			c.ID = fmt.Sprint(id)
			spec.Children = slices.Insert(spec.Children, w.n(len(spec.Children)+1), c)
		}
	}
	if n := len(spec.Children); n > 1 && w.n(3) == 0 {
		i, k := w.n(n), w.n(n)
		spec.Children[i], spec.Children[k] = spec.Children[k], spec.Children[i]
	}
	for i := range spec.Children {
		c := &spec.Children[i]
		for k := range i {
			if spec.Strategy == strategies.Dependents && w.n(3) == 0 {
				c.Needs = append(c.Needs, spec.Children[k].ID)
			}
		}
		if w.n(5) == 0 {
			renew = append(renew, st.Path+"/"+c.ID)
		}
	}
	return spec, renew
}

// wild is a child with an Init, that can be killed.
type wild struct {
	*wilderness
	killed chan struct{}
	once   sync.Once
}

func (c *wild) Kill() { c.once.Do(func() { close(c.killed) }) }

func (c *wild) Init(ctx context.Context) error {
	if c.isCalm() {
		return nil
	}
	select {
	case <-time.After(c.pause(2 * time.Second)):
	case <-c.killed:
		return errBoom
	case <-ctx.Done():
		return ctx.Err()
	}
	switch c.n(12) {
	case 0:
		return errBoom
	case 1:
		return tree.ErrIgnore
	case 2:
		panic("init")
	}
	return nil
}

func (c *wild) Serve(ctx context.Context) error {
	select {
	case <-c.killed:
		return errBoom
	case <-c.moment():
		return c.end()
	case <-ctx.Done():
	}
	select { // slow to stop, and not always polite
	case <-c.killed:
	case <-time.After(c.pause(3 * time.Second)):
	}
	return c.end()
}

func (w *wilderness) serve(ctx context.Context) error {
	select {
	case <-w.moment():
		return w.end()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// moment comes sometime soon; never when it is calm.
func (w *wilderness) moment() <-chan time.Time {
	after := make(chan time.Time, 1)
	d := w.pause(10 * time.Second)
	if w.isCalm() {
		return after
	}
	time.AfterFunc(d, func() {
		if !w.isCalm() {
			after <- time.Now()
		}
	})
	return after
}

func (w *wilderness) end() error {
	err := w.reason()
	if err == errPanic {
		panic(err)
	}
	return err
}

var errPanic = fmt.Errorf("panic")

func (w *wilderness) reason() error {
	ends := slices.Repeat([]error{nil, errBoom, errPanic, strategies.WithClass(strategies.ShutdownTerm, nil)}, 8)
	ends = append(ends, suture.ErrDoNotRestart, suture.ErrTerminateSupervisorTree)
	return ends[w.n(len(ends))]
}
