package worker

import (
	"context"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/shim"
)

func (i Identity) shim() *shim.Identity {
	id := &shim.Identity{
		User: i.User, Group: i.Group, Groups: i.Groups,
		Umask: i.Umask, Nice: i.Nice, OOMScoreAdj: i.OOMScoreAdj, NoNewPrivs: i.NoNewPrivs,
	}
	for _, l := range i.Rlimits {
		id.Limits = append(id.Limits, shim.Rlimit(l))
	}
	return id
}

func (i Identity) validate() error {
	if i.zero() {
		return nil
	}
	if err := i.shim().Validate(); err != nil {
		return fmt.Errorf("Identity: %w", err)
	}
	return nil
}

// launchAs starts a program with an identity. What Go cannot set in a child is
// set by a shim, which is this program started again.
func launchAs(ctx context.Context, prog *program, i Identity) (launched, error) {
	if i.zero() {
		return launch(ctx, prog)
	}
	id := i.shim()
	cred, shimNeeded, err := id.Credential()
	if err != nil {
		return launched{}, err
	}
	if !shimNeeded {
		prog.cred = cred
		return launch(ctx, prog)
	}
	w, err := shim.Wrap(shim.Program{
		Path: prog.path, Argv: prog.argv, Env: prog.env, Dir: prog.dir,
		Files: prog.descriptors(), Pdeathsig: syscall.SIGKILL,
	}, id)
	if err != nil {
		return launched{}, err
	}
	wrapped := &program{path: w.Path, argv: w.Argv, env: w.Env, dir: w.Dir, cgroup: prog.cgroup}
	for _, fd := range w.Files {
		wrapped.files = append(wrapped.files, int(fd))
	}
	l, err := launch(ctx, wrapped)
	if err != nil {
		w.Close()
		return launched{}, err
	}
	if err := w.Result(ctx); err != nil {
		abandon(l.pid)
		unix.Close(l.pidfd)
		return launched{}, err
	}
	return l, nil
}
