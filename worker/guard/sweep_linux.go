package guard

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sweepFor bounds the wait for the descendants to die of SIGKILL.
var sweepFor = 10 * time.Second

// sweep kills all descendants and reaps them, as each loses its parent and
// becomes a child of the guard.
//
// It is a race against those that fork and end, so that what was to be killed is
// another process by then. It is won by being fast: nothing here waits for the
// Go scheduler, and while somebody dies only the guard's own children are looked
// at, to which the others come up.
func sweep() {
	hurry()
	deadline := time.Now().Add(sweepFor)
	const shortest, longest = 100 * time.Microsecond, 20 * time.Millisecond
	pause := shortest
	killTree()
	for {
		n, left := reapDead()
		switch {
		case !left:
			return
		case time.Now().After(deadline):
			reportSurvivors()
			return
		case n > 0:
			killChildren()
			pause = shortest
		default:
			ts := unix.NsecToTimespec(int64(pause))
			_ = unix.Nanosleep(&ts, nil)
			pause = min(2*pause, longest)
			killTree()
		}
	}
}

// hurry lets this thread run before all others, where that is allowed to the
// user. Else it gets but one share of the processor among all that fork, or less
// if they have sessions of their own (autogroups, sched(7)): forty of them, on
// two processors, were seen to escape for ten seconds, and never for half a
// second with it.
func hurry() {
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{
		Size:     unix.SizeofSchedAttr,
		Policy:   unix.SCHED_RR,
		Priority: 1,
	}, 0)
}

// reapDead reaps n children, and reports whether there are others. It returns
// now and then, as there may be new ones as fast as it can reap.
func reapDead() (n int, left bool) {
	for n < 4096 {
		pid, _, err := wait(0)
		if err == unix.ECHILD {
			return n, false
		}
		if pid == 0 {
			break
		}
		n++
	}
	return n, true
}

// reportSurvivors names the living descendants on standard error.
func reportSurvivors() {
	var alive []string
	for level := []int{os.Getpid()}; len(level) > 0; {
		var next []int
		for _, parent := range level {
			next = append(next, children(parent)...)
		}
		for _, pid := range next {
			if s, err := readStat(pid); err == nil && !s.dead() {
				alive = append(alive, fmt.Sprintf("%d (%s)", pid, s.name))
			}
		}
		level = next
	}
	who := fmt.Sprintf("in uninterruptible sleep or out of this user's reach: pid %s", strings.Join(alive, ", "))
	if len(alive) == 0 {
		who = "too short-lived to be caught, or dead and held by a debugger"
	}
	// Not through os.Stderr: a broken pipe there would end the guard by SIGPIPE
	// and hide the supervisor's status.
	_, _ = unix.Write(2, fmt.Appendf(nil,
		"%s: guard: processes are left %v after the supervisor's end, %s\n", filepath.Base(os.Args[0]), sweepFor, who))
}
