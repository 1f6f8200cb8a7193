// Package shim sets in a child what [syscall.SysProcAttr] cannot: resource
// limits, umask, niceness, the OOM score adjustment, no_new_privs, its own
// process id in LISTEN_PID; and user and groups together with these, in the
// order that privileges demand.
//
// The host program is started in place of the program proper (/proc/self/exe,
// see package child), sets these things for itself and then executes the
// program. The process id stays the same, and with it a pidfd, the session, the
// cgroup and the descriptors. [Wrap] says what to spawn, and [Wrapped.Result]
// whether the program runs:
//
//	w, err := shim.Wrap(shim.Program{Path: path, Argv: argv, Env: env, Files: files}, identity)
//	...
//	pid, err := syscall.ForkExec(w.Path, w.Argv, &syscall.ProcAttr{Env: w.Env, Files: w.Files, Sys: attr})
//	if err != nil {
//		w.Close()
//		...
//	}
//	if err := w.Result(ctx); err != nil {
//		// kill and reap pid
//	}
//
// The program sees what it would see if it had been spawned directly: its
// arguments and environment byte by byte, the limit of open files that the host
// was started with, the same ignored signals, and no descriptor more. One thing
// may differ: if the host was started with a signal blocked which Go handles,
// such as SIGTERM, it is not blocked in the program.
//
// For some milliseconds the child is a Go program, with the needs of one: five
// threads (RLIMIT_NPROC of the host's user, and pids.max of the cgroup in which
// it is spawned, must allow for them) and the right to execute the host's file.
// A host that is set-uid, set-gid or has file capabilities cannot use it.
package shim
