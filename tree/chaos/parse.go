package chaos

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParsePlan reads a plan. The path is for messages. The error is a *load.Error:
// everything that is wrong, each with its line.
//
//	title: an api crash storm stays inside web
//	seed: 4711                          # what is done when, to whom: the same again
//	tree: shop.yaml                     # the tree that is meant
//	steady:
//	  - all_ready                       # everything is up, before and after
//	  - availability: {child: shop/web/api, at_least: 0.95, mode: continuous}
//	method:                             # all steps run at the same time
//	  - {at: 2s, fault: kill, target: {path: "shop/web/*", pick: 1}}
//	  - {at: 3s, fault: kill, target: {path: "shop/web/*", pick: all}, rolling: 200ms}
//	  - {every: 500ms..2s, until: 30s, fault: {kill: 5, hang: 2}, target: {path: "shop/**", exclude: [shop/db]}}
//	  - {swizzle: {target: "shop/pool/*", over: 4s}, at: 10s}
//	  - {storm: {target: "shop/**", over: 5s, rate: 10}, at: 20s}
//	  - {race: two_crashes, at: 26s, target: "shop/web/*"}
//	budget: {duration: 60s, faults: 200, abort_on: root_exhausted}
//
// A fault is a name, with an argument in parentheses where it takes one (see
// [Classes]), or a mapping of faults to weights. A target is a pattern, or a
// mapping with path, exclude and pick: a number, 1 if it is left out, or all.
func ParsePlan(path string, data []byte) (*Plan, error) {
	r := newReader(path, data)
	p := &Plan{}
	if v, ok := r.parse(); ok {
		r.plan(&v, p)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// fields calls the function of each key. A key that is not known is a problem,
// and so is one of need that is missing.
func (r *reader) fields(v *value, what string, need []string, known map[string]func(*value)) bool {
	if v.kind != mapping {
		r.wrong(v, "", "expected %s, a mapping of keys to values, found %s", what, v.describe())
		return false
	}
	before := len(r.problems)
	for i := range v.pairs {
		p := &v.pairs[i]
		if read := known[p.key]; read != nil {
			read(&p.value)
			continue
		}
		var names []string
		for name := range known {
			names = append(names, name)
		}
		slices.Sort(names)
		r.problem(p.line, p.col, "there are "+strings.Join(names, ", "), "unknown key %q in %s", p.key, what)
	}
	for _, n := range need {
		if v.find(n) == nil {
			r.wrong(v, "", "%s needs the key %s", what, n)
		}
	}
	return len(r.problems) == before
}

func (v *value) find(key string) *value {
	for i := range v.pairs {
		if v.pairs[i].key == key {
			return &v.pairs[i].value
		}
	}
	return nil
}

func (r *reader) plan(v *value, p *Plan) {
	r.fields(v, "a plan", []string{"method"}, map[string]func(*value){
		"title":  func(v *value) { r.text(v, &p.Title) },
		"tree":   func(v *value) { r.text(v, &p.Tree) },
		"seed":   func(v *value) { r.seed(v, &p.Seed) },
		"steady": func(v *value) { r.each(v, func(v *value) { r.steady(v, p) }) },
		"method": func(v *value) {
			r.each(v, func(v *value) { r.step(v, p) })
		},
		"budget": func(v *value) { r.budget(v, &p.Budget) },
	})
}

func (r *reader) each(v *value, do func(*value)) {
	if v.kind != list {
		r.wrong(v, "begin each with a dash", "expected a list, found %s", v.describe())
	}
	for i := range v.items {
		do(&v.items[i])
	}
}

func (r *reader) text(v *value, to *string) {
	if v.kind != scalar {
		r.wrong(v, "", "expected a text, found %s", v.describe())
	}
	*to = v.text
}

func (r *reader) seed(v *value, to *uint64) {
	n, err := strconv.ParseUint(v.text, 10, 64)
	if err != nil || v.kind != scalar {
		r.wrong(v, "", "expected a whole number that is not negative, found %s", v.describe())
	}
	*to = n
}

func (r *reader) number(v *value, to *int) {
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 1 || v.kind != scalar {
		r.wrong(v, "", "expected a whole number of at least 1, found %s", v.describe())
	}
	*to = n
}

func (r *reader) fraction(v *value, to *float64, most float64) {
	f, err := strconv.ParseFloat(v.text, 64)
	if err != nil || v.kind != scalar || !(f > 0 && f <= most) {
		r.wrong(v, "", "expected a number above 0, and no more than %g, found %s", most, v.describe())
		return
	}
	*to = f
}

func (r *reader) duration(v *value, to *time.Duration, least time.Duration) {
	d, err := time.ParseDuration(v.text)
	switch {
	case err != nil || v.kind != scalar:
		r.wrong(v, "as in 500ms, 5s or 1m30s", "expected a duration, found %s", v.describe())
	case d < least:
		r.wrong(v, "", "a duration of %v has no meaning here: %v is the least", d, least)
	}
	*to = d
}

func (r *reader) budget(v *value, b *Budget) {
	r.fields(v, "a budget", nil, map[string]func(*value){
		"duration": func(v *value) { r.duration(v, &b.Duration, time.Millisecond) },
		"faults":   func(v *value) { r.number(v, &b.Faults) },
		"abort_on": func(v *value) {
			if v.kind != list {
				r.abort(v, b)
				return
			}
			r.each(v, func(v *value) { r.abort(v, b) })
		},
	})
}

func (r *reader) abort(v *value, b *Budget) {
	a := Abort(v.text)
	if v.kind != scalar || a != RootExhausted && a != GivingUp {
		r.wrong(v, "", "expected %s or %s, found %s", RootExhausted, GivingUp, v.describe())
	}
	b.AbortOn = append(b.AbortOn, a)
}

func (r *reader) steady(v *value, p *Plan) {
	if v.kind == scalar && v.text == "all_ready" {
		p.Steady = append(p.Steady, AllReady{})
		return
	}
	if v.kind != mapping {
		r.wrong(v, "", "expected all_ready, or availability with what is wanted, found %s", v.describe())
		return
	}
	r.fields(v, "a steady state", nil, map[string]func(*value){"availability": func(v *value) {
		var a Availability
		r.fields(v, "availability", []string{"child", "at_least"}, map[string]func(*value){
			"child":    func(v *value) { r.text(v, &a.Child) },
			"at_least": func(v *value) { r.fraction(v, &a.AtLeast, 1) },
			"mode": func(v *value) {
				a.Mode = Mode(v.text)
				if a.Mode != Before && a.Mode != After && a.Mode != Continuous {
					r.wrong(v, "", "expected %s, %s or %s, found %s", Before, After, Continuous, v.describe())
				}
			},
		})
		p.Steady = append(p.Steady, a)
	}})
}
