package top

import (
	"fmt"

	"github.com/coppice-go/coppice/tree/control"
)

// What is asked about the child under the cursor, and what comes of it.

// moved is what follows a move of the cursor: when it rests, more is asked for.
func (m *Model) moved() []Effect {
	r := m.current()
	if r == nil {
		return nil
	}
	if m.player != nil {
		m.radius = newRadius(r.Path, recorded(r.up, r.Status))
		return nil
	}
	if m.radius.path != r.Path { // that of another child says nothing here
		m.radius = radius{asking: m.radius.asking}
	}
	return []Effect{Later{After: settleAfter, Msg: settled{r.Path}}}
}

// settle asks for what is shown of a child, if the cursor is on it still.
func (m *Model) settle(path string) []Effect {
	if r := m.current(); r == nil || r.Path != path || m.ended {
		return nil
	}
	var effects []Effect
	if m.log.path != path {
		effects = append(effects, m.log.open(path, false))
	}
	if m.radius.path != path {
		effects = append(effects, m.askRadius()...)
	}
	return effects
}

// askRadius asks whom the end of the child under the cursor takes with it. With
// the root everything ends: nobody need be asked.
func (m *Model) askRadius() []Effect {
	r := m.current()
	if r == nil || r.up == nil {
		m.radius = radius{path: m.place.path}
		return nil
	}
	m.radius.asking, m.radius.stale = true, false
	return []Effect{AskPlan{Do: control.Restart, Path: r.Path}}
}

// planned takes what an order would touch: one that is to be confirmed, and
// that of which the radius is.
func (m *Model) planned(p Plan) []Effect {
	m.asked.planned(p)
	if p.Do != control.Restart {
		return nil
	}
	m.radius.asking = false
	if p.Path != m.place.path { // the cursor has gone on
		return m.askRadius()
	}
	if p.Err != nil { // the child has gone, or cannot be restarted
		m.radius = radius{path: p.Path}
		return nil
	}
	stale := m.radius.stale
	m.radius = newRadius(p.Path, p.Radius)
	m.radius.stale = stale
	return nil
}

// done tells what came of an order.
func (m *Model) done(d Done) {
	if d.Err != nil {
		m.say(fmt.Sprintf("%v %s: %v", d.Order.Do, d.Order.Path, d.Err), true)
		return
	}
	m.say(d.Order.Result(d.Done, 0)+d.Order.Otherwise(d.Done), false)
}
