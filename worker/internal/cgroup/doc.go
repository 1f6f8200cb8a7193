// Package cgroup gives each incarnation of a child a control group of its own
// (cgroups(7), version 2), so that no descendant escapes its end: neither a new
// session nor a double fork leaves a cgroup.
//
//	parent, err := cgroup.Find()
//	group, err := parent.New("db", cgroup.Limits{})
//	// start the child with SysProcAttr{UseCgroupFD: true, CgroupFD: group.FD()}
//	group.CloseFD()
//	// the child has ended
//	if err := group.Remove(); errors.Is(err, unix.EBUSY) { // something is left
//		group.Kill()
//		left, err := group.AwaitEmpty(5 * time.Second)
//		err = group.Remove()
//	}
//
// After a crash Retire takes the place of the first Remove: if the next
// incarnation comes within a second it gets the same group, which saves a
// restart the 0.1 to 0.2 ms of removing one and making another. A group that
// was killed, or in which something was left, is never used again.
//
// All groups of one process are made below one directory:
//
//	PARENT/coppice-PID-STARTTIME-PIDNAMESPACE/NAME-NUMBER
//
// It is made with the first group and removed with the last. What a process
// left that was killed is found by that name, and is killed and removed with
// the first group of the next process that uses the same parent.
//
// The package moves no process from one cgroup to another. It is for Linux; on
// other systems there is nothing in it.
package cgroup
