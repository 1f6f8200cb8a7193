package shim

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/shim/child"
)

// The names of the steps in [StepError], after the system calls that they are
// made of. The order is that of the steps: what needs privileges, then the
// change of credentials, then what it undoes.
const (
	Sigaction   = "sigaction"
	ListenPID   = "LISTEN_PID"
	Umask       = "umask"
	OOMScoreAdj = "oom_score_adj"
	Setpriority = "setpriority"
	Setrlimit   = "setrlimit"
	Setgroups   = "setgroups"
	Setgid      = "setgid"
	Setuid      = "setuid"
	Chdir       = "chdir"
	Pdeathsig   = "PR_SET_PDEATHSIG"
	NoNewPrivs  = "PR_SET_NO_NEW_PRIVS"
	Execve      = "execve"
)

// step is one thing that the shim does.
type step struct {
	child.Step
	name string
	what string // "set nofile to 10:20"
}

// steps are what the shim does for a program, in this order.
func (id *Identity) steps(p *Program, c credentials) (steps []step) {
	add := func(s child.Step, name, what string, args ...any) {
		steps = append(steps, step{s, name, fmt.Sprintf(what, args...)})
	}
	nums := func(op child.Op, n ...uint64) child.Step { return child.Step{Op: op, Nums: n} }

	for _, sig := range ignoredSignals() {
		add(nums(child.Ignore, uint64(sig)), Sigaction, "ignore %v", sig)
	}
	if id.ListenPID {
		add(nums(child.ListenPID), ListenPID, "set LISTEN_PID")
	}
	if id.Umask != nil {
		add(nums(child.Umask, uint64(*id.Umask)), Umask, "set the umask")
	}
	if id.OOMScoreAdj != nil {
		add(nums(child.OOMScore, uint64(*id.OOMScoreAdj)), OOMScoreAdj, "set the OOM score adjustment to %d", *id.OOMScoreAdj)
	}
	if id.Nice != nil {
		add(nums(child.Nice, uint64(*id.Nice)), Setpriority, "set the niceness to %d", *id.Nice)
	}
	for _, l := range id.Limits {
		add(nums(child.Limit, uint64(resources[l.Resource]), l.Soft, l.Hard), Setrlimit, "set the limit %s", l)
	}

	if c.setGroups {
		gids := make([]uint64, len(c.groups))
		for i, g := range c.groups {
			gids[i] = uint64(g)
		}
		add(nums(child.Groups, gids...), Setgroups, "set the supplementary groups to %v", c.groups)
	}
	if id.User != "" || id.Group != "" {
		add(nums(child.GID, uint64(c.gid)), Setgid, "change to group %d", c.gid)
	}
	if id.User != "" {
		add(nums(child.UID, uint64(c.uid)), Setuid, "change to user %d", c.uid)
	}

	if p.Dir != "" {
		add(child.Step{Op: child.Chdir, Text: p.Dir}, Chdir, "change to directory %s", p.Dir)
	}
	if p.Pdeathsig != 0 {
		add(nums(child.DeathSig, uint64(p.Pdeathsig)), Pdeathsig, "set the parent-death signal")
	}
	if id.NoNewPrivs {
		add(nums(child.NoNewPrivs), NoNewPrivs, "set no_new_privs")
	}
	return steps
}

// StepError says what the shim could not do.
type StepError struct {
	Step string // Setrlimit, Chdir, Execve, ...
	Err  syscall.Errno

	what, why string // in words; why may be empty
}

func (e *StepError) Error() string {
	if e.why == "" {
		return fmt.Sprintf("cannot %s: %v", e.what, e.Err)
	}
	return fmt.Sprintf("cannot %s: %s (%v)", e.what, e.why, e.Err)
}

func (e *StepError) Unwrap() error { return e.Err }

func newStepError(s step, errno syscall.Errno) *StepError {
	return &StepError{Step: s.name, Err: errno, what: s.what, why: explain(s, errno)}
}

// explain tells the cause and the remedy, from the man page of each call.
func explain(s step, errno syscall.Errno) string {
	denied := errno == unix.EPERM || errno == unix.EACCES
	switch {
	case s.name == OOMScoreAdj && denied:
		return "lowering it needs CAP_SYS_RESOURCE: run the host with it"
	case s.name == Setpriority && denied:
		return "lowering it needs CAP_SYS_NICE, or a higher RLIMIT_NICE: run the host with it"
	case s.name == Setrlimit && denied && strings.Contains(s.what, " nofile "):
		return "a hard limit is raised only with CAP_SYS_RESOURCE, and that of open files not above fs.nr_open (sysctl)"
	case s.name == Setrlimit && denied:
		return "a hard limit is raised only with CAP_SYS_RESOURCE: run the host with it, or ask for less"
	case (s.name == Setgroups || s.name == Setgid) && denied:
		return "this needs CAP_SETGID: run the host as root, or leave user and groups unset"
	case s.name == Setuid && denied:
		return "this needs CAP_SETUID: run the host as root, or leave the user unset"
	case (s.name == Setgroups || s.name == Setgid || s.name == Setuid) && errno == unix.EINVAL:
		return "the number is not mapped in this user namespace"
	case s.name == Chdir && errno == unix.EACCES:
		return "the program's user may not enter it: correct its permissions, or those on the way to it"
	case s.name == Execve && errno == unix.EACCES:
		return "it is not executable for the program's user: correct its permissions, or those on the way to it"
	case s.name == Execve && errno == unix.EAGAIN:
		return "its user has as many processes as RLIMIT_NPROC allows"
	}
	return ""
}
