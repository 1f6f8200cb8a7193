package strategies

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// flat makes a machine of n children, all up.
func flat(tb testing.TB, n int, s Strategy) *Machine {
	tb.Helper()
	cfg := Config{Strategy: s, Intensity: Intensity{Max: math.MaxInt, Within: time.Nanosecond}, Children: make([]ChildSpec, n)}
	for i := range cfg.Children {
		cfg.Children[i].ID = fmt.Sprint(i)
	}
	m, err := NewMachine(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	settle(m, m.Step(epochOfCosts, Boot(Cascade{})))
	return m
}

var epochOfCosts = time.Unix(1000, 0)

// settle answers every start and stop until nothing is asked any more.
func settle(m *Machine, actions []Action) {
	for {
		var in Input
		for _, a := range actions {
			switch a.Do {
			case DoStart:
				in = Started(a.ID, a.Incarnation)
			case DoStop:
				in = Exited(a.ID, a.Incarnation, Exit{Class: Shutdown}, Cascade{})
			default:
				continue
			}
			in.Child = a.Child
		}
		if in.ID == "" {
			return
		}
		actions = m.Step(epochOfCosts, in)
	}
}

// crash ends a child and carries out what follows.
func crash(m *Machine, id string) {
	c := m.children[id]
	settle(m, m.Step(epochOfCosts, Exited(id, c.incarnation, Exit{Class: Crash}, Cascade{Origin: id, N: c.incarnation})))
}

// TestSameWorkWhateverTheSiblings: what a crash costs depends on the children
// it affects, and not at all on how many there are.
func TestSameWorkWhateverTheSiblings(t *testing.T) {
	sizes := []int{10, 100_000, 1_000_000}
	if testing.Short() || raced {
		sizes = sizes[:2]
	}
	type work struct {
		visited int
		allocs  float64
	}
	var first work
	for _, n := range sizes {
		m := flat(t, n, OneForOne)
		random := rand.New(rand.NewPCG(1, 2))
		victims := make([]string, 1000)
		for i := range victims {
			victims[i] = fmt.Sprint(random.IntN(n))
		}
		for _, v := range victims { // first, to fill what is kept for reuse
			crash(m, v)
		}
		m.visited = 0
		for _, v := range victims {
			crash(m, v)
		}
		got := work{visited: m.visited}
		i := 0
		got.allocs = testing.AllocsPerRun(len(victims)-1, func() { crash(m, victims[i]); i++ })
		t.Logf("%d children: %d looked at and %v allocations for %d crashes", n, got.visited, got.allocs, len(victims))
		if first.visited == 0 {
			first = got
		}
		if got != first {
			t.Errorf("%d children: %+v, %d children: %+v", n, got, sizes[0], first)
		}
		if got.allocs != 0 {
			t.Errorf("%v allocations for a crash and its restart", got.allocs)
		}
	}
}

// Rest for one looks at the failed child and those after it, and no others.
func TestRestForOneWorkIsThatOfTheRest(t *testing.T) {
	for _, rest := range []int{1, 10, 100} {
		var first int
		for _, n := range []int{1000, 100_000} {
			m := flat(t, n, RestForOne)
			m.visited = 0
			crash(m, fmt.Sprint(n-rest))
			if first == 0 {
				first = m.visited
			}
			if m.visited != first || m.visited > 5*rest {
				t.Errorf("%d children, the last %d affected: looked at %d; of 1000 it was %d", n, rest, m.visited, first)
			}
		}
	}
}

// What starting, restarting and terminating a child of a dynamic supervisor costs
// does not depend on how many there are.
func TestSameWorkWhateverTheInstances(t *testing.T) {
	sizes := []int{10, 100_000, 1_000_000}
	if testing.Short() || raced {
		sizes = sizes[:2]
	}
	type work struct {
		visited int
		allocs  float64
	}
	var first work
	for _, n := range sizes {
		m := instances(t, n)
		ids := make([]string, 1001)
		for i := range ids {
			ids[i] = fmt.Sprint("new ", i)
		}
		life := func(id string) {
			settle(m, m.Step(epochOfCosts, StartInstance(1, id, 0, nil)))
			crash(m, id)
			settle(m, m.Step(epochOfCosts, TerminateInstance(2, id, 0)))
		}
		for _, id := range ids { // first, to fill what is kept for reuse
			life(id)
		}
		m.visited = 0
		for _, id := range ids {
			life(id)
		}
		got := work{visited: m.visited}
		i := 0
		got.allocs = testing.AllocsPerRun(len(ids)-1, func() { life(ids[i]); i++ })
		t.Logf("%d children: %d looked at and %v allocations for %d lives", n, got.visited, got.allocs, len(ids))
		if first.visited == 0 {
			first = got
		}
		if got != first {
			t.Errorf("%d children: %+v, %d children: %+v", n, got, sizes[0], first)
		}
		if len(m.children) != n {
			t.Errorf("%d children, %d there were", len(m.children), n)
		}
	}
}

// instances makes a dynamic supervisor with n children, all up.
func instances(tb testing.TB, n int) *Machine {
	tb.Helper()
	m, err := NewMachine(Config{Dynamic: &ChildSpec{}, Intensity: Intensity{Max: math.MaxInt, Within: time.Nanosecond}})
	if err != nil {
		tb.Fatal(err)
	}
	m.Step(epochOfCosts, Boot(Cascade{}))
	for i := range n {
		settle(m, m.Step(epochOfCosts, StartInstance(1, fmt.Sprint(i), 0, nil)))
	}
	return m
}

// Under Dependents a crash costs what the children do that need the failed one,
// and what they need, whatever the number of the others.
func TestDependentsWorkIsThatOfTheAffected(t *testing.T) {
	for _, affected := range []int{1, 10, 100} {
		var first int
		for _, n := range []int{1000, 100_000} {
			m := towers(t, n/affected, affected)
			m.visited = 0
			crash(m, "7.0")
			if first == 0 {
				first = m.visited
			}
			t.Logf("%d children, %d affected: looked at %d", n, affected, m.visited)
			if m.visited != first || m.visited > 20*affected {
				t.Errorf("%d children, %d affected: looked at %d; of 1000 it was %d", n, affected, m.visited, first)
			}
		}
	}
}

// towers makes a machine of n towers, in which every child needs the one below it.
func towers(tb testing.TB, n, height int) *Machine {
	tb.Helper()
	cfg := Config{Strategy: Dependents, Intensity: Intensity{Max: math.MaxInt, Within: time.Nanosecond}}
	for i := range n {
		for k := range height {
			s := ChildSpec{ID: fmt.Sprintf("%d.%d", i, k)}
			if k > 0 {
				s.Needs = []string{fmt.Sprintf("%d.%d", i, k-1)}
			}
			cfg.Children = append(cfg.Children, s)
		}
	}
	m, err := NewMachine(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	settle(m, m.Step(epochOfCosts, Boot(Cascade{})))
	return m
}
