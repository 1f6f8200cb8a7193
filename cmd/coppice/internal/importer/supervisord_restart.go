package importer

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (p *supervised) restarts() {
	again := "unexpected"
	if o := p.s.get("autorestart"); o != nil {
		again = strings.ToLower(o.value)
	}
	switch {
	case again == "unexpected":
		p.restart = "transient"
		p.expected()
	case truth(again):
	case slices.Contains([]string{"false", "no", "off", "0"}, again):
		p.restart = "temporary"
	default:
		p.problem(p.s.file, p.s.get("autorestart").line, "autorestart: expected true, false or unexpected, found %s", again)
	}
	secs, retries := p.s.get("startsecs"), p.s.get("startretries")
	if p.restart == "temporary" {
		for _, o := range []*option{secs, retries} {
			if o != nil {
				p.lost(o.key+"="+o.value, "with autorestart=false there is no other start, not even when the first fails")
			}
		}
		return
	}
	p.backoff = backoff{min: time.Second, max: 10 * time.Second}
	up, most := 1, 3
	if secs != nil {
		up = p.integer(p.s, secs, 1)
		p.lost("startsecs="+secs.value, "a program counts as started as soon as it runs; say with ready when it is of use")
	}
	if retries == nil {
		return
	}
	most = p.integer(p.s, retries, 3)
	p.backoff.max = max(1, min(time.Duration(most), 60)) * time.Second
	p.limit = p.backoff.limited(most, time.Duration(up)*time.Second)
	p.note("startretries=%s: supervisord counts only runs that were shorter than startsecs, and pauses 1s, 2s, 3s; coppice counts all within the time that so many of them take, and doubles its pauses.", retries.value)
}

// expected are the exit codes that are no failure.
func (p *supervised) expected() {
	o := p.s.get("exitcodes")
	if o == nil {
		return
	}
	codes := make(map[int]bool)
	for _, word := range strings.FieldsFunc(o.value, func(r rune) bool { return r == ',' || r == ' ' }) {
		code, err := strconv.Atoi(word)
		if err != nil || code < 0 || code > 255 {
			p.problem(p.s.file, o.line, "exitcodes: expected numbers from 0 to 255, found %s", o.value)
			return
		}
		codes[code] = true
	}
	if !codes[0] {
		p.lost("exitcodes="+o.value, "0 is a success; with restart: permanent it is followed by a restart, but so are the others")
	}
	delete(codes, 0)
	if len(codes) > 0 {
		p.set("success_codes", slices.Sorted(maps.Keys(codes)))
	}
}

func (p *supervised) stopping() {
	timeout, signal := any(10*time.Second), "TERM"
	if o := p.s.get("stopwaitsecs"); o != nil {
		timeout = time.Duration(p.integer(p.s, o, 10)) * time.Second
	}
	if o := p.s.get("stopsignal"); o != nil {
		signal = strings.TrimPrefix(strings.ToUpper(o.value), "SIG")
		if !slices.Contains([]string{"TERM", "HUP", "INT", "QUIT", "KILL", "USR1", "USR2"}, signal) {
			p.problem(p.s.file, o.line, "stopsignal: expected one of TERM, HUP, INT, QUIT, KILL, USR1 and USR2, found %s", o.value)
		}
	}
	switch signal {
	case "TERM":
		p.set("stop", flow{{"timeout", timeout}})
	case "KILL":
		p.set("stop", flow{{"timeout", "kill"}})
	default:
		p.set("stop", flow{{"signal", "SIG" + signal}, {"timeout", timeout}})
	}
	if o := p.s.get("stopasgroup"); o != nil && truth(o.value) {
		p.lost("stopasgroup="+o.value, "the signal goes to the program alone; what is left of its group when it has ended is killed, which is all that killasgroup does")
	} else if o := p.s.get("killasgroup"); o != nil {
		p.note("killasgroup=%s: nothing that a program has started is left behind.", o.value)
	}
}
