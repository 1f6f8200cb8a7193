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
// A running supervisor takes calls: [Supervisor.StartChild] and its like,
// OTP's start_child, terminate_child, restart_child, delete_child,
// which_children, count_children and get_childspec, with their results and
// errors. A Spec with Dynamic is OTP's simple_one_for_one. What happens is told
// by events ([Spec.Sink], [Supervisor.Subscribe]), and what is so by
// [Supervisor.Snapshot]; package treetest helps to test trees of your own.
//
// What is decided is decided in package strategies; this package carries it
// out. It does not watch files, open ports or read configuration.
//
// # What differs from OTP
//
//   - A goroutine cannot be killed. One that does not end in its time, five
//     seconds at least whatever its Shutdown says, ends its supervisor with
//     ErrStuck, and in turn the whole tree: two incarnations never run side by
//     side, and the program can exit. BrutalKill of a goroutine is an order to
//     stop, five seconds, and then that. Processes, and whatever else is a
//     Killer, are killed as in OTP.
//   - The end of the supervisor cancels a start that is under way; OTP finishes
//     the start first. Calls that wait for their turn then, or come during the
//     end, are answered at once; in OTP they fail when the end is done.
//   - The window of the restart intensity has the resolution of the clock, where
//     OTP 25 has whole seconds (rule F4).
//   - The Specs of nested supervisors are checked by New, or by StartChild,
//     before anything is started; OTP checks each when it is reached. What Go's
//     types do not let you say need not be refused: a significant that is no
//     boolean, a simple_one_for_one without a template.
//   - A pid is a [strategies.ChildRef], a path and the number of an incarnation:
//     StartChild returns one, TerminateInstance takes one. Children of a dynamic
//     supervisor have ids all the same, given or generated, because they have
//     paths, and an Incarnation of 0 means whichever runs.
//   - At the end of a dynamic supervisor, exits that should not have been are
//     reported together if they are of the same class; OTP compares the reasons
//     (rule J7). A restart of such a child that says ErrIgnore removes it, where
//     OTP 25 keeps what makes it crash later on (rule J11), and its count of
//     active children does not go wrong after a retry was cancelled (rule J6).
//   - Extra information that a start returns with its pid (rule B9) is what
//     closures are for. Sys, registered names and modules have no counterpart.
//   - A new Spec (OTP's code_change) is carried out at once by Reconfigure, which
//     stops what it does not have any more, and starts what it adds.
//   - A root cannot say "ignore".
//   - There is more: StartLimit; Backoff; Parallel, with which TerminateChild
//     cancels a start that is under way, and calls about a child that a restart
//     is busy with wait for that restart alone; RenewChild, a restart by request;
//     the strategy Dependents; and the two sentinel errors of suture: ErrDoNotRestart
//     removes the child for good, ErrTerminateSupervisorTree ends the tree up to its
//     root.
//
// # Goroutines
//
// Each supervisor has one goroutine, the one that called Serve, and each live
// child has one. A Sink adds one. When the root's Serve returns, all have ended,
// with two exceptions: a goroutine that is stuck (ErrStuck), and a Sink that has
// not taken what was left a second later. A guest tree of suture's may leave
// services behind, too: it does not wait for them longer than its Spec.Timeout.
package tree
