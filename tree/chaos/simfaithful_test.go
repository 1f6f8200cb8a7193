package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// TestSimFaithful: what a simulated tree is made to tell is what a live one tells,
// event for event. The trees are random; where two things happen at once, which
// come first is not for anybody to say, so here one dies at a time.
func TestSimFaithful(t *testing.T) {
	trees := 200
	if testing.Short() {
		trees = 40
	}
	events := 0
	for seed := range trees {
		synctest.Test(t, func(t *testing.T) {
			r := &simRun{Rand: rand.New(rand.NewPCG(uint64(seed), 5)), tame: true}
			spec := plainer(r.spec(3))
			var deaths []death
			for range 25 {
				deaths = append(deaths, death{r.IntN(1000), r.IntN(4) == 0, r.duration(3 * time.Second)})
			}
			want, got := livesOn(t, spec, deaths), r.simulated(t, spec, deaths)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("tree %d, -live +simulated:\n%s", seed, diff)
			}
			events += len(got)
		})
	}
	if events < 100*trees {
		t.Errorf("only %d events in %d trees", events, trees)
	}
}

// death is the end of one of the leaves, some time after the one before.
type death struct {
	who    int
	normal bool
	pause  time.Duration
}

// plainer leaves out of a Spec what goroutines do otherwise than simulated children,
// or by chance: BrutalKill, jitter, and what happens at once.
func plainer(s tree.Spec) tree.Spec {
	s.Parallel = 0
	for i := range s.Children {
		c := &s.Children[i]
		c.Backoff.Jitter = 0
		c.Shutdown = 0
		if sub, ok := tree.SpecOf(c.Start); ok {
			c.Start = tree.Sub(plainer(sub))
		}
	}
	return s
}

func leafPaths(s tree.Snapshot) (all []string) {
	for _, c := range Children(s, nil) {
		if !c.Supervisor {
			all = append(all, c.Path)
		}
	}
	return all
}

// livesOn lets a live tree live through the deaths, and returns what it tells.
func livesOn(t *testing.T, spec tree.Spec, deaths []death) (all []string) {
	var in Injector
	root, err := tree.New("t", in.Spec(spec))
	if err != nil {
		t.Fatal(err)
	}
	leaves := leafPaths(root.Snapshot())
	sub := root.Subscribe(tree.Lossless)
	begin := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = root.Serve(ctx) // how it ends is for the events to tell
	}()
	for _, d := range deaths {
		time.Sleep(d.pause)
		synctest.Wait()
		fault := Fault{"error", "injected"}
		if d.normal {
			fault = Fault{"exit", "0"}
		}
		_, _ = in.inject(ctx, leaves[d.who%len(leaves)], fault) // it may not run
		synctest.Wait()
	}
	time.Sleep(time.Minute)
	cancel()
	<-done
	sub.Close()
	for {
		e, err := sub.Next(context.Background())
		if err != nil {
			return all
		}
		all = append(all, inWords(&e, begin))
	}
}

// simulated does the same to a simulated tree.
func (r *simRun) simulated(t *testing.T, spec tree.Spec, deaths []death) (all []string) {
	if err := r.boot(spec); err != nil {
		t.Fatal(err)
	}
	for _, d := range deaths {
		r.sim.Pass(d.pause)
		e := strategies.Exit{Class: strategies.Crash, Err: ErrInjected}
		if d.normal {
			e = strategies.Exit{}
		}
		r.sim.Exit(r.workers[d.who%len(r.workers)], e)
		r.sim.Deliver()
	}
	r.sim.Pass(time.Minute)
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	for _, e := range r.rec.all() {
		all = append(all, inWords(&e, simEpoch))
	}
	return all
}

// inWords is all of an event but the text of errors.
func inWords(e *tree.Event, begin time.Time) string {
	s := fmt.Sprintf("%v %d %v %s#%d supervisor %v", e.Time.Sub(begin), e.Seq, e.Kind, e.Path, e.Incarnation, e.Supervisor)
	if !e.Cascade.IsZero() {
		s += " because of " + e.Cascade.String()
	}
	switch e.Kind {
	case tree.EventStartError, tree.EventNotStarted, tree.EventExited, tree.EventChildTerminated, tree.EventShutdownError, tree.EventGivingUp:
		s += " " + e.Exit.Class.String()
	}
	if e.Child != nil {
		s += " added " + strings.Join(leafPaths(tree.Snapshot{Root: *e.Child}), " ")
	}
	return s + fmt.Sprint(" ", e.Group, e.Spent, e.Max, e.After)
}
