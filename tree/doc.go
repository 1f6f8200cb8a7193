// Package tree runs supervision trees: supervisors that start their children in
// order, start them again when they die, stop with them what must not outlive
// them, and give up when that does not help, so that their own parent can do
// the same on a larger scale. The semantics are those of Erlang/OTP's
// supervisor. A leaf is a goroutine, or an operating-system process (package
// worker), or anything else with suture's Serve method.
//
//	root, err := tree.New("shop", tree.Spec{
//		Strategy: strategies.RestForOne,
//		Children: []tree.Child{
//			{ID: "db", Start: tree.Of(worker.Command{Path: "postgres"}.Process)},
//			{ID: "api", Start: tree.Func(serveAPI)},
//		},
//	})
//	if err != nil { … } // nothing was started
//	err = root.Serve(ctx)
//
// What is decided is decided in package strategies; this package carries it
// out. It does not watch files, open ports or read configuration.
//
// # What differs from OTP
//
//   - A goroutine cannot be killed. One that does not end in its time, five
//     seconds at least whatever its Shutdown says, ends its supervisor with ErrStuck, and in turn the whole tree: two incarnations
//     never run side by side, and the program can exit. BrutalKill of a
//     goroutine is an order to stop, five seconds, and then that. Processes,
//     and whatever else is a Killer, are killed as in OTP.
//   - The end of the supervisor cancels a start that is under way; OTP finishes
//     the start first.
//   - The window of the restart intensity has the resolution of the clock, where
//     OTP 25 has whole seconds (rule F4).
//   - The Specs of nested supervisors are checked by New, before anything is
//     started; OTP checks each when it is reached.
//   - StartLimit, Parallel, and the two sentinel errors of suture exist:
//     ErrDoNotRestart removes the child for good, ErrTerminateSupervisorTree
//     ends the tree up to its root.
//   - A root cannot say "ignore".
//
// Not available yet, and refused by New: dynamic supervisors
// (simple_one_for_one), automatic shutdown with significant children, backoff,
// the strategy Dependents. Nor are the calls which start, terminate, restart or
// delete a child of a running supervisor.
//
// # Goroutines
//
// Each supervisor has one goroutine, the one that called Serve, and each live
// child has one. A Sink adds one. When the root's Serve returns, all have ended,
// with two exceptions: a goroutine that is stuck (ErrStuck), and a Sink that has
// not taken what was left a second later. A guest tree of suture's may leave
// services behind, too: it does not wait for them longer than its Spec.Timeout.
package tree
