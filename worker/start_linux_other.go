//go:build linux && !amd64

package worker

func (s *spawner) prepare() {}

func (s *spawner) start(prog *program) (launched, error) { return s.forkExec(prog) }
