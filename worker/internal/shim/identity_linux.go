package shim

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
)

// Identity is what a process is and may do, as far as it is inherited over
// execve(2). The zero value leaves everything as it is in the host.
type Identity struct {
	// User is the name or the number of the user to run as; empty: unchanged.
	// Digits are a number. With the user come its primary group and its
	// supplementary groups (initgroups(3)). A number that is not in the user
	// database needs Group, and gets no supplementary groups.
	User string

	// Group is the name or the number of the group, in place of the user's
	// primary group. Without User it alone is changed.
	Group string

	// Groups are the names or numbers of the supplementary groups, in place of
	// the user's. Not nil but empty: none.
	Groups []string

	// Umask is the file mode creation mask, 0 to 0o777.
	Umask *int

	// Nice is the niceness, -20 (most favoured) to 19. It is no increment.
	Nice *int

	// OOMScoreAdj makes the process more (up to 1000) or less (down to -1000)
	// likely to be killed when memory runs out (proc_pid_oom_score_adj(5)).
	OOMScoreAdj *int

	// NoNewPrivs makes set-uid bits and file capabilities ineffective for the
	// process and its descendants (PR_SET_NO_NEW_PRIVS(2const)).
	NoNewPrivs bool

	// Limits are the resource limits to set; the others are unchanged.
	Limits []Rlimit

	// ListenPID sets LISTEN_PID in the environment to the process's own id, as
	// sd_listen_fds(3) wants it.
	ListenPID bool
}

// Zero reports whether nothing is to be changed.
func (id *Identity) Zero() bool { return !id.changesCredentials() && !id.shimNeeded() }

func (id *Identity) changesCredentials() bool {
	return id.User != "" || id.Group != "" || id.Groups != nil
}

func (id *Identity) shimNeeded() bool {
	return id.Umask != nil || id.Nice != nil || id.OOMScoreAdj != nil || id.NoNewPrivs ||
		len(id.Limits) > 0 || id.ListenPID
}

// Validate says everything that is wrong with id at once. It looks users and
// groups up, which may take as long as the machine's user database does. That
// the host has the privileges is not looked at: see [StepError].
func (id *Identity) Validate() error {
	_, err := id.resolve()
	return err
}

func (id *Identity) resolve() (credentials, error) {
	c, err := id.lookUp()
	errs := []error{err}
	if m := id.Umask; m != nil && (*m < 0 || *m > 0o777) {
		errs = append(errs, fmt.Errorf("umask %#o: give 0 to 0777", *m))
	}
	if n := id.Nice; n != nil && (*n < -20 || *n > 19) {
		errs = append(errs, fmt.Errorf("niceness %d: give -20 to 19", *n))
	}
	if n := id.OOMScoreAdj; n != nil && (*n < -1000 || *n > 1000) {
		errs = append(errs, fmt.Errorf("OOM score adjustment %d: give -1000 to 1000", *n))
	}
	for i, l := range id.Limits {
		errs = append(errs, l.validate())
		if slices.ContainsFunc(id.Limits[:i], func(m Rlimit) bool { return m.Resource == l.Resource }) {
			errs = append(errs, fmt.Errorf("limit %q is given twice: give soft and hard limit together", l.Resource))
		}
	}
	return c, errors.Join(errs...)
}

// Credential returns the user and groups for [syscall.SysProcAttr], nil if they
// are unchanged. If shimNeeded, something else is to be set: then [Wrap] the
// program, which sets user and groups too, and leave the credential alone.
func (id *Identity) Credential() (cred *syscall.Credential, shimNeeded bool, err error) {
	c, err := id.lookUp()
	if err != nil {
		return nil, false, err
	}
	if id.changesCredentials() {
		cred = &syscall.Credential{Uid: c.uid, Gid: c.gid, Groups: c.groups, NoSetGroups: !c.setGroups}
	}
	return cred, id.shimNeeded(), nil
}
