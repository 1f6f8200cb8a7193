package chaos

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// SimReport is what came of simulated trees.
type SimReport struct {
	Seed   uint64
	Trees  int
	Events int
	Faults int
	// Facts are how many single facts were compared, by invariant.
	Facts [10]int
	// Digest is of all events of all trees: the same seed makes the same, on every
	// machine.
	Digest string
	// Failed are the trees that did not keep their rules.
	Failed []SimFailure
}

// SimFailure is a simulated tree that did not keep its rules.
type SimFailure struct {
	Seed     uint64 // and Tree: with them SimTree makes it again
	Tree     int
	Report   check.Report
	Evidence check.Evidence
}

// Sim lets n random trees live through random faults in virtual time, and checks
// each. What decides in them is what decides in live trees (strategies.Machine);
// what a runner adds, goroutines and processes above all, is not there. Dynamic
// supervisors are not among them. The error is ctx's, or says that a tree cannot
// be checked at all, which is a mistake in here.
func Sim(ctx context.Context, seed uint64, n int) (*SimReport, error) {
	r := &SimReport{Seed: seed}
	digest := sha256.New()
	for i := range n {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		e, report, err := SimTree(seed, i)
		if err != nil {
			return r, fmt.Errorf("chaos: tree %d of seed %d: %w", i, seed, err)
		}
		r.Trees++
		r.Events += len(e.Events)
		r.Faults += len(e.Faults)
		for _, raw := range e.Events {
			digest.Write(raw)
		}
		for k, result := range report.Results {
			r.Facts[k] += result.Facts
		}
		if report.Err() != nil {
			r.Failed = append(r.Failed, SimFailure{seed, i, report, e})
		}
	}
	r.Digest = hex.EncodeToString(digest.Sum(nil))
	return r, nil
}

// Err says which trees did not keep their rules; nil if all did.
func (r *SimReport) Err() error {
	if len(r.Failed) == 0 {
		return nil
	}
	f := r.Failed[0]
	return fmt.Errorf("%d of %d simulated trees did not keep their rules; the first is tree %d of seed %d: %w",
		len(r.Failed), r.Trees, f.Tree, f.Seed, f.Report.Err())
}

// SimTree is one tree of [Sim].
func SimTree(seed uint64, number int) (check.Evidence, check.Report, error) {
	r := &simRun{Rand: rand.New(rand.NewPCG(seed, uint64(number)))}
	if err := r.run(); err != nil {
		return check.Evidence{}, check.Report{}, err
	}
	e, err := r.evidence()
	if err != nil {
		return e, check.Report{}, err
	}
	report, err := check.Check(e, check.Options{Operator: r.operator})
	return e, report, err
}

// simEpoch is when simulated time begins.
var simEpoch = time.Unix(0, 0).UTC()

// simRun is the life of one simulated tree.
type simRun struct {
	*rand.Rand
	sim      *strategies.Simulation
	rec      *simRecorder
	begin    tree.Snapshot
	workers  []string // paths
	faults   []check.Fault
	operator bool
	healed   bool // starts go as they should from now on
	tame     bool // starts and stops do all the time
	quiet    time.Duration
	closed   time.Duration
}

func (r *simRun) run() error {
	if err := r.boot(r.spec(3)); err != nil {
		return err
	}
	for range 5 + r.IntN(40) {
		r.sim.Pass(r.duration(time.Second))
		r.strike()
	}
	r.healed = true
	r.quiet = r.sim.Elapsed()
	r.sim.Pass(time.Minute)
	return r.end()
}

// boot starts the tree. That it does not start is told by the events.
func (r *simRun) boot(spec tree.Spec) error {
	root, err := tree.New("t", spec)
	if err != nil {
		return err
	}
	r.begin = root.Snapshot()
	r.begin.Time = simEpoch
	for _, c := range Children(r.begin, nil) {
		if !c.Supervisor {
			r.workers = append(r.workers, c.Path)
		}
	}
	r.rec = newSimRecorder(&r.begin)
	r.operator = r.IntN(3) == 0
	r.sim = strategies.NewSimulation(tree.Describe("t", spec), strategies.Script{Start: r.start, Stop: r.stop, Event: r.rec.see})
	r.rec.root(tree.EventStarting, 0)
	_ = r.sim.Boot()
	r.sim.Deliver()
	return nil
}

