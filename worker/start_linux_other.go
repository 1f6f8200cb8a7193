//go:build linux && !amd64

package worker

// newStarter makes what starts programs on one thread.
func newStarter() func(*program) (launched, error) { return forkExec }
