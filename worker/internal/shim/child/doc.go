// Package child is the part of the shim that runs in the child: it imports
// little and does everything in an init function, so that it is done before
// most of what the host program is made of comes to life.
//
// # What runs where
//
// The child has the parent's program, started with the argument vector [Name]
// and an environment of its own. It reads its [Order] from a socket, compiles
// it to a list of system calls, and issues them one after another; the last is
// the execve(2) of the program proper. From the first of them on the Go runtime
// does nothing: no allocation, no goroutine, no thread. This is needed, as the
// limits that are set may be too small for it (RLIMIT_AS, RLIMIT_NPROC), and it
// is why the calls are raw and made by one thread only. That thread is the
// process's first, on which Go runs init functions, and what counts for the
// program is what holds for it: credentials, niceness, no_new_privs and the
// parent-death signal are a thread's in Linux, all else is the process's.
// Changing the credentials of all threads (as syscall.Setuid does) would also
// count each of them against the new user's RLIMIT_NPROC.
//
// # Who may start it
//
// A program started with this name alone runs normally. With the environment
// variable too, it is the child or nothing: it exits if the descriptor which
// the variable names is not a socket that its own parent made, and if the
// program has been given privileges (AT_SECURE, getauxval(3)): whoever may
// start a set-uid program must not choose what it executes.
package child
