//go:build linux && !amd64

package worker

type table struct{}

func (s *spawner) prepare() {}

func (s *spawner) start(prog *program) (launched, error) { return forkExec(prog) }
