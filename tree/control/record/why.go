package record

import (
	"context"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// Why tells what became of one child: what is so now, and how its latest
// incarnations ended. Its JSON form is part of the control protocol, version 1:
// fields may be added, and nothing else may change. Times are RFC 3339,
// durations milliseconds.
type Why struct {
	V      string       `json:"v"` // v1
	Path   string       `json:"path"`
	Status *tree.Status `json:"status,omitempty"` // now; absent if there is no such child any more
	Budget *Budget      `json:"budget,omitempty"` // of its supervisor, now; absent for the root
	Exits  []Exit       `json:"exits"`            // the latest first; empty if it never ended
}

// Budget is what a supervisor has left of the restarts it may carry out.
type Budget struct {
	Supervisor string    `json:"supervisor"` // its path
	Max        int       `json:"max"`        // restarts that are allowed
	WithinMS   float64   `json:"within_ms"`  // in any time of this length
	Spent      int       `json:"spent"`
	Left       int       `json:"left"`
	Refill     time.Time `json:"refill,omitzero"` // when the oldest of those spent counts no more
}

// Exit tells of one incarnation that ended, or could not be started.
type Exit struct {
	Time        time.Time           `json:"time"`
	Kind        tree.EventKind      `json:"kind"` // exited, start_error, not_started, stuck
	Incarnation uint64              `json:"incarnation"`
	PID         int                 `json:"pid,omitempty"`
	Class       strategies.Class    `json:"class"`
	Reason      string              `json:"reason,omitempty"`
	Told        bool                `json:"told,omitempty"`     // it had been told to stop
	Output      []string            `json:"output,omitempty"`   // its last lines
	Cascade     *strategies.Cascade `json:"cascade,omitempty"`  // the failure that it is part of; absent if none, as after an ordered stop
	Restart     *Restart            `json:"restart,omitempty"`  // what its supervisor decided; absent if it was not to be restarted for this, or not yet
	AfterMS     float64             `json:"after_ms,omitempty"` // the pause until it is started again
	Follows     *Follows            `json:"follows,omitempty"`  // what the cascade brought about, so far; with Cascade
}

// Restart is the decision of a supervisor to restart a child that ended.
type Restart struct {
	Supervisor string   `json:"supervisor"` // its path
	Spent      int      `json:"spent"`      // of the budget, this one included
	Max        int      `json:"max"`
	GaveUp     bool     `json:"gave_up,omitempty"` // it was one too many
	Group      []string `json:"group,omitempty"`   // paths of those restarted together, in start order
}

// Follows is what one failure has brought about.
type Follows struct {
	Stopped     []string   `json:"stopped,omitempty"`      // paths of what was told to stop, in order
	Started     []string   `json:"started,omitempty"`      // paths of what was started, in order
	StoppedMore int        `json:"stopped_more,omitempty"` // stops that are not listed, because there were too many
	StartedMore int        `json:"started_more,omitempty"`
	GaveUp      []GivingUp `json:"gave_up,omitempty"` // supervisors, from the lowest up: the failure escalated
}

// GivingUp tells of a supervisor that ended because a restart was one too many.
type GivingUp struct {
	Supervisor string `json:"supervisor"` // its path
	Child      string `json:"child"`      // path of the child that it did not restart
	Spent      int    `json:"spent"`
	Max        int    `json:"max"`
}

// outputLines is how many lines an Exit shows that brought none itself.
const outputLines = 10

// Why tells what became of the child at path. It knows all that the tree has
// told when it is called. known is false if there never was such a child, or
// nothing is kept of it; the error is ctx's.
func (b *Book) Why(ctx context.Context, path string) (w Why, known bool, err error) {
	if err := b.Sync(ctx); err != nil {
		return Why{}, false, err
	}
	w = Why{V: "v1", Path: path, Exits: b.deaths.of(path)}
	for i := range w.Exits {
		e := &w.Exits[i]
		if e.Output == nil {
			for _, l := range b.lines.ofIncarnation(path, e.Incarnation, outputLines) {
				e.Output = append(e.Output, l.Text)
			}
		}
	}
	w.Status, w.Budget = b.now(path)
	return w, w.Status != nil || len(w.Exits) > 0, nil
}

func (b *Book) now(path string) (*tree.Status, *Budget) {
	b.mu.Lock()
	root := b.root
	b.mu.Unlock()
	if root == nil {
		return nil, nil
	}
	st, ok := root.Find(path)
	if !ok {
		return nil, nil
	}
	up, ok := root.Find(parent(path))
	if !ok {
		return &st, nil
	}
	s := up.Supervisor
	return &st, &Budget{
		Supervisor: up.Path, Max: s.Intensity.Max, WithinMS: ms(s.Intensity.Within),
		Spent: s.Spent, Left: s.Left, Refill: s.Refill,
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
