package check_test

import (
	"encoding/json"
	"slices"
	"time"
)

func init() { doctored = append(doctored, anewWrong...) }

// told changes the children that a new description is told with.
func (j *journal) told(i int, change func(children []any) []any) {
	sup := j.events[i]["child"].(map[string]any)["supervisor"].(map[string]any)
	sup["children"] = change(sup["children"].([]any))
}

// anewWrong are recordings of a supervisor that is given another description.
var anewWrong = []doctoring{
	{name: "a bystander is restarted for a new description", scene: "reconfigure", violates: 1, o: operator, says: "t/a is told to stop, but nothing happened", doctor: func(j *journal) uint64 {
		i := j.at("reconfigured", "t", 0)
		for _, d := range j.events[i:] {
			if d["path"] == "t/a" {
				d["incarnation"] = 2.0
			}
		}
		return j.insert(j.at("progress", "t/n", 0)+1,
			about("stopping", "t/a", 1).with("after_ms", 5000.0), about("exited", "t/a", 1).as("shutdown"),
			about("starting", "t/a", 2), about("progress", "t/a", 2))
	}},
	{name: "a bystander is started for a new description", scene: "reconfigure", violates: 1, o: operator, says: "t/a is among those that are started, but it is not new", doctor: func(j *journal) uint64 {
		i := j.at("reconfigured", "t", 0)
		j.events[i]["group"] = []string{"a", "n", "c", "d"}
		j.cut(i+1, 0)
		return j.seq(i)
	}},
	{name: "one that shares the fate of another is not renewed with it", scene: "reconfigure", violates: 1, o: operator, says: "t/c is renewed, and the strategy rest_for_one takes along t/d", doctor: func(j *journal) uint64 {
		begin, i := j.at("reconfiguring", "t", 0), j.at("reconfigured", "t", 0)
		j.events[begin]["group"], j.events[i]["group"] = []string{"b", "c"}, []string{"n", "c"}
		j.told(i, func(children []any) []any {
			children[3].(map[string]any)["state"] = "up"
			return children
		})
		j.cut(i+1, 0)
		j.drop(j.at("stopping", "t/d", 0), j.at("exited", "t/d", 1))
		return j.seq(j.at("reconfigured", "t", 0))
	}},
	{name: "one that was stopped for a new description is not to be started", scene: "reconfigure", violates: 1, o: operator, says: "t/d was to be stopped for the new description (event", doctor: func(j *journal) uint64 {
		i := j.at("reconfigured", "t", 0)
		j.events[i]["group"] = []string{"n", "c"}
		j.cut(i+1, 0)
		return j.seq(i)
	}},
	{name: "one of those that a new description starts is not started", scene: "reconfigure dependents", violates: 1, also: []int{9}, says: "t/api was not started, though it takes part in the new description of t", doctor: func(j *journal) uint64 {
		j.cut(j.at("exited", "t/log", 0), 0)
		j.dropAll("t/api", j.at("starting", "t/api", 1))
		j.e.Closed = j.e.Quiet.Add(15 * time.Second)
		return 1 + j.insert(len(j.events), about("stopping", "t", 1).with("time", j.e.Closed), about("stopping", "t/web", 1).with("time", j.e.Closed))
	}},
	{name: "a new child is not to be started", scene: "reconfigure", violates: 1, o: operator, says: "t/x is new, and is not among those that are started", doctor: func(j *journal) uint64 {
		i := j.at("reconfigured", "t", 0)
		j.told(i, func(children []any) []any {
			return append(children, doc{"id": "x", "path": "t/x", "state": "down", "restart": "permanent", "incarnation": 0})
		})
		j.cut(i+1, 0)
		return j.seq(i)
	}},
	{name: "a new description names a stranger", scene: "reconfigure", violates: 1, o: operator, says: "reconfiguring names q, which is not among its children", doctor: func(j *journal) uint64 {
		i := j.at("reconfiguring", "t", 0)
		j.events[i]["group"] = []string{"b", "c", "d", "q"}
		return j.seq(i)
	}},
	{name: "the old strategy after a new one", scene: "reconfigure dependents", violates: 1, says: "takes along log, db, api, but the event says log", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/log", 0)
		j.events[i]["group"] = []string{"log"}
		j.cut(i+1, 0)
		return j.seq(i)
	}},
	{name: "one is started after one that could not be", scene: "reconfigure fails", violates: 1, says: "t/c is started, but nothing happened", doctor: func(j *journal) uint64 {
		return j.next(j.at("not_started", "t/b", 0), about("starting", "t/c", 1))
	}},

	{name: "what a new description starts is in the wrong order", scene: "reconfigure", violates: 2, o: operator, says: "t/c is started before t/n, which precedes it", doctor: func(j *journal) uint64 {
		j.swap(j.at("starting", "t/n", 0), j.at("starting", "t/c", 1), 2)
		return j.seq(j.at("starting", "t/c", 1))
	}},
	{name: "what a new description stops is in the wrong order", scene: "reconfigure", violates: 2, o: operator, says: "t/c is told to stop before t/d", doctor: func(j *journal) uint64 {
		j.swap(j.at("stopping", "t/d", 0), j.at("stopping", "t/c", 0), 2)
		return j.seq(j.at("stopping", "t/c", 0))
	}},
	{name: "by a new description one starts before what it needs", scene: "reconfigure dependents", violates: 2, says: "t/api is started, but it needs t/db, which is starting", doctor: func(j *journal) uint64 {
		j.move(j.at("starting", "t/api", 1), j.at("progress", "t/db", 1))
		return j.seq(j.at("starting", "t/api", 1))
	}},
	{name: "for a new description one stops before those that need it", scene: "reconfigure dependents", violates: 2, says: "t/db is told to stop, but t/api, which needs it", doctor: func(j *journal) uint64 {
		j.move(j.at("stopping", "t/db", 0), j.at("exited", "t/api", 0))
		return j.seq(j.at("stopping", "t/db", 0))
	}},
	{name: "a new description holds before all are down", scene: "reconfigure dependents", violates: 2, also: []int{5, 8}, o: operator, says: "the new description of t holds while t/db, which is to be stopped for it", doctor: func(j *journal) uint64 {
		j.drop(j.at("exited", "t/db", 0))
		return j.seq(j.at("reconfigured", "t", 0))
	}},
	{name: "a start before the new description holds", scene: "reconfigure", violates: 2, o: operator, says: "t/d is started, but t has yet to stop others for its new description", doctor: func(j *journal) uint64 {
		return j.next(j.at("exited", "t/d", 1), about("starting", "t/d", 3))
	}},
	{name: "a restart in the middle of a new description", scene: "reconfigure", violates: 2, also: []int{1}, o: operator, says: "t/a: restarting is told before all is done that follows from the new description of t", doctor: func(j *journal) uint64 {
		i := j.at("progress", "t/n", 0)
		return 2 + j.next(i, about("exited", "t/a", 1).because("t/a", 1).as("crash"), about("child_terminated", "t/a", 1).because("t/a", 1).as("crash"),
			about("restarting", "t/a", 1).because("t/a", 1).with("group", []string{"a", "n", "c", "d"}).with("spent", 2.0).with("max", 2.0))
	}},
	{name: "a new description in the middle of a restart", scene: "one for all", violates: 2, also: []int{1}, says: "t is given another description while t/c is stopping", doctor: func(j *journal) uint64 {
		return j.next(j.at("stopping", "t/c", 0), about("reconfiguring", "t", 1))
	}},
	{name: "the group of a new description is not in order", scene: "reconfigure", violates: 2, o: operator, says: "names n, d, c, which is not the order of its children", doctor: func(j *journal) uint64 {
		i := j.at("reconfigured", "t", 0)
		j.events[i]["group"] = []string{"n", "d", "c"}
		return j.seq(i)
	}},

	{name: "the old limit after a new description", scene: "reconfigure", violates: 3, o: operator, says: "at most 2 restarts in 5s are allowed there, but the event says 1", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/d", 1)
		j.events[i]["max"] = 1.0
		return j.seq(i)
	}},
	{name: "a new description forgets what was counted", scene: "reconfigure", violates: 3, o: operator, says: "this is restart 2 within 5s, but the event says 1", doctor: func(j *journal) uint64 {
		i := j.at("restarting", "t/d", 1)
		j.events[i]["spent"] = 1.0
		return j.seq(i)
	}},

	{name: "one that leaves is not stopped", scene: "reconfigure", violates: 8, o: operator, says: "t/b is removed while it is up", doctor: func(j *journal) uint64 {
		j.drop(j.at("stopping", "t/b", 0), j.at("exited", "t/b", 0))
		return j.seq(j.at("removed", "t/b", 0))
	}},
	{name: "one that leaves is not removed", scene: "reconfigure", violates: 8, o: operator, says: "t/b is not in the new description of t, and removed was not told of it", doctor: func(j *journal) uint64 {
		j.drop(j.at("removed", "t/b", 0))
		return j.seq(j.at("reconfigured", "t", 0))
	}},
	{name: "a new description without the stops for it", scene: "reconfigure", violates: 8, o: operator, says: "no reconfiguring was told before", doctor: func(j *journal) uint64 {
		j.drop(j.at("reconfiguring", "t", 0))
		return j.seq(j.at("reconfigured", "t", 0))
	}},
	{name: "a new description of one that runs not", scene: "escalation", violates: 8, says: "but it is no supervisor that runs", doctor: func(j *journal) uint64 {
		return j.next(j.at("exited", "t/s", 0), about("reconfiguring", "t/s", 1))
	}},
	{name: "a new description lists one in another state", scene: "reconfigure", violates: 8, o: operator, says: "t/a is down in the new description, incarnation 1, but by the events it is up", doctor: func(j *journal) uint64 {
		i := j.at("reconfigured", "t", 0)
		j.told(i, func(children []any) []any {
			children[0].(map[string]any)["state"] = "down"
			return children
		})
		return j.seq(i)
	}},
	{name: "a failed start of a new description is reported as a failed restart", scene: "reconfigure fails", violates: 8, says: "start_error is told of a start that a call asked for", doctor: func(j *journal) uint64 {
		i := j.at("not_started", "t/b", 0)
		j.events[i]["kind"] = "start_error"
		return j.seq(i)
	}},
	{name: "the order at the end is not that of the new description", scene: "reconfigure", violates: 8, o: operator, says: "the children of t at the end are n, a, c, d, but by the events they are a, n, c, d", doctor: func(j *journal) uint64 {
		var end doc
		if err := json.Unmarshal(j.e.End, &end); err != nil {
			j.t.Fatal(err)
		}
		children := end["root"].(map[string]any)["supervisor"].(map[string]any)["children"].([]any)
		slices.Reverse(children[:2])
		j.e.End = marshal(j.t, end)
		return 0
	}},
}
