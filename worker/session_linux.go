package worker

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// sweepFor bounds the wait for the members of a session to die of SIGKILL.
const sweepFor = 5 * time.Second

// sweep ends what is left of the cgroup, if there is one, and of the session
// whose leader was just reaped, and returns how many were alive. Where another
// incarnation is likely, what it takes to make its cgroup stays for a while.
func (c *process) sweep(again bool) (left int, err error) {
	defer c.death.forget()
	if c.group != nil {
		if left, err = c.sweepGroup(again && !c.unborn); err != nil {
			return left, err
		}
	}
	more, err := c.sweepSession() // who left the cgroup, which takes rights
	return left + more, err
}

// sweepGroup takes a system call or two in the ordinary case, nobody.
func (c *process) sweepGroup(again bool) (left int, err error) {
	if again {
		err = c.group.Retire()
	} else {
		err = c.group.Remove()
	}
	if err == nil {
		return 0, nil
	}
	members, _ := c.group.Pids()
	_ = c.group.Kill() // who is left says whether that was possible
	alive, err := c.group.AwaitEmpty(sweepFor)
	if c.group.Remove() != nil {
		c.group.Abandon()
	}
	if len(alive) > 0 || err != nil {
		return len(members), &SurvivorsError{Pids: alive, err: err}
	}
	return len(members), nil
}

// sweepSession is sweep for the session.
//
// The ordinary case, nobody, takes one system call: see numberInUse. Else all
// of /proc is looked at. Members are dead when they are zombies; their new
// parent may take its time to reap them.
//
// The number of the session cannot be given to a new process while a member is
// there to carry it. From the moment the last is gone it can, and then somebody
// else's processes carry it. So a process is taken for a member only if it
// surely is one, and only such are killed, through a pidfd that was checked:
//
//   - it was started before the leader was reaped: nobody else could have the
//     number then; or
//   - such a process is there at the same time: then the number has been in use
//     all along; or
//   - the pidfd of the leader still finds members in its process group.
//
// Processes that carry the number without such a proof are not touched, but
// reported as survivors if they stay.
func (c *process) sweepSession() (left int, err error) {
	deadline := time.Now().Add(sweepFor)
	known := make(map[member]bool)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if !c.numberInUse() {
			return left, nil
		}
		alive, err := c.members(known)
		if err == nil && len(alive) == 0 {
			return left, nil
		}
		left = max(left, len(alive))
		if time.Now().After(deadline) {
			return left, survivors(alive, err)
		}
		c.killMembers(alive, known)
		time.Sleep(pause)
	}
}

// numberInUse asks whether the leader's number still names a session, a process
// group or a process. F_SETOWN finds out without looking at any of them: it
// looks the number up and fails with ESRCH if it is free (fcntl(2)). What it
// sets has no effect here: a pidfd never sends SIGIO.
func (c *process) numberInUse() bool {
	_, err := unix.FcntlInt(uintptr(c.death.pidfd), unix.F_SETOWN, c.id)
	return err != unix.ESRCH
}

// members returns the living members of the session, and adds those that are
// proven to be, living or not, to known.
func (c *process) members(known map[member]bool) ([]member, error) {
	if unix.Access(fmt.Sprintf("/proc/%d", c.id), unix.F_OK) == nil {
		return nil, nil // a new process or thread has the number: the session is gone
	}
	all, err := lookAtProc()
	if err != nil {
		return nil, err
	}
	carriers := all[c.id]
	if c.signal(0, unix.PIDFD_SIGNAL_PROCESS_GROUP) == nil {
		for _, p := range carriers {
			known[p.member] = true
		}
	}
	prove(carriers, known, c.reapedAt)
	var alive []member
	for _, p := range carriers {
		if !p.dead {
			alive = append(alive, p.member)
		}
	}
	return alive, nil
}

// prove adds all carriers of the number to known, if one of them is known or
// older than the leader's end.
func prove(carriers []procEntry, known map[member]bool, reapedAt uint64) {
	if !slices.ContainsFunc(carriers, func(p procEntry) bool { return p.start <= reapedAt || known[p.member] }) {
		return
	}
	for _, p := range carriers {
		known[p.member] = true
	}
}

// killMembers sends SIGKILL to the known among the members: to the group as a
// whole, which no fork escapes, then one by one for those in other groups.
func (c *process) killMembers(alive []member, known map[member]bool) {
	whole := c.signal(unix.SIGKILL, unix.PIDFD_SIGNAL_PROCESS_GROUP) == nil
	for _, m := range alive {
		if known[m] && !(whole && m.group == c.id) {
			m.kill()
		}
	}
}

func survivors(alive []member, err error) error {
	s := &SurvivorsError{err: err}
	for _, m := range alive {
		s.Pids = append(s.Pids, m.pid)
	}
	return s
}
