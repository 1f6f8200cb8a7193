package strategies

// Restart says after which exits a child is started again.
type Restart uint8

const (
	// Permanent: after every exit, a normal one included (rule C1). The default.
	Permanent Restart = iota
	// Transient: after abnormal exits only, Killed and Crash (rule C2).
	Transient
	// Temporary: never; its record goes with its process (rules C3, C4).
	Temporary
)

var restartNames = [...]string{"permanent", "transient", "temporary"}

func (r Restart) String() string { return enumName(restartNames[:], int(r), "Restart") }

// restarts reports whether a child of this type is started again after e.
func (r Restart) restarts(e Exit) bool {
	switch {
	case e.Directive != ByRestart, r == Temporary:
		return false
	case r == Transient:
		return !e.Class.Clean()
	}
	return true
}

// reports says whether an exit is worth a child_terminated report (rule L1).
func (r Restart) reports(e Exit) bool { return r == Permanent || !e.Class.Clean() }
