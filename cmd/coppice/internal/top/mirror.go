package top

import (
	"time"

	"github.com/coppice-go/coppice/tree"
)

// heldMost bounds what is kept while a snapshot is awaited, or the view pauses.
// What is beyond it counts as lost.
const heldMost = 20_000

// mirror is what is known of the tree: one snapshot, and the events after it.
type mirror struct {
	replay *tree.Replay
	rev    uint64 // of the state
	seen   uint64 // Seq of the latest event of the stream, those lost included
	asking bool   // for a snapshot, because events were lost
	held   []tree.Event
}

func newMirror(s tree.Snapshot) mirror { return mirror{replay: tree.NewReplay(s), rev: s.Rev} }

// see takes the next event. It reports whether a snapshot is to be asked for,
// because the events do not add up any more.
func (m *mirror) see(e tree.Event) (lost bool) {
	if m.asking {
		if len(m.held) < heldMost {
			m.held = append(m.held, e)
		}
		return false
	}
	if e.Kind == tree.EventDropped {
		m.seen += e.N
		m.asking = m.seen > m.rev
		return m.asking
	}
	m.seen = e.Seq
	if e.Seq <= m.rev { // from before the snapshot
		return false
	}
	m.asking = e.Seq > m.rev+1 || m.replay.Apply(e) != nil
	m.rev = e.Seq
	return m.asking
}

// renew begins anew with a snapshot, and what came since it was asked for. It
// reports whether another is to be asked for.
func (m *mirror) renew(s tree.Snapshot) (lost bool) {
	held := m.held
	*m = mirror{replay: tree.NewReplay(s), rev: s.Rev, seen: m.seen}
	for _, e := range held {
		lost = m.see(e) || lost
	}
	return lost
}

// at returns the state of the tree at a time not before the latest event:
// restarts leave the window also while nothing happens.
func (m *mirror) at(now time.Time) tree.Snapshot {
	s := m.replay.Snapshot()
	if !now.After(s.Time) {
		return s
	}
	// An event of an unknown kind changes nothing but the time.
	_ = m.replay.Apply(tree.Event{Seq: s.Rev, Kind: tree.EventUnknown, Path: s.Root.Path, Time: now})
	return m.replay.Snapshot()
}
