package importer

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// availability is when a process is restarted: never, if nothing is said.
func (p *process) availability() {
	n := p.object(p.n.get("availability"), "availability")
	if n == nil {
		n = &node{kind: mapping, line: p.n.line}
	}
	policy, _ := p.str(n.get("restart"), "availability.restart")
	switch policy {
	case "", "no", "false", "never":
		p.restart = "temporary"
	case "always":
	case "on_failure", "on-failure":
		p.restart = "transient"
	case "exit_on_failure", "exit-on-failure":
		p.restart = "temporary"
		p.failureIsFatal()
		p.set("fatal_ends_tree", true)
		p.note("availability.restart: exit_on_failure: any exit code but 0 ends the tree; death by a signal does not.")
	default:
		p.problem(p.path, n.get("restart").line, "availability.restart: expected always, on_failure, exit_on_failure or no, found %s", policy)
	}
	restarted := p.restart != "temporary"
	pause, given := p.seconds(n.get("backoff_seconds"), "availability.backoff_seconds")
	most, limited := p.count(n.get("max_restarts"), "availability.max_restarts")
	switch {
	case restarted:
		if pause == 0 {
			pause = time.Second
		}
		p.backoff = backoff{min: pause}
		if limited && most > 0 {
			p.limit = &limit{most, forEver}
		}
	case given && pause > 0, limited && most > 0:
		p.lost(fmt.Sprintf("availability: %s", n.shown()), "nothing is restarted")
	}
	if last, _ := p.flag(n.get("exit_on_end"), "availability.exit_on_end"); last {
		if p.restart == "" {
			p.lost("availability.exit_on_end: true", "with restart: always it does not end")
		} else {
			p.set("significant", true)
			p.root.set("auto_shutdown", "any_significant")
		}
	}
	p.others(p.child, n, "availability.", []string{"restart", "backoff_seconds", "max_restarts", "exit_on_end"},
		map[string]string{"exit_on_skipped": "coppice skips no child"})
}

// failureIsFatal has no exit code but 0 followed by a restart.
func (p *process) failureIsFatal() {
	codes := make([]int, 255)
	for i := range codes {
		codes[i] = i + 1
	}
	p.root.set(failureAnchor, codes)
	p.set("fatal_codes", raw("*failure"))
}

// probes are about being ready and being alive. Process-compose goes on asking whether
// a process is ready, and stops one that is not, as one that is not alive.
func (p *process) probes() {
	ready := p.object(p.n.get("readiness_probe"), "readiness_probe")
	alive := p.object(p.n.get("liveness_probe"), "liveness_probe")
	if line, ok := p.str(p.n.get("ready_log_line"), "ready_log_line"); ok && line != "" {
		p.set("ready", flow{{"log", p.quoted(p.filled(line, p.vars), regexp.QuoteMeta)}})
		if ready != nil {
			p.lost("readiness_probe: "+ready.shown(), "ready_log_line is in its place")
			ready = nil
		}
	}
	if ready != nil {
		if check := p.check(ready, "readiness_probe"); check != nil {
			t := p.times(ready, "readiness_probe")
			limit := min(forEver, t.delay+times(t.failures, t.period))
			p.set("ready", slices.Concat(check, flow{{"timeout", limit}}))
			p.note("readiness_probe: coppice asks from the start on, until it is ready, at most %s.", duration(limit))
			if alive == nil {
				p.set("alive", slices.Concat(check, t.flow()))
			} else {
				p.note("readiness_probe: it is asked only until the process is ready; after that there is the liveness_probe.")
			}
		}
	}
	if alive != nil {
		if check := p.check(alive, "liveness_probe"); check != nil {
			t := p.times(alive, "liveness_probe")
			if t.delay > 0 {
				p.note("liveness_probe.initial_delay_seconds: %d: coppice asks as soon as the process is ready.", t.delay/time.Second)
			}
			p.set("alive", slices.Concat(check, t.flow()))
		}
	}
}

type probeTimes struct {
	delay, period, timeout time.Duration
	failures               int
}

func (t probeTimes) flow() flow {
	return flow{{"every", t.period}, {"timeout", t.timeout}, {"failures", t.failures}}
}

