package strategies_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coppice-go/coppice/strategies"
)

// TestMachineProperties drives random supervisors with a random, well-behaved
// runner: it answers every order sooner or later in one of the ways it may, its
// children die when they like, its timers fire in the order of time, calls come
// at any moment. A referee that shares no code with Machine checks every action,
// and that a machine told to end does.
func TestMachineProperties(t *testing.T) {
	for _, strategy := range []strategies.Strategy{strategies.OneForOne, strategies.OneForAll, strategies.RestForOne, strategies.Dependents} {
		t.Run(strategy.String(), func(t *testing.T) {
			checkMachines(t, func(t *rapid.T) strategies.Config { return drawConfig(t, strategy) })
		})
	}
	t.Run("dynamic", func(t *testing.T) { checkMachines(t, drawDynamic) })
}

func checkMachines(t *testing.T, draw func(*rapid.T) strategies.Config) {
	const rounds = 10 // of as many runs as rapid makes: 100, without a flag that says otherwise
	seen := map[string]int{}
	for range rounds {
		rapid.Check(t, func(t *rapid.T) { checkMachine(t, draw(t), seen) })
	}
	t.Logf("of the runs, so many had: %v", seen)
}

func checkMachine(t *rapid.T, cfg strategies.Config, seen map[string]int) {
	m, err := strategies.NewMachine(cfg)
	if err != nil {
		t.Fatalf("%+v: %v", cfg, err)
	}
	for _, s := range cfg.Children {
		t.Logf("%s: %v, needs %v", s.ID, s.Restart, s.Needs)
	}
	r := newRunner(t, m, cfg)
	if oneIn(t, 32) {
		r.call() // it waits for the boot
	}
	r.do(strategies.Boot(strategies.Cascade{}))
	for !r.ref.finished && !oneIn(t, 128) {
		r.random()
	}
	r.end()
	for what := range r.ref.seen {
		seen[what]++
	}
}

func drawSupervisor(t *rapid.T) strategies.Config {
	return strategies.Config{
		Intensity: strategies.Intensity{
			Max:    rapid.SampledFrom([]int{100, 10, 3, 2, 1, 0, strategies.NoRestarts}).Draw(t, "max"),
			Within: rapid.SampledFrom([]time.Duration{0, 1, time.Millisecond, 2 * time.Second, time.Minute}).Draw(t, "within"),
		},
		AutoShutdown: rapid.SampledFrom([]strategies.AutoShutdown{strategies.Never, strategies.AnySignificant, strategies.AllSignificant}).Draw(t, "auto_shutdown"),
		Seed:         rapid.Uint64().Draw(t, "seed"),
	}
}

func drawConfig(t *rapid.T, strategy strategies.Strategy) strategies.Config {
	cfg := drawSupervisor(t)
	cfg.Strategy = strategy
	if strategy == strategies.OneForOne || strategy == strategies.Dependents {
		cfg.Parallel = rapid.IntRange(0, 4).Draw(t, "parallel")
	}
	if strategy == strategies.Dependents && cfg.Parallel > 1 && cfg.AutoShutdown == strategies.AllSignificant {
		cfg.AutoShutdown = strategies.AnySignificant // the referee could not tell who was the last
	}
	for i := range pick(t, []int{0, 1, 2, 3, 3, 4, 4, 5, 6, 7}) {
		s := drawChild(t, &cfg)
		s.ID = string(rune('a' + i))
		s.Incarnation = rapid.SampledFrom([]uint64{0, 0, 7}).Draw(t, "incarnation")
		cfg.Children = append(cfg.Children, s)
	}
	if strategy == strategies.Dependents {
		// Each may need what comes before it. Then they are mixed up.
		for i := range cfg.Children {
			for _, n := range cfg.Children[:i] {
				if oneIn(t, 2) {
					cfg.Children[i].Needs = append(cfg.Children[i].Needs, n.ID)
				}
			}
		}
		cfg.Children = rapid.Permutation(cfg.Children).Draw(t, "order")
	}
	return cfg
}

