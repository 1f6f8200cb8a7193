package check_test

import (
	"encoding/json"
	"time"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

var operator = check.Options{Operator: true}

// next puts events in after a place, and ends the evidence there.
func (j *journal) next(i int, events ...doc) uint64 {
	j.cut(i+1, 0)
	j.e.Samples, j.e.Faults = nil, nil
	return j.insert(i+1, events...)
}

func init() { doctored = append(doctored, more...) }

// more of doctored: one for each thing that can be said.
var more = []doctoring{
	{name: "a start without a decision", scene: "one for all", violates: 1, says: "t/b is started, but nothing happened", doctor: func(j *journal) uint64 {
		i := j.at("child_terminated", "t/b", 0)
		return j.next(i, about("starting", "t/b", 2).because("t/b", 1))
	}},
	{name: "a start under a supervisor that does not run", scene: "escalation", violates: 1, says: "its supervisor does not run", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/s", 0)
		return j.next(i, about("starting", "t/s/x", 3).because("t/s/x", 2))
	}},
	{name: "a start under a supervisor that gave up", scene: "escalation", violates: 1, says: "its supervisor is ending", doctor: func(j *journal) uint64 {
		i := j.at("giving_up", "t/s/x", 0)
		return j.next(i, about("starting", "t/s/x", 3).because("t/s/x", 2))
	}},
	{name: "a supervisor is stopped without an operator", scene: "escalation", violates: 1, says: "t/s is told to stop, but nothing happened", doctor: func(j *journal) uint64 {
		i := j.at("progress", "t", 0)
		return j.next(i, about("stopping", "t/s", 1))
	}},
	{name: "one of the group is not stopped before the pause", scene: "backoff", violates: 1, says: "t/a waits, but t/b", doctor: func(j *journal) uint64 {
		j.drop(j.at("stopping", "t/b", 0), j.at("exited", "t/b", 0))
		i := j.at("waiting", "t/a", 0)
		j.cut(i+1, 0)
		return j.seq(i)
	}},
	{name: "a child is removed for nothing", scene: "one for all", violates: 1, says: "t/c is removed, but nothing happened", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/c", 0)
		return j.next(i, about("removed", "t/c", 1))
	}},
	{name: "a child is added for nothing", scene: "one for all", violates: 1, says: "nobody could have asked for that", doctor: func(j *journal) uint64 {
		i := j.at("progress", "t", 0)
		return j.next(i, about("added", "t/q", 0).with("child", doc{"id": "q", "path": "t/q", "state": "down", "restart": "permanent"}))
	}},
	{name: "a call starts a child in the middle of a restart", scene: "one for all", violates: 2, o: operator, says: "t/q is started while t/c is stopping", doctor: func(j *journal) uint64 {
		i := j.at("stopping", "t/c", 0)
		return 1 + j.next(i, about("added", "t/q", 0).with("child", doc{"id": "q", "path": "t/q", "state": "down", "restart": "permanent"}), about("starting", "t/q", 1))
	}},
	{name: "an attempt comes too early", scene: "failing start", violates: 2, says: "t/b is tried again before its pause is over", doctor: func(j *journal) uint64 {
		j.events[j.at("waiting", "t/b", 0)]["after_ms"] = 1000.0
		return j.seq(j.at("restarting", "t/b", 1))
	}},
	{name: "a restart after giving up", scene: "escalation", violates: 3, says: "t/s gave up before, and goes on restarting", doctor: func(j *journal) uint64 {
		i := j.at("giving_up", "t/s/x", 0)
		return 2 + j.next(i, about("exited", "t/s/y", 1).because("t/s/y", 1).as("crash"), about("child_terminated", "t/s/y", 1).as("crash"),
			about("restarting", "t/s/y", 1).with("group", []string{"y"}).with("spent", 3.0).with("max", 1.0))
	}},
	{name: "a temporary child is started with its group", scene: "rest for one", violates: 4, says: "t/d is temporary and was up before", doctor: func(j *journal) uint64 {
		j.drop(j.at("removed", "t/d", 0))
		i := j.at("progress", "t/c", 1)
		return j.next(i, about("starting", "t/d", 2).because("t/b", 1))
	}},

	{name: "child_terminated is told of one that lives", scene: "one for all", violates: 8, says: "which did not end by itself", doctor: func(j *journal) uint64 {
		return j.next(j.at("progress", "t", 0), about("child_terminated", "t/c", 1).as("crash"))
	}},
	{name: "shutdown_error is told of one that lives", scene: "one for all", violates: 8, says: "which did not end just now because it was told to", doctor: func(j *journal) uint64 {
		return j.next(j.at("progress", "t", 0), about("shutdown_error", "t/c", 1).as("crash"))
	}},
	{name: "an exit is never reported, and then the supervisor ends", scene: "one for all", violates: 8, says: "nothing was told of that until its supervisor ended", doctor: func(j *journal) uint64 {
		j.drop(j.at("stopping", "t/c", 1), j.at("exited", "t/c", 1))
		j.insert(j.at("stopping", "t", 0)+1, about("exited", "t/c", 2).because("t/c", 2).as("crash"))
		return j.seq(j.at("exited", "t", 0))
	}},
	{name: "an exit is never reported", scene: "one for all", violates: 8, also: []int{4, 9}, says: "no child_terminated was told", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/b", 0)
		j.cut(i+1, time.Minute)
		return j.seq(i)
	}},
	{name: "the end of a dynamic supervisor's children is not reported of all", scene: "dynamic", violates: 8, o: operator, says: "2 of its children ended otherwise than they should, but shutdown_error was told of 1", doctor: func(j *journal) uint64 {
		j.events[j.at("shutdown_error", "t", 0)]["n"] = 1.0
		return j.seq(j.at("exited", "t", 0))
	}},
	{name: "one that lives is removed", scene: "one for all", violates: 8, says: "t/c is removed while it is up", doctor: func(j *journal) uint64 {
		return j.next(j.at("progress", "t", 0), about("removed", "t/c", 1))
	}},
	{name: "a temporary child is removed without a report", scene: "finished", violates: 8, says: "t/tmp is removed after an exit of class crash", doctor: func(j *journal) uint64 {
		j.drop(j.at("child_terminated", "t/tmp", 0))
		return j.seq(j.at("removed", "t/tmp", 0))
	}},
	{name: "a child is added twice", scene: "one for all", violates: 8, o: operator, says: "or it is there already", doctor: func(j *journal) uint64 {
		return j.next(j.at("progress", "t", 0), about("added", "t/c", 0).with("child", doc{"id": "c", "path": "t/c", "state": "down"}))
	}},
	{name: "one that nobody told to stop is stuck", scene: "one for all", violates: 8, says: "is said to be stuck, but it is up", doctor: func(j *journal) uint64 {
		return j.next(j.at("progress", "t", 0), about("stuck", "t/c", 1))
	}},
	{name: "progress of the wrong kind", scene: "one for all", violates: 8, says: "running is told of it", doctor: func(j *journal) uint64 {
		i := j.at("progress", "t/c", 1)
		j.events[i]["kind"] = "running"
		return j.seq(i)
	}},
	{name: "a failed restart is reported as that of a call", scene: "failing start", violates: 8, says: "not_started is told instead of start_error", doctor: func(j *journal) uint64 {
		i := j.at("start_error", "t/b", 0)
		j.events[i]["kind"] = "not_started"
		return j.seq(i)
	}},
	{name: "a failed call is reported as a failed restart", scene: "dynamic", violates: 8, o: operator, says: "start_error is told of a start that a call asked for", doctor: func(j *journal) uint64 {
		i := j.at("not_started", "t/z", 0)
		j.events[i]["kind"] = "start_error"
		return j.seq(i)
	}},
	{name: "a start fails that nobody began", scene: "one for all", violates: 8, says: "start_error is told of incarnation 1, but incarnation 1 is up", doctor: func(j *journal) uint64 {
		return j.next(j.at("progress", "t", 0), about("start_error", "t/c", 1).as("crash"))
	}},
	{name: "a wait for nothing", scene: "one for all", violates: 8, says: "none failed and no restart was put off", doctor: func(j *journal) uint64 {
		return j.next(j.at("progress", "t", 0), about("waiting", "t/c", 1))
	}},
	{name: "the start of one that is up is given up", scene: "one for all", violates: 8, says: "but it is up", doctor: func(j *journal) uint64 {
		return j.next(j.at("progress", "t", 0), about("cancelled", "t/c", 1))
	}},
	{name: "an order to another incarnation", scene: "one for all", violates: 8, says: "stopping is told of incarnation 7, but incarnation 1 is up", doctor: func(j *journal) uint64 {
		return j.next(j.at("progress", "t", 0), about("stopping", "t/c", 7))
	}},
	{name: "a child is missing at the end", scene: "one for all", violates: 8, says: "the children of t at the end are a, b, but by the events they are a, b, c", doctor: func(j *journal) uint64 {
		var end struct {
			V    string `json:"v"`
			Rev  uint64 `json:"rev"`
			Time any    `json:"time"`
			Root doc    `json:"root"`
		}
		if err := json.Unmarshal(j.e.End, &end); err != nil {
			j.t.Fatal(err)
		}
		s := end.Root["supervisor"].(map[string]any)
		s["children"] = s["children"].([]any)[:2]
		j.e.End = marshal(j.t, end)
		return 0
	}},
}
