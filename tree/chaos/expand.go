package chaos

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// maxFaults is more than a run can want.
const maxFaults = 100_000

// Expand says what the plan does with a seed to a tree of these children, before
// anything is done. Every step draws from numbers of its own, so that a change to
// one leaves the others as they were. The order of the children has no influence.
//
// The error says which step fits nothing in the tree. A fault among others that
// fits nothing is left out, and listed in Skipped.
func (p *Plan) Expand(seed uint64, children []Child) (Concrete, error) {
	c := Concrete{Seed: seed, Faults: []Planned{}}
	sorted := slices.Clone(children)
	slices.SortFunc(sorted, func(a, b Child) int { return cmp.Compare(a.Path, b.Path) })
	var wrong []error
	for _, s := range p.Steady {
		if a := s.about(); a != "" && !slices.ContainsFunc(sorted, func(c Child) bool { return c.Path == a }) {
			wrong = append(wrong, fmt.Errorf("%s: there is no %s in the tree", s.Name(), a))
		}
	}
	for i, s := range p.Method {
		e := &expansion{
			Rand: rand.New(rand.NewPCG(seed, uint64(i+1))), children: sorted,
			step: i + 1, end: p.Budget.Duration, out: &c,
		}
		if err := s.expand(e); err != nil {
			wrong = append(wrong, fmt.Errorf("step %d of the method: %w", i+1, err))
		}
	}
	c.sort()
	if d := p.Budget.Duration; d > 0 {
		c.Faults = slices.DeleteFunc(c.Faults, func(f Planned) bool { return f.At > d })
	}
	if n := p.Budget.Faults; n > 0 && len(c.Faults) > n {
		c.Faults = c.Faults[:n]
	}
	return c, errors.Join(wrong...)
}

// expansion is one step on its way to a Concrete.
type expansion struct {
	*rand.Rand
	children []Child // by path
	step     int
	end      time.Duration // nothing later than this will be done; zero: no limit
	out      *Concrete
}

func (e *expansion) add(at time.Duration, f Fault, path string) error {
	if len(e.out.Faults) >= maxFaults {
		return fmt.Errorf("with it there are more than %d faults: make it shorter, or its pauses longer", maxFaults)
	}
	e.out.Faults = append(e.out.Faults, Planned{at, f, path, e.step})
	return nil
}

func (e *expansion) over(at time.Duration) bool { return e.end > 0 && at > e.end }

// between draws a duration, both ends included.
func (e *expansion) between(least, most time.Duration) time.Duration {
	return least + time.Duration(e.Int64N(int64(most-least)+1))
}

// option is a fault together with those that it can be given to.
type option struct {
	Weighted
	who []Child // nil for a fault that needs no child
}

// options finds out which of the faults fit which of the target's children.
func (e *expansion) options(choice Choice, t *Target) ([]option, error) {
	matched, err := e.matching(choice, t)
	if err != nil {
		return nil, err
	}
	var fit []option
	for _, w := range choice {
		class := w.Fault.class()
		o := option{Weighted: w}
		if class.on != nil {
			for _, c := range matched {
				if class.on(c) {
					o.who = append(o.who, c)
				}
			}
			if o.who == nil {
				e.out.Skipped = append(e.out.Skipped, Skipped{e.step, w.Fault, fmt.Sprintf("it works on %s, and %s matches none", class.On, t.Path)})
				continue
			}
		}
		fit = append(fit, o)
	}
	if fit == nil {
		return nil, fmt.Errorf("%v works on %s, and %s matches none in this tree", choice[0].Fault, choice[0].Fault.class().On, t.Path)
	}
	return fit, nil
}

// matching are the children that the target means; nil without error if the
// faults need none.
func (e *expansion) matching(choice Choice, t *Target) ([]Child, error) {
	if !slices.ContainsFunc(choice, func(w Weighted) bool { return w.Fault.class().on != nil }) {
		return nil, nil
	}
	var matched []Child
	for _, c := range e.children {
		if t.matches(c.Path) {
			matched = append(matched, c)
		}
	}
	if matched == nil {
		return nil, fmt.Errorf("nothing in the tree matches the target %q", t.Path)
	}
	return matched, nil
}

