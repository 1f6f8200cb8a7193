package worker

import (
	"fmt"
	"syscall"

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

// wrap makes a program run with an identity: what Go cannot set in a child is set
// by a shim, which is this program started again. W is nil where none is needed.
func wrap(prog *program, i Identity) (w *shim.Wrapped, run *program, err error) {
	id := i.shim()
	cred, shimNeeded, err := id.Credential()
	switch {
	case err != nil:
		return nil, nil, err
	case !shimNeeded:
		prog.cred = cred
		return nil, prog, nil
	}
	w, err = shim.Wrap(shim.Program{
		Path: prog.path, Argv: prog.argv, Env: prog.env, Dir: prog.dir,
		Files: prog.descriptors(), Pdeathsig: syscall.SIGKILL,
	}, id)
	if err != nil {
		return nil, nil, err
	}
	run = &program{path: w.Path, argv: w.Argv, env: w.Env, dir: w.Dir, cgroup: prog.cgroup}
	for _, fd := range w.Files {
		run.files = append(run.files, int(fd))
	}
	return w, run, nil
}
