package tree

import (
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// record makes events of what a step was about and what it decided.
func (l *life) record(now time.Time, in *strategies.Input, p *proc, actions []strategies.Action) {
	h := l.sup.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	switch in.Op {
	case strategies.OpExited:
		if p.node.incarnation != in.Incarnation {
			break // late news, as the machine found too
		}
		l.event(&Event{Kind: EventExited, Time: now, Incarnation: in.Incarnation, Exit: in.Exit, Cascade: in.Cascade}, p.node)
	case strategies.OpIgnored:
		l.event(&Event{Kind: EventIgnored, Time: now, Incarnation: in.Incarnation}, p.node)
	}
	for i := range actions {
		a := &actions[i]
		e := Event{Time: now, Incarnation: a.Incarnation, Cascade: a.Cascade, Exit: a.Exit}
		switch a.Do {
		case strategies.DoStart:
			e.Kind = EventStarting
			if n := a.Tag.(*node); !n.listed {
				n.incarnation = a.Incarnation - 1
				l.added(now, n)
			}
		case strategies.DoStop:
			e.Kind, e.After = EventStopping, a.After
		case strategies.DoKill:
			e.Kind = EventKilling
		case strategies.DoArm:
			if a.Timer != strategies.RetryTimer {
				continue
			}
			e.Kind, e.After = EventWaiting, a.After
		case strategies.DoReport:
			if a.Report == strategies.Reconfiguring || a.Report == strategies.Reconfigured {
				l.reconfigure(now, a)
				continue
			}
			e.Kind = reportKinds[a.Report]
			l.detail(&e, a)
		case strategies.DoReply:
			l.addedOnly(now, a.Reply)
			continue
		default:
			continue
		}
		n, ok := a.Tag.(*node)
		if !ok { // a report about many
			n, e.N = l.sup.node, uint64(a.Group)
		}
		l.event(&e, n)
	}
}

// addedOnly records the child that a call added, if it was not started: it waits
// with what it needs, which will start it.
func (l *life) addedOnly(now time.Time, r *strategies.Reply) {
	if n := l.calls[r.Ticket].node; n != nil && r.Err == nil && !n.listed && n.since.IsZero() {
		n.incarnation = max(n.incarnation, n.up.sup.latest(n.id())) // others may have come and gone while the call waited
		l.added(now, n)
	}
}

var reportKinds = [...]EventKind{
	strategies.Progress:        EventProgress,
	strategies.ChildTerminated: EventChildTerminated,
	strategies.StartError:      EventStartError,
	strategies.ShutdownError:   EventShutdownError,
	strategies.GivingUp:        EventGivingUp,
	strategies.Restarting:      EventRestarting,
	strategies.Removed:         EventRemoved,
	strategies.Cancelled:       EventCancelled,
	strategies.NotStarted:      EventNotStarted,
	strategies.Running:         EventRunning,
	strategies.Stuck:           EventStuck,
	strategies.Renewing:        EventRenewing,
}

// detail adds what only some reports have.
func (l *life) detail(e *Event, a *strategies.Action) {
	switch a.Report {
	case strategies.Progress, strategies.Running:
		if p := a.Tag.(*node).proc; p != nil {
			e.PID = p.pid
		}
	case strategies.Restarting, strategies.GivingUp:
		e.Spent, e.Max, e.After = a.Spent, l.sup.node.sup.window.Intensity().Max, a.After
		if l.heard() && a.Report == strategies.Restarting {
			e.Group = a.Members()
		}
	case strategies.Renewing:
		e.Group = a.Members()
	}
}

// publish records one event about a node of this tree.
func (l *life) publish(e Event, n *node) {
	h := l.sup.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	e.Time = time.Now()
	to := l.events
	if !l.root {
		to = l.sup.events // what becomes of a child is for its parent's sink
	}
	l.eventTo(to, &e, n)
}

// event gives an event its place, applies it and passes it on; hub.mu is held.
func (l *life) event(e *Event, n *node) { l.eventTo(l.events, e, n) }

func (l *life) eventTo(s *subscriber, e *Event, n *node) {
	h := l.sup.hub
	h.seq++
	n.apply(e)
	if s == nil && h.subscriptions == nil {
		return
	}
	e.Seq, e.Path, e.Supervisor = h.seq, n.path, n.kind == strategies.Supervisor
	if s != nil {
		s.add(e)
	}
	for _, sub := range h.subscriptions {
		sub.add(e)
	}
}
