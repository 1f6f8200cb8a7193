package offline

import (
	"io"

	"github.com/coppice-go/coppice/strategies"
)

// SimulateJSON is Simulate for programs.
func (t *Tree) SimulateJSON(w io.Writer, c Scenario) error {
	r, err := t.simulate(c)
	if err != nil {
		return err
	}
	type budget struct {
		Intensity strategies.Intensity `json:"intensity"`
		Spent     int                  `json:"spent"`
		Left      int                  `json:"left"`
		Refill    float64              `json:"refill_ms,omitempty"` // when the oldest of those spent leaves the window
	}
	type status struct {
		Path   string  `json:"path"`
		State  string  `json:"state"`
		GaveUp bool    `json:"gave_up,omitempty"`
		Starts int     `json:"starts"`
		Budget *budget `json:"budget,omitempty"` // of a supervisor that may still have some
	}
	var list []status
	for _, c := range r.board.rows {
		s := status{Path: c.node.path, State: c.state.String(), GaveUp: c.gaveUp, Starts: c.starts}
		if c.budgeted() {
			now := epoch.Add(r.at)
			s.Budget = &budget{c.window.Intensity(), c.window.Spent(now), c.window.Left(now), 0}
			if at := c.window.Refill(now); !at.IsZero() {
				s.Budget.Refill = milliseconds(at.Sub(epoch))
			}
		}
		list = append(list, s)
	}
	return writeJSON(w, struct {
		V       string   `json:"v"`
		File    string   `json:"file"`
		Name    string   `json:"name"`
		Events  []step   `json:"events"`
		At      float64  `json:"at_ms"`
		Verdict string   `json:"verdict"`
		Status  []status `json:"status"`
	}{version, t.Path, t.Name, r.steps, milliseconds(r.at), r.verdict(), list})
}
