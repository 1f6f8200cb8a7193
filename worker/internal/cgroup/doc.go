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
