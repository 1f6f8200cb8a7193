package chaos

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// limits guards the limits of processes while they are changed.
var limits sync.Mutex

// starve sets a limit of the process that runs the tree so low that it gets
// nothing more. What is returned sets it back.
func starve(pid, resource int, to uint64) (func() error, error) {
	limits.Lock()
	defer limits.Unlock()
	var before unix.Rlimit
	if err := unix.Prlimit(pid, resource, nil, &before); err != nil {
		return nil, fmt.Errorf("limits of pid %d: %w", pid, os.NewSyscallError("prlimit", err))
	}
	low := unix.Rlimit{Cur: min(to, before.Cur), Max: before.Max}
	if err := unix.Prlimit(pid, resource, &low, nil); err != nil {
		return nil, fmt.Errorf("limits of pid %d: %w; it takes CAP_SYS_RESOURCE", pid, os.NewSyscallError("prlimit", err))
	}
	return func() error {
		limits.Lock()
		defer limits.Unlock()
		err := unix.Prlimit(pid, resource, &before, nil)
		if errors.Is(err, unix.ESRCH) {
			return nil // it is gone, and its limits are
		}
		return os.NewSyscallError("prlimit", err)
	}, nil
}

// despiteLimit opens a descriptor of this process also where the run has seen to it that
// there are none: for a moment there are some more.
func despiteLimit(open func() (int, error)) (int, error) {
	fd, err := open()
	if !errors.Is(err, unix.EMFILE) {
		return fd, err
	}
	limits.Lock()
	defer limits.Unlock()
	var low unix.Rlimit
	if unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &low) != nil {
		return fd, err
	}
	for more := range uint64(8) { // others may be faster
		room := unix.Rlimit{Cur: min(low.Cur+1+more, low.Max), Max: low.Max}
		if unix.Prlimit(0, unix.RLIMIT_NOFILE, &room, nil) != nil {
			break
		}
		if fd, err = open(); !errors.Is(err, unix.EMFILE) {
			break
		}
	}
	if e := unix.Prlimit(0, unix.RLIMIT_NOFILE, &low, nil); e != nil && err == nil {
		_ = unix.Close(fd)
		return -1, e
	}
	return fd, err
}

// starveFiles leaves the process without a free descriptor: the limit is one
// above the highest that may be used, which is the lowest that is free.
func starveFiles(pid int) (func() error, error) {
	names, err := readNames(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return nil, err
	}
	open := make(map[int]bool, len(names))
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil {
			open[fd] = true
		}
	}
	free := 0
	for open[free] {
		free++
	}
	return starve(pid, unix.RLIMIT_NOFILE, uint64(free))
}

// starveProcesses lets the process make no others, and no threads.
func starveProcesses(pid int) (func() error, error) {
	if pid == os.Getpid() {
		return nil, errors.New("the tree runs in the process of this run, which would end for want of a thread: run it in another one")
	}
	s, err := readStatus(pid)
	if err != nil {
		return nil, err
	}
	if s.uid == 0 {
		return nil, errors.New("the tree runs as root, whom RLIMIT_NPROC does not bind: run it as another user")
	}
	return starve(pid, unix.RLIMIT_NPROC, 0)
}
