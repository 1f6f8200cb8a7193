package strategies

// AutoShutdown says whether a supervisor ends itself when its significant
// children have finished (rules K1 to K9). A child has when it ended of its own
// accord and is not restarted: a transient one after a clean exit, a temporary
// one after any. A significant child that is terminated by a call, or stopped
// with its group, does not bring about the end.
type AutoShutdown uint8

const (
	// Never: no child is significant. The default (rule K1).
	Never AutoShutdown = iota
	// AnySignificant: when the first significant child has finished (rule K2).
	AnySignificant
	// AllSignificant: when one has, and no other is left (rule K3).
	AllSignificant
)

var autoShutdownNames = [...]string{"never", "any_significant", "all_significant"}

func (a AutoShutdown) String() string { return enumName(autoShutdownNames[:], int(a), "AutoShutdown") }

// finishing reports whether the exit of c may be the one that ends the supervisor
// because no other significant child is left.
func (m *Machine) finishing(c *child) bool {
	return m.cfg.AutoShutdown == AllSignificant && c.spec.Significant &&
		c.exit.Directive < EndTree && !c.spec.Restart.restarts(c.exit)
}

// finishedForGood deals with a child that ended of its own accord and is gone for good.
func (m *Machine) finishedForGood(c *child) {
	if !c.spec.Significant || m.cfg.AutoShutdown == AllSignificant && m.significant > 0 {
		return
	}
	verdict := blame(AutoStopped, c)
	verdict.Exit = Exit{Class: Shutdown}
	m.finish(verdict)
}
