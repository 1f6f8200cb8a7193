package check_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// doctored are recordings in which one thing is changed. doctor returns the number
// of the event that is to blame; 0 if it is none.
var doctored = []doctoring{
	{name: "the group leaves one out", scene: "one for all", violates: 1, says: "takes along a, b, c, but the event says a, b", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/b", 0)
		j.events[i]["group"] = []string{"a", "b"}
		return j.seq(i)
	}},
	{name: "the group has one too many", scene: "dependents", violates: 1, says: "takes along db, api, web", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/db", 0)
		j.events[i]["group"] = []string{"db", "log", "api", "web"}
		return j.seq(i)
	}},
	{name: "one of the group is not started", scene: "one for all", violates: 1, also: []int{9}, says: "t/c was not started", doctor: func(j *journal) uint64 {
		j.dropAll("t/c", j.at("starting", "t/c", 1))
		return j.seq(j.at("stopping", "t/b", 0))
	}},
	{name: "one of the group is not stopped", scene: "one for all", violates: 1, also: []int{2, 5}, says: "t/c, which takes part", doctor: func(j *journal) uint64 {
		j.drop(j.at("stopping", "t/c", 0), j.at("exited", "t/c", 0))
		return j.seq(j.at("starting", "t/a", 1))
	}},
	{name: "a bystander is restarted", scene: "one for one", violates: 1, says: "t/b is told to stop, but nothing happened", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/a", 0) + 1
		for _, d := range j.events[i:] {
			if d["path"] == "t/b" {
				d["incarnation"] = 2.0
			}
		}
		j.e.Samples = nil
		return j.insert(i,
			about("stopping", "t/b", 1).because("t/a", 1), about("exited", "t/b", 1).because("t/a", 1).as("shutdown"),
			about("starting", "t/b", 2).because("t/a", 1), about("progress", "t/b", 2).because("t/a", 1))
	}},
	{name: "a restart out of nothing", scene: "one for one", violates: 1, also: []int{3}, says: "there was no failure", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/a", 0)
		return j.insert(i+1, about("restarting", "t/a", 1).because("t/a", 1).with("group", []string{"a"}).with("spent", 2.0).with("max", 1.0))
	}},
	{name: "a call without an operator", scene: "one for one", violates: 1, says: "nothing happened because of which", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/a", 1) + 3
		j.cut(i, 0)
		return j.insert(i, about("stopping", "t/b", 1).with("after_ms", 5000.0))
	}},

	{name: "two stops are swapped", scene: "one for all", violates: 2, says: "t/a is told to stop before t/c", doctor: func(j *journal) uint64 {
		i := j.at("stopping", "t/a", 0)
		j.swap(j.at("stopping", "t/c", 0), i, 2)
		return j.seq(j.at("stopping", "t/a", 0))
	}},
	{name: "two starts are swapped", scene: "one for all", violates: 2, says: "t/b is started before t/a", doctor: func(j *journal) uint64 {
		j.swap(j.at("starting", "t/a", 1), j.at("starting", "t/b", 1), 2)
		return j.seq(j.at("starting", "t/b", 1))
	}},
	{name: "a start comes too early", scene: "rest for one", violates: 2, says: "t/c is started while t/b is starting", doctor: func(j *journal) uint64 {
		j.move(j.at("starting", "t/c", 1), j.at("progress", "t/b", 1))
		return j.seq(j.at("starting", "t/c", 1))
	}},
	{name: "a stop comes too early", scene: "rest for one", violates: 2, says: "t/c is told to stop while t/d is stopping", doctor: func(j *journal) uint64 {
		j.move(j.at("stopping", "t/c", 0), j.at("exited", "t/d", 0))
		return j.seq(j.at("stopping", "t/c", 0))
	}},
	{name: "what needs it starts too early", scene: "dependents", violates: 2, says: "t/api is started, but it needs t/db, which is starting", doctor: func(j *journal) uint64 {
		j.move(j.at("starting", "t/api", 1), j.at("progress", "t/db", 1))
		return j.seq(j.at("starting", "t/api", 1))
	}},
	{name: "what it needs stops too early", scene: "dependents", violates: 2, says: "t/api is told to stop, but t/web, which needs it", doctor: func(j *journal) uint64 {
		j.move(j.at("stopping", "t/api", 0), j.at("exited", "t/web", 0))
		return j.seq(j.at("stopping", "t/api", 0))
	}},
	{name: "a pause is cut short", scene: "backoff", violates: 2, says: "before the pause of t/a is over", doctor: func(j *journal) uint64 {
		i := j.at("starting", "t/a", 1)
		j.shift(i, -time.Second)
		return j.seq(i)
	}},
	{name: "a supervisor ends before its child", scene: "escalation", violates: 2, says: "its child t/s/y is still up", doctor: func(j *journal) uint64 {
		j.drop(j.at("stopping", "t/s/y", 0), j.at("exited", "t/s/y", 0))
		return j.seq(j.at("exited", "t/s", 0))
	}},

	{name: "no giving up", scene: "escalation", violates: 3, says: "it had to give up", doctor: func(j *journal) uint64 {
		i := j.at("giving_up", "t/s/x", 0)
		j.events[i]["kind"], j.events[i]["group"] = "restarting", []string{"x"}
		j.cut(i+1, 0)
		return j.seq(i)
	}},
	{name: "giving up early", scene: "one for one", violates: 3, says: "only restart 1", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/a", 0)
		j.events[i]["kind"] = "giving_up"
		j.events[i]["exit"] = map[string]any{"class": "crash"}
		j.cut(i+1, 0)
		j.e.Samples, j.e.Faults = nil, nil
		return j.seq(i)
	}},
	{name: "a restart is one too many because it is earlier", scene: "one for one", violates: 3, says: "restart 2 within 5s", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/a", 1)
		j.shift(i, -2*time.Second)
		return j.seq(i)
	}},
	{name: "the count is wrong", scene: "one for all", violates: 3, says: "this is restart 1 within 5s, but the event says 2", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/b", 0)
		j.events[i]["spent"] = 2.0
		return j.seq(i)
	}},
	{name: "the maximum is wrong", scene: "one for all", violates: 3, says: "at most 5 restarts in 5s are allowed there, but the event says 6", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/b", 0)
		j.events[i]["max"] = 6.0
		return j.seq(i)
	}},
	{name: "the exit of one that gave up", scene: "escalation", violates: 3, says: "its exit should be shutdown, and is crash", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/s", 0)
		for _, d := range j.events[i:] {
			if x, ok := d["exit"].(map[string]any); ok && d["path"] == "t/s" && x["class"] == "shutdown" && d["incarnation"] == 1.0 {
				x["class"] = "crash"
			}
		}
		return j.seq(i)
	}},

	{name: "a temporary child is restarted", scene: "finished", violates: 4, says: "t/tmp is temporary", doctor: func(j *journal) uint64 {
		i := j.at("removed", "t/tmp", 0)
		j.cut(i, 0)
		return j.insert(i,
			about("restarting", "t/tmp", 1).because("t/tmp", 1).with("group", []string{"tmp"}).with("spent", 1.0).with("max", 5.0),
			about("starting", "t/tmp", 2).because("t/tmp", 1), about("progress", "t/tmp", 2).because("t/tmp", 1))
	}},
	{name: "a transient child is restarted after a normal exit", scene: "finished", violates: 4, says: "t/tr is transient and its exit was normal", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/tr", 0) + 1
		j.cut(i, 0)
		return j.insert(i,
			about("restarting", "t/tr", 1).because("t/tr", 1).with("group", []string{"tr"}).with("spent", 1.0).with("max", 5.0),
			about("starting", "t/tr", 2).because("t/tr", 1), about("progress", "t/tr", 2).because("t/tr", 1))
	}},
	{name: "a permanent child is not restarted", scene: "one for one", violates: 4, also: []int{9}, says: "a restart had to follow", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/a", 1)
		j.cut(i, 30*time.Second)
		j.e.Samples = j.e.Samples[:2]
		return j.seq(j.at("exited", "t/a", 1))
	}},
	{name: "a permanent child is removed", scene: "one for one", violates: 4, says: "it should be restarted, and is removed", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/a", 1)
		j.cut(i, 0)
		j.e.Samples = j.e.Samples[:2]
		return j.insert(i, about("removed", "t/a", 2))
	}},

	{name: "a start beside the one that lives", scene: "one for one", violates: 5, also: []int{1, 8}, says: "incarnation 2 is started while incarnation 1 is up", doctor: func(j *journal) uint64 {
		j.drop(j.at("exited", "t/a", 0), j.at("child_terminated", "t/a", 0))
		return j.seq(j.at("starting", "t/a", 1))
	}},
	{name: "a number is used again", scene: "one for all", violates: 5, says: "but 1 was used already", doctor: func(j *journal) uint64 {
		i := j.at("starting", "t/c", 1)
		for _, d := range j.events[i:] {
			if d["path"] == "t/c" {
				d["incarnation"] = 1.0
			}
		}
		j.e.End = nil
		return j.seq(i)
	}},
	{name: "two incarnations are seen", scene: "one for one", violates: 5, says: "incarnation 1 (pid 101) and incarnation 2 (pid 102) are alive at once", doctor: func(j *journal) uint64 {
		s := &j.e.Samples[1]
		s.Processes = append(s.Processes, j.e.Samples[0].Processes[0])
		return 0
	}},

	{name: "a process is left", scene: "one for one", violates: 6, says: "process 7 of t/a, incarnation 2, is there after the tree has ended", doctor: func(j *journal) uint64 {
		j.e.Left = []check.Process{{PID: 7, Path: "t/a", Incarnation: 2, State: "S"}}
		return 0
	}},
	{name: "a grandchild outlives its incarnation", scene: "one for one", violates: 6, says: "process 9 of t/a, incarnation 2, is there 20s after", doctor: func(j *journal) uint64 {
		s := &j.e.Samples[2]
		s.Processes = append(s.Processes, check.Process{PID: 9, Path: "t/a", Incarnation: 2, State: "S"})
		return 0
	}},
	{name: "a process that nobody started", scene: "one for one", violates: 6, says: "which nobody has started", doctor: func(j *journal) uint64 {
		s := &j.e.Samples[2]
		s.Processes = append(s.Processes, check.Process{PID: 9, Path: "t/q", Incarnation: 1, State: "S"})
		return 0
	}},
	{name: "file descriptors leak", scene: "one for one", violates: 6, says: "20 file descriptors before, 29 after", doctor: func(j *journal) uint64 {
		j.e.After.FDs = 29
		return 0
	}},
	{name: "threads leak", scene: "one for one", violates: 6, says: "threads", doctor: func(j *journal) uint64 {
		j.e.After.Threads = 27
		return 0
	}},
	{name: "goroutines leak", scene: "one for one", violates: 6, says: "goroutines", doctor: func(j *journal) uint64 {
		j.e.After.Goroutines = 29
		return 0
	}},
	{name: "a zombie stays", scene: "one for one", violates: 6, says: "0 zombies before, 1 after", doctor: func(j *journal) uint64 {
		j.e.After.Zombies = 1
		return 0
	}},
	{name: "a cgroup stays", scene: "one for one", violates: 6, says: "cgroups", doctor: func(j *journal) uint64 {
		j.e.After.Cgroups = 1
		return 0
	}},
	{name: "a temporary file stays", scene: "one for one", violates: 6, says: "temporary files", doctor: func(j *journal) uint64 {
		j.e.After.TempFiles = 1
		return 0
	}},

	{name: "no kill at the limit", scene: "stubborn", violates: 7, says: "and it was not killed", doctor: func(j *journal) uint64 {
		j.drop(j.at("killing", "t/rock", 0))
		i := j.at("exited", "t/rock", 0)
		j.shift(i, 3*time.Second)
		return j.seq(i)
	}},
	{name: "a kill before the limit", scene: "stubborn", violates: 7, says: "is killed 500ms after it was told to stop, and its limit is 1s", doctor: func(j *journal) uint64 {
		i := j.at("killing", "t/rock", 0)
		j.shift(i, -500*time.Millisecond)
		return j.seq(i)
	}},
	{name: "gone long after the kill", scene: "stubborn", violates: 7, says: "is gone only 20s after it was killed", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/rock", 0)
		j.shift(i, 20*time.Second)
		return j.seq(i)
	}},
	{name: "never gone", scene: "stubborn", violates: 7, says: "was not gone when the evidence ended", doctor: func(j *journal) uint64 {
		i := j.at("stopping", "t/rock", 0)
		j.cut(i+1, time.Minute)
		return j.seq(i)
	}},
	{name: "the tree takes too long to end", scene: "stubborn", violates: 7, says: "the limits of all that had to stop", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t", 0)
		j.shift(i, time.Minute)
		return j.seq(i)
	}},

	{name: "an event is missing", scene: "one for all", violates: 8, says: "events are missing", doctor: func(j *journal) uint64 {
		i := j.at("progress", "t", 0)
		seq := j.seq(i + 1)
		j.events = append(j.events[:i], j.events[i+1:]...)
		j.e.End = nil
		return seq
	}},
	{name: "events were dropped", scene: "one for all", violates: 8, says: "3 events were lost", doctor: func(j *journal) uint64 {
		i := j.at("progress", "t", 0)
		j.events = append(j.events[:i+1:i+1], append([]doc{{"v": "v1", "seq": 0.0, "kind": "dropped", "time": j.events[i]["time"], "path": "", "n": 3.0}}, j.events[i+1:]...)...)
		return 0
	}},
	{name: "child_terminated is missing", scene: "one for all", violates: 8, says: "of which no child_terminated was told", doctor: func(j *journal) uint64 {
		j.drop(j.at("child_terminated", "t/b", 0))
		return j.seq(j.at("restarting", "t/b", 0))
	}},
	{name: "child_terminated is told twice", scene: "one for all", violates: 8, says: "told twice", doctor: func(j *journal) uint64 {
		i := j.at("child_terminated", "t/b", 0)
		return j.insert(i+1, about("child_terminated", "t/b", 1).as("crash"))
	}},
	{name: "child_terminated is told of a clean exit", scene: "finished", violates: 8, says: "after which a transient child is not reported", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/tr", 0)
		return j.insert(i+1, about("child_terminated", "t/tr", 1).as("normal"))
	}},
	{name: "child_terminated is told of another class", scene: "one for all", violates: 8, says: "child_terminated says killed, but the exit was crash", doctor: func(j *journal) uint64 {
		i := j.at("child_terminated", "t/b", 0)
		j.events[i]["exit"] = map[string]any{"class": "killed"}
		return j.seq(i)
	}},
	{name: "shutdown_error is missing", scene: "stubborn", violates: 8, says: "a shutdown_error was due", doctor: func(j *journal) uint64 {
		j.drop(j.at("shutdown_error", "t/rock", 0))
		return j.seq(j.at("exited", "t", 0))
	}},
	{name: "shutdown_error is told of a good end", scene: "one for all", violates: 8, says: "is how it should end", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/c", 0)
		return j.insert(i+1, about("shutdown_error", "t/c", 1).as("shutdown"))
	}},
	{name: "an exit is told twice", scene: "one for all", violates: 8, says: "the exit of incarnation 1 is told, but incarnation 1 is down", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/c", 0)
		return j.insert(i+1, about("exited", "t/c", 1).as("shutdown"))
	}},
	{name: "an exit is that of another incarnation", scene: "one for one", violates: 8, also: []int{1, 5}, says: "the exit of incarnation 7 is told", doctor: func(j *journal) uint64 {
		i := j.at("exited", "t/a", 0)
		j.events[i]["incarnation"] = 7.0
		return j.seq(i)
	}},
	{name: "a cascade begins with one that did not fail", scene: "one for all", violates: 8, says: "said to follow from the failure of t/a, incarnation 1, which has not failed", doctor: func(j *journal) uint64 {
		i := j.at("stopping", "t/c", 0)
		j.events[i].because("t/a", 1)
		return j.seq(i)
	}},
	{name: "a fault is without consequence", scene: "one for one", violates: 8, says: "the fault kill was done to it, and its exit was never told", doctor: func(j *journal) uint64 {
		j.e.Faults = append(j.e.Faults, check.Fault{Time: j.e.Quiet, Kind: "kill", Path: "t/a", Incarnation: 9})
		return 0
	}},
	{name: "a fault has its consequence late", scene: "one for one", violates: 8, says: "the exit is told only 6s after the fault exit(1)", doctor: func(j *journal) uint64 {
		j.e.Faults[0].Time = j.e.Faults[0].Time.Add(-5 * time.Second)
		i := j.at("exited", "t/a", 0)
		j.shift(i, time.Second)
		return j.seq(i)
	}},
	{name: "the state at the end is another", scene: "one for all", violates: 8, says: "by the events it is down, incarnation 2", doctor: func(j *journal) uint64 {
		j.e.End = json.RawMessage(strings.Replace(string(j.e.End), `"path":"t/c","type":"worker","state":"down"`, `"path":"t/c","type":"worker","state":"up"`, 1))
		return 0
	}},
	{name: "the state at the end is that of another event", scene: "one for all", violates: 8, says: "the state at the end is that after event 1,", doctor: func(j *journal) uint64 {
		i := strings.Index(string(j.e.End), `"rev":`)
		k := strings.Index(string(j.e.End[i:]), ",")
		j.e.End = json.RawMessage(string(j.e.End[:i]) + `"rev":1` + string(j.e.End[i+k:]))
		return 0
	}},
	{name: "a supervisor ends for no reason", scene: "escalation", violates: 8, also: []int{2}, says: "t/s ended, but nothing happened", doctor: func(j *journal) uint64 {
		i := j.at("stopping", "t", 0)
		seq := j.insert(i, about("exited", "t/s", 2).because("t/s", 2).as("crash"))
		j.cut(i+1, 0)
		return seq
	}},
	{name: "something is told of a stranger", scene: "one for all", violates: 8, says: "which is not on the list of any supervisor", doctor: func(j *journal) uint64 {
		return j.insert(j.at("progress", "t", 0), about("progress", "t/q", 1))
	}},
	{name: "a start is up twice", scene: "one for all", violates: 8, says: "is said to be up, but incarnation 1 is up", doctor: func(j *journal) uint64 {
		return j.insert(j.at("progress", "t", 0), about("progress", "t/c", 1))
	}},

	{name: "it is not up in time", scene: "backoff", violates: 9, says: "t/a should be up by", doctor: func(j *journal) uint64 {
		i := j.at("waiting", "t/a", 0)
		j.events[i]["after_ms"] = 60000.0
		j.cut(i+1, 30*time.Second)
		return 0
	}},
	{name: "it does not stay up", scene: "one for all", violates: 9, says: "t/c should stay up until the end, and is down", doctor: func(j *journal) uint64 {
		i := j.at("stopping", "t", 0)
		late := j.e.Quiet.Add(15 * time.Second).Format(time.RFC3339Nano)
		seq := j.insert(i, about("exited", "t/c", 2).because("t/c", 2).as("crash").with("time", late),
			about("child_terminated", "t/c", 2).because("t/c", 2).as("crash").with("time", late))
		j.cut(i+2, time.Second)
		return seq
	}},
	{name: "it is not up as soon as it was asked for", scene: "backoff", violates: 9, o: check.Options{Quiet: time.Second}, says: "t/a should be up by", doctor: func(*journal) uint64 { return 0 }},

	{name: "memory grows", scene: "one for one", violates: 10, says: "by 80 MiB: 64 MiB are allowed", doctor: func(j *journal) uint64 {
		j.e.After.RSS = 100 << 20
		return 0
	}},
	{name: "memory grows beyond what was allowed", scene: "one for one", violates: 10, o: check.Options{RSS: 1 << 20}, says: "by 10 MiB: 1 MiB are allowed", doctor: func(*journal) uint64 { return 0 }},
}
