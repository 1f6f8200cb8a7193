package control

import "github.com/coppice-go/coppice/tree"

// Reload is what it meant, or would mean, that the tree's description was read again.
type Reload struct {
	File    string        `json:"file,omitempty"`    // that was read
	DryRun  bool          `json:"dry_run,omitempty"` // nothing was done
	Down    bool          `json:"down,omitempty"`    // the tree does not run, and will be started with what was read: that changes nobody
	Changes []tree.Change `json:"changes"`           // children that were added, removed or restarted
	// Differences are what the description says otherwise now of children and
	// supervisors that it had before.
	Differences []Difference `json:"differences"`
	// Failed says which children could not be started and why. They are down, and
	// will be tried again by the next reload.
	Failed []string `json:"failed,omitempty"`
}

// Difference is one thing that a description says otherwise now.
type Difference struct {
	Path    string `json:"path"`
	Key     string `json:"key"`           // what is said: "command", "intensity.max"
	Old     string `json:"old,omitempty"` // empty: the default
	New     string `json:"new,omitempty"`
	Restart bool   `json:"restart,omitempty"` // it holds from the next start of the child on, so that the child is restarted if it runs
}

// reload is the endpoint.
func (c *call) reload() (any, error) {
	plan := c.query.flag("plan")
	if err := c.query.end(); err != nil {
		return nil, err
	}
	if len(c.body) > 0 {
		return nil, badRequest("leave it out", "a reload has no body")
	}
	s := c.server
	if s.again == nil {
		return nil, &Error{Code: Unsupported, Message: "the description of this tree cannot be read again"}
	}
	r, err := s.again(s.ctx, plan) // it does not end with the client: what is half done helps nobody
	if err != nil {
		return nil, err
	}
	r.Changes = append([]tree.Change{}, r.Changes...)
	r.Differences = append([]Difference{}, r.Differences...)
	return r, nil
}
