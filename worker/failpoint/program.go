package failpoint

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// program is a list of terms, and how far it has got.
type program struct {
	mu    sync.Mutex // guards what follows
	terms []term
}

type term struct {
	times  int     // left; negative: for ever
	chance float64 // of 1; 0: no chance is involved
	action action
}

// action is what a term does.
type action struct {
	err   error
	delay time.Duration
	panic string
}

func (a action) do() error {
	switch {
	case a.panic != "":
		panic("failpoint: " + a.panic)
	case a.delay > 0:
		time.Sleep(a.delay)
	}
	return a.err
}

// next takes the term whose turn it is.
func (p *program) next() action {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.terms {
		t := &p.terms[i]
		switch {
		case t.times == 0, t.chance > 0 && rand.Float64() >= t.chance:
			continue
		case t.times > 0:
			t.times--
		}
		return t.action
	}
	return action{}
}

func parse(text string) (*program, error) {
	p := new(program)
	for part := range strings.SplitSeq(text, "->") {
		t, err := parseTerm(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", strings.TrimSpace(part), err)
		}
		p.terms = append(p.terms, t)
	}
	return p, nil
}

func parseTerm(text string) (t term, err error) {
	t.times = -1
	if count, rest, ok := strings.Cut(text, "*"); ok {
		if t.times, err = strconv.Atoi(count); err != nil || t.times < 1 {
			return t, errors.New("before * stands how many times, 1 or more")
		}
		text = rest
	} else if percent, rest, ok := strings.Cut(text, "%"); ok {
		if t.chance, err = strconv.ParseFloat(percent, 64); err != nil || !(t.chance > 0 && t.chance <= 100) {
			return t, errors.New("before % stands a chance of 100, more than 0")
		}
		t.chance /= 100
		text = rest
	}
	name, arg, _ := strings.Cut(text, "(")
	arg, closed := strings.CutSuffix(arg, ")")
	if strings.Contains(text, "(") && !closed {
		return t, errors.New("the closing ) is missing")
	}
	t.action, err = parseAction(name, arg)
	return t, err
}

func parseAction(name, arg string) (a action, err error) {
	switch name {
	case "off":
		if arg != "" {
			return a, errors.New("off takes no argument")
		}
	case "error":
		a.err, err = parseErrno(arg)
	case "delay":
		if a.delay, err = time.ParseDuration(arg); err != nil || a.delay <= 0 {
			return a, errors.New("give a time, as in delay(50ms)")
		}
	case "panic":
		if a.panic = arg; arg == "" {
			a.panic = "panic"
		}
	default:
		return a, errors.New("there are off, error(ERRNO), delay(TIME) and panic(TEXT)")
	}
	return a, err
}