func drawDynamic(t *rapid.T) strategies.Config {
	cfg := drawSupervisor(t)
	cfg.Parallel = rapid.IntRange(0, 4).Draw(t, "parallel")
	s := drawChild(t, &cfg)
	cfg.Dynamic = &s
	return cfg
}

// drawChild draws all of a child's description that is not its own.
func drawChild(t *rapid.T, cfg *strategies.Config) strategies.ChildSpec {
	s := strategies.ChildSpec{
		Kind:       rapid.SampledFrom([]strategies.Kind{strategies.Worker, strategies.Worker, strategies.Supervisor}).Draw(t, "kind"),
		Restart:    rapid.SampledFrom([]strategies.Restart{strategies.Permanent, strategies.Permanent, strategies.Transient, strategies.Temporary}).Draw(t, "restart"),
		Shutdown:   rapid.SampledFrom([]strategies.ShutdownLimit{0, strategies.Infinity, strategies.BrutalKill, strategies.Timeout(0), strategies.Timeout(time.Second)}).Draw(t, "shutdown"),
		StartLimit: rapid.SampledFrom([]time.Duration{0, 0, 3 * time.Second}).Draw(t, "start limit"),
		Backoff: rapid.SampledFrom([]strategies.Backoff{{}, {}, {Min: time.Second},
			{Min: time.Millisecond, Max: time.Minute, Factor: 3, Reset: time.Second},
			{Min: time.Second, Max: 3 * time.Second, Jitter: 0.5}}).Draw(t, "backoff"),
	}
	if cfg.AutoShutdown != strategies.Never && s.Restart != strategies.Permanent {
		s.Significant = rapid.Bool().Draw(t, "significant")
	}
	return s
}

// oneIn is true once in n times, n a power of two. (Numbers that rapid draws are
// mostly small; a coin is fair.)
func oneIn(t *rapid.T, n int) bool {
	for ; n > 1; n /= 2 {
		if rapid.Bool().Draw(t, "coin") {
			return false
		}
	}
	return true
}

// pick takes one of list, each as likely as the others or nearly so.
func pick[E any](t *rapid.T, list []E) E {
	i := 0
	for n := 1; n < 4*len(list); n *= 2 {
		i *= 2
		if rapid.Bool().Draw(t, "pick") {
			i++
		}
	}
	return list[i%len(list)]
}

func drawClass(t *rapid.T) strategies.Class {
	return strategies.Class(rapid.IntRange(int(strategies.Normal), int(strategies.Crash)).Draw(t, "class"))
}

func drawExit(t *rapid.T) strategies.Exit {
	e := strategies.Exit{Class: drawClass(t), Err: errors.New("why")}
	if oneIn(t, 32) {
		e.Directive = strategies.Directive(rapid.IntRange(1, 3).Draw(t, "directive"))
	}
	return e
}

// drawAdded draws a child to be added, mostly one that can be.
func drawAdded(t *rapid.T, cfg *strategies.Config, ids []string) strategies.ChildSpec {
	s := drawChild(t, cfg)
	if cfg.Strategy == strategies.Dependents {
		for _, id := range ids {
			if oneIn(t, 2) {
				s.Needs = append(s.Needs, id)
			}
		}
	}
	if !oneIn(t, 8) {
		return s
	}
	wrong := []func(){
		func() { s.Shutdown = strategies.Timeout(-1) },
		func() { s.Restart = 77 },
		func() { s.Significant, s.Restart = true, strategies.Permanent },
		func() { s.Needs = append(s.Needs, "nobody") },
		func() { s.Needs = append(slices.Clone(s.Needs), s.Needs...) },
		func() { s.Backoff.Factor = 0.5 },
	}
	pick(t, wrong)()
	return s
}