// times are those of a probe, with the defaults of process-compose.
func (p *process) times(n *node, key string) probeTimes {
	t := probeTimes{period: 10 * time.Second, timeout: time.Second, failures: 3}
	t.delay, _ = p.seconds(n.get("initial_delay_seconds"), key+".initial_delay_seconds")
	if d, ok := p.seconds(n.get("period_seconds"), key+".period_seconds"); ok && d > 0 {
		t.period = d
	}
	if d, ok := p.seconds(n.get("timeout_seconds"), key+".timeout_seconds"); ok && d > 0 {
		t.timeout = d
	}
	if v, ok := p.count(n.get("failure_threshold"), key+".failure_threshold"); ok && v > 0 {
		t.failures = v
	}
	if v, ok := p.count(n.get("success_threshold"), key+".success_threshold"); ok && v > 1 {
		p.lost(fmt.Sprintf("%s.success_threshold: %d", key, v), "one success is enough")
	}
	p.others(p.child, n, key+".", []string{"exec", "http_get", "initial_delay_seconds", "period_seconds", "timeout_seconds", "success_threshold", "failure_threshold"}, nil)
	return t
}

// check is how a probe asks; nil if that cannot be carried over.
func (p *process) check(n *node, key string) flow {
	if exec := p.object(n.get("exec"), key+".exec"); exec != nil {
		line, ok := p.str(exec.get("command"), key+".exec.command")
		if line = strings.TrimSpace(p.filled(line, p.vars)); !ok || line == "" {
			p.problem(p.path, exec.line, "%s.exec has no command", key)
			return nil
		}
		dir, _ := p.keys.get("dir").(string)
		if own, ok := p.str(exec.get("working_dir"), key+".exec.working_dir"); ok {
			p.lost(key+".exec.working_dir: "+own, "it is asked where the process runs")
		}
		return flow{{"exec", p.argv(line, dir)}}
	}
	get := p.object(n.get("http_get"), key+".http_get")
	if get == nil {
		p.lost(key+": "+n.shown(), "it says neither exec nor http_get")
		return nil
	}
	part := func(name, otherwise string) string {
		s, _ := p.str(get.get(name), key+".http_get."+name)
		if s = strings.TrimSpace(p.text(s, p.vars)); s == "" {
			return otherwise
		}
		return s
	}
	host := part("host", "127.0.0.1")
	if port := part("port", part("num_port", "")); port != "" {
		host = net.JoinHostPort(host, port)
	}
	path := part("path", "/")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	address := part("scheme", "http") + "://" + host + path
	if _, err := p.accepted(flow{{"ready", flow{{"http", address}}}}); err != nil {
		p.problem(p.path, get.line, "%s.http_get: %s cannot be asked: it is no URL of http or https", key, address)
		return nil
	}
	status := 200
	if v, ok := p.count(get.get("status_code"), key+".http_get.status_code"); ok && v >= 200 && v <= 400 {
		status = v
	}
	p.others(p.child, get, key+".http_get.", []string{"host", "port", "num_port", "path", "scheme", "status_code"}, map[string]string{"headers": "the request has no others"})
	return flow{{"http", address}, {"status", status}}
}

// shutdown is how a process is stopped. After a command process-compose sends no
// signal but SIGKILL, when the time is over.
func (p *process) shutdown() {
	n := p.object(p.n.get("shutdown"), "shutdown")
	timeout := 10 * time.Second
	if n == nil {
		p.set("stop", flow{{"timeout", timeout}})
		return
	}
	if d, ok := p.seconds(n.get("timeout_seconds"), "shutdown.timeout_seconds"); ok && d > 0 {
		timeout = d
	}
	stop := flow{{"timeout", timeout}}
	line, byCommand := p.str(n.get("command"), "shutdown.command")
	if line = strings.TrimSpace(p.filled(line, p.vars)); byCommand && line != "" {
		dir, _ := p.keys.get("dir").(string)
		stop = flow{{"command", p.argv(line, dir)}, {"wait", timeout}, {"timeout", timeout}}
	}
	switch signal, ok := p.count(n.get("signal"), "shutdown.signal"); {
	case !ok || signal == 0 || signal == 15:
	case byCommand:
		p.lost("shutdown.signal: "+strconv.Itoa(signal), "the command is in its place")
	case signal == 9:
		stop = flow{{"timeout", "kill"}}
	case signal > 31 || signal == 19:
		p.problem(p.path, n.get("signal").line, "shutdown.signal: expected the number of a signal that ends a process, found %d", signal)
	default:
		stop = append(flow{{"signal", signal}}, stop...)
	}
	if alone, _ := p.flag(n.get("parent_only"), "shutdown.parent_only"); alone {
		p.note("shutdown.parent_only: true: the signal goes to the program alone, but what is left when it has ended is killed.")
	}
	p.others(p.child, n, "shutdown.", []string{"command", "timeout_seconds", "signal", "parent_only"}, nil)
	p.set("stop", stop)
}