// once does one of the faults to as many as the target picks.
func (e *expansion) once(at time.Duration, options []option, pick int, rolling time.Duration) error {
	o := e.choose(options)
	if o.who == nil {
		return e.add(at, o.Fault, "")
	}
	for i, c := range e.pick(o.who, pick) {
		if err := e.add(at+time.Duration(i)*rolling, o.Fault, c.Path); err != nil {
			return err
		}
	}
	return nil
}

func (e *expansion) choose(options []option) option {
	sum := 0
	for _, o := range options {
		sum += o.Weight
	}
	n := e.IntN(sum)
	for _, o := range options {
		if n -= o.Weight; n < 0 {
			return o
		}
	}
	panic("unreachable: n was less than the sum of the weights")
}

// pick draws k children, in the order drawn; zero stands for one.
func (e *expansion) pick(from []Child, k int) []Child {
	if k == All {
		k = len(from)
	}
	k = min(max(k, 1), len(from))
	drawn := make([]Child, 0, k)
	for _, i := range e.Perm(len(from))[:k] {
		drawn = append(drawn, from[i])
	}
	return drawn
}

func (s At) expand(e *expansion) error {
	options, err := e.options(s.Fault, &s.Target)
	if err != nil {
		return err
	}
	return e.once(s.Time, options, s.Target.Pick, s.Rolling)
}

func (s Every) expand(e *expansion) error {
	options, err := e.options(s.Fault, &s.Target)
	if err != nil {
		return err
	}
	for at := s.From + e.between(s.Least, s.Most); at <= s.Until && !e.over(at); at += e.between(s.Least, s.Most) {
		if err := e.once(at, options, s.Target.Pick, s.Rolling); err != nil {
			return err
		}
	}
	return nil
}

// expand makes stops whose ends are in another order than their beginnings: the
// first half of the time is for the stops, the second for the starts.
func (s Swizzle) expand(e *expansion) error {
	options, err := e.options(One("stop"), &s.Target)
	if err != nil {
		return err
	}
	all := options[0].who
	k := s.Target.Pick
	if k == 0 {
		k = 1 + e.IntN(len(all))
	}
	who := e.pick(all, k)
	back := e.Perm(len(who)) // the i-th stopped is the back[i]-th to be started again
	for i, c := range who {
		at := s.Time + s.Over*time.Duration(i)/time.Duration(2*len(who))
		again := s.Time + s.Over/2 + s.Over*time.Duration(back[i]+1)/time.Duration(2*len(who))
		if err := e.add(at, Fault{"stop", (again - at).String()}, c.Path); err != nil {
			return err
		}
	}
	return nil
}

// expand draws the times, as many as the rate wants.
func (s Storm) expand(e *expansion) error {
	strike, err := s.strike(e)
	if err != nil {
		return err
	}
	n := math.Round(cmp.Or(s.Rate, 10) * s.Over.Seconds())
	if n > maxFaults {
		return fmt.Errorf("that is %.0f faults, and %d are the most", n, maxFaults)
	}
	times := make([]time.Duration, max(1, int(n)))
	for i := range times {
		times[i] = s.Time + e.between(0, s.Over)
	}
	slices.Sort(times)
	for _, at := range times {
		if err := strike(at); err != nil {
			return err
		}
	}
	return nil
}

// strike returns what a storm does again and again.
func (s Storm) strike(e *expansion) (func(at time.Duration) error, error) {
	if s.Fault != nil {
		options, err := e.options(s.Fault, &s.Target)
		return func(at time.Duration) error { return e.once(at, options, s.Target.Pick, 0) }, err
	}
	mortal, err := e.matching(One("hang"), &s.Target)
	mortal = slices.DeleteFunc(mortal, func(c Child) bool { return !isProcessOrWrapped(c) })
	if err == nil && len(mortal) == 0 {
		err = fmt.Errorf("a storm is for processes and wrapped leaves, and %s matches none in this tree", s.Target.Path)
	}
	return func(at time.Duration) error {
		for _, c := range e.pick(mortal, s.Target.Pick) {
			if err := e.add(at, ender(c), c.Path); err != nil {
				return err
			}
		}
		return nil
	}, err
}
