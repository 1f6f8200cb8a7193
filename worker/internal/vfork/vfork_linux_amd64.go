package vfork

import "unsafe"

// Call is a system call of the child.
type Call struct {
	Number uintptr
	Args   [6]uintptr
	Expect int64 // what it has to return, if not zero
	result int64 // of the kernel: -errno, if it failed
}

// clone is struct clone_args, clone(2), and a place for what comes back.
type clone struct {
	flags, pidfd, _, _, exitSignal, _, _, _, _, _, cgroup uint64

	fd int32
}

const (
	cloneVM           = 0x100
	cloneFiles        = 0x400
	clonePIDFD        = 0x1000
	cloneVfork        = 0x4000
	cloneClearSighand = 0x1_0000_0000
	cloneIntoCgroup   = 0x2_0000_0000

	sigchld = 17
)

// Start makes a child that carries out the calls, of which the last must be an
// execve(2), and returns when the program runs. Cgroup is the descriptor of the
// one it is to be born in; 0: that of this thread.
//
// The signal mask is full when the child begins; it finds the one of this thread
// in mask. The child is in danger of being left alone with this program's memory
// for as long as a call takes: calls that wait do not belong there.
//
// The addresses among the arguments are for the caller to keep valid: of objects
// on the heap, which do not move.
//
// If a call fails the child exits, and failed tells which it was, and its errno;
// the child is then a zombie, to be waited for like any other. If there is no
// child at all, pid is 0 and errno says why. Failed is -1 when the program runs.
func Start(calls []Call, cgroup int, mask *uint64) (pid, pidfd, failed int, errno uintptr) {
	c := &clone{
		flags:      cloneVM | cloneVfork | cloneFiles | clonePIDFD | cloneClearSighand,
		exitSignal: sigchld,
		fd:         -1,
	}
	c.pidfd = uint64(uintptr(unsafe.Pointer(&c.fd)))
	if cgroup != 0 {
		c.flags |= cloneIntoCgroup
		c.cgroup = uint64(cgroup)
	}
	r := run(c, unsafe.SliceData(calls), uintptr(len(calls)), mask)
	if r < 0 {
		return 0, -1, -1, uintptr(-r)
	}
	for i := range calls {
		// A child that was killed meanwhile has not done all of them: it runs, and has ended.
		if call := &calls[i]; call.result < 0 || call.result != 0 && call.Expect != 0 && call.result != call.Expect {
			return int(r), int(c.fd), i, uintptr(max(0, -call.result))
		}
	}
	return int(r), int(c.fd), -1, 0
}

// run blocks all signals, saving the mask, makes the child that does the calls,
// and restores the mask. Its arguments escape to the heap.
func run(c *clone, calls *Call, n uintptr, mask *uint64) int64
