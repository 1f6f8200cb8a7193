package tree

import "github.com/thejerf/suture/v4"

// Guard puts a suture supervisor above a root: where the root gives up, or
// cannot be started, it is served again, after suture's backoff if that happens
// often. Use it for a program that should rather keep trying than exit. The
// guard must be given time to stop the tree: s.Timeout, 10 s by default in
// suture, is all it waits after it was cancelled.
func Guard(root *Supervisor, s suture.Spec) *suture.Supervisor {
	g := suture.New("guard of "+root.Path(), s)
	g.Add(root)
	return g
}
