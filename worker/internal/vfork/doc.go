// Package vfork starts programs by a table of system calls, on Linux on amd64.
//
// The child shares the memory of its parent until it executes the program
// (CLONE_VM and CLONE_VFORK, clone(2)), and also the table of open files. What it
// does until then is a list of system calls that was made up beforehand: not a
// line of Go runs in it, and it writes to no memory but the list. That is what
// [syscall.ForkExec] does as well, with three differences in cost:
//
//   - The table of open files is not copied and then closed one by one. The child
//     makes one of its own that has only the lowest descriptors
//     (CLOSE_RANGE_UNSHARE, close_range(2)). So the start of a program costs the
//     same however many descriptors the parent has.
//   - Signal handlers are taken away by the kernel (CLONE_CLEAR_SIGHAND), not by a
//     system call for each signal.
//   - A failure is written into the list, not into a pipe.
//
// The package imports nothing that imports package syscall, so as to be
// initialised before it: see OpenFiles.
package vfork
