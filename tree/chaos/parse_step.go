package chaos

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// step tells by its keys what kind of step it is.
func (r *reader) step(v *value, p *Plan) {
	if v.kind != mapping {
		r.wrong(v, "", "expected a step, as {at: 2s, fault: kill, target: \"shop/**\"}, found %s", v.describe())
		return
	}
	var s Step
	switch {
	case v.find("swizzle") != nil:
		s = r.swizzle(v)
	case v.find("storm") != nil:
		s = r.storm(v)
	case v.find("race") != nil:
		s = r.race(v)
	case v.find("every") != nil:
		s = r.every(v)
	default:
		s = r.at(v)
	}
	p.Method = append(p.Method, s)
}

func (r *reader) at(v *value) At {
	var s At
	r.fields(v, "a step", []string{"at", "fault"}, map[string]func(*value){
		"at":      func(v *value) { r.duration(v, &s.Time, 0) },
		"fault":   func(v *value) { r.choice(v, &s.Fault) },
		"target":  func(v *value) { r.target(v, &s.Target) },
		"rolling": func(v *value) { r.duration(v, &s.Rolling, time.Millisecond) },
	})
	r.targeted(v, s.Fault)
	return s
}

func (r *reader) every(v *value) Every {
	var s Every
	r.fields(v, "a step with every", []string{"every", "until", "fault"}, map[string]func(*value){
		"every":   func(v *value) { r.span(v, &s.Least, &s.Most) },
		"from":    func(v *value) { r.duration(v, &s.From, 0) },
		"until":   func(v *value) { r.duration(v, &s.Until, time.Millisecond) },
		"fault":   func(v *value) { r.choice(v, &s.Fault) },
		"target":  func(v *value) { r.target(v, &s.Target) },
		"rolling": func(v *value) { r.duration(v, &s.Rolling, time.Millisecond) },
	})
	r.targeted(v, s.Fault)
	return s
}

// targeted wants a target where a fault needs one.
func (r *reader) targeted(v *value, c Choice) {
	for _, w := range c {
		if w.Fault.class().on != nil && v.find("target") == nil {
			r.wrong(v, "", "a step with the fault %v needs the key target", w.Fault)
			return
		}
	}
}

func (r *reader) swizzle(v *value) Swizzle {
	var s Swizzle
	r.fields(v, "a step with swizzle", nil, map[string]func(*value){
		"at": func(v *value) { r.duration(v, &s.Time, 0) },
		"swizzle": func(v *value) {
			r.fields(v, "swizzle", []string{"target", "over"}, map[string]func(*value){
				"target": func(v *value) { r.target(v, &s.Target) },
				"over":   func(v *value) { r.duration(v, &s.Over, time.Millisecond) },
			})
		},
	})
	return s
}

func (r *reader) storm(v *value) Storm {
	var s Storm
	r.fields(v, "a step with storm", nil, map[string]func(*value){
		"at": func(v *value) { r.duration(v, &s.Time, 0) },
		"storm": func(v *value) {
			r.fields(v, "storm", []string{"target", "over"}, map[string]func(*value){
				"target": func(v *value) { r.target(v, &s.Target) },
				"over":   func(v *value) { r.duration(v, &s.Over, time.Millisecond) },
				"rate":   func(v *value) { r.fraction(v, &s.Rate, 10_000) },
				"fault":  func(v *value) { r.choice(v, &s.Fault) },
			})
		},
	})
	return s
}

func (r *reader) race(v *value) Race {
	var s Race
	r.fields(v, "a step with race", []string{"at", "target"}, map[string]func(*value){
		"at":     func(v *value) { r.duration(v, &s.Time, 0) },
		"target": func(v *value) { r.target(v, &s.Target) },
		"race": func(v *value) {
			r.text(v, &s.Kind)
			if !slices.Contains(raceNames(), s.Kind) {
				r.wrong(v, "there are "+strings.Join(raceNames(), ", "), "there is no race %q", s.Kind)
			}
		},
	})
	return s
}

// span is "500ms..2s", or one duration.
func (r *reader) span(v *value, least, most *time.Duration) {
	from, to, two := strings.Cut(v.text, "..")
	if !two {
		to = from
	}
	a, err1 := time.ParseDuration(from)
	b, err2 := time.ParseDuration(to)
	switch {
	case err1 != nil || err2 != nil || v.kind != scalar:
		r.wrong(v, "as in 500ms..2s, or 1s", "expected a duration, or two with .. between them, found %s", v.describe())
	case a < time.Millisecond || a > b:
		r.wrong(v, "", "expected two durations of at least 1ms, the smaller one first, found %s", v.describe())
	}
	*least, *most = a, b
}

func (r *reader) choice(v *value, to *Choice) {
	switch v.kind {
	case scalar:
		r.fault(v.line, v.col, v.text, 1, to)
	case mapping:
		for i := range v.pairs {
			p := &v.pairs[i]
			weight := 1
			r.number(&p.value, &weight)
			if weight > math.MaxInt32 {
				r.wrong(&p.value, "", "the weight %d is too large", weight)
			}
			r.fault(p.line, p.col, p.key, weight, to)
		}
		if len(v.pairs) == 0 {
			r.wrong(v, "", "there is no fault in here")
		}
	default:
		r.wrong(v, "", "expected a fault, as kill, or a mapping of faults to weights, as {kill: 5, hang: 2}, found %s", v.describe())
	}
}

func (r *reader) fault(line, col int, text string, weight int, to *Choice) {
	f, err := ParseFault(text)
	if err != nil {
		r.problem(line, col, "", "%v", err)
		return
	}
	*to = append(*to, Weighted{f, weight})
}

func (r *reader) target(v *value, t *Target) {
	pattern := func(v *value, to *string) {
		r.text(v, to)
		if err := checkGlob(*to); err != nil {
			r.wrong(v, "", "%v", err)
		}
	}
	if v.kind == scalar {
		pattern(v, &t.Path)
		return
	}
	r.fields(v, "a target", []string{"path"}, map[string]func(*value){
		"path": func(v *value) { pattern(v, &t.Path) },
		"exclude": func(v *value) {
			r.each(v, func(v *value) {
				var x string
				pattern(v, &x)
				t.Exclude = append(t.Exclude, x)
			})
		},
		"pick": func(v *value) {
			if v.kind == scalar && v.text == "all" {
				t.Pick = All
				return
			}
			n, err := strconv.Atoi(v.text)
			if err != nil || n < 1 || v.kind != scalar {
				r.wrong(v, "", "expected a number of children, or all, found %s", v.describe())
			}
			t.Pick = n
		},
	})
}
