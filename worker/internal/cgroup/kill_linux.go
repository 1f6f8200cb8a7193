package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// kill sends SIGKILL to all processes of a cgroup and those below it.
func kill(dir string) error {
	switch err := write(dir+"/cgroup.kill", "1"); {
	case !gone(err):
		return err
	case unix.Access(dir, unix.F_OK) == unix.ENOENT:
		return nil // nothing is there to be killed
	default: // Linux < 5.14 has no such file
		return killEach(dir)
	}
}

// killEach does what cgroup.kill does without it: while the cgroup is frozen
// its processes neither fork nor end, but for those that SIGKILL reaches
// (Documentation/admin-guide/cgroup-v2.rst, cgroup.freeze).
func killEach(dir string) error {
	freeze := write(dir+"/cgroup.freeze", "1")
	if gone(freeze) {
		return nil
	}
	errs := []error{freeze}
	signalled := make(map[int]bool)
	// A process that was in the middle of a fork when it was frozen may have a
	// child that was not in the first list. The bound is for a cgroup that
	// could not be frozen.
	for range 1000 {
		n, err := signalSome(dir, signalled)
		if err != nil {
			errs = append(errs, err)
		}
		if n == 0 || err != nil {
			break
		}
	}
	if thaw := write(dir+"/cgroup.freeze", "0"); !gone(thaw) {
		errs = append(errs, thaw)
	}
	return errors.Join(errs...)
}

// signalSome kills processes of a cgroup that are not in signalled, enters them
// there, and returns how many there were: 0 when it is done.
func signalSome(dir string, signalled map[int]bool) (n int, err error) {
	const most = 100 // descriptors to have open
	before, err := pids(dir)
	if err != nil {
		return 0, err
	}
	pidfds := make(map[int]int)
	defer func() {
		for _, fd := range pidfds {
			_ = unix.Close(fd)
		}
	}()
	for _, pid := range before {
		if signalled[pid] || len(pidfds) == most {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		switch err {
		case nil:
			pidfds[pid] = fd
			signalled[pid] = true
		case unix.ESRCH:
		default:
			return 0, fmt.Errorf("open a pidfd of pid %d in cgroup %s: %w", pid, dir, err)
		}
	}
	// A pid that is still in the cgroup was not given to a stranger before
	// its pidfd was opened.
	after, err := pids(dir)
	if err != nil {
		return 0, err
	}
	for _, pid := range after {
		if fd, ok := pidfds[pid]; ok {
			if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
				return 0, fmt.Errorf("kill pid %d in cgroup %s: %w", pid, dir, err)
			}
		}
	}
	return len(pidfds), nil
}

// awaitEmpty waits until a cgroup and those below it have no process. It calls
// again, if that is not nil, whenever a pause has reached its greatest length.
// What goes wrong on the way, as a want of descriptors, may pass: it is an error
// only at the end of the time.
func awaitEmpty(dir string, within time.Duration, again func(string) error) (left []int, err error) {
	const shortest, longest = 100 * time.Microsecond, 50 * time.Millisecond
	deadline := time.Now().Add(within)
	for pause := shortest; ; pause = min(2*pause, longest) {
		is, err := populated(dir)
		if err == nil && !is {
			return nil, nil
		}
		rest := time.Until(deadline)
		switch {
		case rest <= 0 && err != nil:
			return nil, err
		case rest <= 0:
			return remaining(dir)
		case again != nil && pause == longest:
			_ = again(dir)
		}
		time.Sleep(min(pause, rest))
	}
}

// remaining lists who was there to the end of the time.
func remaining(dir string) ([]int, error) {
	left, err := pids(dir)
	if err != nil || len(left) > 0 {
		return left, err
	}
	if is, err := populated(dir); is || err != nil {
		return nil, errors.Join(fmt.Errorf("cgroup %s is not empty, but lists no process of this pid namespace", dir), err)
	}
	return nil, nil
}

// populated reports whether a process that is no zombie is in a cgroup or below.
func populated(dir string) (bool, error) {
	data, err := os.ReadFile(dir + "/cgroup.events")
	if gone(err) {
		return false, nil
	}
	return strings.Contains("\n"+string(data), "\npopulated 1\n"), err
}

// pids lists the processes of a cgroup and those below it, in order.
func pids(dir string) ([]int, error) {
	all := make(map[int]bool)
	err := walk(dir, func(dir string) error {
		data, err := os.ReadFile(dir + "/cgroup.procs")
		switch {
		case gone(err), errors.Is(err, unix.EOPNOTSUPP): // a threaded cgroup's processes are listed above it
			return nil
		case err != nil:
			return err
		}
		for f := range strings.FieldsSeq(string(data)) {
			if pid, err := strconv.Atoi(f); err == nil && pid > 0 { // 0: in another pid namespace
				all[pid] = true
			}
		}
		return nil
	})
	list := make([]int, 0, len(all))
	for pid := range all {
		list = append(list, pid)
	}
	slices.Sort(list)
	return list, err
}

// removeTree removes a cgroup and those below it, if no process is in them.
func removeTree(dir string) error {
	err := unix.Rmdir(dir)
	if err != unix.EBUSY {
		return rmdirError(dir, err)
	}
	// Processes, or cgroups below: only the latter is to be dealt with.
	switch is, err := populated(dir); {
	case err != nil:
		return err
	case is:
		left, _ := pids(dir)
		return fmt.Errorf("%s holds %d processes, pids %v: %w", dir, len(left), left, unix.EBUSY)
	}
	return walk(dir, func(dir string) error { return rmdirError(dir, unix.Rmdir(dir)) })
}

func rmdirError(dir string, err error) error {
	if err == nil || gone(err) {
		return nil
	}
	return &os.PathError{Op: "rmdir", Path: dir, Err: err}
}

// walk calls f for all cgroups below dir, the deepest first, and for dir last.
func walk(dir string, f func(dir string) error) error {
	names, err := subdirs(dir)
	if err != nil && !gone(err) {
		return err
	}
	for _, name := range names {
		if err := walk(dir+"/"+name, f); err != nil {
			return err
		}
	}
	return f(dir)
}

func subdirs(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() })
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// write writes to a file of the kernel's. Unlike os.WriteFile it creates none.
func write(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		return &os.PathError{Op: "write to", Path: path, Err: err}
	}
	return nil
}

// gone reports whether an error says that a cgroup was removed: ENODEV comes
// from a file that was open by then.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) }
