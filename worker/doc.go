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
//   - When Serve returns, nothing that the program started is alive. Where
//     cgroup v2 can be used each incarnation has a cgroup of its own, which no
//     descendant escapes, be it a daemon with a double fork. Elsewhere it is the
//     session that is emptied, and a descendant which moves to a session of its
//     own is not followed; package guard catches it at the end of the host. What
//     does not die of SIGKILL is told by a [SurvivorsError].
//   - When the host ends, for whatever reason, the kernel kills the program
//     (PR_SET_PDEATHSIG, see below). Its descendants are covered by package
//     guard, or, once the next host starts a program, by what it finds of the
//     cgroups.
//   - The program gets stdin, which is /dev/null, stdout, stderr and, if it has
//     one, Node's channel, but no other descriptor of the host. (On amd64 with
//     Linux 5.9 or later. Elsewhere it gets also those that are not closed on
//     exec, as with os/exec.) A start costs the same however many are open.
//   - A waiting child costs no operating-system thread, and no output buffer
//     while it is silent.
//   - What the child writes to stdout and stderr goes line by line, made
//     harmless, to the [hclog.Logger] in Init's context, at the level that the
//     line seems to have, and to a [File] if there is one. Neither holds up the
//     child by more than a second; what is dropped then is counted, and said.
//
// # Start, life and end
//
// Init returns when the program is executed, or when it is ready if [Command]
// says how that is found out: by sd_notify(3), a port, a URL, a command, a line
// of output, or Node's process.send. The same ways, but for the last two, tell
// whether it is alive; one that is not is ended and counts as crashed. The end
// begins with what the Command says of it, in the order StopMessage,
// StopCommand, StopSignal; the time that all this may take is the tree's affair.
//
// When the machine lacks descriptors, processes or memory to start a program,
// Init waits for them within SpawnLimit instead of failing.
//
// # Where cgroups are made
//
// Below the host's own cgroup, in a directory coppice-PID-…, which is gone when
// the last child is. COPPICE_CGROUP in the host's environment names another
// parent, by its path, or says "off".
//
// Linux from 5.4 is needed; on other systems Init returns an error that wraps
// [errors.ErrUnsupported].
//
// # Goroutines that stay
//
// The kernel sends the parent-death signal when the thread that created the
// child ends, not when the process does (prctl(2)), and Go ends threads when it
// likes. So all children are created by at most four goroutines which are
// locked to their threads and never end. They start with the first spawn and
// then wait for the next one. They keep five descriptors each. One more goroutine
// waits for the output and the death of all children. A test that uses go.uber.org/goleak
// says so:
//
//	goleak.VerifyNone(t,
//		goleak.IgnoreTopFunction("github.com/coppice-go/coppice/worker.spawnThread"),
//		goleak.IgnoreAnyFunction("github.com/coppice-go/coppice/worker/internal/poller.wait"))
//
// [hclog.Logger]: https://pkg.go.dev/github.com/hashicorp/go-hclog#Logger
package worker
