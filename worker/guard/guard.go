// Package guard puts a tiny parent process above a supervisor, so that no
// process of its tree outlives it.
//
// A supervisor that is killed by SIGKILL can clean up nothing. Its children may
// have asked for a signal on that occasion (PR_SET_PDEATHSIG), but theirs have
// not, least of all those that left for a session of their own. So a program
// that supervises calls [Enter] first thing in main:
//
//	func main() {
//		if err := guard.Enter(); err != nil {
//			log.Print(err) // and go on without a guard, or not
//		}
//		...
//	}
//
// The process that was started becomes the guard: it starts the same program
// again, with the same arguments, as its child, and Enter returns in that child,
// which is the supervisor proper. Standard input, output and error, all other
// inherited descriptors, the working directory, the umask, the limits and the
// signals that are ignored are those that the first process was given.
//
// # What is promised
//
//   - When the supervisor ends, for whatever reason, the guard kills every
//     descendant with SIGKILL: it is a child subreaper (PR_SET_CHILD_SUBREAPER),
//     so that whatever loses its parent becomes its child, daemons too. It ends
//     when there is nobody left, or after 10 seconds, having named those who are
//     left on standard error.
//   - The cgroups of a supervisor that was killed, empty by then, are removed.
//   - While the supervisor lives, orphans are reaped, as PID 1 would. The guard
//     is a proper PID 1 for a container. The supervisor's own children are never
//     touched.
//   - The guard exits with the supervisor's exit status, or, if a signal ended
//     it, with 128 plus the signal's number. It does not die of that signal
//     itself: as PID 1 it could not.
//   - If the guard is killed, the supervisor gets SIGTERM, once. That, and not
//     SIGKILL, lets it stop its children in order, those included that nobody
//     would kill in its place.
//
// # Signals
//
// SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGUSR1, SIGUSR2, SIGTERM, SIGCONT, SIGTSTP
// and SIGWINCH to the guard are passed on to the supervisor, each once. So it
// does not matter that others know only the guard's pid. It does matter that
// nobody signals both: the supervisor would see the signal twice. Therefore it
// has a process group of its own, and whatever is sent to the guard's group, by
// a terminal or by the shell's kill %1, arrives once. Under systemd say
// KillMode=mixed, as the default sends SIGTERM to each process of the unit.
// In process lists the guard is called "guard", and pkill does not find it by
// the program's name.
//
// # Terminals
//
// The guard stays in the foreground for the supervisor: Ctrl-C and Ctrl-\ reach
// the guard and through it the supervisor, Ctrl-Z stops the supervisor's process
// group and then the guard's, so that the shell sees a stopped job, and fg and
// bg continue both. When the supervisor reads the terminal or changes its
// settings, the kernel stops it, as it is in the background (SIGTTIN, SIGTTOU);
// the guard makes it the foreground group and continues it, which it does not
// notice. It can therefore be a full-screen program. To ignore SIGTTIN would
// make it fail. Where there is no shell that could continue a stopped job, it is
// continued at once. SIGSTOP cannot be passed on: it stops who is named.
//
// # systemd
//
// LISTEN_PID and WATCHDOG_PID are set to the supervisor's pid where they named
// the guard. The main process of the unit is the guard, so that a supervisor
// which sends notifications needs NotifyAccess=all.
//
// # Limits
//
// The guard needs Linux 4.2 or later with CONFIG_PROC_CHILDREN, and /proc. It can
// only kill what its user may: a set-user-ID program that has become somebody
// else in full is left, and named. Programs that fork and end for ever, as fast
// as they can, are caught within a fraction of a second if the guard may raise
// its priority (CAP_SYS_NICE), and else most of the time only. A tree that must
// not escape even so, nor when the guard itself is killed, belongs in a cgroup
// or a PID namespace.
package guard

// Enter puts the program under a guard. In the first process it never returns:
// that becomes the guard. In the process that the guard started it returns nil;
// a second call does nothing.
//
// It must come first in main: it runs the program again from the beginning, and
// what the first process did before is done twice. It must not be called at the
// same time from two goroutines.
//
// An error means that this process has no guard. It wraps [errors.ErrUnsupported] on systems other than Linux, and
// where /proc is missing, that of another PID namespace, or without lists of
// children.
func Enter() error { return enter() }

// Guarded reports whether this process runs under a guard, which then is its
// parent. It is false once the guard has been killed.
func Guarded() bool { return guarded() }
