package worker

import (
	"os/user"
	"slices"
)

// Identity is as whom, and within which bounds, a program runs. The zero value
// changes nothing. Most of it takes rights that only root has.
type Identity struct {
	User   string   // name or number; with its group and supplementary groups unless those are given, and USER, LOGNAME and HOME
	Group  string   // name or number
	Groups []string // supplementary groups, names or numbers

	Umask       *int // 0 to 0777
	Nice        *int // -20 (most favoured) to 19; no increment
	OOMScoreAdj *int // -1000 (never killed for memory) to 1000 (first)
	NoNewPrivs  bool // no program that it runs gets rights by a set-uid bit (PR_SET_NO_NEW_PRIVS, prctl(2))

	Rlimits []Rlimit
}

// Rlimit is a limit of setrlimit(2), for the program alone: its descendants
// inherit, but do not share it.
type Rlimit struct {
	Resource   string // "nofile", "nproc", "core", "as", "cpu", …: the name in lower case without RLIMIT_
	Soft, Hard uint64 // in the resource's own unit, see setrlimit(2); or Unlimited
}

// Unlimited is the value of an Rlimit that is none.
const Unlimited = ^uint64(0)

func (i Identity) zero() bool {
	return i.User == "" && i.Group == "" && i.Groups == nil && i.Umask == nil && i.Nice == nil &&
		i.OOMScoreAdj == nil && !i.NoNewPrivs && i.Rlimits == nil
}

func (i Identity) clone() Identity {
	i.Groups, i.Rlimits = slices.Clone(i.Groups), slices.Clone(i.Rlimits)
	return i
}

// environ is what the environment says of the user; nothing if it is not in the
// user database.
func (i Identity) environ() []string {
	if i.User == "" {
		return nil
	}
	u, err := user.Lookup(i.User)
	if err != nil {
		u, err = user.LookupId(i.User)
	}
	if err != nil {
		return nil
	}
	return []string{"USER=" + u.Username, "LOGNAME=" + u.Username, "HOME=" + u.HomeDir}
}