// end stops the tree, if it runs still.
func (r *simRun) end() error {
	r.closed = r.sim.Elapsed()
	if r.sim.Live("t") != 0 {
		r.rec.root(tree.EventStopping, r.closed)
		r.sim.Terminate("t", strategies.Exit{Class: strategies.Shutdown, Err: context.Canceled})
	}
	return r.sim.Settle()
}

func (r *simRun) duration(most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}

// strike is a moment at which something may happen to the tree.
func (r *simRun) strike() {
	for range 1 + r.IntN(3) { // at the same instant
		path := r.workers[r.IntN(len(r.workers))]
		if r.operator && r.IntN(5) == 0 {
			id := path[len(above(path))+1:]
			r.sim.Call(above(path), strategies.RenewChild(0, id), nil)
			continue
		}
		how := simEnds[r.IntN(len(simEnds))]
		n := r.sim.Live(path)
		f := check.Fault{Time: simEpoch.Add(r.sim.Elapsed()), Kind: how.fault, Path: path, Incarnation: n}
		if !r.sim.Exit(path, how.exit) {
			f.Missed, f.Incarnation = "nothing runs there now", 0
		}
		r.faults = append(r.faults, f)
	}
}

var simEnds = []struct {
	fault string
	exit  strategies.Exit
}{
	{"kill", strategies.Exit{Class: strategies.Killed}},
	{"exit(1)", strategies.Exit{Class: strategies.Crash, Err: ErrInjected}},
	{"error(injected)", strategies.Exit{Class: strategies.Crash, Err: ErrInjected}},
	{"exit(0)", strategies.Exit{Class: strategies.Normal}},
}

// start is how a start goes: most at once, some slowly, some not at all.
func (r *simRun) start(_ strategies.ChildRef, kind strategies.Kind) (how strategies.SimStart) {
	if r.healed || r.tame || kind == strategies.Supervisor {
		return how
	}
	switch r.IntN(20) {
	case 0, 1, 2:
		how.Takes = r.duration(300 * time.Millisecond)
	case 3:
		how.Takes = r.duration(300 * time.Millisecond)
		how.Err = ErrInjected
	}
	return how
}

// stop is how a stop goes: most at once, some slowly, some badly, some not at all.
func (r *simRun) stop(strategies.ChildRef) strategies.SimStop {
	how := strategies.SimStop{Exit: strategies.Exit{Class: strategies.Shutdown}}
	if r.tame {
		return how
	}
	switch r.IntN(20) {
	case 0, 1, 2:
		how.Takes = r.duration(500 * time.Millisecond)
	case 3:
		how.Takes = r.duration(500 * time.Millisecond)
		how.Exit = strategies.Exit{Class: strategies.Crash, Err: ErrInjected}
	case 4:
		how.Hangs = true // until it is killed
	}
	return how
}

// evidence is what the run left to be checked.
func (r *simRun) evidence() (check.Evidence, error) {
	at := func(d time.Duration) time.Time { return simEpoch.Add(d) }
	e := check.Evidence{Faults: r.faults, Quiet: at(r.quiet), Closed: at(r.closed), Events: []json.RawMessage{}}
	var err error
	if e.Begin, err = json.Marshal(r.begin); err != nil {
		return e, err
	}
	replay := tree.NewReplay(r.begin)
	for _, ev := range r.rec.all() {
		if err := replay.Apply(ev); err != nil {
			return e, err
		}
		raw, err := json.Marshal(ev)
		if err != nil {
			return e, err
		}
		e.Events = append(e.Events, raw)
	}
	return e, nil
}
