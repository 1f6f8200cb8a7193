package importer

import (
	"slices"
	"strings"
	"time"
)

// waitsForEnd says what becomes of a condition that waits for the end of a process.
const waitsForEnd = "a child is started when what it needs runs, or is ready, and does not wait for its end; to wait, run both in one shell, as in: job && exec server"

func (p *process) readNeeds() {
	n := p.object(p.n.get("depends_on"), "depends_on")
	if n == nil {
		return
	}
	for _, kv := range n.pairs {
		condition := "process_started"
		if o := p.object(kv.value, "depends_on."+kv.key); o != nil && o.kind == mapping {
			if s, ok := p.str(o.get("condition"), "depends_on."+kv.key+".condition"); ok {
				condition = s
			}
			p.others(p.child, o, "depends_on."+kv.key+".", []string{"condition"}, nil)
		}
		p.needs = append(p.needs, need{kv.key, condition, kv.line})
	}
}

// graph carries over who depends on whom: the strategy is then dependents, and as many
// as there are may start at the same time.
func (p *composed) graph() {
	for _, q := range p.processes {
		for _, n := range q.needs {
			of, id := p.find(n.of)
			what := "depends_on." + n.of + ": " + n.condition
			switch {
			case of == nil:
				p.problem(p.path, n.line, "%s depends on %s, which is not there", q.name, n.of)
				continue
			case of.off:
				q.lost(what, "it is not started, see there")
				continue
			}
			switch n.condition {
			case "process_started":
				if of.keys.get("ready") != nil {
					q.note("%s: coppice waits until %s is ready.", what, n.of)
				}
			case "process_healthy", "process_log_ready":
				if of.keys.get("ready") == nil && !q.off {
					q.lost(what, n.of+" does not say when it is ready: it has no readiness_probe or ready_log_line that was carried over")
				}
			case "process_completed", "process_completed_successfully":
				q.lost(what, waitsForEnd)
			default:
				p.problem(p.path, n.line, "depends_on: %s: there is no condition %s", n.of, n.condition)
				continue
			}
			q.child.needs = append(q.child.needs, id)
		}
	}
	if p.problems != nil || !p.acyclic() {
		return
	}
	n, any := 0, false
	for _, q := range p.processes {
		if !q.off {
			n += max(1, q.copies)
			any = any || len(q.child.needs) > 0
		}
	}
	if !any {
		return
	}
	p.root.set("strategy", "dependents")
	p.root.note("depends_on: when a process is restarted, so are those that depend on it, unless it has a supervisor of its own; process-compose leaves them alone.")
	if n > 1 {
		p.root.set("parallel", n)
	}
	for _, q := range p.processes {
		q.survive()
	}
}

// survive keeps a process that is never restarted in the tree when what it depends on
// is restarted, and it with it: a temporary child would be gone.
func (p *process) survive() {
	if p.off || p.restart != "temporary" || !p.dependsOn(func(of *process) bool { return of.restart != "temporary" }) {
		return
	}
	p.restart = "transient"
	if p.backoff.min == 0 {
		p.backoff.min = time.Second
	}
	p.failureIsFatal()
	p.note("availability.restart: no: no exit code is followed by a restart, but death by a signal is. It is transient to be there again after a restart of what it depends on.")
}

// dependsOn reports whether a process depends on one of a kind, directly or not.
func (p *process) dependsOn(kind func(*process) bool) bool {
	seen := make(map[*process]bool)
	var visit func(q *process) bool
	visit = func(q *process) bool {
		if seen[q] {
			return false
		}
		seen[q] = true
		return slices.ContainsFunc(q.needs, func(n need) bool {
			of, _ := p.find(n.of)
			return of != nil && !of.off && (kind(of) || visit(of))
		})
	}
	return visit(p)
}

// acyclic tells of the first circle, if there is one.
func (p *composed) acyclic() bool {
	for _, q := range p.processes {
		if q.dependsOn(func(of *process) bool { return of == q }) {
			var names []string
			for _, n := range q.needs {
				names = append(names, n.of)
			}
			p.problem(p.path, q.n.line, "%s depends on %s, and so on itself", q.name, strings.Join(names, ", "))
			return false
		}
	}
	return true
}
