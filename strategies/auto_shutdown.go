package strategies

// AutoShutdown says whether a supervisor ends itself when its significant
// children have finished (rules K1 to K9).
type AutoShutdown uint8

const (
	// Never: no child is significant. The default.
	Never AutoShutdown = iota
	// AnySignificant: when the first significant child is gone for good.
	// Not available yet: a Config with it is refused.
	AnySignificant
	// AllSignificant: when the last significant child is gone for good.
	// Not available yet: a Config with it is refused.
	AllSignificant
)

var autoShutdownNames = [...]string{"never", "any_significant", "all_significant"}

func (a AutoShutdown) String() string { return enumName(autoShutdownNames[:], int(a), "AutoShutdown") }
