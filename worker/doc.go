// Package worker runs operating-system processes as the leaves of a
// supervision tree.
//
// A [Command] describes a program; its method Process makes a fresh [Process],
// which is one incarnation of it: Init spawns the program, Serve waits for its
// end and cleans up after it, Kill ends it unconditionally. These are the
// methods that package tree looks for in a child, so that a process is a child
// like any other:
//
//	tree.Child{
//		ID:    "db",
//		Start: tree.Of(worker.Command{Path: "postgres", Args: []string{"-D", "data"}}.Process),
//	}
//
// # What is promised
//
//   - When Serve returns, no member of the program's session is alive: not the
//     program, and none of its descendants that did not leave the session. The
//     exception is told by a [SurvivorsError].
//   - When the host ends, for whatever reason, the kernel kills the program
//     (PR_SET_PDEATHSIG, see below). Its descendants are not covered by that.
//   - A waiting child costs no operating-system thread, and no output buffer
//     while it is silent.
//   - What the child writes to stdout and stderr goes line by line, made
//     harmless, to the [hclog.Logger] in Init's context. A slow logger holds up
//     the child's writing, never its supervisor.
//
// What is not promised: a descendant which moves to a session of its own
// (setsid, a daemon's double fork) is not followed; there are no readiness
// probes, watchdog, resource limits or cgroups. Linux from 5.4 is needed; on
// other systems Init returns an error that wraps [errors.ErrUnsupported].
//
// # Goroutines that stay
//
// The kernel sends the parent-death signal when the thread that created the
// child ends, not when the process does (prctl(2)), and Go ends threads when it
// likes. So all children are created by at most four goroutines which are
// locked to their threads and never end. They start with the first spawn and
// then wait for the next one. A test that uses go.uber.org/goleak says so:
//
//	goleak.VerifyNone(t, goleak.IgnoreTopFunction("github.com/coppice-go/coppice/worker.spawnThread"))
//
// [hclog.Logger]: https://pkg.go.dev/github.com/hashicorp/go-hclog#Logger
package worker
