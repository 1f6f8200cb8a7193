// Package check says, after something was done to a supervision tree, whether
// the tree kept its rules. It looks at evidence only: at the events that the
// tree told, in their JSON form, at what was seen in /proc, and at what was
// done. It shares no code with the supervisor, so that it cannot share its
// mistakes: it imports neither package tree nor strategies nor worker, and has
// a small model of its own of what a supervisor must do.
//
// [Check] judges ten invariants:
//
//  1. radius: a restart takes along exactly those whom the strategy names, all of
//     them, and nobody is started or stopped without a cause. A new description
//     (reconfiguring, reconfigured) stops and starts those whom it names, and its
//     strategy no fewer.
//  2. order: stops go in reverse order of starts; a child is started when the one
//     before it, or what it needs, is up; a supervisor ends after its children. A
//     new description holds when all is down that is to be, and nothing else is
//     done before its starts are.
//  3. intensity: never more than max restarts in any window, and no giving up
//     before that; a window belongs to one life of a supervisor.
//  4. restart_type: a temporary child is never started again, a transient one
//     after an abnormal exit only, a permanent one always.
//  5. one_incarnation: at most one incarnation of a child lives, as told by the
//     events and as seen in /proc.
//  6. nothing_left: no process, file descriptor, thread, goroutine, zombie,
//     cgroup or temporary file is left over.
//  7. shutdown: who is told to stop is gone, or is killed, within the limit; who is
//     killed is gone soon; the tree ends within the sum of the limits.
//  8. reports: no event is missing; every exit has one start, one cause and one
//     report; a cascade begins with a failure; a fault has its exit; the events
//     add up to the state at the end.
//  9. liveness: some time after the last fault everything that should run is up,
//     and stays so.
//  10. memory: the supervisor's resident memory has not grown beyond a bound.
//
// # What it cannot see
//
//   - Limits and descriptions that are in no event: the parallelism of a
//     supervisor, a StartLimit, a Backoff, a Shutdown. Under one_for_one and
//     dependents it allows concurrency; a start that takes long may be given up
//     at any time; BrutalKill is known from what was done.
//   - Calls. What an operator did by a call is an unexplained start or stop, and
//     allowed only with [Options.Operator]. Many rules hold less tightly then.
//   - What an exit asks for over and above its class. A normal exit with a reason
//     may mean that the child wants no restart, and one whose reason contains the
//     text of suture.ErrTerminateSupervisorTree may end the tree. That a supervisor
//     must end when its significant children have finished is not judged, only
//     that it may.
//   - A second process of one and the same incarnation: one that left its session
//     looks the same.
//   - Whom a new description is to renew: who is in the group may be in it for its
//     own sake. Nor whether an exit that needed no report was judged before it or by
//     it.
//   - Whether a service works. Up means that the supervisor says so.
//   - After an event "stuck", what happens below the child that is stuck.
//
// # JSON form of a Report
//
//	{"results":[{
//	  "number":    1,              // of the invariant, from 1 to 10, in order
//	  "name":      "radius",       // as above
//	  "verdict":   "violated",     // holds, violated, not_checked
//	  "why":       "…",            // of not_checked: why it was not
//	  "facts":     123,            // single facts that were compared
//	  "violation": {               // of violated: the first one
//	    "seq":     17,             // of the event; absent if it is about no single event
//	    "time":    "2026-01-02T03:04:05Z",
//	    "path":    "shop/web/api",
//	    "message": "…"             // what was expected and what was seen
//	  },
//	  "more":      2               // how many further ones there were
//	}, …]}
//
// Fields may be added; nothing else will change.
package check
